// The described structs of everything delivery shows: plans, flows, gates, rollouts, the overview, why. The page and the command line read
// exactly these. Times are RFC 3339 text, durations seconds, shares percent, versions numbers; `NAME@V` where one text names a version.
#pragma once
#include "team/types.h"

namespace pawl::delivery {

using team::List;
using FlowId = Id<struct flow_tag>;
using PlanId = Id<struct plan_tag>;
using RolloutId = Id<struct rollout_tag>;
using Files = std::map<std::string, std::string, std::less<>>;  // path -> text
using Texts = std::map<std::string, std::string, std::less<>>;
using Numbers = std::map<std::string, double, std::less<>>;

// ---- plans: what a team declares, waiting for or being in force -------------------------------------------------------------------------
enum class PlanState { proposed, in_force, replaced, rejected };
struct FileChange {
  std::string path{};
  std::string change{};  // added, changed, removed
  std::string diff{};    // lines, each with '+', '-' or ' ' before it
  static constexpr auto fields = std::tuple{field("path", &FileChange::path), field("change", &FileChange::change),
                                            field("diff", &FileChange::diff)};
};
struct Plan {
  PlanId id{};
  std::string repo{}, commit{}, model{};
  PlanState state{};
  std::string by{};  // who proposed it: a user, or the repository
  std::string proposed{}, decided{};
  std::string approval{};              // id of the approval that waits or was given
  std::string reason{};                // of a rejected one: pawl.yaml:12:5: …
  std::vector<FileChange> changes{};   // against what was in force when it was proposed
  std::vector<std::string> not_yet{};  // what is declared and does nothing so far
  Files files{};                       // the whole declaration; only in the answer about one plan
  static constexpr auto fields = std::tuple{field("id", &Plan::id),
                                            field("repo", &Plan::repo),
                                            field("commit", &Plan::commit),
                                            field("model", &Plan::model),
                                            field("state", &Plan::state),
                                            field("by", &Plan::by),
                                            field("proposed", &Plan::proposed),
                                            field("decided", &Plan::decided),
                                            field("approval", &Plan::approval),
                                            field("reason", &Plan::reason),
                                            field("changes", &Plan::changes),
                                            field("not_yet", &Plan::not_yet),
                                            field("files", &Plan::files, {.empty = Empty::hide})};
};
struct PlansAsk {
  std::string repo{}, model{}, after{};
  std::optional<PlanState> state{};
  std::int64_t limit = 100;
  static constexpr auto fields =
      std::tuple{field("repo", &PlansAsk::repo), field("model", &PlansAsk::model), field("after", &PlansAsk::after),
                 field("state", &PlansAsk::state), field("limit", &PlansAsk::limit)};
};
struct PlanAsk {
  PlanId id{};
  static constexpr auto fields = std::tuple{field("id", &PlanAsk::id, {.required = true})};
};
// POST /plans: files of a work tree, compared with what is in force (dry) or proposed with their commit.
struct ProposeAsk {
  std::string repo{}, commit{};
  Files files{};
  bool dry = false;
  static constexpr auto fields =
      std::tuple{field("repo", &ProposeAsk::repo), field("commit", &ProposeAsk::commit),
                 field("files", &ProposeAsk::files, {.items_max = 50}), field("dry", &ProposeAsk::dry)};
};
struct PlanDiff {
  bool differs = false;
  std::string model{}, in_force{};  // in_force: the plan that is, empty when none
  std::vector<FileChange> changes{};
  std::vector<std::string> not_yet{};  // what is declared and does nothing so far
  static constexpr auto fields = std::tuple{field("differs", &PlanDiff::differs), field("model", &PlanDiff::model),
                                            field("in_force", &PlanDiff::in_force),
                                            field("changes", &PlanDiff::changes), field("not_yet", &PlanDiff::not_yet)};
};

// ---- gate ---------------------------------------------------------------------------------------------------------------------------------
enum class CheckState { pass, fail, inconclusive, empty, error, waiting };
struct Check {
  std::string name{};  // "metric mae", "better_than champion", "slices origin", "data checks.yaml", "approve operator"
  std::string kind{};  // metric, better_than, slices, data, approve
  CheckState state{};
  std::optional<double> estimate{}, low{}, high{};
  std::int64_t n = 0;
  std::string expected{}, seen{};
  std::string reason{};  // why it did not pass, what it waits for
  Json evidence{};       // by kind: slices, findings, champion's values, votes, seed and days of the bootstrap …
  static constexpr auto fields = std::tuple{field("name", &Check::name),
                                            field("kind", &Check::kind),
                                            field("state", &Check::state),
                                            field("estimate", &Check::estimate),
                                            field("low", &Check::low),
                                            field("high", &Check::high),
                                            field("n", &Check::n),
                                            field("expected", &Check::expected),
                                            field("seen", &Check::seen),
                                            field("reason", &Check::reason),
                                            field("evidence", &Check::evidence, {.empty = Empty::hide})};
};
struct Gate {
  std::string flow{}, model{};
  std::int64_t version = 0;
  CheckState state{};  // pass only when every check passed
  std::string judged{};
  Json digests{};  // model, data, evidence, champion, plan: what an approval is bound to
  std::vector<Check> checks{};
  static constexpr auto fields =
      std::tuple{field("flow", &Gate::flow),       field("model", &Gate::model),
                 field("version", &Gate::version), field("state", &Gate::state),
                 field("judged", &Gate::judged),   field("digests", &Gate::digests, {.empty = Empty::hide}),
                 field("checks", &Gate::checks)};
};

// ---- flows --------------------------------------------------------------------------------------------------------------------------------
// version: one registered outside any flow; drift, performance: an alarm
enum class TriggerKind { push, data, hand, version, drift, performance };
enum class FlowState {
  queued,
  training,
  judging,
  waiting,
  rolling_out,
  done,
  rejected,
  failed,
  superseded,
  nothing_new,
  stopped
};
struct Trigger {
  TriggerKind kind{};
  std::string by{};     // who started it; empty when pawl did
  std::string event{};  // id of the ledger's event
  std::string what{};   // push of 12ab34cd, data/raw changed, drift in 4 of 16 columns …
  std::string at{};     // drift, performance: the end of the window that alarmed, in event time
  static constexpr auto fields =
      std::tuple{field("kind", &Trigger::kind), field("by", &Trigger::by), field("event", &Trigger::event),
                 field("what", &Trigger::what), field("at", &Trigger::at)};
};
struct StageRun {
  std::string name{}, outcome{};  // ran, cached, skipped
  double seconds = 0;
  static constexpr auto fields = std::tuple{field("name", &StageRun::name), field("outcome", &StageRun::outcome),
                                            field("seconds", &StageRun::seconds)};
};
struct Flow {
  FlowId id{};
  std::string model{}, repo{}, commit{}, message{};
  Texts set{};
  Trigger trigger{};
  FlowState state{};
  std::int64_t version = 0;  // 0: none yet
  std::string task{};        // the job that works for it now
  std::string approval{}, rollout{};
  std::string reason{};  // what it waits for, or why it ended
  std::string started{}, updated{};
  std::vector<StageRun> stages{};
  std::vector<std::string> warnings{};
  std::optional<Gate> gate{};  // only in the answer about one flow
  static constexpr auto fields =
      std::tuple{field("id", &Flow::id),           field("model", &Flow::model),       field("repo", &Flow::repo),
                 field("commit", &Flow::commit),   field("message", &Flow::message),   field("set", &Flow::set),
                 field("trigger", &Flow::trigger), field("state", &Flow::state),       field("version", &Flow::version),
                 field("task", &Flow::task),       field("approval", &Flow::approval), field("rollout", &Flow::rollout),
                 field("reason", &Flow::reason),   field("started", &Flow::started),   field("updated", &Flow::updated),
                 field("stages", &Flow::stages),   field("warnings", &Flow::warnings), field("gate", &Flow::gate)};
};
struct FlowsAsk {
  std::string model{}, commit{}, after{};  // commit: or its first digits
  std::optional<FlowState> state{};
  std::int64_t limit = 50;
  static constexpr auto fields =
      std::tuple{field("model", &FlowsAsk::model), field("commit", &FlowsAsk::commit), field("after", &FlowsAsk::after),
                 field("state", &FlowsAsk::state), field("limit", &FlowsAsk::limit)};
};
struct FlowAsk {
  FlowId id{};
  static constexpr auto fields = std::tuple{field("id", &FlowAsk::id, {.required = true})};
};
// POST /flows: by hand, at the newest pushed commit.
struct FlowStart {
  std::string model{};
  Texts set{};
  static constexpr auto fields = std::tuple{field("model", &FlowStart::model, {.required = true}),
                                            field("set", &FlowStart::set, {.items_max = 100})};
};
struct FlowStop {
  FlowId id{};
  std::string reason{};
  static constexpr auto fields = std::tuple{field("id", &FlowStop::id, {.required = true}),
                                            field("reason", &FlowStop::reason, {.chars_max = 1000})};
};

// ---- rollouts -----------------------------------------------------------------------------------------------------------------------------
enum class RolloutState { preparing, stepping, done, rolled_back, failed };
// What one rule of `rollback_when` has seen of the step, as of its last look (docs/rollouts.md).
struct RuleSeen {
  std::string rule{};  // error_rate, p99_ms, prediction_shift, worse_than_live
  // fail: it brings the version before back; waiting: too little to judge by; pass: nothing against the new version so far.
  CheckState state{};
  // The error rate, p99 in ms, the distance of the arms' answers, by how much the metric is worse.
  std::optional<double> seen{}, limit{};
  std::optional<double> live{}, canary{};  // worse_than_live: the metric of each arm
  std::optional<double> p{}, level{};      // p counts when it is at most `level`
  std::int64_t n = 0, n_live = 0;          // requests, rows or labelled rows of the new version and of the live one
  std::int64_t looks = 0;                  // tests so far, in the whole rollout
  std::string note{};                      // what it waits for, or how it was counted
  static constexpr auto fields = std::tuple{
      field("rule", &RuleSeen::rule),     field("state", &RuleSeen::state), field("seen", &RuleSeen::seen),
      field("limit", &RuleSeen::limit),   field("live", &RuleSeen::live),   field("canary", &RuleSeen::canary),
      field("p", &RuleSeen::p),           field("level", &RuleSeen::level), field("n", &RuleSeen::n),
      field("n_live", &RuleSeen::n_live), field("looks", &RuleSeen::looks), field("note", &RuleSeen::note)};
};
struct Rollout {
  RolloutId id{};
  std::string endpoint{}, model{}, flow{};
  std::int64_t from = 0, to = 0;  // versions; from 0: the endpoint was empty
  RolloutState state{};
  std::vector<double> steps{};             // percent
  std::int64_t step = 0;                   // index into steps
  double share = 0;                        // percent of traffic that the new version gets now
  std::int64_t rows = 0, rows_needed = 0;  // answered by the new version in this step, and needed
  std::int64_t errors = 0;
  double p99_ms = 0;
  double held_s = 0, hold_s = 0;     // time this step has held, and has to
  std::string reason{};              // what it waits for, or why it went back
  std::vector<RuleSeen> evidence{};  // one for each declared rule
  std::string by{}, started{}, updated{};
  static constexpr auto fields = std::tuple{field("id", &Rollout::id),
                                            field("endpoint", &Rollout::endpoint),
                                            field("model", &Rollout::model),
                                            field("flow", &Rollout::flow),
                                            field("from", &Rollout::from),
                                            field("to", &Rollout::to),
                                            field("state", &Rollout::state),
                                            field("steps", &Rollout::steps),
                                            field("step", &Rollout::step),
                                            field("share", &Rollout::share),
                                            field("rows", &Rollout::rows),
                                            field("rows_needed", &Rollout::rows_needed),
                                            field("errors", &Rollout::errors),
                                            field("p99_ms", &Rollout::p99_ms),
                                            field("held_s", &Rollout::held_s),
                                            field("hold_s", &Rollout::hold_s),
                                            field("reason", &Rollout::reason),
                                            field("by", &Rollout::by),
                                            field("started", &Rollout::started),
                                            field("updated", &Rollout::updated),
                                            field("evidence", &Rollout::evidence)};
};
struct RolloutAsk {
  RolloutId id{};
  static constexpr auto fields = std::tuple{field("id", &RolloutAsk::id, {.required = true})};
};
// POST /deployments {model, version, endpoint?}: a version that its gate let through, or any while no gate is in force.
struct DeployAsk {
  std::string model{}, endpoint{};
  std::int64_t version = 0;
  static constexpr auto fields =
      std::tuple{field("model", &DeployAsk::model, {.required = true}), field("endpoint", &DeployAsk::endpoint),
                 field("version", &DeployAsk::version)};
};
// POST /endpoints/{name}/rollback {reason}
struct RollbackAsk {
  std::string name{}, reason{};
  static constexpr auto fields = std::tuple{field("name", &RollbackAsk::name, {.required = true}),
                                            field("reason", &RollbackAsk::reason, {.chars_max = 1000})};
};

// POST /endpoints/{name}/promote {reason, step?}: the rollout's next step now. `step`: the one that whoever asks has seen, counted from 0.
struct PromoteAsk {
  std::string name{}, reason{};
  std::optional<std::int64_t> step{};
  static constexpr auto fields = std::tuple{field("name", &PromoteAsk::name, {.required = true}),
                                            field("reason", &PromoteAsk::reason, {.required = true, .chars_max = 1000}),
                                            field("step", &PromoteAsk::step)};
};

// ---- overview and models: what the page shows -----------------------------------------------------------------------------------------------
struct Traffic {
  std::int64_t rows = 0, requests = 0, errors = 0;  // of the last `seconds`
  double p50_ms = 0, p99_ms = 0, seconds = 0;
  static constexpr auto fields = std::tuple{field("rows", &Traffic::rows),     field("requests", &Traffic::requests),
                                            field("errors", &Traffic::errors), field("p50_ms", &Traffic::p50_ms),
                                            field("p99_ms", &Traffic::p99_ms), field("seconds", &Traffic::seconds)};
};
struct Arm {
  std::int64_t version = 0;
  double share = 0;   // percent
  std::string arm{};  // live, canary
  static constexpr auto fields =
      std::tuple{field("version", &Arm::version), field("share", &Arm::share), field("arm", &Arm::arm)};
};
struct ModelLine {
  std::string name{}, endpoint{}, repo{};
  std::int64_t live = 0, newest = 0, versions = 0;  // 0: none
  std::vector<Arm> arms{};
  Traffic traffic{};
  std::optional<Rollout> rollout{};  // the one under way
  std::optional<Flow> flow{};        // the newest
  std::int64_t approvals_open = 0;
  static constexpr auto fields = std::tuple{field("name", &ModelLine::name),
                                            field("endpoint", &ModelLine::endpoint),
                                            field("repo", &ModelLine::repo),
                                            field("live", &ModelLine::live),
                                            field("newest", &ModelLine::newest),
                                            field("versions", &ModelLine::versions),
                                            field("arms", &ModelLine::arms),
                                            field("traffic", &ModelLine::traffic),
                                            field("rollout", &ModelLine::rollout),
                                            field("flow", &ModelLine::flow),
                                            field("approvals_open", &ModelLine::approvals_open)};
};
// GET /overview; GET /models answers its `items` alone.
struct Overview {
  std::vector<ModelLine> items{};
  std::vector<team::Approval> approvals{};  // the open ones, plans too
  static constexpr auto fields = std::tuple{field("items", &Overview::items), field("approvals", &Overview::approvals)};
};
struct VersionLine {
  std::string name{};
  std::int64_t version = 0;
  std::string
      state{};       // live, canary, waiting, judging, rejected, failed, superseded, retired, rolled_back, registered
  double share = 0;  // percent of the endpoint's traffic
  std::vector<std::string> aliases{};
  std::string run_id{}, commit{}, by{}, created{}, flow{};
  Numbers metrics{};           // as logged by the run
  std::optional<Gate> gate{};  // absent: never judged
  std::optional<team::Approval> approval{};
  static constexpr auto fields =
      std::tuple{field("name", &VersionLine::name),        field("version", &VersionLine::version),
                 field("state", &VersionLine::state),      field("share", &VersionLine::share),
                 field("aliases", &VersionLine::aliases),  field("run_id", &VersionLine::run_id),
                 field("commit", &VersionLine::commit),    field("by", &VersionLine::by),
                 field("created", &VersionLine::created),  field("flow", &VersionLine::flow),
                 field("metrics", &VersionLine::metrics),  field("gate", &VersionLine::gate),
                 field("approval", &VersionLine::approval)};
};
// GET /models/{name}: newest version first.
struct ModelPage {
  ModelLine model{};
  std::vector<VersionLine> versions{};
  static constexpr auto fields = std::tuple{field("model", &ModelPage::model), field("versions", &ModelPage::versions)};
};
struct ModelAsk {
  std::string name{};
  static constexpr auto fields = std::tuple{field("name", &ModelAsk::name, {.required = true})};
};
struct VersionAsk {
  std::string name{};
  std::int64_t version = 0;
  static constexpr auto fields =
      std::tuple{field("name", &VersionAsk::name, {.required = true}), field("version", &VersionAsk::version)};
};

// ---- why and restore ------------------------------------------------------------------------------------------------------------------------
struct DatasetUse {
  std::string role{}, path{}, digest{};  // train, test, other; md5
  std::int64_t size = 0, rows = 0;
  std::string time_min{}, time_max{};
  static constexpr auto fields =
      std::tuple{field("role", &DatasetUse::role),        field("path", &DatasetUse::path),
                 field("digest", &DatasetUse::digest),    field("size", &DatasetUse::size),
                 field("rows", &DatasetUse::rows),        field("time_min", &DatasetUse::time_min),
                 field("time_max", &DatasetUse::time_max)};
};
struct StageFile {
  std::string path{}, md5{};
  std::int64_t size = 0;
  static constexpr auto fields =
      std::tuple{field("path", &StageFile::path), field("md5", &StageFile::md5), field("size", &StageFile::size)};
};
struct StageLock {
  std::string name{}, cmd{};
  std::vector<StageFile> deps{}, outs{};
  static constexpr auto fields = std::tuple{field("name", &StageLock::name), field("cmd", &StageLock::cmd),
                                            field("deps", &StageLock::deps), field("outs", &StageLock::outs)};
};
// Where a version comes from: everything `restore` needs.
struct Origin {
  std::string model{};
  std::int64_t version = 0;
  std::string run_id{}, registered_by{}, created{}, source{}, artifact{},
      digest{};                                                       // artifact: its folder below mlflow-artifacts:/
  std::string flow{}, trigger{}, repo{}, url{}, commit{}, message{};  // trigger: push of 12ab34cd, drift of …
  Texts set{};
  std::string lock{};  // dvc.lock as it was afterwards
  std::vector<DatasetUse> datasets{};
  std::vector<StageLock> stages{};
  Texts params{};  // of the run
  Numbers metrics{};
  Json environment{};
  std::string pipeline{};  // dvc.yaml, as pawl.yaml in force names it
  std::string cache{};     // the local runner's DVC cache, on the server's machine
  static constexpr auto fields = std::tuple{field("model", &Origin::model),
                                            field("version", &Origin::version),
                                            field("run_id", &Origin::run_id),
                                            field("registered_by", &Origin::registered_by),
                                            field("created", &Origin::created),
                                            field("source", &Origin::source),
                                            field("artifact", &Origin::artifact),
                                            field("digest", &Origin::digest),
                                            field("flow", &Origin::flow),
                                            field("trigger", &Origin::trigger),
                                            field("repo", &Origin::repo),
                                            field("url", &Origin::url),
                                            field("commit", &Origin::commit),
                                            field("message", &Origin::message),
                                            field("set", &Origin::set),
                                            field("lock", &Origin::lock),
                                            field("datasets", &Origin::datasets),
                                            field("stages", &Origin::stages),
                                            field("params", &Origin::params),
                                            field("metrics", &Origin::metrics),
                                            field("environment", &Origin::environment, {.empty = Empty::hide}),
                                            field("pipeline", &Origin::pipeline),
                                            field("cache", &Origin::cache)};
};
struct LabelTold {
  Json value{};
  std::string at{}, by{};
  static constexpr auto fields =
      std::tuple{field("value", &LabelTold::value), field("at", &LabelTold::at), field("by", &LabelTold::by)};
};
struct PredictionSeen {
  std::string id{}, endpoint{}, received{}, event_time{}, arm{}, rollout{};
  std::int64_t version = 0, step = 0;
  Json features{}, outputs{};
  std::vector<LabelTold> labels{};  // all of them, the one that counts is the last
  static constexpr auto fields = std::tuple{field("id", &PredictionSeen::id),
                                            field("endpoint", &PredictionSeen::endpoint),
                                            field("received", &PredictionSeen::received),
                                            field("event_time", &PredictionSeen::event_time),
                                            field("arm", &PredictionSeen::arm),
                                            field("rollout", &PredictionSeen::rollout),
                                            field("version", &PredictionSeen::version),
                                            field("step", &PredictionSeen::step),
                                            field("features", &PredictionSeen::features, {.empty = Empty::hide}),
                                            field("outputs", &PredictionSeen::outputs, {.empty = Empty::hide}),
                                            field("labels", &PredictionSeen::labels)};
};
// GET /why/{prediction_id}: the whole chain, from the answer back to the files.
struct Why {
  PredictionSeen prediction{};
  std::optional<Rollout> rollout{};
  std::optional<Gate> gate{};
  std::vector<team::Approval> approvals{};  // who let it through
  Origin origin{};
  std::string model{};
  static constexpr auto fields =
      std::tuple{field("prediction", &Why::prediction), field("rollout", &Why::rollout), field("gate", &Why::gate),
                 field("approvals", &Why::approvals),   field("origin", &Why::origin),   field("model", &Why::model)};
};
// GET /endpoints/{name}/why?at=TIME: which versions answered at that time of the clock, and how they came there.
struct AnsweredBy {
  std::int64_t version = 0;
  double share = 0;                         // percent
  std::string arm{}, since{};               // live, canary; since when it had been answering
  std::string event{};                      // the ledger's event that made it so
  std::string reason{};                     // of a rollback
  std::optional<Rollout> rollout{};         // that brought it
  std::vector<team::Approval> approvals{};  // who let it through
  std::string flow{}, trigger{}, commit{}, run_id{}, registered_by{};
  static constexpr auto fields = std::tuple{field("version", &AnsweredBy::version),
                                            field("share", &AnsweredBy::share),
                                            field("arm", &AnsweredBy::arm),
                                            field("since", &AnsweredBy::since),
                                            field("event", &AnsweredBy::event),
                                            field("reason", &AnsweredBy::reason),
                                            field("rollout", &AnsweredBy::rollout),
                                            field("approvals", &AnsweredBy::approvals),
                                            field("flow", &AnsweredBy::flow),
                                            field("trigger", &AnsweredBy::trigger),
                                            field("commit", &AnsweredBy::commit),
                                            field("run_id", &AnsweredBy::run_id),
                                            field("registered_by", &AnsweredBy::registered_by)};
};
struct WhyThen {
  std::string endpoint{}, model{}, at{};
  std::vector<AnsweredBy> arms{};                              // empty: nothing was live yet
  std::map<std::string, std::int64_t, std::less<>> aliases{};  // of the model, as they stood
  static constexpr auto fields =
      std::tuple{field("endpoint", &WhyThen::endpoint), field("model", &WhyThen::model), field("at", &WhyThen::at),
                 field("arms", &WhyThen::arms), field("aliases", &WhyThen::aliases)};
};
struct WhyThenAsk {
  std::string name{}, at{};  // at: RFC 3339; empty: now
  static constexpr auto fields =
      std::tuple{field("name", &WhyThenAsk::name, {.required = true}), field("at", &WhyThenAsk::at)};
};
struct WhyAsk {
  std::string prediction_id{};
  static constexpr auto fields = std::tuple{field("prediction_id", &WhyAsk::prediction_id, {.required = true})};
};

}  // namespace pawl::delivery
template <> inline constexpr auto pawl::words<pawl::delivery::PlanState> =
    std::to_array<std::string_view>({"proposed", "in_force", "replaced", "rejected"});
template <> inline constexpr auto pawl::words<pawl::delivery::CheckState> =
    std::to_array<std::string_view>({"pass", "fail", "inconclusive", "empty", "error", "waiting"});
template <> inline constexpr auto pawl::words<pawl::delivery::TriggerKind> =
    std::to_array<std::string_view>({"push", "data", "hand", "version", "drift", "performance"});
template <> inline constexpr auto pawl::words<pawl::delivery::FlowState> =
    std::to_array<std::string_view>({"queued", "training", "judging", "waiting", "rolling_out", "done", "rejected",
                                     "failed", "superseded", "nothing_new", "stopped"});
template <> inline constexpr auto pawl::words<pawl::delivery::RolloutState> =
    std::to_array<std::string_view>({"preparing", "stepping", "done", "rolled_back", "failed"});
