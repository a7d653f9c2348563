#include "team/routes.h"

#include "net/router.h"
#include "store/ledger.h"

namespace pawl::team {
namespace {

constexpr std::string_view base = "/api/pawl/v1";
std::string at_base(std::string_view path) { return std::string(base) + std::string(path); }

Approval for_caller(Approval approval, const Who& who) {
  approval.why_not = why_not(approval, who);
  approval.may_vote = approval.why_not.empty();
  return approval;
}

}  // namespace

void mount(net::Router& at, Service& team, net::Live& live) {
  using enum net::Method;
  at.add({.method = GET,
          .path = at_base("/approvals"),
          .needs = May::read,
          .on = On::reader,
          .about = "Approvals, newest first"},
         [&team](Call& call, const ApprovalsAsk& in) -> Result<List<Approval>> {
           TRY(list, team.list(call.tx, in));
           for (auto& approval : list.items) approval = for_caller(std::move(approval), call.who);
           return std::move(list);
         });
  at.add({.method = GET,
          .path = at_base("/approvals/{id}"),
          .needs = May::read,
          .on = On::reader,
          .about = "One approval with its votes"},
         [&team](Call& call, const ApprovalAsk& in) -> Result<Approval> {
           TRY(approval, team.find(call.tx, in.id));
           return for_caller(std::move(approval), call.who);
         });
  at.add({.method = POST,
          .path = at_base("/approvals/{id}/votes"),
          .needs = May::approve,
          .on = On::writer,
          .about = "Grant or refuse"},
         [&team](Call& call, const VoteAsk& in) -> Result<Approval> {
           TRY(approval, team.vote(call, in));
           return for_caller(std::move(approval), call.who);
         });
  at.add({.method = GET,
          .path = at_base("/comments"),
          .needs = May::read,
          .on = On::reader,
          .about = "Comments, newest first"},
         [&team](Call& call, const CommentsAsk& in) { return team.comments(call.tx, in); });
  at.add({.method = POST,
          .path = at_base("/comments"),
          .needs = May::track,
          .on = On::writer,
          .about = "Say something about a model, version, flow, …"},
         [&team](Call& call, const NewComment& in) { return team.comment(call, in); });
  at.add({.method = GET,
          .path = at_base("/ledger"),
          .needs = May::read,
          .on = On::reader,
          .about = "Who decided what on what evidence"},
         [](Call& call, const LedgerAsk& in) -> Result<List<store::LedgerEvent>> {
           const std::int64_t limit = std::clamp<std::int64_t>(in.limit, 1, 1000);
           TRY(events, store::read_ledger(call.tx, {.after = in.after,
                                                    .limit = limit,
                                                    .what = in.what,
                                                    .flow = in.flow,
                                                    .subject = in.subject,
                                                    .by = in.by,
                                                    .about = in.about,
                                                    .newest_first = in.order == Order::newest}));
           List<store::LedgerEvent> out{.items = std::move(events), .next = {}};
           if (std::ssize(out.items) == limit) out.next = std::to_string(out.items.back().seq);
           return out;
         });
  at.add({.method = GET,
          .path = at_base("/ledger/{id}/story"),
          .needs = May::read,
          .on = On::reader,
          .about = "An event with what led to it and what came of it"},
         [](Call& call, const StoryAsk& in) -> Result<store::Story> {
           TRY(story, store::read_story(call.tx, in.id));
           if (!story) return fail(Code::missing, "no event has the ID " + in.id);
           return std::move(*story);
         });
  at.add({.method = GET,
          .path = at_base("/ledger/verify"),
          .needs = May::read,
          .on = On::reader,
          .about = "Reads the whole chain and says whether it holds"},
         [](Call& call, const Nothing&) { return store::verify_ledger(call.tx); });
  at.add_live({.method = GET,
               .path = at_base("/events"),
               .needs = May::read,
               .on = On::io,
               .about = "Every new event of the ledger as it happens"},
              live);
}

}  // namespace pawl::team
