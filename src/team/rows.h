// Rows of approvals, votes and comments. All SQL of the room is in rows.cpp.
#pragma once
#include "store/sql.h"
#include "team/types.h"

namespace pawl::team::rows {

// Lists page by (time, id), newest first; `after` is the text that page_key() (team/page_key.h) made of the last item.
Result<void> insert(Tx& tx, const Approval& approval, Time asked, std::string_view project);
Result<std::optional<Approval>> find(Tx& tx, const ApprovalId& id);  // with its votes
Result<List<Approval>> list(Tx& tx, const ApprovalsAsk& ask);
Result<void> decide(Tx& tx, const ApprovalId& id, ApprovalState state, Time at, std::string_view reason);
Result<void> put_vote(Tx& tx, const ApprovalId& id, const Vote& vote, Time at);

Result<void> insert(Tx& tx, const Comment& comment, Time at, std::string_view project);
Result<std::optional<Comment>> find_comment(Tx& tx, std::string_view id);
Result<List<Comment>> list(Tx& tx, const CommentsAsk& ask);

}  // namespace pawl::team::rows
