#include "core/testing.h"
#include "delivery/stand_in.h"

using namespace pawl;
using namespace pawl::delivery;
using namespace std::chrono_literals;

namespace {
// The example, counting wall time unless `replay`.
std::string config(const std::string& no_labels_then = "hold", bool replay = false) {
  std::string text(whole_config);
  const auto put = [&](std::string_view old, const std::string& in) { text.replace(text.find(old), old.size(), in); };
  if (!replay) put("  replay: true\n", "");
  put("time: 2d, then: hold", "time: 20m, then: " + no_labels_then);
  return text;
}
RuleSeen evidence_of(const Rollout& r, std::string_view rule) {
  for (const RuleSeen& seen : r.evidence)
    if (seen.rule == rule) return seen;
  FAIL("no evidence of ", rule);
  return {};
}
struct Canary : Bench {
  // `apart`: how far the gate saw the answers of the two versions apart.
  explicit Canary(double apart = 0, const std::string& no_labels_then = "hold", bool replay = false) {
    const std::string yaml = config(no_labels_then, replay);
    in_force(yaml);
    go_live();
    push();
    inspected(yaml);
    trained();
    EvaluateResult seen = good();
    seen.outputs_distance = apart;
    evaluated(seen);
    vote(newest().approval, olga);
    REQUIRE(now().state == RolloutState::stepping);
  }
  Rollout now() { return rollout(newest().rollout); }
  const Weights& weights() { return below.routing["arrival-delay"]; }
  void quiet(std::int64_t rows) { traffic(now(), {.rows = rows, .requests = rows, .p99_ms = 2}); }
  // Looks until `d` has passed, as a server that is up does.
  void hold(Micros d) {
    for (Micros t{0}; t < d; t += 10s) pass(10s);
  }
  std::string data_of(const std::string& what) {
    const auto events =
        house.read([&](Call& call) { return store::read_ledger(call.tx, {.limit = 1000, .what = what}); });
    return events.value().at(0).data.text;
  }
};
}  // namespace

TEST_CASE("a second version gets its traffic in steps and the alias at the end") {
  Canary c;
  CHECK(c.weights().shares.size() == 2);
  CHECK(c.weights().shares[1].share == 5);
  CHECK(c.weights().live() == 1);
  c.quiet(500);
  c.hold(9min);
  CHECK(c.now().step == 0);
  CHECK(c.now().reason.find("s more") != std::string::npos);
  c.hold(65s);
  CHECK(c.now().step == 1);
  CHECK(c.weights().shares[1].share == 25);
  CHECK(c.below.aliases["arrival-delay/champion"] == 1);
  const std::string salt = c.weights().salt;
  c.quiet(500);
  c.hold(11min);
  CHECK(c.now().state == RolloutState::done);
  CHECK(c.weights().shares.size() == 1);
  CHECK(c.weights().live() == 2);
  CHECK(c.weights().salt == salt);
  CHECK(c.below.aliases["arrival-delay/champion"] == 2);
  CHECK(c.newest().state == FlowState::done);
}
TEST_CASE("too little traffic holds and says how many rows are missing") {
  Canary c;
  c.quiet(380);
  c.hold(60min);
  CHECK(c.now().step == 0);
  CHECK(c.now().reason == "holds: 120 more predictions by the new version");
  c.quiet(500);
  c.hold(10s);
  CHECK(c.now().step == 1);
}
TEST_CASE("time that no server was up does not count as held") {
  Canary c;
  c.quiet(500);
  c.hold(1min);
  c.house.clock.pass(3h);
  c.restart();
  c.idle();
  CHECK(c.now().step == 0);
  CHECK(c.now().held_s < 90);
  c.hold(10min);
  CHECK(c.now().step == 1);
}
TEST_CASE("errors bring the version before back at once, slow answers when there are enough of them") {
  each_of<std::string, Tallied, std::string>(
      {{"errors", {.rows = 5, .requests = 8, .errors = 3}, "error_rate: 3 of 8 requests failed, the limit is 0.01"},
       {"slow", {.rows = 150, .requests = 150, .p99_ms = 80}, "p99_ms: 80 ms over 150 requests, the limit is 50"}},
      [](const std::string&, const Tallied& seen, const std::string& reason) {
        Canary c;
        c.traffic(c.now(), seen);
        c.hold(6s);
        CHECK(c.now().state == RolloutState::rolled_back);
        CHECK(c.now().reason == reason);
        CHECK(c.weights().shares.size() == 1);
        CHECK(c.weights().live() == 1);
        CHECK(c.below.aliases["arrival-delay/champion"] == 1);
        CHECK(c.newest().state == FlowState::rejected);
        CHECK(c.newest().reason == "rolled back: " + reason);
      });
}
TEST_CASE("what a step decides") {
  const RolloutPart rule{
      .steps = {5, 100}, .hold_time = 10min, .hold_predictions = 500, .error_rate = 0.01, .p99_ms = 50};
  each_of<std::string, StepSeen, Verdict::Kind>(
      {{"all well", {500, 500, 0, 10, 10min}, Verdict::next},
       {"too early", {500, 500, 0, 10, 9min}, Verdict::hold},
       {"too few", {499, 499, 0, 10, 20min}, Verdict::hold},
       {"one of the first fails", {10, 11, 1, 10, 1min}, Verdict::hold},
       {"many fail", {10, 30, 20, 10, 1min}, Verdict::back},
       {"a little over the limit in the end", {500, 506, 6, 10, 10min}, Verdict::back},
       {"under the limit in the end", {500, 504, 4, 10, 10min}, Verdict::next},
       {"slow, but only few", {20, 20, 0, 90, 1min}, Verdict::hold},
       {"slow", {200, 200, 0, 90, 1min}, Verdict::back}},
      [&](const std::string&, const StepSeen& seen, Verdict::Kind kind) { CHECK(look(rule, seen).kind == kind); });
  CHECK(look({.hold_time = 1s, .hold_predictions = 5}, {.rows = 5, .requests = 20, .errors = 15, .held = 1s}).kind ==
        Verdict::next);  // no rule, no rollback
}
TEST_CASE("a version that cannot be loaded, or is not the one that was judged, gets no request") {
  Bench b;
  b.in_force();
  b.trained();
  b.evaluated(b.good());
  SUBCASE("not an ONNX file") { b.below.cannot_prepare = Error{Code::invalid, "model.onnx: not an ONNX model"}; }
  SUBCASE("another file") { b.below.digest = "another"; }
  SUBCASE("the routing refuses it") { b.below.cannot_route = Error{Code::conflict, "not prepared"}; }
  b.vote(b.newest().approval, b.olga);
  CHECK(b.newest().state == FlowState::failed);
  CHECK(b.rollout(b.newest().rollout).state == RolloutState::failed);
  CHECK(b.below.routing["arrival-delay"].shares.empty());
  CHECK(b.below.aliases.empty());
}
TEST_CASE("a person rolls back a canary, then the version before") {
  Canary c;
  const auto back = [&] {
    return c.house.write(
        [&](Call& call) { return c.delivery.roll_back(call, {.name = "arrival-delay", .reason = "odd"}); });
  };
  REQUIRE(back());
  CHECK(c.now().reason == "by hand: odd");
  CHECK(c.weights().live() == 1);
  c.idle();
  const auto first = back();
  REQUIRE_FALSE(first.has_value());
  CHECK(first.error().message.find("is the first version") != std::string::npos);
}
TEST_CASE("a person ends a step that holds, with a reason in the ledger, and the last one makes the version live") {
  Canary c;
  const auto promote = [&](std::optional<std::int64_t> step = {}) {
    return c.house.write([&](Call& call) {
      return c.delivery.promote(call, {.name = "arrival-delay", .reason = "labels come monthly", .step = step});
    });
  };
  c.below.arms.labelled = 0;
  c.quiet(500);
  c.hold(25min);
  REQUIRE(c.now().reason.starts_with("holds: no labels after"));
  REQUIRE(promote(0));
  CHECK(c.now().step == 1);
  CHECK(c.weights().shares[1].share == 25);
  const auto stepped =
      c.house.read([&](Call& call) { return store::read_ledger(call.tx, {.limit = 1000, .what = "rollout.stepped"}); });
  CHECK(stepped.value().back().data.text.contains("by hand: labels come monthly"));
  // Who asks for the end of a step that has ended meanwhile does not end the next one.
  const auto late = promote(0);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code == Code::conflict);
  CHECK(c.now().step == 1);
  c.hold(10s);  // the rules look at the new step
  CHECK(c.now().reason.starts_with("holds: "));
  REQUIRE(promote());
  CHECK(c.now().state == RolloutState::done);
  CHECK(c.weights().live() == 2);
  CHECK(c.below.aliases["arrival-delay/champion"] == 2);
  CHECK(c.newest().state == FlowState::done);
  c.idle();
  const auto none = promote();
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == Code::conflict);
}
TEST_CASE("a version that a person took back is said to be rolled back, not superseded") {
  Canary c;
  for (int i = 0; i < 2; ++i)
    REQUIRE(c.house.write(
        [&](Call& call) { return c.delivery.promote(call, {.name = "arrival-delay", .reason = "now", .step = {}}); }));
  REQUIRE(c.weights().live() == 2);
  REQUIRE(
      c.house.write([&](Call& call) { return c.delivery.roll_back(call, {.name = "arrival-delay", .reason = ""}); }));
  const auto page = c.delivery.model(c.olga, "arrival-delay");
  REQUIRE(page.has_value());
  CHECK(page->versions[0].state == "rolled_back");
}
TEST_CASE("a live version is rolled back exactly one notch, with its alias") {
  Canary c;
  c.through_steps();
  c.quiet(500);
  c.hold(25min);
  for (int i = 0; i < 3 && c.now().state == RolloutState::stepping; ++i) c.quiet(500), c.hold(11min);
  REQUIRE(c.weights().live() == 2);
  const std::string first = c.rollout(c.newest().rollout).id.text;
  REQUIRE(
      c.house.write([&](Call& call) { return c.delivery.roll_back(call, {.name = "arrival-delay", .reason = ""}); }));
  CHECK(c.weights().live() == 1);
  CHECK(c.weights().rollout != first);
  CHECK(c.below.aliases["arrival-delay/champion"] == 1);
  CHECK(c.newest().state == FlowState::done);
  CHECK(c.told("rollout.rolled_back").size() == 1);
}
TEST_CASE("deploying by hand needs a gate that passed, unless none is in force") {
  Canary c;
  const auto deploy = [&](std::string model, std::int64_t v) {
    return c.house.write(
        [&](Call& call) { return c.delivery.deploy(call, {.model = model, .endpoint = "", .version = v}); });
  };
  CHECK(deploy("arrival-delay", 2).error().message.find("is under way") != std::string::npos);
  REQUIRE(
      c.house.write([&](Call& call) { return c.delivery.roll_back(call, {.name = "arrival-delay", .reason = ""}); }));
  c.idle();
  CHECK(deploy("arrival-delay", 1).error().message == "arrival-delay@1 is live already");
  CHECK(deploy("arrival-delay", 9).error().code == Code::missing);
  c.below.versions_by_name["arrival-delay@3"] = {.model = "arrival-delay", .number = 3, .artifact = "a"};
  CHECK(deploy("arrival-delay", 3).error().message.find("was judged by no gate") != std::string::npos);
  REQUIRE(deploy("arrival-delay", 2));  // it passed, and was rolled back for another reason
  c.idle();
  CHECK(c.weights().shares.size() == 2);
  c.below.versions_by_name["free@1"] = {.model = "free", .number = 1, .artifact = "a"};
  REQUIRE(deploy("free", 1));
  c.idle();
  CHECK(c.below.routing["free"].live() == 1);
}
TEST_CASE("an alias that the gate names is moved by pawl alone") {
  Canary c;
  const auto guards = [&](std::string model, std::string alias) {
    return c.house.read([&](Call& call) { return c.delivery.guards_alias(call.tx, model, alias); }).value();
  };
  CHECK(guards("arrival-delay", "champion"));
  CHECK_FALSE(guards("arrival-delay", "mine"));
  CHECK_FALSE(guards("free", "champion"));
}
TEST_CASE("why walks from a prediction to the files") {
  Bench b;
  b.in_force();
  b.go_live();
  const auto got = b.delivery.why("p1");
  REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
  CHECK(got->rollout->to == 1);
  CHECK(got->gate->state == CheckState::pass);
  REQUIRE(got->approvals.size() == 1);
  CHECK(got->approvals[0].votes[0].by == "olga");
  CHECK(got->origin.commit.ends_with("1"));
  CHECK(got->origin.params.at("depth") == "7");
  CHECK(got->origin.datasets.size() == 2);
  REQUIRE(got->origin.stages.size() == 1);
  CHECK(got->origin.stages[0].outs[0].path == "model.onnx");
  CHECK(got->origin.url == "file:///flights");
}
TEST_CASE("overview and model say what is live, what waits and what the gate saw") {
  Canary c;
  const auto overview = c.delivery.overview(c.olga);
  REQUIRE(overview.has_value());
  REQUIRE(overview->items.size() == 1);
  CHECK(overview->items[0].live == 1);
  CHECK(overview->items[0].newest == 2);
  CHECK(overview->items[0].arms.size() == 2);
  CHECK(overview->items[0].rollout->share == 5);
  const auto page = c.delivery.model(c.olga, "arrival-delay");
  REQUIRE(page.has_value());
  REQUIRE(page->versions.size() == 2);
  CHECK(page->versions[0].state == "canary");
  CHECK(page->versions[0].share == 5);
  CHECK(page->versions[0].gate->checks.size() == 5);
  CHECK(page->versions[1].state == "live");
  CHECK(page->versions[1].approval->state == team::ApprovalState::granted);
  CHECK(c.delivery.model(c.olga, "nothing").error().code == Code::missing);
}

TEST_CASE("every step of a rollout is one of the table's") {
  using enum RolloutState;
  const auto all = {preparing, stepping, done, rolled_back, failed};
  const std::map<RolloutState, std::set<RolloutState>> allowed{{preparing, {stepping, done, rolled_back, failed}},
                                                               {stepping, {stepping, done, rolled_back, failed}},
                                                               {done, {rolled_back}}};
  for (const RolloutState from : all)
    for (const RolloutState to : all) {
      const auto row = allowed.find(from);
      CHECK(may_follow(from, to) == (row != allowed.end() && row->second.contains(to)));
    }
}
TEST_CASE("a prediction log that cannot be read holds the step, and it goes on when it can") {
  Canary c;
  c.below.cannot_tally = Error{Code::missing, "no segment"};
  c.house.clock.pass(20min);
  (void)c.worker->run_until_idle();
  CHECK(c.now().state == RolloutState::stepping);
  CHECK(c.weights().shares[1].share == 5);
  c.below.cannot_tally.reset();
  c.quiet(500);
  c.hold(11min);
  CHECK(c.now().step == 1);
}
TEST_CASE("a version that answers differently goes back, by far more than the gate saw and than chance explains") {
  Canary c;
  c.below.arms.shift = 15;  // standard deviation 29: a distance of 0.5, the limit is 0.2
  c.below.arms.labelled = 0;
  c.quiet(100);
  c.hold(6s);
  CHECK(c.now().state == RolloutState::rolled_back);
  CHECK(c.now().reason.starts_with("prediction_shift: the answers of the two versions are 0.5"));
  CHECK(c.weights().live() == 1);
  CHECK(c.newest().state == FlowState::rejected);
  const RuleSeen seen = evidence_of(c.now(), "prediction_shift");
  CHECK(seen.state == CheckState::fail);
  CHECK(seen.seen.value() == doctest::Approx(15 / 29.2).epsilon(0.05));
  CHECK(seen.limit == 0.2);
  CHECK(seen.p.value() <= seen.level.value());
  CHECK(seen.n == 100);
  CHECK(seen.looks == 1);
  const std::string told = c.data_of("rollout.rolled_back");
  CHECK(json_at(told, "evidence.2.rule") == "\"prediction_shift\"");
  CHECK(json_at(told, "evidence.2.n") == "100");
}
TEST_CASE("a version that is meant to differ may, as far as the gate saw it differ") {
  Canary c(0.6);
  c.below.arms.shift = 15, c.below.arms.labelled = 0;
  c.quiet(500);
  c.hold(1min);
  CHECK(c.now().state == RolloutState::stepping);
  const RuleSeen seen = evidence_of(c.now(), "prediction_shift");
  CHECK(seen.state == CheckState::pass);
  CHECK(seen.limit == 0.6);
  CHECK(seen.p.value() <= seen.level.value());
}
TEST_CASE("with labels the worse version goes back, and a different one that is no worse goes on") {
  Canary c;
  SUBCASE("worse") {
    c.below.arms.off = 3;
    c.quiet(150);
    c.hold(6s);
    CHECK(c.now().state == RolloutState::rolled_back);
    CHECK(c.now().reason.starts_with("worse_than_live: 1.5"));
    const RuleSeen seen = evidence_of(c.now(), "worse_than_live");
    CHECK(seen.canary.value() == doctest::Approx(1.5).epsilon(0.1));
    CHECK(seen.live.value() == doctest::Approx(0.5).epsilon(0.1));
    CHECK(seen.n == 150);
    CHECK(seen.n_live == 600);
  }
  SUBCASE("better, although it answers differently") {
    c.below.arms.off = 0.1, c.below.arms.off_live = 40;
    c.quiet(500);
    c.hold(11min);
    CHECK(c.now().step == 1);
  }
}
TEST_CASE("a step waits for labels as long as it is told to") {
  each_of<std::string, std::string, std::string, RolloutState>(
      {{"hold", "hold", "holds: no labels after 20m: 0 of 100 labels of the new version", RolloutState::stepping},
       {"promote", "promote", "", RolloutState::stepping},
       {"rollback", "rollback", "no_labels_after: no labels after 20m", RolloutState::rolled_back}},
      [](const std::string&, const std::string& then, const std::string& reason, RolloutState state) {
        Canary c(0, then, true);  // counts event time: two days pass at once
        c.below.arms.labelled = 0;
        c.traffic(c.now(), {.rows = 500, .requests = 500, .p99_ms = 2, .events = 11min});
        c.hold(10s);
        CHECK(c.now().step == 0);
        CHECK(c.now().reason.starts_with("holds: waits for labels, "));
        c.traffic(c.now(), {.rows = 500, .requests = 500, .p99_ms = 2, .events = 49h});
        c.hold(10s);
        CHECK(c.now().state == state);
        CHECK(c.now().step == (then == "promote" ? 1 : 0));
        if (!reason.empty()) CHECK(c.now().reason.starts_with(reason));
        if (state == RolloutState::stepping && then == "hold") {
          c.below.arms.labelled = 1;
          c.hold(10s);
          CHECK(c.now().step == 1);
        }
      });
}
TEST_CASE("the arms are read when they have grown, not with every look") {
  Canary c;
  c.below.arms.labelled = 0;
  c.quiet(499);
  c.hold(1h);
  CHECK(c.below.compared <= 3);
}
TEST_CASE("an endpoint on replay counts event time") {
  Canary c(0, "hold", true);
  c.quiet(500);
  c.hold(60min);
  CHECK(c.now().step == 0);  // an hour has passed, but no event time
  CHECK(c.now().reason == "holds: 600 s more (in event time)");
  c.traffic(c.now(), {.rows = 500, .requests = 500, .p99_ms = 2, .events = 10min});
  c.hold(10s);
  CHECK(c.now().step == 1);
}
TEST_CASE("a clock that is set back neither counts as held nor stops the looks") {
  Canary c;
  c.quiet(500);
  c.hold(5min);
  const double held = c.now().held_s;
  c.house.clock.pass(-1h);
  c.hold(10s);
  CHECK(c.now().held_s >= held);
  CHECK(c.now().held_s < held + 15);
  c.hold(6min);
  CHECK(c.now().step == 1);
}
TEST_CASE("two rollouts at once: the second waits for the first to end") {
  Canary c;
  const auto back = [&] {
    REQUIRE(
        c.house.write([&](Call& call) { return c.delivery.roll_back(call, {.name = "arrival-delay", .reason = ""}); }));
    c.idle();
  };
  back();
  c.push();
  c.inspected(config());
  c.trained();
  c.evaluated(c.good());
  REQUIRE(c.newest().state == FlowState::waiting);
  // A person deploys the version before meanwhile.
  const auto by_hand = c.house.write(
      [&](Call& call) { return c.delivery.deploy(call, {.model = "arrival-delay", .endpoint = "", .version = 2}); });
  REQUIRE(by_hand);
  c.idle();
  c.vote(c.newest().approval, c.olga);
  CHECK(c.newest().state == FlowState::waiting);
  CHECK(c.newest().reason == "passed; waits for the rollout " + by_hand->id.text + " to end");
  CHECK(c.weights().shares[1].version == 2);
  back();
  CHECK(c.newest().state == FlowState::rolling_out);
  CHECK(c.now().to == 3);
  CHECK(c.weights().shares[1].version == 3);
}
TEST_CASE("a person rolls back a version that is being prepared: it never gets a request") {
  Canary c;
  REQUIRE(
      c.house.write([&](Call& call) { return c.delivery.roll_back(call, {.name = "arrival-delay", .reason = ""}); }));
  c.idle();
  const Weights before = c.weights();
  const auto again = c.house.write(
      [&](Call& call) { return c.delivery.deploy(call, {.model = "arrival-delay", .endpoint = "", .version = 2}); });
  REQUIRE(again);
  REQUIRE(c.rollout(again->id.text).state == RolloutState::preparing);
  REQUIRE(
      c.house.write([&](Call& call) { return c.delivery.roll_back(call, {.name = "arrival-delay", .reason = "no"}); }));
  c.idle();
  CHECK(c.rollout(again->id.text).state == RolloutState::rolled_back);
  CHECK(c.rollout(again->id.text).reason == "by hand: no");
  CHECK(encode(c.weights()) == encode(before));
}
TEST_CASE("while the arms cannot be compared the step holds, and the other rules still guard") {
  Canary c;
  c.quiet(500);
  c.hold(1min);
  c.below.cannot_compare = Error{Code::internal, "a torn segment"};
  c.quiet(900);
  c.hold(11min);
  CHECK(c.now().step == 0);
  CHECK(c.now().reason == "holds: the arms cannot be compared: a torn segment");
  SUBCASE("errors") {
    c.traffic(c.now(), {.rows = 900, .requests = 1000, .errors = 100});
    c.hold(10s);
    CHECK(c.now().state == RolloutState::rolled_back);
  }
  SUBCASE("mended") {
    c.below.cannot_compare.reset();
    c.hold(10s);
    CHECK(c.now().step == 1);
  }
}
