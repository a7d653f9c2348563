#include "delivery/config.h"

#include "core/testing.h"
#include "delivery/testing.h"

using namespace pawl;
using namespace pawl::delivery;

namespace {
std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  REQUIRE(at != text.npos);
  return text.replace(at, what.size(), with);
}
std::string problem(const std::string& text) {
  const auto got = read_config(text);
  return got ? "" : got.error().message;
}
}  // namespace

TEST_CASE("the example of the contract is read as it is meant") {
  const auto got = read_config(whole_config);
  REQUIRE_MESSAGE(got.has_value(), got.error().message);
  CHECK(got->model.name == "arrival-delay");
  CHECK(got->model.time == "time_hour");
  REQUIRE(got->train.when.size() == 4);
  CHECK(got->train.when[1].path == "data/raw");
  CHECK(got->train.has(WhenKind::push));
  CHECK(got->train.set.at("collect.until") == "{event_time}");
  REQUIRE(got->gate.size() == 5);
  CHECK(got->gate[0].max == 18.0);
  CHECK(got->gate[1].name() == "better_than champion");
  CHECK(got->gate[2].max_gap == 5);
  CHECK(got->gate[4].not_author);
  CHECK(got->serve.rollout.steps == std::vector<double>{5, 25, 100});
  CHECK(got->serve.rollout.hold_time == std::chrono::minutes(10));
  CHECK(got->serve.rollout.p99_ms == 50.0);
  CHECK(got->serve.replay);
  CHECK(got->watch->keep_firing_windows == 2);
  CHECK(got->watch->worse_by == 0.25);
  CHECK_FALSE(got->watch->threshold.has_value());
  CHECK(got->not_yet() == std::vector<std::string>{"keep.logs"});
  CHECK(got->named_files() == std::vector<std::string>{"checks.yaml"});
}
TEST_CASE("a small declaration takes the defaults") {
  const auto got = read_config(small_config);
  REQUIRE_MESSAGE(got.has_value(), got.error().message);
  CHECK(got->serve.endpoint == "iris");
  CHECK(got->serve.rollout.steps == std::vector<double>{100});
  CHECK(got->train.pipeline == "dvc.yaml");
  CHECK(got->train.has(WhenKind::push));
  CHECK_FALSE(got->train.has(WhenKind::data));
  CHECK_FALSE(got->watch.has_value());
}
TEST_CASE("what is wrong is said with line, column and what would have been right") {
  each_of<std::string, std::string, std::string>(
      {{"project: iris", "projekt: iris",
        "pawl.yaml:2:1: unknown key `projekt`, expected one of pawl, project, model, train, gate, serve, watch, keep"},
       {"pawl: 1", "pawl: 2", "pawl.yaml:1:7: pawl: expected 1, the version of this grammar, got 2"},
       {"task: classification", "task: clustering",
        "pawl.yaml:5:9: model.task: expected one of regression|classification, got clustering"},
       {"label: kind", "label: [kind]", "pawl.yaml:6:10: model.label: expected text, got a list"},
       {"  label: kind\n", "", "pawl.yaml:4:3: model: `label` is missing"},
       {"name: iris", "name: iris@1", "pawl.yaml:4:9: model.name: `iris@1` is no name"},
       {"train: train.csv", "train: /etc/passwd", "train.data.train: `/etc/passwd` leaves the repository"},
       {"train: train.csv", "train: a/../../b", "leaves the repository"},
       {"name: accuracy", "name: mae", "mae is no metric of classification"},
       {"name: accuracy", "name: acuracy",
        "gate[0].metric.name: expected one of mae|rmse|bias|r2|accuracy|f1|log_loss|auc, got acuracy"},
       {"min: 0.8", "minimum: 0.8", "gate[0].metric: unknown key `minimum`, expected one of name, max, min"},
       {"min: 0.8", "min: x", "gate[0].metric.min: expected a number, got x"},
       {", min: 0.8", "", "needs `max`, `min` or both"},
       {"- metric:", "- reproduce:", "gate[0]: the check `reproduce` is reserved: not yet"},
       {"- metric:", "- replay:", "gate[0]: the check `replay` is reserved: not yet"},
       {"- metric:", "- magic:",
        "gate[0]: unknown check `magic`, expected one of metric|better_than|slices|data|approve"},
       {"- metric: {name: accuracy, min: 0.8}", "[]", ""}},
      [](const std::string& what, const std::string& with, const std::string& expected) {
        const std::string said = problem(replaced(std::string(small_config), what, with));
        CAPTURE(said);
        CHECK_FALSE(said.empty());
        CHECK(said.find(expected) != said.npos);
      });
  each_of<std::string, std::string, std::string>(
      {{"[5%, 25%, 100%]", "[25%, 5%, 100%]", "serve.rollout.steps[1]: steps rise, up to 100%"},
       {"[5%, 25%, 100%]", "[5%, 25%]", "the last step is 100%"},
       {"[5%, 25%, 100%]", "[5, 100]", "expected a share as 25%, got 5"},
       {"time: 10m", "time: 10 minutes",
        "serve.rollout.hold.time: expected a duration as 10m, 36h or 28d, got 10 minutes"},
       {"replay: true", "replay: yes", "serve.replay: expected true or false, got yes"},
       {"replay: true", "shadow: true", "`shadow` is reserved: not yet"},
       {"[push,", "[schedule,", "train.when[0]: `schedule` is reserved: not yet"},
       {"[push,", "[pull,", "train.when[0]: expected push, drift, performance or {data: PATH}, got pull"},
       {"{metric: mae, worse_by: 25%}", "{metric: bias, worse_by: 25%}", "`worse_by` of bias or r2 means nothing"},
       {"by: operator", "by: boss",
        "gate[4].approve.by: expected one of none|viewer|scientist|operator|admin, got boss"},
       {"max_gap: 5", "max_gap: 0", "gate[2].slices.max_gap: expected a number above 0.0"},
       {"- data: {checks: checks.yaml}", "- approve: {by: admin}", "one `approve` is enough"},
       {"confidence: 0.95}\n  - slices", "confidence: 95}\n  - slices", "expected a number between 0.5 and 1, got 95"}},
      [](const std::string& what, const std::string& with, const std::string& expected) {
        const std::string said = problem(replaced(std::string(whole_config), what, with));
        CAPTURE(said);
        CHECK(said.find(expected) != said.npos);
      });
}
TEST_CASE("the first of several problems is told and how many follow") {
  std::string text = replaced(std::string(small_config), "label: kind", "label: []");
  text = replaced(text, "min: 0.8", "min: x");
  CHECK(problem(text) == "pawl.yaml:6:10: model.label: expected text, got a list (and 1 more)");
}
TEST_CASE("huge, deep and multiplied files are refused") {
  CHECK(problem(std::string(300'000, ' ')).find("pawl.yaml") == 0);
  CHECK_FALSE(problem(std::string(100, '[') + std::string(100, ']')).empty());
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) bomb += std::string("*") + static_cast<char>(c - 1) + ",";
    bomb += std::string("*") + static_cast<char>(c - 1) + "]\n";
  }
  CHECK(problem(bomb).find("more than 20000 values") != std::string::npos);
  CHECK_FALSE(problem("").empty());
  CHECK_FALSE(problem("pawl: 1\npawl: 1\n").empty());
}
