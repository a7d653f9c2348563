#include "serving/compare.h"

#include <cmath>

#include "serving/testing.h"

using namespace pawl;
using namespace pawl::serving;

namespace {
// `requests` requests of `rows` rows each; every fourth one went to the canary.
RowBatch batch_of(std::uint64_t first, std::size_t requests, std::size_t rows) {
  RowBatch out{.size = requests * rows};
  out.outputs = {{.name = "delay"}};
  for (std::size_t q = 0; q < requests; ++q)
    for (std::size_t r = 0; r < rows; ++r) {
      out.units.push_back(1'700'000'000'000'000 + first + q);
      out.arms.push_back((first + q) % 4 == 0 ? Arm::canary : Arm::live);
      out.outputs[0].numbers.push_back(static_cast<double>(first + q));
      out.labels.numbers.push_back(r == 0 ? 1 : std::nan(""));
    }
  return out;
}
void add_all(ArmSample& sample, const RowBatch& batch) {
  for (std::size_t i = 0; i < batch.size; ++i) sample.add(batch, i);
}
}  // namespace

TEST_CASE("a sample of a small step is all of it, both arms apart") {
  ArmSample sample;
  add_all(sample, batch_of(0, 40, 3));
  const ArmRows& rows = sample.rows();
  CHECK(rows.size() == 120);
  CHECK(std::count(rows.canary.begin(), rows.canary.end(), 1) == 30);
  CHECK(std::set<std::uint64_t>(rows.units.begin(), rows.units.end()).size() == 40);
  CHECK(rows.outputs.at(0).numbers.size() == 120);
  CHECK(std::isnan(rows.labels.numbers.at(1)));
}
TEST_CASE("a sample of a busy step keeps whole units, the same ones in any order of batches") {
  ArmSample forth(1000), back(1000);
  for (std::uint64_t i = 0; i < 40; ++i) add_all(forth, batch_of(i * 250, 250, 5));
  for (std::uint64_t i = 40; i-- > 0;) add_all(back, batch_of(i * 250, 250, 5));
  const auto kept = [](const ArmRows& rows) {
    std::map<std::pair<std::uint64_t, char>, int> out;
    for (std::size_t i = 0; i < rows.size(); ++i) ++out[{rows.units[i], rows.canary[i]}];
    return out;
  };
  const auto units = kept(forth.rows());
  CHECK(units == kept(back.rows()));
  for (const auto& [unit, rows] : units) CHECK(rows == 5);
  const auto canaries = std::count(forth.rows().canary.begin(), forth.rows().canary.end(), 1);
  CHECK(canaries <= 1000);
  CHECK(canaries >= 400);
  CHECK(std::ssize(forth.rows().canary) - canaries <= 1000);
  CHECK(forth.rows().labels.numbers.size() == forth.rows().size());
  double sum = 0;
  for (const double v : forth.rows().outputs[0].numbers) sum += v;
  CHECK(sum / static_cast<double>(forth.rows().size()) == doctest::Approx(5000).epsilon(0.1));  // none preferred
}
TEST_CASE("one huge request stays whole: it is the smallest sample there is") {
  ArmSample sample(100);
  add_all(sample, batch_of(0, 1, 5000));
  CHECK(sample.rows().size() == 5000);
}
TEST_CASE("a column that a batch does not have, or has as text, is no reason to lose a row") {
  ArmSample sample;
  RowBatch first = batch_of(0, 2, 1), second = batch_of(2, 2, 1);
  second.outputs = {{.name = "class", .numbers = {}, .texts = {"a", ""}, .absent = {0, 1}}};
  second.labels = {.name = "", .numbers = {}, .texts = {"x", "y"}, .absent = {0, 0}};
  add_all(sample, first);
  add_all(sample, second);
  const ArmRows& rows = sample.rows();
  REQUIRE(rows.outputs.size() == 2);
  CHECK(rows.outputs[0].numbers.size() == 4);
  CHECK(std::isnan(rows.outputs[0].numbers[3]));
  CHECK(rows.outputs[1].texts == std::vector<std::string>{"", "", "a", ""});
  CHECK(rows.outputs[1].absent == std::vector<char>{1, 1, 0, 1});
  CHECK(rows.labels.texts == std::vector<std::string>{"1", "1", "x", "y"});
}

TEST_CASE("the arms of a step are those of the log: sealed or not, labelled or not, before and after a restart") {
  Serving s(2ULL << 30, 4096);
  s.live();
  s.prepare(2);
  const auto step = [&](std::int64_t number, double share) {
    REQUIRE(s.route({.arms = {{.version = 1, .share = 1 - share}, {.version = 2, .share = share, .arm = Arm::canary}},
                     .rollout = "r",
                     .step = number,
                     .salt = "salt"}));
  };
  Both sent, labelled;
  std::string labels;
  const auto ask = [&](int i, bool counts) {
    s.house.clock.pass(std::chrono::seconds(1));
    const auto got = s.infer(ab(i, 1, R"(,"parameters":{"routing_key":"k)" + std::to_string(i / 2) + R"("})"));
    REQUIRE(got.status == 200);
    const bool canary = version_of(got) == "\"2\"";
    if (!counts) return;
    ++(canary ? sent.canary : sent.live);
    if (i % 3 != 0) return;
    ++(canary ? labelled.canary : labelled.live);
    labels += (labels.empty() ? "" : ",") +
              ("{\"prediction_id\":\"" + id_of(got) + "\",\"label\":" + std::to_string(i) + "}");
  };
  step(0, 0.5);
  for (int i = 0; i < 20; ++i) ask(i, false);  // of another step
  step(1, 0.4);
  for (int i = 0; i < 60; ++i) ask(i, true);
  REQUIRE(s.house.post("/api/pawl/v1/endpoints/e/labels", "{\"labels\":[" + labels + "]}").status == 200);
  const ArmsAsk ask_step{.endpoint = "e",
                         .rollout = "r",
                         .step = 1,
                         .live = 1,
                         .canary = 2,
                         .from = {0},
                         .to = s.house.clock.now() + std::chrono::hours(1)};
  const auto check = [&] {
    const auto seen = compare(*s.service, ask_step);
    REQUIRE_MESSAGE(seen, (seen ? "" : seen.error().message));
    CHECK(seen->rows.live == sent.live);
    CHECK(seen->rows.canary == sent.canary);
    CHECK(seen->labelled.live == labelled.live);
    CHECK(seen->labelled.canary == labelled.canary);
    REQUIRE(seen->answered.size() == 60);
    CHECK(seen->known.size() == 20);
    CHECK(std::set<std::uint64_t>(seen->answered.units.begin(), seen->answered.units.end()).size() == 30);  // keys
    REQUIRE(seen->canary_outputs.size() == 1);
    const auto& y = seen->answered.outputs.at(0).numbers;
    double most = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
      if (seen->answered.canary[i] == 0) most = std::max(most, y[i]);
    CHECK(most <= 2 * 59 + 3 + 1);  // the live version's answers, not ten times that
  };
  check();
  s.seal();
  check();
  s.restart();
  s.prepare(2);
  check();
}
