// What pawl starts by itself: alarms, the breaker, monitors. And what answered when.
#include "core/testing.h"
#include "delivery/stand_in.h"

using namespace pawl;
using namespace pawl::delivery;
using namespace std::chrono_literals;

namespace {

Time at(std::string_view text) { return parse_rfc3339(text).value(); }

struct Watched : Bench {
  // A live version under the plan of the contract; the last push's commit is `commit`.
  std::string commit{};
  explicit Watched(std::string_view config = whole_config) {
    in_force(config);
    commit = newest().commit;
    go_live();
  }
  std::string alarm(std::string_view window_end, std::string_view kind = "drift", std::string_view what = "opened") {
    monitoring::AlarmTold told{.endpoint = "arrival-delay",
                               .model = "arrival-delay",
                               .window = "w1",
                               .window_end = std::string(window_end),
                               .version = 1,
                               .kind = *from_word<monitoring::AlarmKind>(kind),
                               .columns = {"temp", "dewp", "humid", "visib"}};
    if (kind == "performance") told.column = "mae", told.statistic = 17.2, told.limit = 15.5, told.columns.clear();
    tell({.what = "alarm." + std::string(what), .subject_kind = "alarm", .subject = "a1", .data = encode(told)});
    return ledger("alarm." + std::string(what)).back().id;
  }
  std::vector<store::LedgerEvent> ledger(std::string what = {}) {
    return house.read([&](Call& call) { return store::read_ledger(call.tx, {.limit = 1000, .what = what}); }).value();
  }
  std::vector<Flow> flows() {
    return house.read([&](Call& call) { return delivery.flows(call.tx, {}); }).value().items;
  }
  std::vector<std::string> held() {
    std::vector<std::string> out;
    for (const auto& e : ledger("retrain.held")) out.push_back(decode<RetrainHeld>(e.data.text)->reason);
    return out;
  }
  // A flow in training ends as rejected.
  void rejected() {
    trained();
    EvaluateResult seen = good();
    seen.differences[0].estimate = -0.4, seen.differences[0].low = -0.9;
    evaluated(seen);
    REQUIRE(newest().state == FlowState::rejected);
  }
  // The events from `event` back to the first one, by their cause.
  std::vector<std::string> causes(std::string event) {
    std::vector<std::string> out;
    while (!event.empty()) {
      const auto found = house.read([&](Call& call) { return store::find_event(call.tx, event); }).value();
      REQUIRE(found.has_value());
      out.push_back(found->what);
      event = found->cause;
    }
    return out;
  }
  WhyThen then(Time when) {
    return house
        .read([&](Call& call) { return delivery.why_then(call.tx, {.name = "arrival-delay", .at = to_rfc3339(when)}); })
        .value();
  }
};
std::string changed(std::string_view what, std::string_view into) {
  std::string out(whole_config);
  const auto place = out.find(what);
  REQUIRE(place != std::string::npos);
  return out.replace(place, what.size(), into);
}

}  // namespace

// ---- the trigger ----

TEST_CASE(
    "an alarm of the endpoint starts a flow at the newest commit, with the window's end as the declared parameter") {
  each_of<std::string, TriggerKind, std::string>(
      {{"drift", TriggerKind::drift, "drift of temp, dewp, humid and 1 more in the window until 2013-04-26T00:00:00Z"},
       {"performance", TriggerKind::performance,
        "mae 17.2, the limit is 15.5, in the window until 2013-04-26T00:00:00Z"}},
      [](const std::string& kind, TriggerKind trigger, const std::string& what) {
        Watched b;
        const std::string event = b.alarm("2013-04-26T00:00:00Z", kind);
        const Flow flow = b.newest();
        CHECK(flow.state == FlowState::training);
        CHECK(flow.trigger.kind == trigger);
        CHECK(flow.trigger.event == event);
        CHECK(flow.trigger.by.empty());
        CHECK(flow.trigger.what == what);
        CHECK(flow.trigger.at == "2013-04-26T00:00:00Z");
        CHECK(flow.commit == b.commit);
        CHECK(b.below.tasks.at(b.below.newest_task).train.set == Texts{{"collect.until", "2013-04-26T00:00:00Z"}});
        CHECK(b.held().empty());
      });
}
TEST_CASE("an alarm of a column, of a kind that is not declared or of another endpoint starts nothing") {
  Watched b;
  b.alarm("2013-04-26T00:00:00Z", "column");
  CHECK(b.flows().size() == 1);
  Watched quiet(changed("drift, performance]", "performance]"));
  quiet.alarm("2013-04-26T00:00:00Z", "drift");
  CHECK(quiet.flows().size() == 1);
  quiet.alarm("2013-04-26T00:00:00Z", "performance");
  CHECK(quiet.flows().size() == 2);
}
TEST_CASE("a push and a hand start use no declared parameters") {
  Watched b;
  b.push();
  b.inspected(whole_config);
  CHECK(b.newest().set.empty());
}
TEST_CASE("data that changed on an endpoint that replays the past has the end of its newest window") {
  const std::string config = changed("when: [push, {data: data/raw}, drift, performance]", "when: [{data: data/raw}]");
  Bench b;
  b.push();
  b.inspected(config, {"ada@x.org"}, {{"data/raw", "d1"}});
  b.vote(b.plans()[0].approval, b.olga);
  b.go_live();
  b.below.window_ends["arrival-delay"] = at("2013-07-19T00:00:00Z");
  b.push();
  b.inspected(config, {"ada@x.org"}, {{"data/raw", "d2"}});
  CHECK(b.newest().set.at("collect.until") == "2013-07-19T00:00:00Z");
}

// ---- one flow a model ----

TEST_CASE("two alarms and a push at once are one flow of the push and then one of the alarm") {
  Watched b;
  b.push();
  b.inspected(changed("max: 18", "max: 17"));  // a plan: its approval starts the push's flow
  const std::string plan = b.plans()[0].approval;
  b.vote(plan, b.olga);
  const Flow pushed = b.newest();
  REQUIRE(pushed.state == FlowState::training);
  const std::string training = b.below.newest_task;
  const std::string alarm = b.alarm("2013-04-26T00:00:00Z", "drift");
  b.alarm("2013-04-26T00:00:00Z", "performance");
  REQUIRE(b.flows().size() == 3);
  const Flow waits = b.newest();
  CHECK(waits.state == FlowState::queued);
  CHECK(waits.trigger.kind == TriggerKind::drift);
  CHECK(b.held() == std::vector<std::string>{"flow " + waits.id.text + ", started by an alarm too, is queued"});
  b.below.newest_task = training;
  b.hand_in({.ok = false, .error = "boom"});
  CHECK(b.flow(pushed.id).state == FlowState::failed);
  CHECK(b.flow(waits.id).state == FlowState::training);
  CHECK(b.flow(waits.id).commit == pushed.commit);
  const auto training_event = b.ledger("flow.training").back();
  CHECK(b.causes(training_event.id) == std::vector<std::string>{"flow.training", "flow.queued", "alarm.opened"});
  CHECK(b.ledger("flow.queued").back().cause == alarm);
}
TEST_CASE("an alarm waits behind a flow that waits for people, a newer push does not wait behind one of an alarm") {
  Watched b;
  b.push();
  b.inspected(whole_config);
  b.trained();
  b.evaluated(b.good());
  const Flow pushed = b.newest();
  REQUIRE(pushed.state == FlowState::waiting);
  b.alarm("2013-04-26T00:00:00Z");
  const Flow drift = b.newest();
  CHECK(drift.state == FlowState::queued);
  CHECK(b.flow(pushed.id).state == FlowState::waiting);
  CHECK(b.approval(pushed.approval).state == team::ApprovalState::open);
  // A newer push goes before it, and it waits on.
  b.push();
  b.inspected(whole_config);
  CHECK(b.flow(pushed.id).state == FlowState::superseded);
  CHECK(b.approval(pushed.approval).state == team::ApprovalState::void_);
  CHECK(b.newest().state == FlowState::training);
  CHECK(b.flow(drift.id).state == FlowState::queued);
  const FlowId second = b.newest().id;
  b.rejected();
  CHECK(b.flow(second).state == FlowState::rejected);
  CHECK(b.flow(drift.id).state == FlowState::training);
  CHECK(b.flow(drift.id).commit == b.flow(second).commit);  // the newest by now
  // Waiting for people itself, it gives way.
  b.trained();
  b.evaluated(b.good());
  CHECK(b.flow(drift.id).state == FlowState::waiting);
  b.push();
  b.inspected(whole_config);
  CHECK(b.flow(drift.id).state == FlowState::superseded);
}
TEST_CASE("nobody is the author of a retraining but those who committed, and the live version is its rival") {
  Watched b;
  b.alarm("2013-04-26T00:00:00Z");
  b.trained();
  const auto ask = decode<EvaluateAsk>(b.below.tasks.at(b.below.newest_task).payload);
  REQUIRE(ask.has_value());
  CHECK(ask->challenger.version == 2);
  REQUIRE(ask->champion.has_value());
  CHECK(ask->champion->version == 1);
  CHECK(ask->champion->train_ends == "2013-02-01T00:00:00Z");
  CHECK(ask->reference == "training+test");
  b.evaluated(b.good());
  CHECK(b.approval(b.newest().approval).rule.not_by == std::vector<std::string>{"ada"});
}
TEST_CASE("the ledger tells the whole story of an alarm by its causes") {
  Watched b;
  b.tell({.what = "window.closed", .subject_kind = "window", .subject = "w1"});
  const std::string window = b.ledger("window.closed").back().id;
  const std::string data = encode(monitoring::AlarmTold{.endpoint = "arrival-delay",
                                                        .model = "arrival-delay",
                                                        .window_end = "2013-04-26T00:00:00Z",
                                                        .kind = monitoring::AlarmKind::drift});
  b.tell({.what = "alarm.opened", .subject_kind = "alarm", .subject = "a1", .cause = window, .data = data});
  b.go_live();
  CHECK(b.below.routing["arrival-delay"].live() == 2);
  const std::vector<std::string> story = b.causes(b.ledger("flow.done").back().id);
  std::string told;
  for (auto event = story.rbegin(); event != story.rend(); ++event) told += (told.empty() ? "" : " ") + *event;
  CHECK(told ==
        "window.closed alarm.opened flow.queued flow.training flow.judging gate.judged approval.asked "
        "approval.decided gate.judged rollout.started rollout.stepped rollout.stepped rollout.done flow.done");
}

// ---- the breaker ----

TEST_CASE("the breaker counts in event time") {
  using enum FlowState;
  const Breaker rule{.cooldown = 28 * 24h, .at_most = 3, .per = 90 * 24h, .stop_after_rejected = 2};
  const auto drift = [](FlowState state, std::string_view end, std::string commit = "c1") {
    return Past{TriggerKind::drift, state, std::move(commit), at(end)};
  };
  const Past push{TriggerKind::push, done, "c1", {}}, hand{TriggerKind::hand, nothing_new, "c1", {}},
      by_hand{TriggerKind::version, waiting, "", {}};
  struct Case {
    std::string name{};
    std::vector<Past> past{};  // newest first
    std::string end{}, reason{}, until{};
  };
  const std::vector<Case> cases{
      {"nothing yet", {push}, "2013-04-26", "", ""},
      {"a day after the last", {drift(done, "2013-04-26")}, "2013-04-27", "cooldown", "2013-05-24T00:00:00Z"},
      {"the next window", {drift(done, "2013-04-26")}, "2013-05-24", "", ""},
      {"a failed one cools down as well",
       {drift(failed, "2013-04-26")},
       "2013-05-01",
       "cooldown",
       "2013-05-24T00:00:00Z"},
      {"one rejected", {drift(rejected, "2013-04-26"), push}, "2013-05-24", "", ""},
      {"two rejected",
       {drift(rejected, "2013-05-24"), drift(rejected, "2013-04-26"), push},
       "2013-06-21",
       "the last 2 challengers were rejected",
       ""},
      {"one that failed between is none",
       {drift(rejected, "2013-05-24"), drift(failed, "2013-05-20"), drift(rejected, "2013-04-01"), push},
       "2013-06-30",
       "the last 2 challengers were rejected",
       ""},
      {"done between",
       {drift(rejected, "2013-05-24"), drift(done, "2013-04-26"), drift(rejected, "2013-03-29")},
       "2013-07-19",
       "",
       ""},
      {"a hand start lifts",
       {hand, drift(rejected, "2013-05-24"), drift(rejected, "2013-04-26")},
       "2013-06-21",
       "",
       ""},
      {"a push lifts", {push, drift(rejected, "2013-05-24"), drift(rejected, "2013-04-26")}, "2013-06-21", "", ""},
      {"a pushed commit that started nothing lifts",
       {drift(rejected, "2013-05-24", "old"), drift(rejected, "2013-04-26", "old")},
       "2013-06-21",
       "",
       ""},
      {"a version registered by hand lifts nothing",
       {by_hand, drift(rejected, "2013-05-24"), drift(rejected, "2013-04-26")},
       "2013-06-21",
       "the last 2 challengers were rejected",
       ""},
      {"three in ninety days",
       {drift(done, "2013-06-21"), drift(done, "2013-05-24"), drift(done, "2013-04-26")},
       "2013-07-19",
       "at most 3 in 90d",
       "2013-07-25T00:00:00Z"},
      {"the oldest is out of the ninety days",
       {drift(done, "2013-06-21"), drift(done, "2013-05-24"), drift(done, "2013-04-26")},
       "2013-07-25",
       "",
       ""},
      {"an older window that is counted anew",
       {drift(done, "2013-06-21")},
       "2013-05-24",
       "cooldown",
       "2013-07-19T00:00:00Z"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto got = held_back(rule, c.past, "c1", at(c.end));
    CHECK(got.has_value() == !c.reason.empty());
    if (!got) continue;
    CAPTURE(got->reason);
    CHECK(got->reason.starts_with(c.reason));
    CHECK((got->until ? to_rfc3339(*got->until) : "") == c.until);
  }
  CHECK_FALSE(held_back({}, {drift(rejected, "2013-05-24"), drift(rejected, "2013-05-24")}, "c1", at("2013-05-24")));
}
TEST_CASE("a cooldown of windows is as long as the windows that are watched") {
  each_of<std::string, std::string, std::int64_t>(
      {{"window: 28d", "cooldown: 1 window", 28},
       {"window: 1 week", "cooldown: 3 windows", 21},
       {"window: 1 month", "cooldown: 1 window", 30},
       {"window: 28d", "cooldown: 12d", 12}},
      [](const std::string& window, const std::string& cooldown, std::int64_t days) {
        std::string text = changed("window: 28d", window);
        text.replace(text.find("cooldown: 1 window"), 18, cooldown);
        const auto config = read_config(text);
        REQUIRE(config.has_value());
        const auto rule = breaker_of(*config);
        REQUIRE(rule.has_value());
        CHECK(rule->cooldown == days * Micros(24h));
        CHECK(rule->at_most == 3);
        CHECK(rule->per == 90 * 24h);
        CHECK(rule->stop_after_rejected == 2);
      });
}
TEST_CASE("what the breaker holds back is told with its reason, and a later window tries again") {
  Watched b;
  b.alarm("2013-04-26T00:00:00Z");
  b.rejected();
  const std::string cause = b.alarm("2013-05-10T00:00:00Z", "performance");
  REQUIRE(b.held().size() == 1);
  const auto event = b.ledger("retrain.held").back();
  CHECK(event.cause == cause);
  CHECK(event.subject.id == "arrival-delay");
  const auto told = decode<RetrainHeld>(event.data.text);
  CHECK(told->kind == "performance");
  CHECK(told->until == "2013-05-24T00:00:00Z");
  CHECK(told->reason == "cooldown: the last retraining was for 2013-04-26T00:00:00Z, the next one may come 28d later");
  CHECK(b.flows().size() == 2);
  b.alarm("2013-05-24T00:00:00Z", "drift", "continued");
  CHECK(b.flows().size() == 3);
  CHECK(b.newest().state == FlowState::training);
}
TEST_CASE("after two rejections nothing is tried until somebody pushes or starts a flow") {
  each_of<std::string, bool>({{"push", true}, {"hand", false}}, [](const std::string& how, bool) {
    Watched b;
    b.alarm("2013-04-26T00:00:00Z");
    b.rejected();
    b.alarm("2013-05-24T00:00:00Z", "drift", "continued");
    b.rejected();
    b.alarm("2013-08-16T00:00:00Z", "drift", "continued");
    CHECK(b.flows().size() == 3);
    CHECK(b.held().back().starts_with("the last 2 challengers were rejected"));
    if (how == "push") {
      b.push();
      b.inspected(whole_config);
    } else {
      b.house.authorizer.who_is = b.olga;
      REQUIRE(b.house.write(
          [&](Call& call) { return b.delivery.start_flow(call, {.model = "arrival-delay", .set = {}}); }));
      b.idle();
    }
    b.hand_in({.ok = true, .trained = {.nothing_new = true}});
    CHECK(b.newest().state == FlowState::nothing_new);
    b.alarm("2013-09-13T00:00:00Z", "drift", "continued");
    CHECK(b.newest().trigger.kind == TriggerKind::drift);
    CHECK(b.newest().state == FlowState::training);
  });
}
TEST_CASE(
    "a retraining that cannot be judged gives way to that of a later window, one that waits for people does not") {
  Watched b;
  b.alarm("2013-04-26T00:00:00Z");
  b.trained();
  EvaluateResult seen = b.good();
  seen.differences[0] = {.metric = stats::Metric::mae, .state = CheckState::inconclusive, .reason = "3 days"};
  b.evaluated(seen);
  const FlowId first = b.newest().id;
  REQUIRE(b.newest().state == FlowState::waiting);
  b.alarm("2013-05-24T00:00:00Z", "drift", "continued");
  CHECK(b.flow(first).state == FlowState::superseded);
  CHECK(b.newest().state == FlowState::training);
  b.trained();
  b.evaluated(b.good());
  const Flow second = b.newest();
  REQUIRE(second.state == FlowState::waiting);
  b.alarm("2013-06-21T00:00:00Z", "drift", "continued");
  CHECK(b.newest().id.text == second.id.text);
  CHECK(b.held().back() == "flow " + second.id.text + ", started by an alarm too, is waiting");
}
TEST_CASE("a server that dies between an alarm and its flow starts one flow") {
  Watched b;
  b.alarm("2013-04-26T00:00:00Z");
  b.restart();
  b.idle();
  CHECK(b.flows().size() == 2);
  CHECK(b.held().empty());
}

// ---- monitors ----

TEST_CASE("a version that goes live is watched, with what its evaluation left") {
  Bench b;
  b.push();
  b.inspected(changed("  from: 2013-03-01\n", ""));
  b.vote(b.plans()[0].approval, b.olga);
  CHECK(b.below.monitors.empty());
  b.trained();
  EvaluateResult seen = b.good();
  seen.baseline.reference = {.path = "references/arrival-delay/1.parquet",
                             .time = "time_hour",
                             .ends = "2013-02-28T23:00:00Z",
                             .rows = 1000,
                             .of_rows = 1000};
  seen.baseline.values = {{"mae", 16.4}, {"rmse", 30}};
  b.evaluated(seen);
  b.vote(b.newest().approval, b.olga);
  REQUIRE(b.newest().state == FlowState::done);
  const auto first = b.below.monitors.at("arrival-delay");
  CHECK(first.version == 1);
  CHECK(first.previous == 0);
  CHECK(first.task == "regression");
  CHECK(first.reference == "references/arrival-delay/1.parquet");
  CHECK(first.time == "time_hour");
  CHECK(first.reference_ends == "2013-02-28T23:00:00Z");
  CHECK(first.reference_value == 16.4);
  CHECK(first.metric == stats::Metric::mae);
  CHECK(first.worse_by == 0.25);
  CHECK(first.from == "2013-03-01");
  CHECK(first.alert == std::vector<std::string>{"ops"});
  REQUIRE(first.slices.size() == 1);
  CHECK(first.slices[0].by == "origin");

  // Another version: its own reference, the same grid; and back again.
  b.push();
  b.inspected(changed("  from: 2013-03-01\n", ""));
  b.trained();
  seen.baseline.reference.path = "references/arrival-delay/2.parquet";
  seen.baseline.reference.ends = "2013-05-28T23:00:00Z";
  seen.baseline.values = {{"mae", 15}};
  b.evaluated(seen);
  b.vote(b.newest().approval, b.olga);
  b.through_steps();
  REQUIRE(b.newest().state == FlowState::done);
  const auto second = b.below.monitors.at("arrival-delay");
  CHECK(second.version == 2);
  CHECK(second.previous == 1);
  CHECK(second.reference == "references/arrival-delay/2.parquet");
  CHECK(second.from == "2013-03-01");
  CHECK(second.reference_value == 15);
  const auto done =
      b.house.read([&](Call& call) { return store::read_ledger(call.tx, {.limit = 100, .what = "rollout.done"}); });
  CHECK(b.below.monitor_causes.back() == done->back().id);
  REQUIRE(b.house.write(
      [&](Call& call) { return b.delivery.roll_back(call, {.name = "arrival-delay", .reason = "a drill"}); }));
  CHECK(b.below.monitors.at("arrival-delay").version == 1);
  CHECK(b.below.monitors.at("arrival-delay").reference == "references/arrival-delay/1.parquet");
}
TEST_CASE("which rows are the reference is declared") {
  Bench b;
  b.in_force(changed("reference: training+test", "reference: training"));
  b.trained();
  CHECK(decode<EvaluateAsk>(b.below.tasks.at(b.below.newest_task).payload)->reference == "training");
}
TEST_CASE("another plan in force declares the monitor anew, one without `watch` ends it") {
  Watched b;
  CHECK(b.below.monitors.at("arrival-delay").share == 0.2);
  b.push();
  b.inspected(changed("share: 0.2}", "share: 0.5}"));
  CHECK(b.below.monitors.at("arrival-delay").share == 0.2);
  b.vote(b.plans()[0].approval, b.olga);
  CHECK(b.below.monitors.at("arrival-delay").share == 0.5);
  b.push();
  const std::string all(whole_config);
  const auto from = all.find("watch:\n"), to = all.find("keep:");
  b.inspected(all.substr(0, from) + all.substr(to));
  b.vote(b.plans()[0].approval, b.olga);
  CHECK(b.below.monitors.empty());
}
TEST_CASE("predictions are kept as long as declared, by the clock") {
  Watched b;
  b.below.forgotten.clear();
  b.pass(2h);
  REQUIRE(b.below.forgotten.contains("arrival-delay"));
  const Micros kept = b.house.clock.now() - b.below.forgotten["arrival-delay"];
  CHECK(kept >= 90 * 24h);
  CHECK(kept <= 90 * 24h + 2h);
}

// ---- what answered then ----

TEST_CASE("at any time it can be told which versions answered, since when, and who let them") {
  Bench empty;
  CHECK_FALSE(empty.house.read([&](Call& call) { return empty.delivery.why_then(call.tx, {.name = "x", .at = {}}); }));
  Watched b;
  const Time first_live = b.house.clock.now();
  b.house.clock.pass(24h);
  b.push();
  b.inspected(whole_config);
  b.trained();
  b.evaluated(b.good());
  b.vote(b.newest().approval, b.olga);
  b.idle();
  const Rollout at_5 = b.rollout(b.newest().rollout);
  REQUIRE(at_5.share == 5);
  const Time stepping = b.house.clock.now();
  b.through_steps();
  const Time second_live = b.house.clock.now();
  b.house.clock.pass(24h);
  REQUIRE(b.house.write(
      [&](Call& call) { return b.delivery.roll_back(call, {.name = "arrival-delay", .reason = "a drill"}); }));
  const Time back = b.house.clock.now();

  CHECK(b.then(at("2000-01-01")).arms.empty());
  const WhyThen one = b.then(first_live);
  REQUIRE(one.arms.size() == 1);
  CHECK(one.arms[0].version == 1);
  CHECK(one.arms[0].share == 100);
  CHECK(one.arms[0].approvals.at(0).votes.at(0).by == "olga");
  CHECK(one.arms[0].commit == b.commit);
  const WhyThen both = b.then(stepping);
  REQUIRE(both.arms.size() == 2);
  CHECK(both.arms[0].version == 1);
  CHECK(both.arms[0].share == 95);
  CHECK(both.arms[0].since == one.arms[0].since);
  CHECK(both.arms[0].rollout->id.text == one.arms[0].rollout->id.text);
  CHECK(both.arms[1].version == 2);
  CHECK(both.arms[1].share == 5);
  CHECK(both.arms[1].arm == "canary");
  CHECK(both.arms[1].rollout->id.text == at_5.id.text);
  const WhyThen two = b.then(second_live);
  REQUIRE(two.arms.size() == 1);
  CHECK(two.arms[0].version == 2);
  CHECK(two.arms[0].trigger.starts_with("push of"));
  const WhyThen again = b.then(back);
  REQUIRE(again.arms.size() == 1);
  CHECK(again.arms[0].version == 1);
  CHECK(again.arms[0].since == to_rfc3339(back));
  CHECK(again.arms[0].reason == "by hand: a drill");
  CHECK(again.arms[0].rollout->id.text == one.arms[0].rollout->id.text);
}
