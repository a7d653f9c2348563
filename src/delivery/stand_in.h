// For delivery's tests: the rooms below as plain maps. A test says what the runner found; the store, the ledger, the jobs and the approvals are real.
#pragma once
#include <doctest/doctest.h>

#include "core/json.h"
#include "delivery/service.h"
#include "delivery/testing.h"
#include "net/testing.h"

namespace pawl::delivery {

struct StandIn final : Below {
  struct Task {
    std::string kind{}, flow{}, payload{};
    InspectAsk inspect{};
    TrainAsk train{};
    std::optional<Ended> ended{};
    bool dropped = false;
  };
  std::map<std::string, Task> tasks{};
  std::string newest_task{};
  std::map<std::string, Version> versions_by_name{};
  std::map<std::string, std::int64_t> aliases{};
  std::map<std::string, Weights> routing{};
  std::map<std::string, std::string> users{{"ada@x.org", "ada"}};
  std::map<std::string, Tallied> tallies{};  // endpoint/rollout/step/canary
  std::string digest = "sha-of-the-model";
  // What the canary answers, as the live version does plus `shift`, and how far it is off; a share of rows has labels.
  struct Arms {
    double shift = 0, off = 1, off_live = 1, labelled = 1;
    std::int64_t live_rows = 600;
  } arms{};
  int compared = 0;
  std::optional<Error> cannot_prepare{}, cannot_route{}, cannot_tally{}, cannot_compare{};
  int alias_moves = 0;
  // For tests that kill the server: keeps the routing and the aliases in the store too, in the transaction that changes them.
  std::function<Result<void>(Tx&, const std::string& name, const std::string& value)> keep{};
  Result<void> kept(Tx& tx, const std::string& name, const std::string& value) {
    return keep ? keep(tx, name, value) : Result<void>{};
  }

  std::string add(Task task) {
    newest_task = "task" + std::to_string(tasks.size() + 1);
    tasks[newest_task] = std::move(task);
    return newest_task;
  }
  Result<Repo> repo(Tx&, const std::string& name) override {
    if (name != "flights" && name != "other") return fail(Code::missing, "there is no repository " + name, "repo");
    return Repo{name, "file:///" + name, "main"};
  }
  Result<std::string> inspect(Call&, const InspectAsk& ask) override {
    return add({.kind = "inspect", .inspect = ask});
  }
  Result<std::string> train(Call&, const TrainAsk& ask) override {
    return add({.kind = "pipeline", .flow = ask.flow.text, .train = ask});
  }
  Result<std::string> evaluate(Call&, const FlowId& flow, const std::string& payload) override {
    return add({.kind = "evaluate", .flow = flow.text, .payload = payload});
  }
  Result<Ended> ended(Tx&, const std::string& task) override { return tasks.at(task).ended.value(); }
  Result<void> drop_tasks(Call&, const FlowId& flow) override {
    for (auto& [id, task] : tasks) task.dropped = task.dropped || task.flow == flow.text;
    return {};
  }
  Result<std::optional<Version>> version(Tx&, const std::string& model, std::int64_t number) override {
    const auto found = versions_by_name.find(version_name(model, number));
    if (found == versions_by_name.end()) return std::optional<Version>{};
    return std::optional(found->second);
  }
  Result<std::vector<std::string>> models(Tx&) override {
    std::vector<std::string> out;
    for (const auto& [name, v] : versions_by_name)
      if (out.empty() || out.back() != v.model) out.push_back(v.model);
    return out;
  }
  Result<std::vector<Version>> versions(Tx&, const std::string& model) override {
    std::vector<Version> out;
    for (const auto& [name, v] : versions_by_name)
      if (v.model == model) out.push_back(v);
    std::sort(out.begin(), out.end(), [](const Version& a, const Version& b) { return a.number > b.number; });
    return out;
  }
  Result<std::vector<Version>> versions_of_flow(Tx&, const FlowId& flow) override {
    std::vector<Version> out;
    for (const auto& [name, v] : versions_by_name)
      if (v.flow == flow.text) out.push_back(v);
    return out;
  }
  Result<std::optional<std::int64_t>> alias(Tx&, const std::string& model, const std::string& alias) override {
    const auto found = aliases.find(model + "/" + alias);
    return found == aliases.end() ? std::optional<std::int64_t>{} : found->second;
  }
  Result<void> set_alias(Call& call, const std::string& model, const std::string& alias, std::int64_t number,
                         const FlowId&) override {
    aliases[model + "/" + alias] = number;
    ++alias_moves;
    return kept(call.tx, "alias " + model + "/" + alias, std::to_string(number));
  }
  Result<RunFacts> run(Tx&, const std::string&) override { return RunFacts{{{"depth", "7"}}, {{"mae", 16.5}}}; }
  Result<std::optional<std::string>> user_of_email(Tx&, const std::string& email) override {
    const auto found = users.find(email);
    return found == users.end() ? std::optional<std::string>{} : found->second;
  }
  Result<void> put_endpoint(Call& call, const std::string& name, const std::string&, bool, bool) override {
    if (!routing.try_emplace(name).second) return {};
    return kept(call.tx, "routing " + name, encode(Weights{}));
  }
  Result<std::optional<Weights>> weights(Tx&, const std::string& endpoint) override {
    const auto found = routing.find(endpoint);
    return found == routing.end() ? std::optional<Weights>{} : found->second;
  }
  Result<void> set_weights(Call& call, const std::string& endpoint, const Weights& weights) override {
    if (cannot_route) return std::unexpected(*cannot_route);
    routing[endpoint] = weights;
    return kept(call.tx, "routing " + endpoint, encode(weights));
  }
  std::map<std::string, monitoring::Monitor> monitors{};
  std::vector<std::string> monitor_causes{};
  std::map<std::string, Time> window_ends{}, forgotten{};
  Result<void> put_monitor(Call&, const monitoring::Monitor& monitor, const std::string& cause) override {
    monitors[monitor.endpoint] = monitor;
    monitor_causes.push_back(cause);
    return {};
  }
  Result<void> drop_monitor(Call&, const std::string& endpoint, const std::string&) override {
    monitors.erase(endpoint);
    return {};
  }
  Result<std::optional<Time>> window_end(Tx&, const std::string& endpoint) override {
    const auto found = window_ends.find(endpoint);
    return found == window_ends.end() ? std::optional<Time>{} : found->second;
  }
  Result<std::int64_t> forget(const std::string& endpoint, Time before) override {
    forgotten[endpoint] = before;
    return 1;
  }
  Result<std::string> prepare(const Version&, const std::string&, const std::vector<std::string>&) override {
    if (cannot_prepare) return std::unexpected(*cannot_prepare);
    return digest;
  }
  static std::string step_name(const std::string& endpoint, const std::string& rollout, std::int64_t step,
                               bool canary) {
    return endpoint + "/" + rollout + "/" + std::to_string(step) + (canary ? "/canary" : "/live");
  }
  Result<Tallied> tally(const std::string& endpoint, const std::string& rollout, std::int64_t step,
                        bool canary) override {
    if (cannot_tally) return std::unexpected(*cannot_tally);
    return tallies[step_name(endpoint, rollout, step, canary)];
  }
  // As many rows of the new version as the tally says, each a request of its own.
  Result<serving::ArmsSeen> compare(const std::string& endpoint, const std::string& rollout, std::int64_t step,
                                    std::int64_t, std::int64_t) override {
    ++compared;
    if (cannot_compare) return std::unexpected(*cannot_compare);
    const std::int64_t rows = tallies[step_name(endpoint, rollout, step, true)].rows;
    serving::ArmsSeen out{.rows = {arms.live_rows, rows}};
    out.live_outputs = out.canary_outputs = {{.name = "delay", .type = v2::Type::FP32, .shape = {-1, 1}}};
    serving::ArmRows all{.outputs = {{.name = "delay"}}};
    serving::ArmRows known = all;
    for (std::int64_t i = 0; i < arms.live_rows + rows; ++i) {
      const bool canary = i >= arms.live_rows;
      const auto n = static_cast<std::uint64_t>(canary ? i - arms.live_rows : i);
      const double truth = static_cast<double>(n * 7919 % 101),
                   noise = static_cast<double>(n * 104729 % 103) / 51.0 - 1;
      const bool has_label = static_cast<double>(n % 100) < arms.labelled * 100;
      for (serving::ArmRows* to : {&all, &known}) {
        if (to == &known && !has_label) continue;
        to->units.push_back(static_cast<std::uint64_t>(i));
        to->canary.push_back(canary ? 1 : 0);
        to->outputs[0].numbers.push_back(truth + noise * (canary ? arms.off : arms.off_live) +
                                         (canary ? arms.shift : 0));
        to->labels.numbers.push_back(has_label ? truth : std::nan(""));
      }
      if (has_label) ++(canary ? out.labelled.canary : out.labelled.live);
    }
    out.answered = std::move(all), out.known = std::move(known);
    return out;
  }
  Result<std::int64_t> labels(const std::string&) override { return static_cast<std::int64_t>(arms.labelled * 1e6); }
  Result<PredictionSeen> prediction(const std::string& id, std::string& model) override {
    const Weights& now = routing["arrival-delay"];
    model = "arrival-delay";
    return PredictionSeen{.id = id,
                          .endpoint = "arrival-delay",
                          .arm = "live",
                          .rollout = now.rollout,
                          .version = now.live(),
                          .step = now.step};
  }
};

// A house with delivery in it, a team (ada writes code, olga operates) and one repository.
struct Bench {
  pawl::testing::House house;
  StandIn below;
  team::Service team{house.random};
  Service delivery{{.below = below, .team = team, .store = *house.store, .clock = house.clock, .random = house.random}};
  std::unique_ptr<jobs::Worker> worker;
  Who ada{Who::Kind::person, "ada", Role::operator_, {}}, olga{Who::Kind::person, "olga", Role::operator_, {}};
  int commits = 0;

  explicit Bench(store::Options options = {}) : house(std::move(options)) { restart(); }
  // As after kill -9: only the store is left.
  void restart() {
    worker = std::make_unique<jobs::Worker>(*house.store, house.clock, house.random);
    delivery.attach(*worker);
  }
  void idle() {
    const auto done = worker->run_until_idle();
    REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().message + " " + done.error().detail));
  }
  void pass(Micros d) {
    house.clock.pass(d);
    idle();
  }
  void tell(Event event) {
    REQUIRE(house.write([&](Call& call) -> Result<void> {
      call.tell(event);
      return {};
    }));
    house.clock.pass(Micros{1});
    idle();
  }
  std::string push(std::string repo = "flights") {
    const std::string commit = std::string(39, 'a') + std::to_string(++commits);
    tell({.what = "repo.pushed",
          .subject_kind = "repo",
          .subject = repo,
          .data = R"({"ref":"refs/heads/main","before":"","after":")" + commit + R"("})"});
    return commit;
  }
  // What a runner hands in for the newest task.
  void hand_in(Ended ended) {
    const std::string task = below.newest_task;
    ended.kind = below.tasks.at(task).kind;
    ended.flow = below.tasks.at(task).flow;
    below.tasks.at(task).ended = std::move(ended);
    tell({.what = "task.ended", .subject_kind = "task", .subject = task, .flow = below.tasks.at(task).flow});
  }
  void inspected(std::string_view config, std::vector<std::string> committers = {"ada@x.org"}, Texts data = {}) {
    Inspection found{.commit = below.tasks.at(below.newest_task).inspect.commit,
                     .message = "m",
                     .committers = std::move(committers)};
    found.files = {{"pawl.yaml", std::string(config)}, {"checks.yaml", "checks: []\n"}};
    found.data_digests = std::move(data);
    hand_in({.ok = true, .inspection = std::move(found)});
  }
  std::int64_t trained(std::string by = "") {
    const auto number = static_cast<std::int64_t>(below.versions_by_name.size()) + 1;
    const std::string flow = below.tasks.at(below.newest_task).flow;
    below.versions_by_name[version_name("arrival-delay", number)] = {.model = "arrival-delay",
                                                                     .number = number,
                                                                     .epoch = 1,
                                                                     .run_id = "r" + std::to_string(number),
                                                                     .flow = flow,
                                                                     .by = by.empty() ? "flow:" + flow : by,
                                                                     .artifact = "0/r/artifacts/model"};
    Trained facts{.lock =
                      "schema: '2.0'\nstages:\n  train:\n    cmd: python train.py\n    outs:\n    - path: model.onnx\n "
                      "     hash: md5\n      md5: "
                      "b1946ac92492d2347c6235b4d2611184\n      size: 6\n",
                  .stages = {{"train", "ran", 1.5}}};
    facts.datasets = {{.role = "train",
                       .path = "data/train.parquet",
                       .digest = "d-train",
                       .rows = 900,
                       .time_min = "2013-01-01T00:00:00Z",
                       .time_max = "2013-02-01T00:00:00Z"},
                      {.role = "test", .path = "data/test.parquet", .digest = "d-test", .rows = 100}};
    hand_in({.ok = true, .trained = std::move(facts)});
    return number;
  }
  // The evaluation of the newest task: a good one, changed by the test where it wants.
  EvaluateResult good() const {
    EvaluateResult out{.rows = 100, .days = 28, .draws = 10'000, .seed = 1, .digests = {{"challenger", below.digest}}};
    const Estimate mae{.metric = stats::Metric::mae, .estimate = 16.4, .low = 15, .high = 18, .n = 100};
    out.metrics = {mae};
    out.champion_metrics = {mae};
    out.differences = {{.metric = stats::Metric::mae, .estimate = 1.0, .low = 0.2, .high = 1.8, .n = 100}};
    out.slices = {
        {.by = "origin", .overall = mae, .items = {{"JFK", 50, true, 17.0, {}, {}}, {"EWR", 50, true, 15.8, {}, {}}}}};
    out.checks = {{.path = "checks.yaml", .n = 100, .findings = {"[]"}}};
    return out;
  }
  void evaluated(const EvaluateResult& seen) { hand_in({.ok = true, .result = encode(seen)}); }
  void vote(const std::string& approval, const Who& who, team::VoteWord word = team::VoteWord::grant) {
    const Who before = house.authorizer.who_is;
    house.authorizer.who_is = who;
    const auto done =
        house.write([&](Call& call) { return team.vote(call, {.id = {approval}, .vote = word, .comment = ""}); });
    house.authorizer.who_is = before;
    REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().message));
    idle();
  }
  Flow newest() {
    return house.read([&](Call& call) { return delivery.flows(call.tx, {.limit = 1}); }).value().items.at(0);
  }
  Flow flow(const FlowId& id) {
    return house.read([&](Call& call) { return delivery.flow(call.tx, id); }).value();
  }
  std::vector<Plan> plans() {
    return house.read([&](Call& call) { return delivery.plans(call.tx, {}); }).value().items;
  }
  Rollout rollout(const std::string& id) {
    return house.read([&](Call& call) { return delivery.rollout(call.tx, {id}); }).value();
  }
  team::Approval approval(const std::string& id) {
    return house.read([&](Call& call) { return team.find(call.tx, {id}); }).value();
  }
  std::vector<std::string> told(std::string what) {
    std::vector<std::string> out;
    const auto events =
        house.read([&](Call& call) { return store::read_ledger(call.tx, {.limit = 1000, .what = what}); });
    for (const auto& e : events.value()) out.push_back(e.what + " " + e.subject.id);
    return out;
  }
  // The first plan in force; its push's flow is in training.
  void in_force(std::string_view config = whole_config) {
    push();
    inspected(config);
    REQUIRE(plans().size() == 1);
    vote(plans()[0].approval, olga);
    REQUIRE(newest().state == FlowState::training);
  }
  // A flow in training goes on to a live version.
  std::int64_t go_live() {
    const std::int64_t number = trained();
    evaluated(good());
    REQUIRE(newest().state == FlowState::waiting);
    vote(newest().approval, olga);
    if (newest().state == FlowState::rolling_out) through_steps();
    REQUIRE(newest().state == FlowState::done);
    return number;
  }
  void traffic(const Rollout& r, Tallied seen) {
    below.tallies[StandIn::step_name(r.endpoint, r.id.text, r.step, true)] = seen;
  }
  void through_steps() {
    for (int i = 0; i < 10 && newest().state == FlowState::rolling_out; ++i) {
      const Rollout now = rollout(newest().rollout);
      traffic(now, {.rows = 600, .requests = 600, .p99_ms = 1, .events = std::chrono::minutes(11)});
      pass(std::chrono::seconds(6));
    }
  }
};

}  // namespace pawl::delivery
