#include "delivery/arms.h"

#include <cmath>

#include "serving/testing.h"

using namespace pawl;
using namespace pawl::delivery;
using stats::Metric;

namespace {

// Two arms of so many requests each, of `rows` rows; what they answer comes from the test.
struct Arms {
  serving::ArmsSeen seen{};
  int requests = 100, rows = 1;
  Arms(std::vector<v2::Port> live, std::vector<v2::Port> canary) {
    seen.live_outputs = std::move(live), seen.canary_outputs = std::move(canary);
  }
  template <class F> void fill(F cell) {
    std::vector<std::string> names;
    for (const auto* ports : {&seen.live_outputs, &seen.canary_outputs})
      for (const auto& p : *ports) {
        const auto width = p.shape.size() > 1 ? p.shape[1] : 1;
        for (std::int64_t k = 0; k < width; ++k)
          if (const auto name = width > 1 ? p.name + "/" + std::to_string(k) : p.name;
              std::ranges::find(names, name) == names.end())
            names.push_back(name);
      }
    for (serving::ArmRows* to : {&seen.answered, &seen.known}) {
      for (const auto& name : names) to->outputs.push_back({.name = name});
      for (int i = 0; i < 2 * requests * rows; ++i) {
        const int request = i / rows;
        to->units.push_back(static_cast<std::uint64_t>(request));
        to->canary.push_back(static_cast<char>(request % 2));
        cell(*to, i, request % 2 == 1);
      }
    }
  }
};
const v2::Port delay{.name = "delay", .type = v2::Type::FP32, .shape = {-1, 1}};
const v2::Port variable{.name = "variable", .type = v2::Type::FP32, .shape = {-1, 1}};
const v2::Port label{.name = "label", .type = v2::Type::INT64, .shape = {-1}};
const v2::Port scores{.name = "scores", .type = v2::Type::FP32, .shape = {-1, 3}};
const ModelPart regression{.task = ModelTask::regression};
const ModelPart kinds{.task = ModelTask::classification, .classes = {"a", "b", "c"}};
double wave(int i, double by) { return std::sin(i * 12.9898) * by; }

}  // namespace

TEST_CASE("two versions that name their output otherwise are compared all the same") {
  Arms arms({delay}, {variable});
  arms.fill([](serving::ArmRows& to, int i, bool canary) {
    to.outputs[0].numbers.push_back(canary ? std::nan("") : wave(i, 10));
    to.outputs[1].numbers.push_back(canary ? wave(i, 10) + 6 : std::nan(""));
    to.labels.numbers.push_back(wave(i, 10));
  });
  const RuleSeen shift = shift_of(arms.seen, regression, 0.2, 1);
  CHECK(shift.state == CheckState::fail);
  CHECK(shift.seen.value() == doctest::Approx(6 / 7.1).epsilon(0.1));
  CHECK(shift.looks == 1);
  CHECK(shift.level == 0.025);
  const RuleSeen worse = worse_of(arms.seen, regression, Metric::mae, 0.95, 3);
  CHECK(worse.state == CheckState::fail);
  CHECK(worse.live == 0);
  CHECK(worse.canary.value() == doctest::Approx(6));
  CHECK(worse.level.value() == doctest::Approx(0.05 / 12));
  CHECK(worse.note == "mae, 100 requests went to the new version, 100 to the live one");
}
TEST_CASE("a shift below the limit is no reason, however sure it is") {
  Arms arms({delay}, {delay});
  arms.requests = 1000;
  arms.fill([](serving::ArmRows& to, int i, bool canary) {
    to.outputs[0].numbers.push_back(wave(i, 1) + (canary ? 0.2 : 0));
    to.labels.numbers.push_back(0);
  });
  const RuleSeen shift = shift_of(arms.seen, regression, 0.5, 1);
  CHECK(shift.p.value() <= shift.level.value());
  CHECK(shift.state == CheckState::pass);
}
TEST_CASE("a few large requests tell nothing, however many rows they have") {
  Arms arms({delay}, {delay});
  arms.requests = 2, arms.rows = 500;
  arms.fill([](serving::ArmRows& to, int i, bool canary) {
    to.outputs[0].numbers.push_back(wave(i, 1) + (canary ? 3 : 0));
    to.labels.numbers.push_back(0);
  });
  const RuleSeen shift = shift_of(arms.seen, regression, 0.2, 1);
  CHECK(shift.state == CheckState::waiting);
  CHECK(shift.looks == 0);
  CHECK(shift.n == 1000);
  CHECK(shift.note ==
        "not tested: 2 requests went to the new version and 2 to the live one, too few to tell chance from change");
}
TEST_CASE("classes are compared by what is chosen, and their labels in one canonical form") {
  const auto choose = [](serving::ArmRows& to, int i, int kind, bool is_label) {
    for (int k = 0; k < 3; ++k) to.outputs[static_cast<std::size_t>(k)].numbers.push_back(k == kind ? 0.8 : 0.1);
    if (is_label)
      to.labels.texts.push_back(std::string(1, static_cast<char>('a' + i % 3))), to.labels.absent.push_back(0);
  };
  Arms same({scores}, {scores}), worse({scores}, {scores});
  same.fill([&](serving::ArmRows& to, int i, bool) { choose(to, i, i % 3, true); });
  worse.fill([&](serving::ArmRows& to, int i, bool canary) { choose(to, i, canary ? 0 : i % 3, true); });
  CHECK(shift_of(same.seen, kinds, 0.1, 1).state == CheckState::pass);
  CHECK(worse_of(same.seen, kinds, Metric::accuracy, 0.95, 1).canary == 1);
  CHECK(shift_of(worse.seen, kinds, 0.1, 1).state == CheckState::fail);
  for (const Metric m : {Metric::accuracy, Metric::log_loss, Metric::f1}) {
    const RuleSeen seen = worse_of(worse.seen, kinds, m, 0.95, 1);
    CAPTURE(word(m));
    CHECK(seen.state == CheckState::fail);
    CHECK(worse_of(same.seen, kinds, m, 0.95, 1).state == CheckState::pass);
  }
  CHECK(worse_of(worse.seen, kinds, Metric::auc, 0.95, 1).note == "not tested: auc needs two classes, there are 3");
  ModelPart unnamed = kinds;
  unnamed.classes.clear();
  CHECK(worse_of(worse.seen, unnamed, Metric::accuracy, 0.95, 1).state ==
        CheckState::fail);  // the labels name all three
}
TEST_CASE("a model that only names a class is read by its names") {
  Arms arms({label}, {label});
  arms.fill([](serving::ArmRows& to, int i, bool canary) {
    to.outputs[0].numbers.push_back(canary ? 7 : i / 2 % 2);
    to.labels.numbers.push_back(i / 2 % 2);
  });
  ModelPart declared{.task = ModelTask::classification, .classes = {"0.0", "1.0", "7"}, .positive = "1.0"};
  CHECK(worse_of(arms.seen, declared, Metric::accuracy, 0.95, 1).state == CheckState::fail);
  const ModelPart model{.task = ModelTask::classification};
  CHECK(shift_of(arms.seen, model, 0.1, 1).state == CheckState::fail);
  const RuleSeen seen = worse_of(arms.seen, model, Metric::accuracy, 0.95, 1);
  CHECK(seen.canary == 0);
  CHECK(seen.live == 1);
  CHECK(seen.state == CheckState::fail);
}
TEST_CASE("what cannot be read is said, and spends no look") {
  Arms arms({delay, variable}, {delay, variable});
  arms.fill([](serving::ArmRows& to, int, bool) {
    for (auto& c : to.outputs) c.numbers.push_back(1);
    to.labels.texts.emplace_back("late"), to.labels.absent.push_back(0);
  });
  CHECK(shift_of(arms.seen, regression, 0.1, 4).note ==
        "not tested: several outputs can hold the answer: delay FP32[-1,1], variable FP32[-1,1]. Name one as "
        "model.score");
  CHECK(shift_of(arms.seen, regression, 0.1, 4).looks == 3);
  ModelPart named = regression;
  named.score = "delay";
  CHECK(worse_of(arms.seen, named, Metric::mae, 0.95, 1).note == "not tested: a label is not a number");
}

// Two models of the room below, one of which answers ten times as much: a feature in another unit does that.
TEST_CASE(
    "a version that answers in another unit is caught by the log of a few dozen requests, with and without labels") {
  serving::Serving s;
  s.live();
  s.prepare(2);
  REQUIRE(s.route({.arms = {{.version = 1, .share = 0.75}, {.version = 2, .share = 0.25, .arm = serving::Arm::canary}},
                   .rollout = "r",
                   .step = 0,
                   .salt = "s"}));
  std::string labels;
  for (int i = 0; i < 80; ++i) {
    s.house.clock.pass(std::chrono::seconds(1));
    const auto got = s.infer(serving::ab(wave(i, 20), 1));
    REQUIRE(got.status == 200);
    labels += (labels.empty() ? "" : ",") + ("{\"prediction_id\":\"" + serving::id_of(got) +
                                             "\",\"label\":" + std::to_string(2 * wave(i, 20) + 4) + "}");
  }
  REQUIRE(s.house.post("/api/pawl/v1/endpoints/e/labels", "{\"labels\":[" + labels + "]}").status == 200);
  const auto arms = serving::compare(*s.service, {.endpoint = "e",
                                                  .rollout = "r",
                                                  .step = 0,
                                                  .live = 1,
                                                  .canary = 2,
                                                  .from = {0},
                                                  .to = s.house.clock.now() + std::chrono::hours(1)});
  REQUIRE(arms);
  const RuleSeen shift = shift_of(*arms, regression, 0.2, 1), worse = worse_of(*arms, regression, Metric::mae, 0.95, 1);
  CHECK(shift.state == CheckState::fail);
  CHECK(shift.seen.value() > 2);
  CHECK(shift.n + shift.n_live == 80);
  CHECK(worse.state == CheckState::fail);
  CHECK(worse.live.value() < 0.001);
}
