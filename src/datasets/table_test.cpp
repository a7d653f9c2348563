#include "datasets/table.h"

#include <cmath>
#include <fstream>

#include "core/json.h"
#include "core/testing.h"
#include "datasets/service.h"
#include "store/testing.h"

namespace pawl::datasets {
namespace {

struct Csv {
  store::ScratchFolder folder;
  std::filesystem::path file = folder.path / "it's [1] \"odd\".csv";
  explicit Csv(const std::string& text) { std::ofstream(file) << text; }
  std::unique_ptr<Table> open(const TableOptions& options = {}) {
    auto table = Table::open(file, options);
    REQUIRE_MESSAGE(table, table.error().message);
    return std::move(*table);
  }
};
constexpr Time now{1'363'000'000'000'000};  // 2013-03-11T11:06:40Z
constexpr std::string_view good =
    "time_hour,origin,\"temp \"\"C\",flight\n2013-03-10 05:00:00,EWR,10.5,1\n2013-03-10 06:00:00,JFK,11,2\n2013-03-11 "
    "06:00:00,JFK,,3\n2013-03-11 07:00:00,LGA,30,4\n";

Judgement judge(Table& table, const std::string& checks, CheckFor what = CheckFor::delivery) {
  auto read = read_checks(checks, "checks.yaml");
  REQUIRE_MESSAGE(read, read.error().message);
  auto judged = table.check(*read, what, now);
  REQUIRE_MESSAGE(judged, judged.error().message);
  return *judged;
}

TEST_CASE("a table tells its columns, with names however odd") {
  Csv csv{std::string(good)};
  auto table = csv.open();
  CHECK(table->rows() == 4);
  CHECK(table->columns() == std::vector<Column>{{"time_hour", ColumnType::timestamp},
                                                {"origin", ColumnType::string},
                                                {"temp \"C", ColumnType::float_},
                                                {"flight", ColumnType::integer}});
  auto numbers = table->numbers("temp \"C");
  REQUIRE(numbers);
  CHECK(numbers->at(0) == 10.5);
  CHECK(std::isnan(numbers->at(2)));
  CHECK(table->texts("origin")->at(3) == "LGA");
  CHECK(Time{table->times("time_hour")->at(0)} == *parse_rfc3339("2013-03-10T05:00:00Z"));
  CHECK(table->numbers("none").error().code == Code::missing);
}

TEST_CASE("a profile counts what is missing and distinct, and shows quantiles, a histogram and frequent values") {
  std::string text = "x,s\n";
  for (int i = 0; i < 1000; ++i) text += (i % 10 == 0 ? "" : std::to_string(i)) + "," + (i % 3 ? "a" : "b") + "\n";
  Csv csv{text};
  auto profile = csv.open()->profile();
  REQUIRE_MESSAGE(profile, profile.error().message);
  const auto& x = profile->columns[0];
  CHECK(profile->rows == 1000);
  CHECK(x.missing == 100);
  CHECK(x.distinct == 900);
  CHECK(x.min->text == "1");
  CHECK(x.max->text == "999");
  CHECK(x.quantiles[3].q == 0.5);
  CHECK(std::abs(x.quantiles[3].value - 500) < 2);
  CHECK(x.histogram.size() == 20);
  std::int64_t in_bins = 0;
  for (const auto& b : x.histogram) in_bins += b.count;
  CHECK(in_bins == 900);
  CHECK(profile->columns[1].frequent[0].value == "a");
  CHECK(profile->columns[1].frequent[0].count == 666);
  CHECK(decode<Profile>(encode(*profile)));
}

constexpr auto checks = R"(checks:
  - table:
      rows: {min: 3}
      no_duplicates: [time_hour, flight]
      fresh: {column: time_hour, max_age: 2d}
    columns:
      "temp \"C": {type: float, missing_max: 0.3, min: -20, max: 40}
      origin: {type: string, in: [EWR, JFK, LGA], missing_max: 0, regex: "[A-Z]+"}
      flight: {type: integer, unique: true}
      time_hour: {type: timestamp}
  - for: [training]
    columns:
      gone: {type: float}
)";

TEST_CASE("a good delivery is accepted, and blocks for others do not count") {
  Csv csv{std::string(good)};
  auto table = csv.open();
  auto judged = judge(*table, checks);
  CHECK(judged.findings == std::vector<Finding>{});
  CHECK(judged.accepted);
  CHECK(judge(*table, checks, CheckFor::training).findings ==
        std::vector<Finding>{{"gone", "present", "present", "absent"}});
}

TEST_CASE("a damaged delivery is refused, naming column, check, expected and seen") {
  const auto findings = [](const std::string& text) {
    Csv csv{text};
    return judge(*csv.open(), checks).findings;
  };
  const std::string head = "time_hour,origin,\"temp \"\"C\",flight\n";
  // A column is missing.
  CHECK(findings("time_hour,origin,flight\n2013-03-10 05:00:00,EWR,1\n2013-03-10 05:00:00,EWR,2\n2013-03-11 "
                 "05:00:00,EWR,3\n") == std::vector<Finding>{{"temp \"C", "present", "present", "absent"}});
  // Units changed: Fahrenheit.
  CHECK(findings(head + "2013-03-10 05:00:00,EWR,50,1\n2013-03-10 06:00:00,JFK,51,2\n2013-03-11 06:00:00,JFK,30,3\n") ==
        std::vector<Finding>{{"temp \"C", "max", "at most 40", "51; beyond it 66.67 % (2 of 3 rows)"}});
  // Too many nulls.
  CHECK(findings(head + "2013-03-10 05:00:00,EWR,,1\n2013-03-10 06:00:00,JFK,,2\n2013-03-11 06:00:00,JFK,30,3\n") ==
        std::vector<Finding>{{"temp \"C", "missing_max", "at most 30 % missing", "66.67 % (2 of 3 rows)"}});
  // A duplicated day.
  const auto twice = findings(std::string(good) + "2013-03-10 05:00:00,EWR,10.5,1\n2013-03-10 06:00:00,JFK,11,2\n");
  REQUIRE(twice.size() == 2);
  CHECK(twice[0].check == "no_duplicates");
  CHECK(twice[0].expected == "no two rows with the same time_hour, flight");
  CHECK(twice[0].seen.starts_with("2 repeated rows, for example "));
  CHECK(twice[1] == Finding{"flight", "unique", "every value once", "2 repeated values"});
  // Old, few, foreign values.
  CHECK(findings(head + "2013-01-10 05:00:00,XXX,1,1\n2013-01-10 06:00:00,jfk,2,2\n") ==
        std::vector<Finding>{{"", "rows", "at least 3", "2"},
                             {"time_hour", "fresh", "newer than 2013-03-09T11:06:40Z (2d ago)", "2013-01-10T06:00:00Z"},
                             {"origin", "in", "one of EWR, JFK, LGA", "XXX, jfk; 100 % (2 of 2 rows)"},
                             {"origin", "regex", "[A-Z]+", "'jfk'; not matching 50 % (1 of 2 rows)"}});
  // A type.
  CHECK(
      findings(head +
               "2013-03-10 05:00:00,EWR,warm,1\n2013-03-10 06:00:00,JFK,cold,2\n2013-03-11 06:00:00,JFK,hot,3\n")[0] ==
      Finding{"temp \"C", "type", "float", "string"});
}

TEST_CASE("numbers in `in` compare as numbers, and a quote in a value does no harm") {
  Csv csv{"n,s\n1,it's\n2.0,b'; drop\n"};
  auto table = csv.open();
  CHECK(judge(*table, "checks:\n- columns:\n    n: {in: [1, '2']}\n    s: {in: [\"it's\", \"b'; drop\"]}\n").accepted);
  CHECK(judge(*table, "checks:\n- columns:\n    n: {in: [1]}\n").findings[0].seen.starts_with("2"));
}

TEST_CASE("checks.yaml that is not valid is refused with line and column") {
  each_of<std::string, std::string>(
      {{"chekcs: []\n", "checks.yaml:1:1: unknown key 'chekcs'; known: checks"},
       {"checks:\n- columns:\n    a: {mn: 1}\n",
        "checks.yaml:3:9: unknown key 'mn'; known: type, missing_max, min, max, in, unique, regex"},
       {"checks:\n- for: [tuesday]\n", "checks.yaml:2:9: for: 'tuesday' is none of delivery, training, live"},
       {"checks:\n- columns:\n    a: {missing_max: 30}\n",
        "checks.yaml:3:22: a.missing_max: expected a share from 0 to 1"},
       {"checks:\n- columns:\n    a: {type: text}\n",
        "checks.yaml:3:15: a.type: 'text' is none of float, integer, string, bool, timestamp"},
       {"checks:\n- for: [live]\n  table: {rows: {min: 1}}\n",
        "checks.yaml:3:10: table: only deliveries are checked as a whole"}},
      [](const std::string& text, const std::string& message) {
        auto got = read_checks(text, "checks.yaml");
        REQUIRE(!got);
        CHECK(got.error().message == message);
      });
}

TEST_CASE("what is no table is refused by name") {
  store::ScratchFolder folder;
  std::ofstream(folder.path / "x.parquet") << "not parquet";
  auto got = Table::open(folder.path / "x.parquet");
  REQUIRE(!got);
  CHECK(got.error().code == Code::invalid);
  CHECK(got.error().message.contains("x.parquet"));
  CHECK(Table::open(folder.path / "none.csv").error().code == Code::missing);
  CHECK(!Table::open(folder.path / "x.txt"));
}

TEST_CASE(
    "given two flows with the same file, when they are recorded, then there is one dataset version with two uses") {
  store::on_each_engine([](store::Store& store) {
    Service service;
    DatasetSeen seen{.role = "train",
                     .path = "data/train.parquet",
                     .md5 = "b1946ac92492d2347c6235b4d2611184",
                     .size = 6,
                     .rows = 1,
                     .columns = {{"x", ColumnType::float_}}};
    FakeClock clock;
    std::vector<DatasetId> ids;
    REQUIRE(store.write([&](Tx& tx) -> Result<void> {
      Call call(tx, {.who = pawl_itself(), .clock = &clock});
      for (const char* flow : {"f1", "f2"}) {
        TRY(id, service.record(call, "flights", flow, seen));
        ids.push_back(id);
      }
      seen.md5 = "d41d8cd98f00b204e9800998ecf8427e";
      clock.pass(std::chrono::seconds(1));
      TRY(other, service.record(call, "flights", "f3", seen));
      ids.push_back(other);
      return {};
    }));
    CHECK(ids[0] == ids[1]);
    CHECK(ids[0] != ids[2]);
    REQUIRE(store.read([&](Tx& tx) -> Result<void> {
      TRY(users, service.users(tx, ids[0]));
      CHECK(users.size() == 2);
      TRY(first, service.list(tx, "", {}, 1));
      REQUIRE(first.size() == 1);
      CHECK(first[0].id == ids[2]);
      TRY(second, service.list(tx, "", first[0].id, 10));
      REQUIRE(second.size() == 1);
      CHECK(second[0].id == ids[0]);
      CHECK(second[0].columns.text.contains("\"float\""));
      TRY(used, service.of_flow(tx, "f3"));
      CHECK(used.size() == 1);
      CHECK(used[0].name == "flights/data/train.parquet");
      return {};
    }));
  });
}

}  // namespace
}  // namespace pawl::datasets
