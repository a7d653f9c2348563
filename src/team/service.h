// Decides what people say: whose vote counts, when an approval is granted, refused or void. It knows nothing of gates: who opened an approval
// binds it to digests and compares them again when it is used.
//
// Events: approval.asked, approval.decided {state}, approval.void {reason}, comment.made {comment, mentions}. Their subjects are the approval and what was commented.
#pragma once
#include "core/hash.h"
#include "store/store.h"
#include "team/types.h"

namespace pawl::team {

struct NewApproval {
  std::string what{}, subject_kind{}, subject{}, model{}, flow{};
  std::string digests = "{}";
  Rule rule{};
  std::string cause{};  // id of the event that led to it
};

class Service {
 public:
  explicit Service(Random& random) : random_(random) {}

  Result<ApprovalId> open(Call& call, const NewApproval& approval);
  // Counts the vote of whoever calls. Code::denied with the reason when it cannot count; Code::conflict when nothing is open any more.
  Result<Approval> vote(Call& call, const VoteAsk& vote);
  Result<void> make_void(Call& call, const ApprovalId& id, std::string_view reason, std::string_view cause = {});
  Result<Approval> find(Tx& tx, const ApprovalId& id);
  Result<List<Approval>> list(Tx& tx, const ApprovalsAsk& ask);

  // Who is mentioned by `@name` must be a user: `access` knows them, app hands it in. Without it everybody is one.
  void users_known_by(std::function<Result<bool>(Tx&, std::string_view name)> known) { known_ = std::move(known); }
  Result<Comment> comment(Call& call, const NewComment& comment);
  Result<List<Comment>> comments(Tx& tx, const CommentsAsk& ask);

 private:
  Random& random_;
  std::function<Result<bool>(Tx&, std::string_view name)> known_;
};

// Why the vote of `who` would not count; empty when it would.
std::string why_not(const Approval& approval, const Who& who);

}  // namespace pawl::team
