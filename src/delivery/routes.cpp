#include "delivery/routes.h"

#include "net/router.h"

namespace pawl::delivery {
namespace {
std::string at_base(std::string_view path) { return "/api/pawl/v1" + std::string(path); }
struct GateAsk {
  std::string flow{};
  static constexpr auto fields = std::tuple{field("flow", &GateAsk::flow, {.required = true})};
};
}  // namespace

void mount(net::Router& at, Service& delivery) {
  using enum net::Method;
  at.add({.method = GET,
          .path = at_base("/overview"),
          .needs = May::read,
          .on = On::pool,
          .about = "Each model: live version, traffic, what waits"},
         [&delivery](Ask& ask, const Nothing&) { return delivery.overview(ask.who); });
  at.add(
      {.method = GET, .path = at_base("/models"), .needs = May::read, .on = On::pool, .about = "Each model, one line"},
      [&delivery](Ask& ask, const Nothing&) -> Result<List<ModelLine>> {
        TRY(all, delivery.overview(ask.who));
        return List<ModelLine>{.items = std::move(all.items), .next = {}};
      });
  at.add({.method = GET,
          .path = at_base("/models/{name}"),
          .needs = May::read,
          .on = On::pool,
          .about = "A model's versions with their gates, newest first"},
         [&delivery](Ask& ask, const ModelAsk& in) { return delivery.model(ask.who, in.name); });
  at.add({.method = GET,
          .path = at_base("/models/{name}/versions/{version}"),
          .needs = May::read,
          .on = On::pool,
          .about = "One version with its gate"},
         [&delivery](Ask& ask, const VersionAsk& in) { return delivery.version(ask.who, in); });

  at.add({.method = GET,
          .path = at_base("/plans"),
          .needs = May::read,
          .on = On::reader,
          .about = "What teams declared, newest first"},
         [&delivery](Call& call, const PlansAsk& in) { return delivery.plans(call.tx, in); });
  at.add({.method = GET,
          .path = at_base("/plans/{id}"),
          .needs = May::read,
          .on = On::reader,
          .about = "One plan with its files and what they change"},
         [&delivery](Call& call, const PlanAsk& in) { return delivery.plan(call.tx, in.id); });
  at.add({.method = POST,
          .path = at_base("/plans"),
          .needs = May::propose,
          .on = On::writer,
          .about = "Compare files with what is in force, or propose a commit"},
         [&delivery](Call& call, const ProposeAsk& in) { return delivery.propose(call, in); });

  at.add(
      {.method = GET, .path = at_base("/flows"), .needs = May::read, .on = On::reader, .about = "Flows, newest first"},
      [&delivery](Call& call, const FlowsAsk& in) { return delivery.flows(call.tx, in); });
  at.add({.method = GET,
          .path = at_base("/flows/{id}"),
          .needs = May::read,
          .on = On::reader,
          .about = "One flow with its gate"},
         [&delivery](Call& call, const FlowAsk& in) { return delivery.flow(call.tx, in.id); });
  at.add({.method = POST,
          .path = at_base("/flows"),
          .needs = May::propose,
          .on = On::writer,
          .about = "Start a flow by hand"},
         [&delivery](Call& call, const FlowStart& in) { return delivery.start_flow(call, in); });
  at.add({.method = POST,
          .path = at_base("/flows/{id}/stop"),
          .needs = May::propose,
          .on = On::writer,
          .about = "Stop a flow"},
         [&delivery](Call& call, const FlowStop& in) { return delivery.stop_flow(call, in); });
  at.add({.method = GET,
          .path = at_base("/gates/{flow}"),
          .needs = May::read,
          .on = On::reader,
          .about = "What a flow's gate saw"},
         [&delivery](Call& call, const GateAsk& in) { return delivery.gate(call.tx, in.flow); });

  at.add(
      {.method = GET, .path = at_base("/rollouts/{id}"), .needs = May::read, .on = On::reader, .about = "One rollout"},
      [&delivery](Call& call, const RolloutAsk& in) { return delivery.rollout(call.tx, in.id); });
  at.add({.method = POST,
          .path = at_base("/deployments"),
          .needs = May::operate,
          .on = On::writer,
          .about = "Roll out a version that its gate let through"},
         [&delivery](Call& call, const DeployAsk& in) { return delivery.deploy(call, in); });
  at.add({.method = POST,
          .path = at_base("/endpoints/{name}/rollback"),
          .needs = May::operate,
          .on = On::writer,
          .about = "Back to the version before"},
         [&delivery](Call& call, const RollbackAsk& in) { return delivery.roll_back(call, in); });
  at.add({.method = POST,
          .path = at_base("/endpoints/{name}/promote"),
          .needs = May::operate,
          .on = On::writer,
          .about = "The next step of a rollout now"},
         [&delivery](Call& call, const PromoteAsk& in) { return delivery.promote(call, in); });

  at.add({.method = GET,
          .path = at_base("/why/{prediction_id}"),
          .needs = May::read,
          .on = On::pool,
          .about = "From one prediction back to the files"},
         [&delivery](Ask&, const WhyAsk& in) { return delivery.why(in.prediction_id); });
  at.add({.method = GET,
          .path = at_base("/endpoints/{name}/why"),
          .needs = May::read,
          .on = On::reader,
          .about = "Which versions answered at a time, and how they came there"},
         [&delivery](Call& call, const WhyThenAsk& in) { return delivery.why_then(call.tx, in); });
  at.add({.method = GET,
          .path = at_base("/restore/{name}/{version}"),
          .needs = May::read,
          .on = On::reader,
          .about = "What brings a version back"},
         [&delivery](Call& call, const VersionAsk& in) { return delivery.origin(call.tx, in.name, in.version); });
}

}  // namespace pawl::delivery
