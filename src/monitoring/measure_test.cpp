#include "monitoring/measure.h"

#include <charconv>
#include <cmath>
#include <fstream>

#include "core/hash.h"
#include "core/json.h"
#include "core/testing.h"
#include "monitoring/testing.h"
#include "stats/bootstrap.h"
#include "stats/distance.h"

using namespace pawl;
using namespace pawl::monitoring;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
Time at(const char* text) { return parse_rfc3339(text).value(); }
const Window march{at("2013-03-01"), at("2013-03-29")};

// Values that hang together over the days a little: `level` moves with the day.
double uniform(stats::Draws& draws) { return static_cast<double>(draws.next() >> 11U) * 0x1p-53; }
double normal(stats::Draws& draws) {
  double sum = -6;
  for (int k = 0; k < 12; ++k) sum += uniform(draws);
  return sum;
}
// Sixty-fourths are floats, and six decimals in a file say them exactly.
float narrow(double v) { return static_cast<float>(std::floor(v * 64) / 64); }

// A table as the evaluation leaves it, in CSV.
struct Table {
  fs::path folder = fs::temp_directory_path() / ("pawl-measure-" + SystemRandom{}.hex_bytes(8));
  fs::path file = folder / "3.csv";
  explicit Table(const std::string& text) {
    fs::create_directories(folder);
    std::ofstream(file) << text;
  }
  ~Table() {
    std::error_code ec;
    fs::remove_all(folder, ec);
  }
};
std::string january_and_february(int per_day = 40, int days = 59) {
  stats::Draws draws(1);
  std::string out = "time,temp,wind,carrier,flat\n";
  for (int d = 0; d < days; ++d)
    for (int i = 0; i < per_day; ++i)
      out += to_rfc3339(at("2013-01-01") + Micros{d * day_us + i * 1'000'000LL}) + "," +
             std::to_string(narrow(normal(draws))) + "," + std::to_string(narrow(normal(draws) * 2 + 5)) + "," +
             std::string(uniform(draws) < 0.5 ? "AA" : "UA") + ",7.5\n";
  return out;
}
Monitor monitor() {
  Monitor out{
      .endpoint = "delay", .model = "delay", .version = 3, .task = "regression", .reference = "3.csv", .time = "time"};
  out.metric = stats::Metric::mae, out.worse_by = 0.25, out.reference_value = 1;
  return out;
}

// Rows over March: `temp` shifted, answers off by `error`.
MemorySource rows(std::size_t n, double shift = 0, double error = 1) {
  MemorySource out;
  stats::Draws draws(2);
  serving::LogColumn temp{.name = "temp"}, wind{.name = "wind"}, carrier{.name = "carrier"}, flat{.name = "flat"},
      answer{.name = "variable/0"};
  out.all.labels.name = "label";
  for (std::size_t i = 0; i < n; ++i) {
    out.all.event_times.push_back(march.start.us + static_cast<std::int64_t>(i * 28 / n) * day_us +
                                  static_cast<std::int64_t>(i));
    out.all.versions.push_back(3);
    temp.numbers.push_back(narrow(normal(draws) + shift)), wind.numbers.push_back(narrow(normal(draws) * 2 + 5));
    carrier.texts.push_back(uniform(draws) < 0.5 ? "AA" : "UA"), carrier.absent.push_back(0);
    flat.numbers.push_back(7.5);
    const double truth = normal(draws) * 10;
    answer.numbers.push_back(truth + (i % 2 == 0 ? error : -error));
    out.all.labels.numbers.push_back(truth);
  }
  out.all.size = n;
  out.all.features = {temp, wind, carrier, flat}, out.all.outputs = {answer};
  return out;
}
serving::LogColumn& column(MemorySource& source, const std::string& name) {
  return *std::ranges::find(source.all.features, name, &serving::LogColumn::name);
}
const ColumnSeen& seen(const Measurement& m, const std::string& name) {
  const auto at = std::ranges::find(m.seen.columns, name, &ColumnSeen::name);
  REQUIRE(at != m.seen.columns.end());
  return *at;
}
bool says(const std::string& note, const char* what) { return note.find(what) != note.npos; }

const Reference& reference() {
  static const Reference read = [] {
    const Table table(january_and_february());
    return Reference::read(table.file, monitor()).value();
  }();
  return read;
}

}  // namespace

TEST_CASE("a window like its reference shows no drift, one that moved shows which column did") {
  auto quiet = rows(2000);
  const auto same = measure(monitor(), reference(), quiet, march).value();
  CHECK(same.seen.rows == 2000);
  CHECK(same.seen.tested == 4);
  CHECK(same.seen.drifted == 0);
  CHECK(same.seen.note == "");
  auto moved = rows(2000, 0.5);
  const auto other = measure(monitor(), reference(), moved, march).value();
  CHECK(other.seen.drifted == 1);
  CHECK(other.seen.share == 0.25);
  const auto& temp = seen(other, "temp");
  CHECK(temp.drifted);
  CHECK(temp.test == "ks");
  CHECK(temp.measure == "wasserstein");
  CHECK(temp.p < 1e-9);
  CHECK(temp.q < 1e-9);
  CHECK(std::abs(*temp.distance - 0.5) < 0.05);
  CHECK(temp.limit >= 0.1);
  CHECK(temp.psi > temp.psi_by_chance);
  CHECK_FALSE(seen(other, "carrier").drifted);
}

TEST_CASE("a column that is gone, of another type, all missing or constant is told, and not tested for nothing") {
  const auto measured = [](MemorySource source) { return measure(monitor(), reference(), source, march).value(); };
  SUBCASE("gone") {
    auto source = rows(500);
    std::erase_if(source.all.features, [](const auto& f) { return f.name == "temp"; });
    const auto got = measured(source);
    CHECK_FALSE(seen(got, "temp").tested);
    CHECK(seen(got, "temp").missing == 500);
    CHECK(says(seen(got, "temp").note, "the column is gone"));
    CHECK(got.seen.tested == 3);
    CHECK(says(got.seen.note, "not tested: temp"));
  }
  SUBCASE("numbers become text") {
    auto source = rows(500);
    auto& temp = column(source, "temp");
    temp = {.name = "temp", .texts = std::vector<std::string>(500, "warm"), .absent = std::vector<char>(500, 0)};
    const auto got = measured(source);
    CHECK_FALSE(seen(got, "temp").tested);
    CHECK(says(seen(got, "temp").note, "its type changed: the reference has numbers, 500 of 500 rows have text"));
  }
  SUBCASE("numbers that the log had to write as text, since versions disagreed, are numbers") {
    auto source = rows(500);
    auto& wind = column(source, "wind");
    const auto before = seen(measured(source), "wind");
    serving::LogColumn texts{.name = "wind", .absent = std::vector<char>(500, 0)};
    for (const double v : wind.numbers) {
      std::array<char, 32> text{};
      texts.texts.emplace_back(text.data(), std::to_chars(text.data(), text.data() + text.size(), v).ptr);
    }
    wind = texts;
    CHECK(encode(seen(measured(source), "wind")) == encode(before));
    wind.texts[7] = "calm", wind.absent[8] = 1;
    const auto after = seen(measured(source), "wind");
    CHECK(after.n == 498);
    CHECK(after.missing == 1);
    CHECK(says(after.note, "1 of 500 rows have text"));
  }
  SUBCASE("text becomes numbers") {
    auto source = rows(500);
    column(source, "carrier") = {.name = "carrier", .numbers = std::vector<double>(500, 1)};
    CHECK(says(seen(measured(source), "carrier").note, "its type changed: the reference has text"));
  }
  SUBCASE("all values missing") {
    auto source = rows(500);
    column(source, "temp").numbers.assign(500, missing);
    column(source, "carrier").absent.assign(500, 1);
    const auto got = measured(source);
    for (const char* name : {"temp", "carrier"}) {
      CHECK_FALSE(seen(got, name).tested);
      CHECK(seen(got, name).missing == 500);
      CHECK(says(seen(got, name).note, "all values are missing"));
    }
  }
  SUBCASE("many values missing") {
    auto source = rows(500);
    for (std::size_t i = 0; i < 500; i += 2) column(source, "temp").numbers[i] = missing;
    const auto got = measured(source);
    CHECK(seen(got, "temp").tested);
    CHECK(says(seen(got, "temp").note, "missing in 50.0 % of the rows, in 0.0 % of the reference"));
  }
  SUBCASE(
      "a column that is constant in the reference stays quiet while it is the same, and drifts when it is another") {
    auto source = rows(500);
    CHECK(seen(measured(source), "flat").tested);
    CHECK_FALSE(seen(measured(source), "flat").drifted);
    CHECK(seen(measured(source), "flat").note == "one value on both sides");
    column(source, "flat").numbers.assign(500, 7.75);
    CHECK(seen(measured(source), "flat").drifted);
    CHECK(says(seen(measured(source), "flat").note, "divided by 0.001"));
  }
  SUBCASE("a column that the reference does not have") {
    auto source = rows(500);
    source.all.features.push_back({.name = "new", .numbers = std::vector<double>(500, 1)});
    const auto got = measured(source);
    CHECK_FALSE(seen(got, "new").tested);
    CHECK(seen(got, "new").n == 500);
    CHECK(seen(got, "new").note == "the reference has no such column");
  }
  SUBCASE("values that the reference does not have are counted") {
    auto source = rows(500);
    for (std::size_t i = 0; i < 7; ++i) column(source, "carrier").texts[i] = "ZZ";
    CHECK(seen(measured(source), "carrier").unseen == 7);
  }
}

TEST_CASE("a window of one row alarms on nothing, one without rows neither") {
  auto one = rows(1, 100, 1000);
  const auto got = measure(monitor(), reference(), one, march).value();
  CHECK(got.seen.rows == 1);
  CHECK(got.seen.tested == 0);
  CHECK(says(seen(got, "temp").note, "not tested: 1 row, at least 30 are needed"));
  REQUIRE(got.seen.performance.has_value());
  CHECK(got.seen.performance->watched.value == 1000);
  CHECK_FALSE(got.seen.performance->mature);
  CHECK_FALSE(got.seen.performance->worse);
  auto none = rows(0);
  const auto empty = measure(monitor(), reference(), none, march).value();
  CHECK(empty.seen.rows == 0);
  CHECK(empty.seen.tested == 0);
  CHECK(empty.seen.note == "no rows");
}

TEST_CASE("without a reference columns are counted and performance is judged all the same") {
  auto source = rows(500, 0, 2);
  const auto got = measure(monitor(), Reference{}, source, march).value();
  CHECK(got.seen.tested == 0);
  CHECK(got.seen.columns.size() == 4);
  CHECK(seen(got, "temp").n == 500);
  CHECK(says(got.seen.note, "there is no reference"));
  CHECK(got.seen.performance->worse);
}

TEST_CASE("a reference shorter than two windows keeps 0.1 and says so") {
  const Table table(january_and_february(40, 55));
  const auto shorter = Reference::read(table.file, monitor()).value();
  CHECK(shorter.note() == "the reference of 55 days is shorter than two windows of 28: every limit is 0.1");
  CHECK(shorter.find("temp")->limit == 0.1);
  auto source = rows(500);
  const auto got = measure(monitor(), shorter, source, march).value();
  CHECK(says(got.seen.note, "shorter than two windows"));
  CHECK(seen(got, "temp").limit == 0.1);
  auto timeless = monitor();
  timeless.time.clear();
  CHECK(Reference::read(table.file, timeless)->note() == "the reference has no times: every limit is 0.1");
  auto fixed = monitor();
  fixed.threshold = 0.3;
  CHECK(Reference::read(table.file, fixed)->note() == "");
  CHECK(Reference::read(table.file, fixed)->find("temp")->limit == 0.3);
}

TEST_CASE("limits that were kept are not computed again, unless the test or the window is another") {
  const Table table(january_and_february());
  const auto first = Reference::read(table.file, monitor()).value();
  auto kept = first.limits();
  const auto limit = first.find("temp")->limit;
  kept.replace(kept.find("\"limit\":") + 8, 3, "7.5");
  CHECK(Reference::read(table.file, monitor(), kept)->find("temp")->limit > 7);
  auto weekly = monitor();
  weekly.window = "1 week";
  CHECK(Reference::read(table.file, weekly, kept)->find("temp")->limit < 7);
  CHECK(Reference::read(table.file, monitor(), "{}")->find("temp")->limit == limit);
  CHECK(Reference::read(table.file, monitor(), "no JSON")->find("temp")->limit == limit);
}

TEST_CASE("columns that do not fit into memory together take more passes and give the same numbers") {
  const auto source = [] { return rows(20'000, 0.2); };
  auto whole = source(), parts = source();
  parts.batch_rows = 4096;
  const auto one = measure(monitor(), reference(), whole, march).value();
  const auto more = measure(monitor(), reference(), parts, march, {.threads = 2, .bytes = 100'000}).value();
  CHECK(whole.asked.size() == 1);
  CHECK(parts.asked.size() == 3);
  CHECK(parts.asked[1].columns == std::vector<std::string>{"wind"});
  CHECK_FALSE(parts.asked[1].labels);
  CHECK(encode(one.seen) == encode(more.seen));
}

TEST_CASE("the two distributions are shares over the same at most 40 bins, and nothing falls outside") {
  auto source = rows(3000, 3);
  for (std::size_t i = 0; i < 100; ++i) column(source, "carrier").texts[i] = "X" + std::to_string(i);
  const auto got = measure(monitor(), reference(), source, march).value();
  for (const char* name : {"temp", "wind", "carrier", "flat"}) {
    CAPTURE(name);
    const auto& bins = got.columns.at(name);
    CHECK(bins.size() <= bins_max);
    double before = 0, now = 0;
    for (const auto& b : bins) before += b.reference, now += b.current;
    CHECK(std::abs(before - 1) < 1e-12);
    CHECK(std::abs(now - 1) < 1e-12);
  }
  CHECK(got.columns.at("temp").size() == 30);
  CHECK(got.columns.at("temp").front().label.starts_with("< "));
  CHECK(got.columns.at("flat").size() == 1);
  CHECK(got.columns.at("carrier").back().label == "63 others");
}

TEST_CASE("other tests: which distance decides is said, and the limit is of that distance") {
  const Table table(january_and_february());
  each_of<std::string, const char*, const char*>(
      {{"ks", "ks", "ks"},
       {"wasserstein", "ks", "wasserstein"},
       {"psi", "ks", "psi"},
       {"jensen_shannon", "ks", "jensen_shannon"},
       {"chi_square", "chi_square", "jensen_shannon"}},
      [&](const std::string& test, const char* by, const char* distance) {
        auto m = monitor();
        m.test = test;
        const auto read = Reference::read(table.file, m).value();
        auto quiet = rows(2000), moved = rows(2000, 0.7);
        CHECK(measure(m, read, quiet, march)->seen.drifted == 0);
        const auto got = measure(m, read, moved, march).value();
        CHECK(got.seen.drifted == 1);
        CHECK(seen(got, "temp").test == by);
        CHECK(seen(got, "temp").measure == distance);
        CHECK(seen(got, "carrier").test == "chi_square");
        CHECK(seen(got, "carrier").measure == (test == "psi" ? "psi" : "jensen_shannon"));
      });
  auto m = monitor();
  m.test = "student";
  CHECK(Reference::read(table.file, m).error().message.find("expected auto|ks|") != std::string::npos);
}

TEST_CASE(
    "the peers' own numbers: Evidently takes Wasserstein from 1001 rows on, NannyML Jensen-Shannon against its "
    "chunks") {
  const Table table(january_and_february());
  auto m = monitor();
  m.test = "evidently";
  const auto evidently = Reference::read(table.file, m).value();
  auto moved = rows(2000, 0.7);
  auto got = measure(m, evidently, moved, march).value();
  CHECK(seen(got, "temp").measure == "evidently wasserstein");
  CHECK(seen(got, "temp").limit == 0.1);
  CHECK(seen(got, "temp").drifted);
  CHECK_FALSE(seen(got, "temp").q.has_value());
  CHECK(seen(got, "carrier").measure == "evidently jensenshannon");
  m.test = "nannyml";
  const auto nannyml = Reference::read(table.file, m).value();
  got = measure(m, nannyml, moved, march).value();
  CHECK(seen(got, "temp").measure == "nannyml jensen_shannon");
  CHECK(seen(got, "temp").drifted);
  CHECK(nannyml.find("temp")->windows == 3);  // 59 days: two whole chunks and a rest
}

TEST_CASE("outputs are compared once the reference was scored, and never counted among the columns") {
  const Table table(january_and_february());
  auto read = Reference::read(table.file, monitor()).value();
  std::size_t scored = 0;
  REQUIRE(
      read.score(table.file, monitor(),
                 [&](std::int64_t version, const serving::RowBatch& rows) -> Result<std::vector<serving::LogColumn>> {
                   CHECK(version == 3);
                   CHECK(rows.features.size() == 4);
                   scored = rows.size;
                   return std::vector{
                       serving::LogColumn{.name = "variable/0", .numbers = std::vector<double>(rows.size, 100)}};
                 })
          .has_value());
  CHECK(scored == 59 * 40);
  auto source = rows(1000, 0.1), same = rows(1000, 0.1);
  const auto got = measure(monitor(), read, source, march).value();
  // The output is far off and moves no column's q.
  CHECK(encode(got.seen.columns) == encode(measure(monitor(), reference(), same, march)->seen.columns));
  CHECK(got.seen.tested == 4);
  REQUIRE(got.seen.outputs.size() == 1);
  CHECK(got.seen.outputs[0].role == "output");
  CHECK(got.seen.outputs[0].distance > 100);
  CHECK_FALSE(got.seen.outputs[0].tested);
  CHECK(got.columns.contains("variable/0"));
}
