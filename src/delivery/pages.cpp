// What the page and `pawl model` show: each model with its live version, traffic and what waits; a model's versions with their gates.
#include "delivery/service.h"

namespace pawl::delivery {
namespace {

std::string state_of(const Version& version, const Weights& weights, const FlowRow* flow, bool was_live,
                     bool taken_back) {
  for (const Share& s : weights.shares)
    if (s.version == version.number) return s.canary ? "canary" : "live";
  if (flow != nullptr && flow->flow.version == version.number) {
    switch (flow->flow.state) {
      case FlowState::queued:
      case FlowState::judging: return "judging";
      case FlowState::waiting: return "waiting";
      case FlowState::rolling_out: return "rolling_out";
      case FlowState::rejected: return "rejected";
      case FlowState::failed: return "failed";
      case FlowState::superseded:
      case FlowState::stopped: return "superseded";
      default: break;
    }
  }
  if (taken_back) return "rolled_back";
  if (was_live) return "retired";
  return flow != nullptr && ended(flow->flow.state) ? "superseded"
                                                    : "registered";  // of a lease that ran out, or outside any flow
}

}  // namespace

Result<Service::Looked> Service::look_at_model(Tx& tx, const std::string& name) {
  Looked out;
  out.line.name = out.line.endpoint = name;
  TRY(plan, rows::plan_in_force(tx, name));
  if (plan) {
    TRY(config, config_of(*plan));
    out.line.endpoint = config.serve.endpoint;
    out.line.repo = plan->plan.repo;
  }
  TRY(rollouts, rows::rollouts_of_model(tx, name));
  if (!plan && !rollouts.empty()) out.line.endpoint = rollouts.front().rollout.endpoint;
  for (RolloutRow& row : rollouts)
    if (!ended(row.rollout.state)) out.line.rollout = row.rollout;
  TRY(weights, below_.weights(tx, out.line.endpoint));
  if (weights) out.weights = std::move(*weights);
  out.line.live = out.weights.live();
  for (const Share& s : out.weights.shares) out.line.arms.push_back({s.version, s.share, s.canary ? "canary" : "live"});
  TRY(versions, below_.versions(tx, name));
  out.versions = std::move(versions);
  out.line.versions = std::ssize(out.versions);
  if (!out.versions.empty()) out.line.newest = out.versions.front().number;
  TRY(flows, rows::flows(tx, {.model = name, .limit = 1}));
  if (!flows.items.empty()) out.line.flow = flows.items.front();
  TRY(approvals, team_.list(tx, {.state = team::ApprovalState::open, .model = name}));
  out.line.approvals_open = std::ssize(approvals.items);
  return out;
}

Result<void> Service::add_traffic(ModelLine& line, const Weights& weights) {
  for (const Share& s : weights.shares) {
    TRY(seen, below_.tally(line.endpoint, weights.rollout, weights.step, s.canary));
    line.traffic.rows += seen.rows, line.traffic.requests += seen.requests, line.traffic.errors += seen.errors;
    line.traffic.p50_ms = std::max(line.traffic.p50_ms, seen.p50_ms),
    line.traffic.p99_ms = std::max(line.traffic.p99_ms, seen.p99_ms);
    line.traffic.seconds = std::max(line.traffic.seconds, static_cast<double>(seen.span.count()) / 1e6);
    if (s.canary && line.rollout)
      line.rollout->rows = seen.rows, line.rollout->errors = seen.errors,
      line.rollout->p99_ms = seen.p99_ms;  // newer than the last look
  }
  return {};
}

Result<Overview> Service::overview(const Who& who) {
  std::vector<Looked> looked;
  Overview out;
  TRY_(store_.read([&](Tx& tx) -> Result<void> {
    TRY(registered, below_.models(tx));
    TRY(declared, rows::models_in_force(tx));
    std::vector<std::string> names = std::move(registered);
    names.insert(names.end(), declared.begin(), declared.end());
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const std::string& name : names) {
      TRY(line, look_at_model(tx, name));
      looked.push_back(std::move(line));
    }
    TRY(approvals, team_.list(tx, {.state = team::ApprovalState::open}));
    out.approvals = std::move(approvals.items);
    return {};
  }));
  for (team::Approval& approval : out.approvals)
    approval.why_not = team::why_not(approval, who), approval.may_vote = approval.why_not.empty();
  for (Looked& one : looked) {
    TRY_(add_traffic(one.line, one.weights));
    out.items.push_back(std::move(one.line));
  }
  return out;
}

Result<VersionLine> Service::version_line(Tx& tx, const Who& who, const Looked& model, const Version& version) {
  VersionLine out{.name = version.model,
                  .version = version.number,
                  .aliases = version.aliases,
                  .run_id = version.run_id,
                  .by = version.by,
                  .created = to_rfc3339(version.created),
                  .flow = version.flow};
  for (const Share& s : model.weights.shares)
    if (s.version == version.number) out.share = s.share;
  TRY(flow, rows::flow_of_version(tx, version.model, version.number));
  if (!flow && !version.flow.empty()) {
    TRY(made_by, rows::flow(tx, {version.flow}));
    flow = std::move(made_by);
  }
  if (flow) out.commit = flow->flow.commit, out.flow = flow->flow.id.text;
  bool was_live = false, taken_back = false;
  TRY(rollouts, rows::rollouts_of_model(tx, version.model));
  for (const RolloutRow& row : rollouts)
    if (row.rollout.to == version.number)
      was_live = was_live || row.rollout.state == RolloutState::done,
      taken_back = taken_back || row.rollout.state == RolloutState::rolled_back;
  out.state = state_of(version, model.weights, flow ? &*flow : nullptr, was_live, taken_back && !was_live);
  if (!version.run_id.empty())
    if (auto run = below_.run(tx, version.run_id)) out.metrics = std::move(run->metrics);
  TRY(gate, rows::gate_of_version(tx, version.model, version.number));
  out.gate = std::move(gate);
  if (flow && !flow->flow.approval.empty() && flow->flow.version == version.number) {
    TRY(approval, team_.find(tx, {flow->flow.approval}));
    approval.why_not = team::why_not(approval, who);
    approval.may_vote = approval.why_not.empty();
    out.approval = std::move(approval);
  }
  return out;
}

Result<ModelPage> Service::model(const Who& who, const std::string& name) {
  ModelPage out;
  Weights weights;
  TRY_(store_.read([&](Tx& tx) -> Result<void> {
    TRY(looked, look_at_model(tx, name));
    if (looked.versions.empty() && looked.line.repo.empty())
      return fail(Code::missing, "there is no model " + name, "name");
    for (const Version& version : looked.versions) {
      TRY(line, version_line(tx, who, looked, version));
      out.versions.push_back(std::move(line));
    }
    out.model = std::move(looked.line);
    weights = std::move(looked.weights);
    return {};
  }));
  TRY_(add_traffic(out.model, weights));
  return out;
}

Result<VersionLine> Service::version(const Who& who, const VersionAsk& ask) {
  return store_.read_for<VersionLine>([&](Tx& tx) -> Result<VersionLine> {
    TRY(version, below_.version(tx, ask.name, ask.version));
    if (!version) return fail(Code::missing, "there is no version " + version_name(ask.name, ask.version), "version");
    TRY(looked, look_at_model(tx, ask.name));
    return version_line(tx, who, looked, *version);
  });
}

}  // namespace pawl::delivery
