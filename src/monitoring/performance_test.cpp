// Performance of a window: from labels that came, by version, by slice, against the version before.
#include <cmath>

#include "core/testing.h"
#include "monitoring/testing.h"
#include "stats/golden.h"

using namespace pawl;
using namespace pawl::monitoring;

namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
Time at(const char* text) { return parse_rfc3339(text).value(); }
const Window march{at("2013-03-01"), at("2013-03-29")};
bool says(const std::string& note, const char* what) { return note.find(what) != note.npos; }

Monitor monitor(const char* task) { return {.endpoint = "e", .model = "m", .version = 3, .task = task}; }
// n rows over the window's days, all answered by version 3.
MemorySource rows(std::size_t n) {
  MemorySource out;
  out.all.size = n;
  for (std::size_t i = 0; i < n; ++i) {
    out.all.event_times.push_back(march.start.us + static_cast<std::int64_t>(i * 28 / n) * day_us);
    out.all.versions.push_back(3);
  }
  out.all.labels.name = "label";
  return out;
}
serving::LogColumn numbers(std::string name, std::vector<double> values) {
  return {.name = std::move(name), .numbers = std::move(values)};
}
serving::LogColumn texts(std::string name, std::vector<std::string> values) {
  serving::LogColumn out{.name = std::move(name), .texts = std::move(values)};
  out.absent.assign(out.texts.size(), 0);
  return out;
}
std::vector<double> every(std::size_t n, std::initializer_list<double> values) {
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(*(values.begin() + static_cast<std::ptrdiff_t>(i % values.size())));
  return out;
}
PerformanceSeen performance(const Monitor& m, MemorySource& source, std::string* note = nullptr) {
  const auto got = measure(m, Reference{}, source, march);
  REQUIRE(got.has_value());
  if (note != nullptr) *note = got->seen.note;
  REQUIRE(got->seen.performance.has_value());
  return *got->seen.performance;
}
double value(const std::vector<Measured>& metrics, stats::Metric m) {
  for (const auto& one : metrics)
    if (one.metric == m) return one.value.value_or(missing);
  return missing;
}
void near(double got, double want) {
  CAPTURE(got);
  CHECK(std::abs(got - want) <= 1e-12 * std::abs(want));
}

}  // namespace

TEST_CASE("metrics of a regression are scikit-learn's") {
  auto source = rows(golden::y.size());
  source.all.labels.numbers.assign(golden::y.begin(), golden::y.end());
  source.all.outputs = {numbers("variable/0", {golden::p.begin(), golden::p.end()})};
  const auto got = performance(monitor("regression"), source);
  near(value(got.metrics, stats::Metric::mae), golden::mae);
  near(value(got.metrics, stats::Metric::rmse), golden::rmse);
  near(value(got.metrics, stats::Metric::bias), golden::bias);
  near(value(got.metrics, stats::Metric::r2), golden::r2);
}

TEST_CASE(
    "metrics of two classes are scikit-learn's, whether the score is one column or two and labels are numbers or "
    "text") {
  for (const int form : {0, 1, 2}) {
    CAPTURE(form);
    auto source = rows(golden::two.size());
    auto m = monitor("classification");
    std::vector<double> p(golden::score.begin(), golden::score.end()), q;
    for (const double v : p) q.push_back(1 - v);
    for (const int y : golden::two) {
      if (form == 2)
        source.all.labels.texts.push_back(y == 1 ? "yes" : "no"), source.all.labels.absent.push_back(0);
      else
        source.all.labels.numbers.push_back(y);
    }
    if (form == 2) m.classes = {"no", "yes"};
    if (form == 0)
      source.all.outputs = {numbers("p", p)};
    else
      source.all.outputs = {numbers("label", every(p.size(), {1})), numbers("probabilities/0", q),
                            numbers("probabilities/1", p)};
    const auto got = performance(m, source);
    near(value(got.metrics, stats::Metric::accuracy), golden::accuracy_two);
    near(value(got.metrics, stats::Metric::f1), golden::f1_two);
    near(value(got.metrics, stats::Metric::log_loss), golden::log_loss_two);
    near(value(got.metrics, stats::Metric::auc), golden::auc_two);
  }
}

TEST_CASE("metrics of three classes are scikit-learn's, auc is not among them") {
  auto source = rows(golden::three.size());
  for (const int y : golden::three) source.all.labels.numbers.push_back(y);
  for (std::size_t k = 0; k < 3; ++k) {
    std::vector<double> p;
    for (std::size_t i = k; i < golden::prob.size(); i += 3) p.push_back(golden::prob[i]);
    source.all.outputs.push_back(numbers("probabilities/" + std::to_string(k), std::move(p)));
  }
  auto m = monitor("classification");
  m.classes = {"0", "1", "2.0"};  // one form: 2.0 is 2
  const auto got = performance(m, source);
  CHECK(got.metrics.size() == 3);
  near(value(got.metrics, stats::Metric::accuracy), golden::accuracy_three);
  near(value(got.metrics, stats::Metric::f1), golden::f1_three);
  near(value(got.metrics, stats::Metric::log_loss), golden::log_loss_three);
}

TEST_CASE("a model that only names the class has accuracy and f1, and says why not more") {
  auto source = rows(200);
  source.all.labels.texts.assign(200, "up"), source.all.labels.absent.assign(200, 0);
  for (std::size_t i = 0; i < 50; ++i) source.all.labels.texts[i] = "down";
  source.all.outputs = {texts("label", std::vector<std::string>(200, "up"))};
  const auto got = performance(monitor("classification"), source);
  CHECK(value(got.metrics, stats::Metric::accuracy) == 0.75);
  CHECK(got.metrics[3].note == "auc needs probabilities, the model only names a class");
  CHECK(got.metrics[3].n == 0);
}

TEST_CASE("a lone output of numbers that are classes names them: it is no probability") {
  each_of<std::string, double, double>(  // the positive class, the answer, which is right
      {{"2", 1, 1}, {"1", 1, 1}, {"1", 2, 2}}, [](const std::string& positive, double answer, double truth) {
        auto source = rows(200);
        source.all.labels.numbers.assign(200, truth);
        for (std::size_t i = 0; i < 50; ++i) source.all.labels.numbers[i] = 3 - truth;
        source.all.outputs = {numbers("label", std::vector<double>(200, answer))};
        auto m = monitor("classification");
        m.classes = {"1", "2"}, m.positive = positive;
        const auto got = performance(m, source);
        CHECK(value(got.metrics, stats::Metric::accuracy) == 0.75);
        CHECK(got.metrics[3].note == "auc needs probabilities, the model only names a class");
      });
}
TEST_CASE("labels of the wrong kind are left out and told") {
  auto source = rows(300);
  source.all.labels.texts.assign(300, "1"), source.all.labels.absent.assign(300, 0);
  for (std::size_t i = 0; i < 12; ++i) source.all.labels.texts[i] = "late";
  for (std::size_t i = 12; i < 150; ++i) source.all.labels.texts[i] = "0";
  std::string note;
  SUBCASE("no class of the model") {
    source.all.outputs = {numbers("p", std::vector<double>(300, 0.25))};
    auto m = monitor("classification");
    m.classes = {"0", "1"};
    const auto got = performance(m, source, &note);
    CHECK(got.metrics[0].n == 288);
    CHECK(says(note, "12 labels are left out: no class of the model (late)"));
  }
  SUBCASE("no number") {
    source.all.outputs = {numbers("p", std::vector<double>(300, 0.25))};
    const auto got = performance(monitor("regression"), source, &note);
    CHECK(got.metrics[0].n == 288);
    CHECK(says(note, "12 labels are left out: no number (late)"));
  }
  SUBCASE("answers that cannot be read") {
    source.all.outputs = {numbers("a", std::vector<double>(300, 1)), numbers("b", std::vector<double>(300, 1))};
    const auto got = performance(monitor("regression"), source, &note);
    CHECK(got.metrics[0].n == 0);
    CHECK(says(note, "several numbers as answer: name one as model.score"));
    auto named = monitor("regression");
    named.score = "b";
    CHECK(performance(named, source).metrics[0].n == 288);
  }
}

TEST_CASE(
    "a label too large to be squared leaves no rmse and no interval of it, and the note does not blame equal labels") {
  auto source = rows(300);
  source.all.labels.numbers = every(300, {1, 2, 3});
  source.all.labels.numbers[7] = 1e308;
  source.all.outputs = {numbers("variable/0", std::vector<double>(300, 2))};
  const auto got = performance(monitor("regression"), source);
  const auto rmse = std::ranges::find(got.metrics, stats::Metric::rmse, &Measured::metric);
  REQUIRE(rmse != got.metrics.end());
  CHECK_FALSE(rmse->value.has_value());
  CHECK_FALSE(rmse->low.has_value());
  CHECK(rmse->note == "rmse is not defined: a label or an answer is too large");
}

TEST_CASE("without labels nothing is judged, and where a metric is watched it says that there are none") {
  auto source = rows(300);
  source.all.outputs = {numbers("y", std::vector<double>(300, 1))};
  CHECK_FALSE(measure(monitor("regression"), Reference{}, source, march)->seen.performance.has_value());
  auto m = monitor("regression");
  m.metric = stats::Metric::mae, m.worse_by = 0.1, m.reference_value = 1;
  const auto got = performance(m, source);
  CHECK(got.watched.note == "no labels yet");
  CHECK_FALSE(got.mature);
  CHECK_FALSE(got.worse);
  CHECK(got.versions.at(0).rows == 300);
}

TEST_CASE(
    "worse: above reference (1 + x) where low is good, below reference (1 - x) where high is, once there are labels "
    "enough") {
  struct Row {
    const char* task;
    stats::Metric metric;
    double value, reference;
    std::size_t labelled;
    bool mature, worse;
  };
  for (const Row& row : {Row{"regression", stats::Metric::mae, 1.24, 1, 1000, true, false},
                         Row{"regression", stats::Metric::mae, 1.26, 1, 1000, true, true},
                         Row{"regression", stats::Metric::mae, 5, 1, 99, false, false},   // too few labels
                         Row{"regression", stats::Metric::mae, 5, 1, 199, false, false},  // too small a share
                         Row{"regression", stats::Metric::mae, 5, 1, 200, true, true},
                         Row{"classification", stats::Metric::accuracy, 0.76, 1, 1000, true, false},
                         Row{"classification", stats::Metric::accuracy, 0.74, 1, 1000, true, true}}) {
    CAPTURE(row.value);
    CAPTURE(row.labelled);
    auto source = rows(1000);
    auto m = monitor(row.task);
    m.metric = row.metric, m.worse_by = 0.25, m.reference_value = row.reference;
    m.classes = {"0", "1"};
    for (std::size_t i = 0; i < 1000; ++i) {
      const bool right = row.metric == stats::Metric::mae || i % 100 < static_cast<std::size_t>(row.value * 100 + 0.5);
      source.all.labels.numbers.push_back(i < row.labelled ? (right ? 0 : 1) : missing);
    }
    source.all.outputs = {numbers("y", std::vector<double>(1000, row.metric == stats::Metric::mae ? row.value : 0.25))};
    const auto got = performance(m, source);
    CHECK(got.mature == row.mature);
    CHECK(got.worse == row.worse);
    near(*got.limit, row.metric == stats::Metric::mae ? 1.25 : 0.75);
    CHECK(got.watched.value.has_value());
    CHECK((got.mature || says(got.watched.note, "immature")));
  }
}

TEST_CASE("versions are judged apart, and only the live one's rows are compared with its limit") {
  auto source = rows(1000);
  source.all.labels.numbers.assign(1000, 0);
  source.all.outputs = {numbers("y", {}), numbers("z", {})};  // the version before named its output otherwise
  for (std::size_t i = 0; i < 1000; ++i) {
    source.all.versions[i] = i < 600 ? 2 : 3;
    source.all.outputs[0].numbers.push_back(i < 600 ? missing : 1);
    source.all.outputs[1].numbers.push_back(i < 600 ? 9 : missing);
  }
  auto m = monitor("regression");
  m.metric = stats::Metric::mae, m.worse_by = 0.25, m.reference_value = 1;
  const auto got = performance(m, source);
  REQUIRE(got.versions.size() == 2);
  CHECK(got.versions[0].version == 2);
  CHECK(got.versions[0].rows == 600);
  CHECK(value(got.versions[0].metrics, stats::Metric::mae) == 9);
  CHECK(value(got.versions[1].metrics, stats::Metric::mae) == 1);
  near(value(got.metrics, stats::Metric::mae), 0.6 * 9 + 0.4);
  CHECK(got.watched.value == 1);
  CHECK(got.watched.n == 400);
  CHECK_FALSE(got.worse);
  m.version = 4;
  CHECK(performance(m, source).watched.note == "version 4 answered no row of this window");
}

TEST_CASE(
    "the version before is scored on the rows that the live one answered, and the gain has an interval over days") {
  auto source = rows(2000);
  source.all.labels.numbers.assign(2000, 0);
  source.all.features = {numbers("x", every(2000, {1, 2, 3, 4, 5, 6, 7}))};
  source.all.outputs = {numbers("y", std::vector<double>(2000, 1))};
  for (std::size_t i = 0; i < 500; ++i) source.all.versions[i] = 2, source.all.outputs[0].numbers[i] = 50;
  std::size_t scored = 0;
  source.model = [&](std::int64_t version, const serving::RowBatch& rows) -> Result<std::vector<serving::LogColumn>> {
    CHECK(version == 2);
    scored += rows.size;
    return std::vector{numbers("y", rows.features.at(0).numbers)};  // it answers x: its mae is the mean of x
  };
  auto m = monitor("regression");
  m.previous = 2;
  const auto got = performance(m, source);
  CHECK(scored == 1500);
  REQUIRE(got.previous.has_value());
  CHECK(got.previous->version == 2);
  CHECK(got.previous->labelled == 1500);
  double mean = 0;
  for (std::size_t i = 500; i < 2000; ++i) mean += source.all.features[0].numbers[i] / 1500;
  CHECK(std::abs(value(got.previous->metrics, stats::Metric::mae) - mean) < 1e-9);
  REQUIRE(got.gain.has_value());
  CHECK(std::abs(*got.gain->value - (mean - 1)) < 1e-9);
  CHECK(got.gain->low > 2.5);
  CHECK(got.gain->high < 3.5);
  CHECK(got.gain->n == 1500);
  SUBCASE("one that cannot be had any more is told, and the window closes all the same") {
    source.model = {};
    std::string note;
    CHECK_FALSE(performance(m, source, &note).previous.has_value());
    CHECK(says(note, "version 2, live before, could not be scored: no such version"));
  }
}

TEST_CASE(
    "slices: by text, by the few values of a number, by a column of the context, and few rows are listed, not judged") {
  auto source = rows(1000);
  source.all.labels.numbers.assign(1000, 0);
  source.all.outputs = {numbers("y", {})};
  auto origin = texts("origin", {});
  for (std::size_t i = 0; i < 1000; ++i) {
    origin.texts.push_back(i < 10 ? "LGA" : i % 2 == 0 ? "EWR" : "JFK"), origin.absent.push_back(0);
    source.all.outputs[0].numbers.push_back(i % 2 == 0 ? 2 : 4);
  }
  source.all.features = {origin};
  source.all.context = {numbers("desk", every(1000, {1, 2}))};
  auto m = monitor("regression");
  m.slices = {{"origin", stats::Metric::mae}, {"desk", stats::Metric::bias}, {"nothing", stats::Metric::mae}};
  std::string note;
  const auto got = performance(m, source, &note);
  REQUIRE(got.slices.size() == 5);
  CHECK(got.slices[0].value == "EWR");
  CHECK(got.slices[0].measured.value == 2);
  CHECK(got.slices[1].value == "JFK");
  CHECK(got.slices[1].measured.value == 4);
  CHECK(got.slices[2].value == "LGA");
  CHECK(got.slices[2].measured.n == 10);
  CHECK_FALSE(got.slices[2].judged);
  CHECK(got.slices[3].by == "desk");
  CHECK(got.slices[3].value == "1");
  CHECK(got.slices[3].measured.value == 2);
  CHECK(says(note, "there is no column nothing to slice by"));
}

TEST_CASE("an interval draws whole days: it says so where there are too few of them") {
  auto source = rows(200);
  for (auto& t : source.all.event_times) t = march.start.us;
  source.all.labels.numbers.assign(200, 0);
  source.all.outputs = {numbers("y", every(200, {1, 3}))};
  const auto got = performance(monitor("regression"), source);
  CHECK(got.watched.value == 2);
  CHECK_FALSE(got.watched.low.has_value());
  CHECK(got.watched.note == "no interval: 1 day with labels, at least 6 are drawn");
}
