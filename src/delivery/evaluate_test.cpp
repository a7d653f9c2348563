#include "delivery/evaluate.h"

#include <cmath>
#include <fstream>

#include "core/hash.h"
#include "core/testing.h"
#include "delivery/score.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::delivery;

namespace {
namespace fs = std::filesystem;

// A cache and models in a folder of its own; rows are written as CSV.
struct Runner {
  store::ScratchFolder folder;
  std::string put(const std::string& text) {
    const std::string md5 = md5_hex(text);
    std::ofstream(folder.path / md5, std::ios::binary) << text;
    return md5;
  }
  EvaluateAsk ask(const std::string& csv, std::string challenger, std::string champion = "") {
    EvaluateAsk out{.model = "m",
                    .task = ModelTask::regression,
                    .label = "y",
                    .time = "day",
                    .test = {"data/test.csv", put(csv)},
                    .draws = 1000};
    out.challenger = {.version = 2, .artifact = std::move(challenger), .train_ends = "2024-01-01T00:00:00Z"};
    if (!champion.empty())
      out.champion = ModelRef{.version = 1, .artifact = std::move(champion), .train_ends = "2024-01-01T00:00:00Z"};
    out.metrics = {stats::Metric::mae};
    out.compare = {{stats::Metric::mae, 0.95}};
    return out;
  }
  std::map<std::string, fs::path> kept{};  // artifacts
  Result<EvaluateResult> run(const EvaluateAsk& ask) {
    fs::remove_all(folder.path / "scratch");
    fs::create_directories(folder.path / "scratch");
    return evaluate(ask, {.object = [&](const std::string& md5) -> Result<fs::path> {
                            if (!fs::exists(folder.path / md5)) return fail(Code::missing, "the cache has no " + md5);
                            return folder.path / md5;
                          },
                          .artifact = [](const std::string& name) -> Result<fs::path> {
                            return fs::path(PAWL_SOURCE_DIR) / "tests/delivery/models" / name;
                          },
                          .scratch = folder.path / "scratch",
                          .keep = [&](const std::string& path, const fs::path& file) -> Result<void> {
                            kept[path] = folder.path / ("kept" + std::to_string(kept.size()) + ".parquet");
                            fs::copy_file(file, kept[path], fs::copy_options::overwrite_existing);
                            return {};
                          }});
  }
  EvaluateResult done(const EvaluateAsk& ask) {
    auto got = run(ask);
    REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
    return *got;
  }
};

// `days` days of 10 rows; the truth is y = x and what `noise` adds.
std::string rows(int days, double noise = 0.1) {
  std::string out = "day,x,y,shop\n";
  for (int d = 0; d < days; ++d)
    for (int i = 0; i < 10; ++i) {
      const double x = i + d * 0.5, y = x + noise * ((i % 3) - 1);
      out += "2024-02-" + std::string(d < 9 ? "0" : "") + std::to_string(d + 1) + "T05:00:00Z," + std::to_string(x) +
             "," + std::to_string(y) + "," + (i % 2 == 0 ? "a" : "b") + "\n";
    }
  return out;
}
std::string labelled(std::string_view no, std::string_view yes) {
  std::string out = "x,y,kind\n";
  for (int i = -20; i < 20; ++i) {
    const std::string_view label = (i % 7 == 0) == (i >= 0) ? no : yes;  // mostly: the sign of x
    out += std::to_string(i / 4.0) + "," + std::string(label) + "," + std::string(label) + "\n";
  }
  return out;
}
EvaluateAsk classified(Runner& r, const std::string& csv, std::string model) {
  EvaluateAsk out = r.ask(csv, std::move(model));
  out.task = ModelTask::classification;
  out.time.clear();
  out.compare.clear();
  out.metrics = {stats::Metric::accuracy, stats::Metric::f1, stats::Metric::log_loss, stats::Metric::auc};
  return out;
}
}  // namespace

TEST_CASE("both models answer the same rows, the difference is in whole days") {
  Runner r;
  const EvaluateResult seen = r.done(r.ask(rows(10), "same", "shifted"));
  CHECK(seen.state == CheckState::pass);
  CHECK(seen.rows == 100);
  CHECK(seen.days == 10);
  REQUIRE(seen.metrics[0].estimate.has_value());
  CHECK(std::abs(*seen.metrics[0].estimate - 0.1 * 6 / 10) < 0.02);
  CHECK(*seen.metrics[0].low <= *seen.metrics[0].estimate);
  CHECK(std::abs(*seen.champion_metrics[0].estimate - 1) < 0.02);
  CHECK(*seen.differences[0].low > 0.9);
  CHECK(seen.outputs_distance.has_value());
  CHECK(seen.digests.at("challenger").size() == 64);
  CHECK(seen.digests.at("challenger") != seen.digests.at("champion"));
  const EvaluateResult worse = r.done(r.ask(rows(10), "shifted", "same"));
  CHECK(*worse.differences[0].high < 0);
  CHECK_FALSE(*r.done(r.ask(rows(10), "same", "same")).differences[0].low > 0);
}
TEST_CASE("rows that are not later than both trainings are left out, and without any it cannot be told") {
  Runner r;
  EvaluateAsk ask = r.ask(rows(12), "same", "shifted");
  ask.champion->train_ends = "2024-02-03T05:00:00Z";
  const EvaluateResult seen = r.done(ask);
  CHECK(seen.rows == 90);
  CHECK(seen.rows_left_out == 30);
  CHECK(seen.later_than == "2024-02-03T05:00:00Z");
  ask.champion->train_ends = "2024-03-01";
  const EvaluateResult none = r.done(ask);
  CHECK(none.state == CheckState::inconclusive);
  CHECK(none.reason.find("split by time") != std::string::npos);
  ask.champion->train_ends.clear();
  CHECK(r.done(ask).state == CheckState::inconclusive);
}
TEST_CASE("too few days give a value without an interval, and no comparison") {
  Runner r;
  const EvaluateResult seen = r.done(r.ask(rows(4), "same", "shifted"));
  CHECK(seen.metrics[0].state == CheckState::pass);
  CHECK(seen.metrics[0].estimate.has_value());
  CHECK_FALSE(seen.metrics[0].low.has_value());
  CHECK(seen.differences[0].state == CheckState::inconclusive);
  CHECK(seen.differences[0].reason == "4 days: an interval needs at least 6");
}
TEST_CASE("slices name the values with their rows, small ones are listed and not judged") {
  Runner r;
  EvaluateAsk ask = r.ask(rows(10) + "2024-02-05T05:00:00Z,1,50,rare\n", "same");
  ask.slices = {{"shop", stats::Metric::mae}, {"nothing", stats::Metric::mae}};
  const EvaluateResult seen = r.done(ask);
  REQUIRE(seen.slices.size() == 2);
  REQUIRE(seen.slices[0].items.size() == 3);
  CHECK(seen.slices[0].items[0].value == "a");
  CHECK(seen.slices[0].items[0].n == 50);
  CHECK(seen.slices[0].items[0].judged);
  CHECK(seen.slices[0].items[2].value == "rare");
  CHECK_FALSE(seen.slices[0].items[2].judged);
  CHECK(seen.slices[1].overall.state == CheckState::error);
}
TEST_CASE("what is wrong with rows or models is said with its place") {
  each_of<std::string, std::string, CheckState, std::string>(
      {{"day,x,y\n2024-02-01T05:00:00Z,abc,1\n", "same", CheckState::error,
        "column x, row 1: expected a number, got `abc`"},
       {"day,x,y\n2024-02-01T05:00:00Z,1,low\n", "same", CheckState::error,
        "column y, row 1: expected a number, got `low`"},
       {"day,z,y\n2024-02-01T05:00:00Z,1,1\n", "same", CheckState::error,
        "the model's input x is no column of the data"},
       {"day,x\n2024-02-01T05:00:00Z,1\n", "same", CheckState::error, "data/test.csv has no column y"},
       {"x,y\n1,1\n", "same", CheckState::error, "data/test.csv has no column day"},
       {"day,n,y\n2024-02-01T05:00:00Z,1.5,1\n", "whole", CheckState::error,
        "column n, row 1: expected a whole number, got `1.5`"},
       {"day,n,y\n2024-02-01T05:00:00Z,,1\n", "whole", CheckState::error,
        "column n, row 1: expected a whole number (a missing value fits"},
       {"day,x,y\n2024-02-01T05:00:00Z,,1\n", "same", CheckState::error, "the model answers NaN or infinity for row 1"},
       {"day,x,y\n2024-02-01T05:00:00Z,1,1\n", "several", CheckState::inconclusive,
        "several outputs can hold the answer: p FP32[-1,1], raw FP32[-1,1]"},
       {"day,x,y\n2024-02-01T05:00:00Z,1,\n", "same", CheckState::inconclusive,
        "no row of data/test.csv with a label is later"},
       {"day,x,y\n", "same", CheckState::inconclusive, "data/test.csv has no rows"},
       {"day,x,y\n2024-02-01T05:00:00Z,1,1\n", "nothing", CheckState::error, ""}},
      [](const std::string& csv, const std::string& model, CheckState state, const std::string& reason) {
        Runner r;
        const EvaluateResult seen = r.done(r.ask(csv, model));
        CAPTURE(seen.reason);
        CHECK(seen.state == state);
        CHECK(seen.reason.find(reason) != std::string::npos);
        CHECK_FALSE(seen.reason.empty());
      });
}
TEST_CASE("a file that is missing or damaged in the cache is the machine's failure, not the model's") {
  Runner r;
  EvaluateAsk ask = r.ask(rows(3), "same");
  std::ofstream(r.folder.path / ask.test.digest) << "damaged";
  const auto damaged = r.run(ask);
  REQUIRE_FALSE(damaged.has_value());
  CHECK(damaged.error().message.find("damaged") != std::string::npos);
  fs::remove(r.folder.path / ask.test.digest);
  CHECK(r.run(ask).error().code == Code::missing);
}
TEST_CASE("classes are the sorted labels, the last one positive, whatever way they are written") {
  Runner r;
  const EvaluateResult numbers = r.done(classified(r, labelled("0", "1.0"), "positive"));
  REQUIRE_MESSAGE(numbers.state == CheckState::pass, numbers.reason);
  for (const Estimate& e : numbers.metrics) CHECK_MESSAGE(e.estimate.has_value(), e.reason);
  CHECK(*numbers.metrics[0].estimate > 0.8);
  CHECK(*numbers.metrics[3].estimate > 0.7);
  const EvaluateResult texts = r.done(classified(r, labelled("no", "yes"), "both"));
  REQUIRE_MESSAGE(texts.state == CheckState::pass, texts.reason);
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::abs(*texts.metrics[i].estimate - *numbers.metrics[i].estimate) < 1e-6);
  EvaluateAsk other = classified(r, labelled("no", "yes"), "both");
  other.classes = {"yes", "no"};  // the model's columns, told to be the other way round
  CHECK(*r.done(other).metrics[0].estimate < 0.2);
  other.classes = {"yes", "no", "maybe"};
  CHECK(r.done(other).reason.find("has 2 columns, the labels have 3 values") != std::string::npos);
  other.classes.clear(), other.positive = "perhaps";
  CHECK(r.done(other).state == CheckState::inconclusive);
  CHECK(r.done(classified(r, "x,y\n1,yes\n2,yes\n", "both")).reason ==
        "all labels are the same: nothing to tell apart");
}
TEST_CASE("a model that only names a class has accuracy and f1, and no log loss or auc") {
  Runner r;
  const EvaluateResult seen = r.done(classified(r, labelled("no", "yes"), "named"));
  REQUIRE_MESSAGE(seen.state == CheckState::pass, seen.reason);
  CHECK(*seen.metrics[0].estimate == 1);
  CHECK(*seen.metrics[1].estimate == 1);
  CHECK(seen.metrics[2].state == CheckState::inconclusive);
  CHECK(seen.metrics[3].reason == "auc needs probabilities, the model only names a class");
}
TEST_CASE("checks are made on the training and the test set, those for training or, without any, the columns of all") {
  Runner r;
  EvaluateAsk ask = r.ask(rows(8), "same");
  ask.train = {"data/train.csv", r.put("day,x,y,shop\n2023-12-01T05:00:00Z,1,1,c\n")};
  ask.checks = {
      {"good.yaml",
       "checks:\n- for: [training]\n  columns:\n    x: {type: float, min: 0}\n- columns:\n    shop: {in: [nowhere]}\n"},
      {"bad.yaml", "checks:\n- table: {rows: {min: 1000000}}\n  columns:\n    shop: {in: [a, b]}\n"},
      {"empty.yaml", "checks: []\n"},
      {"broken.yaml", "checks: {x: 1}\n"}};
  const EvaluateResult seen = r.done(ask);
  REQUIRE(seen.checks.size() == 4);
  CHECK_MESSAGE(seen.checks[0].state == CheckState::pass, seen.checks[0].reason);
  CHECK(seen.checks[0].n == 81);
  CHECK(seen.checks[1].state == CheckState::fail);
  CHECK(seen.checks[1].reason.starts_with("data/train.csv, column shop: in expected"));
  CHECK(seen.checks[2].state == CheckState::empty);
  CHECK(seen.checks[3].state == CheckState::error);
}
TEST_CASE("labels have one canonical form") {
  each_of<std::string, std::string>(
      {{"1", "1"},
       {"1.0", "1"},
       {"+1", "1"},
       {"-0", "0"},
       {"007", "7"},
       {"0.50", "0.5"},
       {"yes", "yes"},
       {"", ""},
       {"1e3", "1000"},
       {"nan", "nan"},
       {"true", "1"},
       {"False", "0"}},
      [](const std::string& text, const std::string& form) { CHECK(canonical_label(text) == form); });
  CHECK(sorted_labels({"10", "9", "b", "a", "9"}) == std::vector<std::string>{"9", "10", "a", "b"});
}

// ---- the reference of the monitors ----

TEST_CASE("the version's own rows are kept, cast through the model's types, with their times") {
  each_of<std::string, std::int64_t, std::string>(
      {{"training", 120, "2024-02-12T05:00:00Z"},
       {"test", 100, "2024-02-10T05:00:00Z"},
       {"training+test", 220, "2024-02-12T05:00:00Z"}},
      [](const std::string& which, std::int64_t n, const std::string& ends) {
        Runner r;
        EvaluateAsk ask = r.ask(rows(10), "same");
        ask.train = {"data/train.csv", r.put(rows(12))};
        ask.reference = which;
        const EvaluateResult seen = r.done(ask);
        CAPTURE(seen.baseline.reference.note);
        REQUIRE(seen.baseline.reference.path == "references/m/2.parquet");
        CHECK(seen.baseline.reference.rows == n);
        CHECK(seen.baseline.reference.of_rows == n);
        CHECK(seen.baseline.reference.time == "day");
        CHECK(seen.baseline.reference.ends == ends);
        const auto table = datasets::Table::open(r.kept.begin()->second);
        REQUIRE(table.has_value());
        CHECK((*table)->rows() == n);
        REQUIRE((*table)->columns().size() == 2);
        CHECK((*table)->find("x")->type == datasets::ColumnType::float_);
        CHECK((*table)->find("day")->type == datasets::ColumnType::timestamp);
        const auto x = (*table)->numbers("x");
        REQUIRE(x.has_value());
        CHECK((*x)[1] == 1);
        CHECK((*table)->times("day")->front() == parse_rfc3339("2024-02-01T05:00:00Z")->us);
      });
}
TEST_CASE("live performance is compared with every metric of the task on the rows that the gate judged") {
  Runner r;
  EvaluateAsk ask = r.ask(rows(12), "same", "shifted");
  ask.champion->train_ends = "2024-02-03T05:00:00Z";
  const EvaluateResult seen = r.done(ask);
  CHECK(seen.rows == 90);
  REQUIRE(seen.baseline.values.size() == 4);
  CHECK(seen.baseline.values.at("mae") == *seen.metrics[0].estimate);
}
TEST_CASE("a large reference is thinned evenly, and one that cannot be made says why and stops nothing") {
  Runner r;
  std::string many = "day,x,y\n";
  for (int i = 0; i < 250'000; ++i)
    many += "2024-01-0" + std::to_string(1 + i / 50'000) + "," + (i % 1000 == 7 ? "" : std::to_string(i)) + ",1\n";
  EvaluateAsk ask = r.ask(rows(10), "same");
  ask.train = {"data/train.csv", r.put(many)};
  ask.reference = "training";
  const EvaluateResult seen = r.done(ask);
  CHECK(seen.baseline.reference.rows == reference_rows_max);
  CHECK(seen.baseline.reference.of_rows == 250'000);
  const auto table = datasets::Table::open(r.kept.begin()->second);
  REQUIRE(table.has_value());
  const auto x = (*table)->numbers("x");
  REQUIRE(x.has_value());
  double last = -1;
  std::int64_t missing = 0;
  for (const double v : *x) {
    if (std::isnan(v)) {
      ++missing;
      continue;
    }
    CHECK_MESSAGE((v > last && v - last <= 3), v);
    last = v;
  }
  CHECK(missing > 150);
  CHECK(missing < 251);
  ask.train = {"data/train.csv", r.put("day,x,y\n2024-01-01,wet,1\n")};
  const EvaluateResult none = r.done(ask);
  CHECK(none.state == CheckState::pass);
  CHECK(none.baseline.reference.path.empty());
  CHECK(none.baseline.reference.note == "data/train.csv: column x, row 1: expected a number, got `wet`");
}
