#include "delivery/rows.h"

#include "core/testing.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::delivery;

TEST_CASE("rows of delivery are the same on both engines") {
  store::on_each_engine([](store::Store& store) {
    const auto done = store.write([&](Tx& tx) -> Result<void> {
      for (const std::int64_t seq : {3, 1, 2})
        TRY_(rows::put(
            tx, InspectionRow{
                    .task = "t" + std::to_string(seq), .repo = "r", .seq = seq, .state = seq == 3 ? "asked" : "done"}));
      TRY(newest, rows::newest_inspection(tx, "r", 100));
      CHECK(newest->task == "t2");
      TRY(before, rows::newest_inspection(tx, "r", 2));
      CHECK(before->task == "t1");

      PlanRow plan{.plan = {.id = {"p1"},
                            .repo = "r",
                            .model = "m",
                            .proposed = "2024-01-01T00:00:00Z",
                            .files = {{"pawl.yaml", "text"}}},
                   .digest = "d"};
      TRY_(rows::put(tx, plan));
      plan.plan.state = PlanState::in_force;
      TRY_(rows::put(tx, plan));
      TRY(in_force, rows::plan_in_force(tx, "m"));
      CHECK(in_force->digest == "d");
      CHECK(in_force->plan.files.at("pawl.yaml") == "text");
      TRY(proposed, rows::plan_of_repo(tx, "r", PlanState::proposed));
      CHECK_FALSE(proposed.has_value());
      TRY(models, rows::models_in_force(tx));
      CHECK(models == std::vector<std::string>{"m"});
      TRY(listed, rows::plans(tx, {.state = PlanState::in_force}));
      CHECK(listed.items.at(0).files.empty());

      for (int i = 0; i < 5; ++i) {
        FlowRow flow{.flow = {.id = {"f" + std::to_string(i)},
                              .model = i == 4 ? "other" : "m",
                              .commit = "abc" + std::to_string(i),
                              .version = i}};
        flow.flow.state = i < 2 ? FlowState::done : FlowState::waiting;
        flow.flow.task = "task" + std::to_string(i);
        flow.flow.started = to_rfc3339({1'700'000'000'000'000 + i / 2});  // ties too
        TRY_(rows::put(tx, flow));
      }
      TRY(open, rows::unfinished(tx, "m"));
      CHECK(open.size() == 2);
      TRY(all_open, rows::unfinished(tx, ""));
      CHECK(all_open.size() == 3);
      TRY(by_task, rows::flow_of_task(tx, "task3"));
      CHECK(by_task->flow.id.text == "f3");
      TRY(by_version, rows::flow_of_version(tx, "m", 2));
      CHECK(by_version->flow.id.text == "f2");
      std::vector<std::string> seen;
      for (std::string after;;) {
        TRY(page, rows::flows(tx, {.after = after, .limit = 2}));
        for (const Flow& f : page.items) seen.push_back(f.id.text);
        if (page.next.empty()) break;
        after = page.next;
      }
      CHECK(seen == std::vector<std::string>{"f4", "f3", "f2", "f1", "f0"});
      TRY(by_commit, rows::flows(tx, {.commit = "abc1"}));
      CHECK(by_commit.items.size() == 1);
      CHECK_FALSE(rows::flows(tx, {.commit = "a%"}).has_value());

      TRY_(rows::put(tx, Gate{.flow = "f1", .model = "m", .version = 1, .state = CheckState::fail}, {1}));
      TRY_(rows::put(tx, Gate{.flow = "f2", .model = "m", .version = 1, .checks = {{.name = "c", .low = 0.25}}}, {2}));
      TRY(gate, rows::gate_of_version(tx, "m", 1));
      CHECK(gate->flow == "f2");
      CHECK(gate->checks.at(0).low == 0.25);

      RolloutRow rollout{.rollout = {.id = {"o1"},
                                     .endpoint = "e",
                                     .model = "m",
                                     .steps = {5, 100},
                                     .started = "2024-01-01T00:00:00Z"},
                         .looks = 7};
      TRY_(rows::put(tx, rollout));
      TRY(rollouts, rows::rollouts(tx, "e"));
      CHECK(rollouts.at(0).looks == 7);
      CHECK(rollouts.at(0).rollout.steps == std::vector<double>{5, 100});
      return {};
    });
    CHECK_MESSAGE(done.has_value(), (done ? "" : done.error().message + " " + done.error().detail));
  });
}
