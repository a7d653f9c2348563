#include "pipeline/routes.h"

namespace pawl::pipeline {
namespace {

struct TasksAsk {
  std::string flow{};
  static constexpr auto fields = std::tuple{field("flow", &TasksAsk::flow)};
};

}  // namespace

void mount(net::Router& at, Service& service, Desk& desk) {
  using enum net::Method;
  const std::string v1 = "/api/pawl/v1";
  at.add(
      {.method = GET, .path = v1 + "/repos", .needs = May::read, .on = On::reader, .about = "The teams' repositories"},
      [&service](Call& call, const Nothing&) { return service.repositories(call.tx); });
  at.add(
      {.method = POST, .path = v1 + "/repos", .needs = May::operate, .on = On::writer, .about = "Declare a repository"},
      [&service](Call& call, const NewRepository& in) { return service.add_repository(call, in); });
  at.add({.method = GET, .path = v1 + "/repos/{name}", .needs = May::read, .on = On::reader, .about = "One repository"},
         [&service](Call& call, const RepositoryName& in) { return service.find_repository(call.tx, in.name); });
  at.add({.method = POST,
          .path = v1 + "/repos/{name}/token",
          .needs = May::operate,
          .on = On::writer,
          .about = "A token for the repository's hook, shown once"},
         [&service](Call& call, const RepositoryName& in) { return service.hook_token(call, in.name); });
  at.add({.method = POST,
          .path = v1 + "/repos/{name}/pushes",
          .needs = May::push,
          .on = On::writer,
          .about = "Tell of a push; answers at once"},
         [&service](Call& call, const Push& in) { return service.push(call, in); });

  at.add({.method = GET,
          .path = v1 + "/tasks",
          .needs = May::read,
          .on = On::reader,
          .about = "What runners do and did, of a flow or the newest"},
         [&service](Call& call, const TasksAsk& in) { return service.tasks(call.tx, in.flow); });
  at.add_async({.method = POST,
                .path = v1 + "/tasks/claim",
                .needs = May::run_jobs,
                .on = On::io,
                .about = "Claim a task by lease; waits up to 20 s for one"},
               [&desk](Ask ask, const std::shared_ptr<const net::Request>& request, net::Reply reply) {
                 desk.take(std::move(ask), request, std::move(reply));
               });
  at.add({.method = POST,
          .path = v1 + "/tasks/{id}/renew",
          .needs = May::run_jobs,
          .on = On::writer,
          .about = "Keep a lease; refused when it was lost"},
         [&service](Call& call, const Held& in) { return service.renew(call, in); });
  at.add({.method = POST,
          .path = v1 + "/tasks/{id}/log",
          .needs = May::run_jobs,
          .on = On::pool,
          .about = "Append to a task's log"},
         [&service](Ask& ask, const LogPiece& in) { return service.log(ask, in); });
  at.add({.method = GET,
          .path = v1 + "/tasks/{id}/log",
          .needs = May::read,
          .on = On::pool,
          .about = "A task's log from a byte on"},
         [&service](Ask&, const LogAsk& in) { return service.read_log(in); });
  at.add({.method = POST,
          .path = v1 + "/tasks/{id}/registered",
          .needs = May::run_jobs,
          .on = On::reader,
          .about = "The model version that this lease of the task has made, and the model's newest output before"},
         [&service](Call& call, const Held& in) { return service.registered(call, in); });
  at.add({.method = POST,
          .path = v1 + "/tasks/{id}/finish",
          .needs = May::run_jobs,
          .on = On::writer,
          .about = "Hand in a result, once"},
         [&service](Call& call, const FinishAsk& in) { return service.finish(call, in); });
}

}  // namespace pawl::pipeline
