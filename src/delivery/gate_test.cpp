#include "delivery/gate.h"
#include "core/testing.h"
#include "delivery/diff.h"
#include "delivery/junit.h"

using namespace pawl;
using namespace pawl::delivery;

TEST_CASE("the whole gate is as good as its worst check, and an empty gate lets nothing through") {
  using enum CheckState;
  each_of<std::vector<CheckState>, CheckState>({{{pass, pass}, pass},
                                                {{pass, waiting}, waiting},
                                                {{waiting, inconclusive}, inconclusive},
                                                {{inconclusive, empty}, empty},
                                                {{empty, error}, error},
                                                {{error, fail}, fail},
                                                {{}, empty}},
                                               [](const std::vector<CheckState>& states, CheckState expected) {
                                                 std::vector<Check> checks;
                                                 for (const CheckState s : states) checks.push_back({.state = s});
                                                 CHECK(overall(checks) == expected);
                                               });
}
TEST_CASE("a slice that is too small is listed, not judged, and without any the check is empty") {
  const std::vector<GateCheck> gate{
      {.kind = GateKind::slices, .metric = stats::Metric::accuracy, .by = "kind", .max_gap = 0.1}};
  const Estimate all{.metric = stats::Metric::accuracy, .estimate = 0.9, .n = 100};
  EvaluateResult seen{
      .slices = {
          {.by = "kind", .overall = all, .items = {{"a", 60, true, 0.85, {}, {}}, {"b", 3, false, 0.1, {}, {}}}}}};
  CHECK(judge(gate, seen, {})[0].state == CheckState::pass);
  seen.slices[0].items[0].estimate = 0.75;  // worse is lower here
  CHECK(judge(gate, seen, {})[0].state == CheckState::fail);
  seen.slices[0].items.erase(seen.slices[0].items.begin());
  CHECK(judge(gate, seen, {})[0].state == CheckState::empty);
}
TEST_CASE("the value the script logged is shown beside, never judged") {
  const std::vector<GateCheck> gate{{.kind = GateKind::metric, .metric = stats::Metric::mae, .max = 18}};
  const EvaluateResult seen{.metrics = {{.metric = stats::Metric::mae, .estimate = 20, .low = 19, .high = 21, .n = 5}}};
  const Check check = judge(gate, seen, {.logged = {{"mae", 3.0}}})[0];
  CHECK(check.state == CheckState::fail);
  CHECK(check.evidence.text.find("\"logged\":3.0") != std::string::npos);
}
TEST_CASE("a difference in lines shows what changed and where") {
  CHECK(line_diff("a\nb\nc\n", "a\nx\nc\n") == " a\n-b\n+x\n c\n");
  CHECK(line_diff("", "a\n") == "+a\n");
  CHECK(line_diff("same\n", "same\n").empty());
  const auto changes = changes_between({{"p", "1\n"}, {"gone", "x\n"}}, {{"p", "2\n"}, {"new", "y\n"}});
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].change == "added");
  CHECK(changes[1].diff == "-1\n+2\n");
  CHECK(changes[2].change == "removed");
}

TEST_CASE("a gate as JUnit XML names every check, escapes what is written in it, and counts") {
  Gate gate{.model = "a&b",
            .version = 2,
            .checks = {{.name = "metric mae", .state = CheckState::fail, .reason = "19 < \"20\"\n\x01"},
                       {.name = "data", .state = CheckState::error, .reason = "e"},
                       {.name = "approve", .state = CheckState::waiting},
                       {.name = "ok"}}};
  const std::string xml = junit_of(gate);
  CHECK(xml.find(R"(<testsuite name="a&amp;b@2" tests="4" failures="1" errors="1" skipped="1")") != std::string::npos);
  CHECK(xml.find(R"(<failure message="19 &lt; &quot;20&quot;&#10; "/>)") != std::string::npos);
  CHECK(xml.find(R"(<testcase classname="a&amp;b@2" name="ok"></testcase>)") != std::string::npos);
}
