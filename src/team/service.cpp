#include "team/service.h"

#include "core/json.h"
#include "store/ledger.h"
#include "team/mention.h"
#include "team/rows.h"

namespace pawl::team {
namespace {

constexpr std::size_t mentions_max = 50;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// `{"a":"b"}` of pairs of texts.
std::string object(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::string out = "{";
  for (const auto& [name, value] : pairs) {
    if (out.size() > 1) out += ',';
    write_json_text(out, name);
    out += ':';
    write_json_text(out, value);
  }
  return out + "}";
}

}  // namespace

std::string why_not(const Approval& approval, const Who& who) {
  if (approval.state != ApprovalState::open)
    return "it is " + std::string(word(approval.state)) + " already" +
           (approval.reason.empty() ? "" : ": " + approval.reason);
  if (who.kind != Who::Kind::person && who.kind != Who::Kind::local) return "only a person may vote";
  const Role needed = from_word<Role>(approval.rule.by).value_or(Role::admin);
  if (who.role < needed)
    return "its rule asks for the role " + approval.rule.by + ", " + who.name + " is " + std::string(word(who.role));
  if (contains(approval.rule.not_by, who.name)) return who.name + " is an author of it: somebody else has to decide";
  return {};
}

Result<ApprovalId> Service::open(Call& call, const NewApproval& in) {
  const Approval approval{.id = {random_.hex_bytes(8)},
                          .what = in.what,
                          .subject_kind = in.subject_kind,
                          .subject = in.subject,
                          .model = in.model,
                          .flow = in.flow,
                          .digests = {in.digests},
                          .rule = in.rule};
  TRY_(rows::insert(call.tx, approval, call.now(), call.project));
  call.tell(
      {.what = "approval.asked",
       .subject_kind = "approval",
       .subject = approval.id.text,
       .flow = in.flow,
       .cause = in.cause,
       .digests = in.digests,
       .data = object(
           {{"subject_kind", in.subject_kind}, {"subject", in.subject}, {"model", in.model}, {"by", in.rule.by}})});
  return approval.id;
}

Result<Approval> Service::find(Tx& tx, const ApprovalId& id) {
  TRY(found, rows::find(tx, id));
  if (!found)
    return fail(Code::missing, "there is no approval " + id.text + ": pawl approve lists those that wait", "id");
  return std::move(*found);
}
Result<List<Approval>> Service::list(Tx& tx, const ApprovalsAsk& ask) { return rows::list(tx, ask); }

Result<Approval> Service::vote(Call& call, const VoteAsk& in) {
  TRY(approval, find(call.tx, in.id));
  if (const std::string reason = why_not(approval, call.who); !reason.empty())
    return fail(approval.state == ApprovalState::open ? Code::denied : Code::conflict,
                "this vote does not count: " + reason, "id");
  TRY_(rows::put_vote(call.tx, in.id, {.by = call.who.name, .vote = in.vote, .comment = in.comment, .at = {}},
                      call.now()));
  TRY(after, find(call.tx, in.id));
  std::int64_t granted = 0;
  for (const Vote& v : after.votes) granted += v.vote == VoteWord::grant ? 1 : 0;
  const bool refused = in.vote == VoteWord::refuse;
  if (!refused && granted < after.rule.count) return std::move(after);
  after.state = refused ? ApprovalState::refused : ApprovalState::granted;
  after.decided = to_rfc3339(call.now());
  TRY_(rows::decide(call.tx, in.id, after.state, call.now(), ""));
  TRY(asked, store::read_ledger(call.tx, {.limit = 1, .what = "approval.asked", .subject = after.id.text}));
  call.tell({.what = "approval.decided",
             .subject_kind = "approval",
             .subject = after.id.text,
             .flow = after.flow,
             .cause = asked.empty() ? "" : asked.front().id,
             .digests = after.digests.text,
             .data = object({{"state", word(after.state)},
                             {"subject_kind", after.subject_kind},
                             {"subject", after.subject},
                             {"model", after.model}})});
  return std::move(after);
}

Result<void> Service::make_void(Call& call, const ApprovalId& id, std::string_view reason, std::string_view cause) {
  TRY(approval, find(call.tx, id));
  if (approval.state == ApprovalState::void_ || approval.state == ApprovalState::refused) return {};
  TRY_(rows::decide(call.tx, id, ApprovalState::void_, call.now(), reason));
  call.tell({.what = "approval.void",
             .subject_kind = "approval",
             .subject = id.text,
             .flow = approval.flow,
             .cause = std::string(cause),
             .digests = approval.digests.text,
             .data = object({{"reason", reason},
                             {"subject_kind", approval.subject_kind},
                             {"subject", approval.subject},
                             {"model", approval.model}})});
  return {};
}

Result<Comment> Service::comment(Call& call, const NewComment& in) {
  Comment out{.id = random_.hex_bytes(8),
              .subject_kind = in.subject_kind,
              .subject = in.subject,
              .text = in.text,
              .by = call.who.name,
              .at = to_rfc3339(call.now())};
  if (out.subject_kind.empty()) out.subject_kind = in.subject.find('@') == in.subject.npos ? "model" : "version";
  for (std::string& name : mentioned(in.text)) {
    if (known_) {
      TRY(is_user, known_(call.tx, name));
      if (!is_user) continue;
    }
    out.mentions.push_back(std::move(name));
    if (out.mentions.size() == mentions_max) break;
  }
  TRY_(rows::insert(call.tx, out, call.now(), call.project));
  call.tell({.what = "comment.made",
             .subject_kind = out.subject_kind,
             .subject = out.subject,
             .data = "{\"comment\":" + encode(out.id) + ",\"mentions\":" + encode(out.mentions) + "}"});
  return out;
}
Result<List<Comment>> Service::comments(Tx& tx, const CommentsAsk& ask) { return rows::list(tx, ask); }

}  // namespace pawl::team
