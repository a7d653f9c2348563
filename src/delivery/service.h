// Delivery's decisions: from a push to a guarded live endpoint. All state is in the store; every step is one transaction with its event, taken
// from the ledger by a durable cursor or from a job, so that a server may die anywhere and the next one goes on.
//
//   repo.pushed ─► inspect ─► plan (waits for an operator) or flow ─► pipeline ─► evaluate ─► gate ─► approval ─► rollout ─► champion
//
// plans.cpp, flows.cpp, triggers.cpp, rollouts.cpp, monitors.cpp, pages.cpp and why.cpp hold the parts. Events: plan.proposed, plan.applied, plan.rejected, flow.STATE,
// gate.judged, retrain.held, rollout.started, rollout.stepped, rollout.done, rollout.rolled_back, rollout.failed.
#pragma once
#include "delivery/arms.h"
#include "delivery/gate.h"
#include "delivery/machine.h"
#include "delivery/rows.h"
#include "delivery/triggers.h"
#include "jobs/jobs.h"
#include "team/service.h"

namespace pawl::delivery {

struct Parts {
  Below& below;
  team::Service& team;
  store::Store& store;
  const Clock& clock;
  Random& random;
  // A notice to pages that is not kept: a rollout has moved on within its step. From any thread.
  std::function<void(std::string_view what, std::string_view data)> notice{};
  std::string cache{};  // the local runner's DVC cache: where `restore` on this machine finds data
};

class Service {
 public:
  explicit Service(Parts parts)
      : below_(parts.below),
        team_(parts.team),
        store_(parts.store),
        clock_(parts.clock),
        random_(parts.random),
        notice_(std::move(parts.notice)),
        cache_(std::move(parts.cache)) {}
  void attach(jobs::Worker& worker);

  // plans
  Result<PlanDiff> propose(Call& call, const ProposeAsk& ask);
  Result<List<Plan>> plans(Tx& tx, const PlansAsk& ask) { return rows::plans(tx, ask); }
  Result<Plan> plan(Tx& tx, const PlanId& id);
  // flows and gates
  Result<List<Flow>> flows(Tx& tx, const FlowsAsk& ask) { return rows::flows(tx, ask); }
  Result<Flow> flow(Tx& tx, const FlowId& id);
  Result<Flow> start_flow(Call& call, const FlowStart& ask);  // by hand
  Result<Flow> stop_flow(Call& call, const FlowStop& ask);
  Result<Gate> gate(Tx& tx, std::string_view flow);
  // rollouts
  Result<Rollout> rollout(Tx& tx, const RolloutId& id);
  Result<Rollout> deploy(Call& call, const DeployAsk& ask);
  Result<Rollout> roll_back(Call& call, const RollbackAsk& ask);
  Result<Rollout> promote(Call& call, const PromoteAsk& ask);
  // For the registry: whether the gate in force names the alias, so that pawl alone moves it.
  Result<bool> guards_alias(Tx& tx, std::string_view model, std::string_view alias);
  // What pages show. These block (they read the prediction log): pool threads.
  Result<Overview> overview(const Who& who);
  Result<ModelPage> model(const Who& who, const std::string& name);
  Result<VersionLine> version(const Who& who, const VersionAsk& ask);
  Result<Why> why(const std::string& prediction_id);
  Result<WhyThen> why_then(Tx& tx, const WhyThenAsk& ask);
  Result<Origin> origin(Tx& tx, const std::string& model, std::int64_t version);

  Result<void> on_event(Call& call, const store::LedgerEvent& event);

 private:
  // plans.cpp
  Result<void> look_at(Call& call, InspectionRow row, const std::string& commit);
  Result<void> pushed(Call& call, const store::LedgerEvent& event);
  Result<void> inspected(Call& call, const std::string& task, const Ended& ended, const std::string& cause);
  Result<void> propose_plan(Call& call, PlanRow plan, const std::string& cause);
  Result<void> reject_plan(Call& call, PlanRow plan, std::string reason, const std::string& cause);
  Result<void> plan_decided(Call& call, const PlanId& id, bool granted, const std::string& cause);
  Result<void> start_by_push(Call& call, const PlanRow& plan, const Config& config, const InspectionRow& seen,
                             bool first, const std::string& cause);
  Result<Config> config_of(const PlanRow& plan) const;
  Result<std::int64_t> live_version(Tx& tx, const Config& config);

  // flows.cpp
  Result<Flow> new_flow(Call& call, FlowRow row, const std::string& cause);
  Result<void> move(Call& call, FlowRow& row, FlowState to, std::string reason, const std::string& cause);
  Result<void> next_of_model(Call& call, const std::string& model, const std::string& cause);
  Result<void> begin(Call& call, FlowRow& row, const std::string& cause);
  Result<void> trained(Call& call, FlowRow& row, const Ended& ended, const std::string& cause);
  Result<void> start_judging(Call& call, FlowRow& row, const std::string& cause);
  Result<ModelRef> model_ref(Tx& tx, const Config& config, const std::string& model, std::int64_t version);
  Result<void> evaluated(Call& call, FlowRow& row, const Ended& ended, const std::string& cause);
  Result<void> judged(Call& call, FlowRow& row, const PlanRow& plan, const EvaluateResult& seen,
                      const std::string& cause);
  Result<GateContext> context_of(Tx& tx, const FlowRow& row, const Config& config);
  Result<std::string> digests_of(Tx& tx, const FlowRow& row, const PlanRow& plan, const Config& config,
                                 const Gate& gate);
  Result<std::string> keep_gate(Call& call, const FlowRow& row, Gate gate, const std::string& cause);  // its event
  Result<void> after_gate(Call& call, FlowRow& row, const PlanRow& plan, const Gate& gate, const std::string& cause);
  Result<void> version_decided(Call& call, FlowRow& row, bool granted, const std::string& cause);
  Result<void> recheck(Call& call, const std::string& model,
                       const std::string& cause);  // what waiting approvals are bound to may have changed
  Result<void> version_made(Call& call, const store::LedgerEvent& event);
  Result<void> task_ended(Call& call, const store::LedgerEvent& event);
  Result<void> try_rollout(Call& call, FlowRow& row, const PlanRow& plan, const std::string& cause);

  // triggers.cpp
  Result<void> alarmed(Call& call, const store::LedgerEvent& event);

  // monitors.cpp
  Result<void> watch_live(Call& call, const std::string& model, const std::string& cause);
  void forget_old(jobs::Worker& worker);

  // rollouts.cpp
  Result<RolloutRow> start_rollout(Call& call, RolloutRow row, const std::string& cause);
  Result<std::string> drive(const jobs::Job& job);
  Result<std::string> prepare(RolloutRow row, std::int64_t number);
  Result<std::string> look_at_step(RolloutRow row, std::int64_t number);
  Result<void> compare_arms(RolloutRow& row, const Config& config, StepSeen& seen);
  void forget_comparison(const RolloutId& id);
  Result<std::optional<Config>> config_of(Tx& tx, const RolloutRow& row);
  Result<void> look_again(Call& call, RolloutRow& row, Micros wait);
  Result<void> go_to_step(Call& call, RolloutRow& row, std::int64_t step, const std::string& why);
  Result<void> go_live(Call& call, RolloutRow& row, const std::string& why);
  Result<void> go_back(Call& call, RolloutRow& row, RolloutState to, std::string reason, const std::string& cause);
  Result<void> flow_of_rollout_ends(Call& call, const RolloutRow& row, FlowState to, const std::string& reason,
                                    const std::string& cause);
  Result<std::string> settle(const RolloutRow& row, std::int64_t number, Result<void> done);
  Result<void> move_aliases(Call& call, const RolloutRow& row, std::int64_t version);

  // pages.cpp
  struct Looked {  // a model line and what it was made from
    ModelLine line{};
    std::vector<Version> versions{};
    Weights weights{};
  };
  Result<Looked> look_at_model(Tx& tx, const std::string& name);
  Result<void> add_traffic(ModelLine& line, const Weights& weights);
  Result<VersionLine> version_line(Tx& tx, const Who& who, const Looked& model, const Version& version);

  std::string new_id() { return random_.hex_bytes(8); }

  Below& below_;
  team::Service& team_;
  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  const std::function<void(std::string_view, std::string_view)> notice_;
  const std::string cache_;
  // The last comparison of a rollout's arms: it is not made again before twenty times what it took, nor while nothing has come.
  struct Compared {
    std::int64_t step = -1, rows = 0, labels = 0;
    std::int64_t labelled = 0, labelled_live = 0;
    bool ends = false;  // the step had held long enough
    Time ended{};
    Micros took{0};
  };
  std::mutex compared_mutex_;
  std::map<std::string, Compared> compared_;  // by rollout, of those under way
  std::mutex tries_mutex_;
  std::map<std::string, int> tries_;  // of events that failed, by id
};

// What an event of delivery says: ids, digests and numbers, no personal values.
struct Told {
  std::string model{}, version{}, repo{}, commit{}, plan{}, kind{}, state{}, reason{}, endpoint{}, rollout{}, from{},
      to{};
  std::optional<double> share{};
  std::vector<RuleSeen> evidence{};
  static constexpr FieldOptions hidden{.empty = Empty::hide};
  static constexpr auto fields = std::tuple{field("model", &Told::model, hidden),
                                            field("version", &Told::version, hidden),
                                            field("repo", &Told::repo, hidden),
                                            field("commit", &Told::commit, hidden),
                                            field("plan", &Told::plan, hidden),
                                            field("kind", &Told::kind, hidden),
                                            field("state", &Told::state, hidden),
                                            field("reason", &Told::reason, hidden),
                                            field("endpoint", &Told::endpoint, hidden),
                                            field("rollout", &Told::rollout, hidden),
                                            field("from", &Told::from, hidden),
                                            field("to", &Told::to, hidden),
                                            field("share", &Told::share),
                                            field("evidence", &Told::evidence, hidden)};
};
// `https://me:secret@host/x` without the secret: what git says goes into the ledger and onto pages.
std::string without_secrets(std::string text);
inline std::string version_name(std::string_view model, std::int64_t version) {
  return std::string(model) + "@" + std::to_string(version);
}

}  // namespace pawl::delivery
