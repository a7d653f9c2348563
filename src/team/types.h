// What people say about models, plans and flows: approvals and comments. Plain values, the contract of the routes.
#pragma once
#include "core/fields.h"

namespace pawl::team {

template <class T> struct List {
  std::vector<T> items{};
  std::string next{};  // hand it back as `after`; empty at the end
  static constexpr auto fields = std::tuple{field("items", &List::items), field("next", &List::next)};
};

using ApprovalId = Id<struct approval_tag>;

// open -> granted | refused by votes, or void when what it was bound to has changed. Only `open` takes votes.
enum class ApprovalState { open, granted, refused, void_ };
enum class VoteWord { grant, refuse };

// Who may decide: people of that role or above, none of `not_by` (the authors), `count` different ones.
struct Rule {
  std::string by = "operator";
  std::vector<std::string> not_by{};
  std::int64_t count = 1;
  static constexpr auto fields = std::tuple{field("by", &Rule::by), field("not", &Rule::not_by, {.items_max = 1000}),
                                            field("count", &Rule::count)};
};
struct Vote {
  std::string by{};
  VoteWord vote{};
  std::string comment{}, at{};
  static constexpr auto fields = std::tuple{field("by", &Vote::by), field("vote", &Vote::vote),
                                            field("comment", &Vote::comment), field("at", &Vote::at)};
};
struct Approval {
  ApprovalId id{};
  std::string what{};          // "let arrival-delay@2 go live", "put pawl.yaml of commit 12ab… in force"
  std::string subject_kind{};  // version, plan
  std::string subject{};       // arrival-delay@2, or the plan's id
  std::string model{}, flow{};
  Json digests{};  // what it is bound to
  Rule rule{};
  ApprovalState state{};
  std::vector<Vote> votes{};
  std::string asked{}, decided{};
  std::string reason{};   // of a void one
  bool may_vote = false;  // whether the vote of whoever asks would count
  std::string why_not{};  // if not: why
  static constexpr auto fields = std::tuple{field("id", &Approval::id),
                                            field("what", &Approval::what),
                                            field("subject_kind", &Approval::subject_kind),
                                            field("subject", &Approval::subject),
                                            field("model", &Approval::model),
                                            field("flow", &Approval::flow),
                                            field("digests", &Approval::digests),
                                            field("rule", &Approval::rule),
                                            field("state", &Approval::state),
                                            field("votes", &Approval::votes),
                                            field("asked", &Approval::asked),
                                            field("decided", &Approval::decided),
                                            field("reason", &Approval::reason),
                                            field("may_vote", &Approval::may_vote),
                                            field("why_not", &Approval::why_not)};
};
// GET /approvals?state=open&model=…&flow=…
struct ApprovalsAsk {
  std::optional<ApprovalState> state{};
  std::string model{}, flow{}, subject{}, after{};
  std::int64_t limit = 100;
  static constexpr auto fields =
      std::tuple{field("state", &ApprovalsAsk::state), field("model", &ApprovalsAsk::model),
                 field("flow", &ApprovalsAsk::flow),   field("subject", &ApprovalsAsk::subject),
                 field("after", &ApprovalsAsk::after), field("limit", &ApprovalsAsk::limit)};
};
struct ApprovalAsk {
  ApprovalId id{};
  static constexpr auto fields = std::tuple{field("id", &ApprovalAsk::id, {.required = true})};
};
// POST /approvals/{id}/votes
struct VoteAsk {
  ApprovalId id{};
  VoteWord vote{};
  std::string comment{};
  static constexpr auto fields =
      std::tuple{field("id", &VoteAsk::id, {.required = true}), field("vote", &VoteAsk::vote),
                 field("comment", &VoteAsk::comment, {.chars_max = 10'000})};
};

struct Comment {
  std::string id{};
  std::string subject_kind{},
      subject{};  // version arrival-delay@2, model arrival-delay, flow, plan, rollout, endpoint, run, approval
  std::string text{}, by{}, at{};
  std::vector<std::string> mentions{};  // users it names as @user
  static constexpr auto fields = std::tuple{field("id", &Comment::id),
                                            field("subject_kind", &Comment::subject_kind),
                                            field("subject", &Comment::subject),
                                            field("text", &Comment::text),
                                            field("by", &Comment::by),
                                            field("at", &Comment::at),
                                            field("mentions", &Comment::mentions)};
};
struct NewComment {
  std::string subject_kind{}, subject{}, text{};
  static constexpr auto fields =
      std::tuple{field("subject_kind", &NewComment::subject_kind, {.chars_max = 40}),
                 field("subject", &NewComment::subject, {.required = true, .chars_max = 500}),
                 field("text", &NewComment::text, {.required = true, .chars_max = 10'000})};
};
struct CommentsAsk {
  std::string subject{}, after{};
  std::int64_t limit = 100;
  static constexpr auto fields = std::tuple{field("subject", &CommentsAsk::subject),
                                            field("after", &CommentsAsk::after), field("limit", &CommentsAsk::limit)};
};

// GET /ledger
enum class Order { oldest, newest };
struct LedgerAsk {
  std::int64_t after = 0, limit = 100;
  std::string what{}, flow{}, subject{}, by{};
  std::string about{};  // a model or an endpoint
  Order order{};
  static constexpr auto fields = std::tuple{field("after", &LedgerAsk::after),     field("limit", &LedgerAsk::limit),
                                            field("what", &LedgerAsk::what),       field("flow", &LedgerAsk::flow),
                                            field("subject", &LedgerAsk::subject), field("by", &LedgerAsk::by),
                                            field("about", &LedgerAsk::about),     field("order", &LedgerAsk::order)};
};
// GET /ledger/{id}/story
struct StoryAsk {
  std::string id{};  // of an event
  static constexpr auto fields = std::tuple{field("id", &StoryAsk::id, {.required = true})};
};

}  // namespace pawl::team
template <> inline constexpr auto pawl::words<pawl::team::ApprovalState> =
    std::to_array<std::string_view>({"open", "granted", "refused", "void"});
template <> inline constexpr auto pawl::words<pawl::team::VoteWord> =
    std::to_array<std::string_view>({"grant", "refuse"});
template <> inline constexpr auto pawl::words<pawl::team::Order> =
    std::to_array<std::string_view>({"oldest", "newest"});
