// Who asks, and what may be done: values only. `access` finds out who someone is and decides; `net` asks it before a handler runs.
#pragma once
#include "core/fields.h"

namespace pawl {

enum class Role { none, viewer, scientist, operator_, admin };  // each may what the one before may
template <> inline constexpr auto words<Role> =
    std::to_array<std::string_view>({"none", "viewer", "scientist", "operator", "admin"});

// What a route needs. The role that has it by default stands beside.
enum class May {
  anything_public,  // no sign-in: health, the page's files
  read,             // viewer: look at everything but secrets
  track,            // scientist: experiments, runs, registry, datasets, comments
  approve,          // scientist: vote on an approval; the approval's own rule decides whether the vote counts
  propose,          // scientist: propose a plan, start or stop a flow
  operate,          // operator: repositories, rollouts, rollback, plans in force, destinations
  administer,       // admin: users, tokens, roles
  predict,          // viewer, or a token made for this endpoint: predict and label
  push,             // a repository's own token, or operator: tell of a push
  run_jobs,         // a runner's token, or admin: claim work and hand in results
};

struct Who {
  enum class Kind {
    nobody,     // not signed in
    local,      // no users yet, or the owner's socket: a local admin
    person,     // a user, by password or token
    repo,       // a repository's hook: may only push
    predictor,  // a token for one endpoint
    runner,     // the machine's own runner
    flow,       // a training inside a flow: may write the runs of that flow
    pawl,       // the server itself
  } kind = Kind::nobody;
  std::string name{};  // user name; "local", "pawl", "runner"; what the ledger writes
  Role role = Role::none;
  std::string scope{};  // repo: its name, predictor: the endpoint, flow: the flow's id
};
inline Who pawl_itself() { return {Who::Kind::pawl, "pawl", Role::admin, {}}; }

}  // namespace pawl
