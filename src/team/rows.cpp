#include "team/rows.h"

#include "core/json.h"
#include "team/page_key.h"

namespace pawl::team::rows {
namespace {

constexpr Sql insert_approval_sql{"team.insert_approval", R"(
  INSERT INTO approval (id, project_id, what, subject_kind, subject, model, flow, digests, rule, state, asked, decided, reason)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, '') ON CONFLICT (id) DO NOTHING)"};
constexpr Sql find_approval_sql{"team.find_approval", R"(
  SELECT id, what, subject_kind, subject, model, flow, digests, rule, state, asked, decided, reason FROM approval WHERE id = $1)"};
constexpr Sql list_approvals_sql{"team.list_approvals", R"(
  SELECT id, what, subject_kind, subject, model, flow, digests, rule, state, asked, decided, reason FROM approval
  WHERE ($1 = '' OR state = $1) AND ($2 = '' OR model = $2) AND ($3 = '' OR flow = $3) AND ($4 = '' OR subject = $4)
    AND (asked < $5 OR (asked = $5 AND id < $6))
  ORDER BY asked DESC, id DESC LIMIT $7)"};
constexpr Sql votes_sql{"team.votes", R"(
  SELECT by_whom, vote, comment, at FROM approval_vote WHERE approval_id = $1 ORDER BY at, by_whom)"};
constexpr Sql put_vote_sql{"team.put_vote", R"(
  INSERT INTO approval_vote (approval_id, by_whom, vote, comment, at) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (approval_id, by_whom) DO UPDATE SET vote = excluded.vote, comment = excluded.comment, at = excluded.at)"};
constexpr Sql decide_sql{"team.decide", "UPDATE approval SET state = $2, decided = $3, reason = $4 WHERE id = $1"};
constexpr Sql insert_remark_sql{"team.insert_remark", R"(
  INSERT INTO remark (id, project_id, subject_kind, subject, body, by_whom, at, mentions) VALUES ($1, $2, $3, $4, $5, $6, $7, $8))"};
constexpr Sql find_remark_sql{"team.find_remark", R"(
  SELECT id, subject_kind, subject, body, by_whom, at, mentions FROM remark WHERE id = $1)"};
constexpr Sql list_remarks_sql{"team.list_remarks", R"(
  SELECT id, subject_kind, subject, body, by_whom, at, mentions FROM remark
  WHERE ($1 = '' OR subject = $1) AND (at < $2 OR (at = $2 AND id < $3)) ORDER BY at DESC, id DESC LIMIT $4)"};

Approval read(const Row& r) {
  Approval out{.id = {r.text(0)},
               .what = r.text(1),
               .subject_kind = r.text(2),
               .subject = r.text(3),
               .model = r.text(4),
               .flow = r.text(5),
               .digests = {r.text(6)},
               .state = from_word<ApprovalState>(r.view(8)).value_or(ApprovalState::void_),
               .asked = to_rfc3339(r.time(9)),
               .decided = r.null(10) ? "" : to_rfc3339(r.time(10)),
               .reason = r.text(11)};
  if (auto rule = decode<Rule>(r.view(7), {.unknown = UnknownKeys::ignore})) out.rule = std::move(*rule);
  return out;
}
Comment read_comment(const Row& r) {
  Comment out{r.text(0), r.text(1), r.text(2), r.text(3), r.text(4), to_rfc3339(r.time(5))};
  if (auto mentions = decode<std::vector<std::string>>(r.view(6))) out.mentions = std::move(*mentions);
  return out;
}
Result<void> add_votes(Tx& tx, Approval& approval) {
  TRY(votes, tx.all(
                 votes_sql,
                 [](const Row& r) {
                   return Vote{r.text(0), from_word<VoteWord>(r.view(1)).value_or(VoteWord::refuse), r.text(2),
                               to_rfc3339(r.time(3))};
                 },
                 approval.id));
  approval.votes = std::move(votes);
  return {};
}

}  // namespace

Result<void> insert(Tx& tx, const Approval& a, Time asked, std::string_view project) {
  TRY_(tx.exec(insert_approval_sql, a.id, project, a.what, a.subject_kind, a.subject, a.model, a.flow, a.digests,
               encode(a.rule), a.state, asked));
  return {};
}
Result<std::optional<Approval>> find(Tx& tx, const ApprovalId& id) {
  TRY(found, tx.one(find_approval_sql, read, id));
  if (found) TRY_(add_votes(tx, *found));
  return std::move(found);
}
Result<List<Approval>> list(Tx& tx, const ApprovalsAsk& ask) {
  TRY(from, read_page_key(ask.after));
  const std::int64_t limit = page_size(ask.limit);
  TRY(items, tx.all(list_approvals_sql, read, ask.state ? word(*ask.state) : std::string_view{}, ask.model, ask.flow,
                    ask.subject, from.at, from.id, limit));
  for (auto& approval : items) TRY_(add_votes(tx, approval));
  List<Approval> out{.items = std::move(items), .next = {}};
  if (std::ssize(out.items) == limit) out.next = page_key(out.items.back().asked, out.items.back().id.text);
  return out;
}
Result<void> decide(Tx& tx, const ApprovalId& id, ApprovalState state, Time at, std::string_view reason) {
  TRY_(tx.exec(decide_sql, id, state, at, reason));
  return {};
}
Result<void> put_vote(Tx& tx, const ApprovalId& id, const Vote& vote, Time at) {
  TRY_(tx.exec(put_vote_sql, id, vote.by, vote.vote, vote.comment, at));
  return {};
}
Result<void> insert(Tx& tx, const Comment& c, Time at, std::string_view project) {
  TRY_(tx.exec(insert_remark_sql, c.id, project, c.subject_kind, c.subject, c.text, c.by, at, encode(c.mentions)));
  return {};
}
Result<std::optional<Comment>> find_comment(Tx& tx, std::string_view id) {
  return tx.one(find_remark_sql, read_comment, id);
}
Result<List<Comment>> list(Tx& tx, const CommentsAsk& ask) {
  TRY(from, read_page_key(ask.after));
  const std::int64_t limit = page_size(ask.limit);
  TRY(items, tx.all(list_remarks_sql, read_comment, ask.subject, from.at, from.id, limit));
  List<Comment> out{.items = std::move(items), .next = {}};
  if (std::ssize(out.items) == limit) out.next = page_key(out.items.back().at, out.items.back().id);
  return out;
}

}  // namespace pawl::team::rows
