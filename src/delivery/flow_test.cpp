#include "core/testing.h"
#include "delivery/stand_in.h"

using namespace pawl;
using namespace pawl::delivery;
using namespace std::chrono_literals;

namespace {
std::string changed(std::string_view what, std::string_view with) {
  std::string text(whole_config);
  const auto at = text.find(what);
  REQUIRE(at != text.npos);
  return text.replace(at, what.size(), with);
}
}  // namespace

// ---- plans ----

TEST_CASE("the first push becomes a plan, nothing trains before an operator puts it in force") {
  Bench b;
  const std::string commit = b.push();
  b.inspected(whole_config);
  REQUIRE(b.plans().size() == 1);
  CHECK(b.plans()[0].state == PlanState::proposed);
  CHECK(b.plans()[0].changes.size() == 2);
  CHECK(b.below.tasks.size() == 1);
  b.vote(b.plans()[0].approval, b.olga);
  CHECK(b.plans()[0].state == PlanState::in_force);
  CHECK(b.newest().state == FlowState::training);
  CHECK(b.newest().commit == commit);
  CHECK(b.below.tasks.at(b.below.newest_task).train.checks_path == "checks.yaml");
}
TEST_CASE("a refused plan never trains") {
  Bench b;
  b.push();
  b.inspected(whole_config);
  b.vote(b.plans()[0].approval, b.olga, team::VoteWord::refuse);
  CHECK(b.plans()[0].state == PlanState::rejected);
  CHECK(b.below.tasks.size() == 1);
}
TEST_CASE("a push with another declaration waits as a plan, the gate in force stays") {
  Bench b;
  b.in_force();
  b.go_live();
  b.push();
  b.inspected(changed("max: 18", "max: 180"));
  REQUIRE(b.plans().size() == 2);
  CHECK(b.plans()[0].state == PlanState::proposed);
  CHECK(b.plans()[0].changes[0].diff.find("+  - metric: {name: mae, max: 180}") != std::string::npos);
  CHECK(b.plans()[1].state == PlanState::in_force);
  CHECK(b.newest().state == FlowState::done);
  b.push();
  b.inspected(whole_config);  // back to what is in force
  CHECK(b.plans()[0].state == PlanState::replaced);
  CHECK(b.approval(b.plans()[0].approval).state == team::ApprovalState::void_);
  CHECK(b.newest().state == FlowState::training);
}
TEST_CASE("a push that changes only the checks is a plan too") {
  Bench b;
  b.in_force();
  b.go_live();
  b.push();
  Inspection found{.commit = b.below.tasks.at(b.below.newest_task).inspect.commit};
  found.files = {{"pawl.yaml", std::string(whole_config)}, {"checks.yaml", "checks: [changed]\n"}};
  b.hand_in({.ok = true, .inspection = found});
  REQUIRE(b.plans().size() == 2);
  CHECK(b.plans()[0].changes.size() == 1);
  CHECK(b.plans()[0].changes[0].path == "checks.yaml");
}
TEST_CASE("a wrong, absent or foreign pawl.yaml trains nothing and says why") {
  Bench b;
  b.in_force();
  b.push("other");
  b.inspected(whole_config);
  CHECK(b.plans()[0].state == PlanState::rejected);
  CHECK(b.plans()[0].reason == "the model arrival-delay belongs to the repository flights");
  b.push();
  b.inspected(changed("task: regression", "task: guessing"));
  CHECK(b.plans()[0].state == PlanState::rejected);
  CHECK(b.plans()[0].reason.starts_with("pawl.yaml:5:9: model.task"));
  b.push();
  b.hand_in({.ok = true, .inspection = {.commit = "x"}});
  CHECK(b.told("push.ignored").size() == 1);
  b.push();
  b.hand_in({.ok = true, .inspection = {.files = {{"pawl.yaml", std::string(whole_config)}}}});
  CHECK(b.plans()[0].reason == "pawl.yaml: the gate names checks.yaml, but there is no such file");
  b.push();
  b.hand_in({.ok = false, .error = "cannot fetch"});
  CHECK(b.told("push.unread").size() == 1);
  CHECK(b.house.read([&](Call& call) { return b.delivery.flows(call.tx, {}); }).value().items.size() == 1);
}
TEST_CASE("pushes of other branches and of deleted ones are nobody's business") {
  Bench b;
  b.tell({.what = "repo.pushed",
          .subject_kind = "repo",
          .subject = "flights",
          .data = R"({"ref":"refs/heads/dev","before":"","after":"abc"})"});
  b.tell({.what = "repo.pushed",
          .subject_kind = "repo",
          .subject = "flights",
          .data = R"({"ref":"refs/heads/main","before":"","after":"0000"})"});
  CHECK(b.below.tasks.empty());
}
TEST_CASE("an older push whose inspection comes late starts nothing") {
  Bench b;
  b.in_force();
  b.go_live();
  b.push();
  const std::string older = b.below.newest_task;
  b.push();
  b.inspected(whole_config);
  const auto flows = [&] {
    return b.house.read([&](Call& call) { return b.delivery.flows(call.tx, {}); }).value().items.size();
  };
  CHECK(flows() == 2);
  b.below.newest_task = older;
  b.inspected(whole_config);
  CHECK(flows() == 2);
}

// ---- the way to a live version ----

TEST_CASE("the first version passes its gate, is approved and goes live on the empty endpoint at once") {
  Bench b;
  b.in_force();
  const std::int64_t v = b.trained();
  CHECK(b.newest().state == FlowState::judging);
  const auto ask = decode<EvaluateAsk>(b.below.tasks.at(b.below.newest_task).payload).value();
  CHECK(ask.test.digest == "d-test");
  CHECK(ask.challenger.train_ends == "2013-02-01T00:00:00Z");
  CHECK_FALSE(ask.champion.has_value());
  CHECK(ask.slices.size() == 1);
  b.evaluated(b.good());
  REQUIRE(b.newest().state == FlowState::waiting);
  const Flow waiting = b.flow(b.newest().id);
  CHECK(waiting.gate->state == CheckState::waiting);
  CHECK(waiting.gate->checks[1].seen == "first version");
  CHECK(b.approval(waiting.approval).rule.not_by == std::vector<std::string>{"ada"});
  b.vote(waiting.approval, b.olga);
  CHECK(b.newest().state == FlowState::done);
  CHECK(b.below.routing["arrival-delay"].live() == v);
  CHECK(b.below.aliases["arrival-delay/champion"] == v);
  const Flow done = b.flow(waiting.id);
  CHECK(done.gate->state == CheckState::pass);
  CHECK(done.gate->checks[4].seen == "olga granted");
  CHECK(b.rollout(done.rollout).state == RolloutState::done);
}
TEST_CASE("the author cannot approve, and nothing changes by trying") {
  Bench b;
  b.in_force();
  b.trained();
  b.evaluated(b.good());
  b.house.authorizer.who_is = b.ada;
  const std::string approval = b.newest().approval;
  const auto got = b.house.write(
      [&](Call& call) { return b.team.vote(call, {.id = {approval}, .vote = team::VoteWord::grant, .comment = ""}); });
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().code == Code::denied);
  CHECK(b.newest().state == FlowState::waiting);
}
TEST_CASE("who registered the version and who started the flow are authors too") {
  Bench b;
  b.in_force();
  b.go_live();
  b.house.authorizer.who_is = b.olga;
  REQUIRE(b.house.write([&](Call& call) {
    return b.delivery.start_flow(call, {.model = "arrival-delay", .set = {{"train.depth", "3"}}});
  }));
  b.idle();
  CHECK(b.below.tasks.at(b.below.newest_task).train.set.at("train.depth") == "3");
  b.trained("max");
  b.evaluated(b.good());
  CHECK(b.approval(b.newest().approval).rule.not_by == std::vector<std::string>{"olga", "ada", "max"});
}
TEST_CASE("a committer without a user leaves the approval inconclusive until somebody says who it is") {
  Bench b;
  b.push();
  b.inspected(whole_config, {"ada@x.org", "bob@y.org"});
  b.vote(b.plans()[0].approval, b.olga);
  b.trained();
  b.evaluated(b.good());
  const Flow waiting = b.flow(b.newest().id);
  CHECK(waiting.state == FlowState::waiting);
  CHECK(waiting.approval.empty());
  CHECK(waiting.gate->checks[4].state == CheckState::inconclusive);
  CHECK(waiting.reason.find("pawl user map bob@y.org USER") != std::string::npos);
  b.below.users["bob@y.org"] = "bob";
  b.tell({.what = "access.email_mapped", .subject_kind = "user", .subject = "bob"});
  CHECK(b.approval(b.newest().approval).rule.not_by == std::vector<std::string>{"ada", "bob"});
  for (const auto& event :
       b.house.read([&](Call& call) { return store::read_ledger(call.tx, {.limit = 1000}); }).value())
    CHECK(event.data.text.find("bob@y.org") == std::string::npos);
}
TEST_CASE("a check that says no ends the flow as rejected, one that erred as failed, one that cannot tell waits") {
  each_of<std::string, FlowState, std::string>(
      {{"worse", FlowState::rejected, "better_than champion: fail, it is not better"},
       {"unsure", FlowState::rejected, "better_than champion: fail, better, but not surely"},
       {"bad metric", FlowState::rejected, "metric mae: fail, mae is 19, expected at most 18"},
       {"slice", FlowState::rejected, "slices origin: fail, origin JFK is worse than overall by 6.6"},
       {"data", FlowState::rejected, "data checks.yaml: fail, 2 findings"},
       {"absent", FlowState::failed, "metric mae: error, the evaluation says nothing about it"},
       {"no alias", FlowState::failed,
        "better_than champion: error, version 1 is live, but no version has the alias `champion`"},
       {"few days", FlowState::waiting, "better_than champion: inconclusive, 3 days"},
       {"no rows", FlowState::waiting, "metric mae: inconclusive, split by time"}},
      [](const std::string& what, FlowState state, const std::string& reason) {
        Bench b;
        b.in_force();
        b.go_live();
        b.push();
        b.inspected(whole_config);
        if (what == "no alias") b.below.aliases.clear();
        b.trained();
        EvaluateResult seen = b.good();
        if (what == "worse") seen.differences[0].estimate = -1, seen.differences[0].low = -2;
        if (what == "unsure") seen.differences[0].low = -0.1;
        if (what == "bad metric") seen.metrics[0].estimate = 19;
        if (what == "slice") seen.slices[0].items[0].estimate = 23.0;
        if (what == "data") seen.checks[0].state = CheckState::fail, seen.checks[0].reason = "2 findings";
        if (what == "absent") seen.metrics.clear();
        if (what == "few days")
          seen.differences[0].state = CheckState::inconclusive, seen.differences[0].reason = "3 days";
        if (what == "no rows") seen.state = CheckState::inconclusive, seen.reason = "split by time";
        b.evaluated(seen);
        const Flow flow = b.flow(b.newest().id);
        CAPTURE(flow.reason);
        CHECK(flow.state == state);
        CHECK(flow.reason.starts_with(reason));
        CHECK(flow.approval.empty());
        CHECK(b.below.routing["arrival-delay"].live() == 1);
      });
}
TEST_CASE("a pipeline that failed, did nothing or registered nothing ends its flow") {
  each_of<std::string, FlowState>(
      {{"failed", FlowState::failed}, {"nothing new", FlowState::nothing_new}, {"no version", FlowState::failed}},
      [](const std::string& what, FlowState state) {
        Bench b;
        b.in_force();
        b.hand_in({.ok = what != "failed",
                   .error = "stage clean: exit code 1",
                   .trained = {.nothing_new = what == "nothing new"}});
        CHECK(b.newest().state == state);
      });
}
TEST_CASE("of two runners' versions the one of the newest lease counts") {
  Bench b;
  b.in_force();
  const std::string flow = b.below.tasks.at(b.below.newest_task).flow;
  b.below.versions_by_name["arrival-delay@7"] = {.model = "arrival-delay",
                                                 .number = 7,
                                                 .epoch = 2,
                                                 .run_id = "r7",
                                                 .flow = flow,
                                                 .by = "flow:" + flow,
                                                 .artifact = "a"};
  b.below.versions_by_name["arrival-delay@8"] = {.model = "arrival-delay",
                                                 .number = 8,
                                                 .epoch = 1,
                                                 .run_id = "r8",
                                                 .flow = flow,
                                                 .by = "flow:" + flow,
                                                 .artifact = "a"};
  b.hand_in({.ok = true,
             .trained = {.version = 8, .datasets = {{.role = "test", .path = "data/test.parquet", .digest = "d"}}}});
  CHECK(b.newest().version == 7);
}

// ---- one flow a model ----

TEST_CASE("a push during a training waits, and a newer one takes its place") {
  Bench b;
  b.in_force();
  const FlowId first = b.newest().id;
  b.push();
  b.inspected(whole_config);
  const FlowId second = b.newest().id;
  CHECK(b.newest().state == FlowState::queued);
  b.push();
  b.inspected(whole_config);
  CHECK(b.flow(second).state == FlowState::superseded);
  CHECK(b.newest().state == FlowState::queued);
  CHECK(b.flow(first).state == FlowState::training);
}
TEST_CASE("a flow that waits for people gives way to a newer push, its approval is void") {
  Bench b;
  b.in_force();
  b.trained();
  b.evaluated(b.good());
  const Flow waiting = b.newest();
  b.push();
  b.inspected(whole_config);
  CHECK(b.flow(waiting.id).state == FlowState::superseded);
  CHECK(b.approval(waiting.approval).state == team::ApprovalState::void_);
  CHECK(b.newest().state == FlowState::training);
}
TEST_CASE("what was queued starts when the flow before it has ended") {
  Bench b;
  b.in_force();
  const std::string training = b.below.newest_task;
  b.push();
  b.inspected(whole_config);
  b.below.newest_task = training;
  b.hand_in({.ok = false, .error = "boom"});
  CHECK(b.newest().state == FlowState::training);
}
TEST_CASE("data that changed starts a flow with the declared parameters, data that did not starts none") {
  Bench b;
  const std::string config = changed("when: [push, {data: data/raw}, drift, performance]", "when: [{data: data/raw}]");
  b.push();
  b.inspected(config, {"ada@x.org"}, {{"data/raw", "d1"}});
  b.vote(b.plans()[0].approval, b.olga);
  b.go_live();
  const auto flows = [&] {
    return b.house.read([&](Call& call) { return b.delivery.flows(call.tx, {}); }).value().items.size();
  };
  CHECK(flows() == 1);
  b.push();
  CHECK(b.below.tasks.at(b.below.newest_task).inspect.data_paths == std::vector<std::string>{"data/raw"});
  CHECK_FALSE(b.below.tasks.at(b.below.newest_task).inspect.since.empty());
  b.inspected(config, {"ada@x.org"}, {{"data/raw", "d1"}});
  CHECK(flows() == 1);
  b.push();
  b.inspected(config, {"ada@x.org"}, {{"data/raw", "d2"}});
  CHECK(flows() == 2);
  CHECK(b.newest().trigger.kind == TriggerKind::data);
  CHECK(b.newest().set.at("collect.until").starts_with("2013-"));
}
TEST_CASE("a version registered by hand is judged at once and never passes on data nobody knows") {
  Bench b;
  b.in_force();
  b.go_live();
  b.below.versions_by_name["arrival-delay@2"] = {
      .model = "arrival-delay", .number = 2, .run_id = "r", .by = "ada", .artifact = "a"};
  b.tell({.what = "version.made", .subject_kind = "version", .subject = "arrival-delay@2", .by = "ada"});
  CHECK(b.newest().trigger.kind == TriggerKind::version);
  CHECK(b.newest().state == FlowState::waiting);
  CHECK(b.newest().reason.find("only a flow knows") != std::string::npos);
  CHECK(b.newest().approval.empty());
}
TEST_CASE("a flow is stopped by hand, its task dropped, a finished one is not") {
  Bench b;
  b.in_force();
  const FlowId id = b.newest().id;
  REQUIRE(b.house.write([&](Call& call) { return b.delivery.stop_flow(call, {.id = id, .reason = "wrong data"}); }));
  CHECK(b.newest().state == FlowState::stopped);
  CHECK(b.below.tasks.at(b.below.newest_task).dropped);
  const auto again = b.house.write([&](Call& call) { return b.delivery.stop_flow(call, {.id = id, .reason = ""}); });
  CHECK((!again && again.error().code == Code::conflict));
  b.hand_in({.ok = true, .trained = {.version = 3}});  // too late
  CHECK(b.newest().state == FlowState::stopped);
}

// ---- what an approval is bound to ----

TEST_CASE("when the champion changes under a waiting approval, gate and approval run again") {
  Bench b;
  b.in_force();
  b.go_live();
  b.push();
  b.inspected(whole_config);
  b.trained();
  b.evaluated(b.good());
  const std::string approval = b.newest().approval;
  b.below.aliases["arrival-delay/champion"] = 9;
  b.tell({.what = "alias.moved", .subject_kind = "model", .subject = "arrival-delay"});
  CHECK(b.approval(approval).state == team::ApprovalState::void_);
  CHECK(b.newest().state == FlowState::judging);
  b.evaluated(b.good());
  CHECK(b.newest().state == FlowState::waiting);
  CHECK(b.newest().approval != approval);
}
TEST_CASE("when the plan in force changes under a waiting approval, the new gate judges") {
  Bench b;
  b.in_force();
  b.trained();
  b.evaluated(b.good());
  const Flow waiting = b.newest();
  b.push();
  b.inspected(changed("max: 18", "max: 10"));
  CHECK(b.flow(waiting.id).state == FlowState::waiting);
  b.vote(b.plans()[0].approval, b.olga);
  CHECK(b.approval(waiting.approval).state == team::ApprovalState::void_);
  CHECK(b.flow(waiting.id).state != FlowState::waiting);
}
TEST_CASE("when champion or plan change during an evaluation, it is asked again and its numbers are not used") {
  Bench b;
  b.in_force();
  b.go_live();
  b.push();
  b.inspected(whole_config);
  b.trained();
  const std::string asked = b.below.newest_task;
  b.below.aliases["arrival-delay/champion"] = 9;
  b.below.versions_by_name["arrival-delay@9"] = {.model = "arrival-delay", .number = 9, .artifact = "a"};
  b.evaluated(b.good());
  CHECK(b.newest().state == FlowState::judging);
  REQUIRE(b.below.newest_task != asked);
  CHECK(decode<EvaluateAsk>(b.below.tasks.at(b.below.newest_task).payload)->champion->version == 9);
  b.evaluated(b.good());
  CHECK(b.newest().state == FlowState::waiting);
}
TEST_CASE("a grant whose digests no longer hold lets nothing through") {
  Bench b;
  b.in_force();
  b.go_live();
  b.push();
  b.inspected(whole_config);
  b.trained();
  b.evaluated(b.good());
  const std::string approval = b.newest().approval;
  b.below.aliases["arrival-delay/champion"] = 9;  // nobody told delivery
  b.vote(approval, b.olga);
  CHECK(b.approval(approval).state == team::ApprovalState::void_);
  CHECK(b.newest().state == FlowState::judging);
  CHECK(b.below.routing["arrival-delay"].shares.size() == 1);
}

// ---- kill -9 ----

TEST_CASE("a server that dies after every single step arrives at the same end, each thing done once") {
  Bench b;
  const auto step = [&](auto what) {
    what();
    b.restart();
    b.idle();
  };
  step([&] { b.push(); });
  step([&] { b.inspected(whole_config); });
  step([&] { b.vote(b.plans()[0].approval, b.olga); });
  step([&] { b.trained(); });
  step([&] { b.evaluated(b.good()); });
  step([&] { b.vote(b.newest().approval, b.olga); });
  CHECK(b.newest().state == FlowState::done);
  step([&] { b.push(); });
  step([&] { b.inspected(whole_config); });
  step([&] { b.trained(); });
  step([&] { b.evaluated(b.good()); });
  step([&] { b.vote(b.newest().approval, b.olga); });
  for (int i = 0; i < 10 && b.newest().state == FlowState::rolling_out; ++i)
    step([&] {
      b.traffic(b.rollout(b.newest().rollout), {.rows = 600, .requests = 600, .p99_ms = 1, .events = 11min});
      b.house.clock.pass(6s);
    });
  CHECK(b.newest().state == FlowState::done);
  CHECK(b.below.routing["arrival-delay"].live() == 2);
  CHECK(b.told("flow.done").size() == 2);
  CHECK(b.told("rollout.stepped").size() == 2);
  CHECK(b.told("rollout.done").size() == 2);
  CHECK(b.told("approval.asked").size() == 3);
  CHECK(b.below.tasks.size() == 6);
}
TEST_CASE("every step from state to state is one of the table's") {
  using enum FlowState;
  const auto all = {queued,   training, judging,    waiting,     rolling_out, done,
                    rejected, failed,   superseded, nothing_new, stopped};
  const std::map<FlowState, std::set<FlowState>> allowed{
      {queued, {training, judging, superseded, stopped, failed}},
      {training, {judging, nothing_new, failed, stopped}},
      {judging, {judging, waiting, rolling_out, rejected, failed, stopped}},
      {waiting, {judging, rolling_out, rejected, superseded, failed, stopped}},
      {rolling_out, {done, rejected, failed}}};
  for (const FlowState from : all)
    for (const FlowState to : all) {
      const auto row = allowed.find(from);
      CHECK(may_follow(from, to) == (row != allowed.end() && row->second.contains(to)));
      CHECK(ended(from) == (row == allowed.end()));
    }
}
