// Windows close and alarms move: a real store, a worker, a clock of the test's own; the log is in memory, but for the last test.
#include "monitoring/service.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <regex>

#include "core/testing.h"
#include "monitoring/junit.h"
#include "net/metrics.h"
#include "net/testing.h"
#include "serving/service.h"
#include "stats/bootstrap.h"
#include "store/ledger.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::monitoring;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
const std::vector<std::string> features{"a", "b", "c", "d", "e"};
Time at(std::string_view text) { return parse_rfc3339(text).value(); }
double normal(stats::Draws& draws) {
  double sum = -6;
  for (int k = 0; k < 12; ++k) sum += static_cast<double>(draws.next() >> 11U) * 0x1p-53;
  return static_cast<float>(sum);
}

struct MemoryLog final : Log {
  struct Row {
    std::int64_t time = 0;
    std::array<double, 5> x{};
    double y = 0, label = missing;
    Time labelled{};
  };
  std::vector<Row> rows{};
  Time arrival{}, label{};
  std::int64_t reads = 0;

  Result<serving::Watermark> watermark(const std::string& endpoint) override {
    if (endpoint != "e") return fail(Code::missing, "there is no endpoint " + endpoint);
    serving::Watermark out{.arrival = arrival, .label = label, .rows = std::ssize(rows)};
    for (const Row& r : rows) {
      out.event = std::max(out.event, Time{r.time});
      out.oldest = out.oldest.us == 0 ? Time{r.time} : std::min(out.oldest, Time{r.time});
      out.labelled += std::isnan(r.label) ? 0 : 1;
    }
    return out;
  }
  Result<std::int64_t> count(const std::string&, Time from, Time to) override {
    CHECK((from.us % day_us == 0 && to.us % day_us == 0));
    return std::ranges::count_if(rows, [&](const Row& r) { return r.time >= from.us && r.time < to.us; });
  }
  Result<std::set<std::int64_t>> labelled_since(const std::string&, Time after) override {
    std::set<std::int64_t> out;
    for (const Row& r : rows)
      if (r.labelled > after) out.insert(r.time / day_us);
    return out;
  }
  Result<void> read_rows(const serving::RowsAsk& ask,
                         const std::function<Result<void>(const serving::RowBatch&)>& each) override {
    ++reads;
    serving::RowBatch batch;
    batch.labels.name = "label";
    for (std::size_t f = 0; f < features.size() && ask.features; ++f) batch.features.push_back({.name = features[f]});
    if (ask.outputs) batch.outputs.push_back({.name = "y"});
    for (const Row& r : rows) {
      if (r.time < ask.from.us || r.time >= ask.to.us) continue;
      ++batch.size;
      batch.event_times.push_back(r.time);
      batch.versions.push_back(3);
      for (std::size_t f = 0; f < batch.features.size(); ++f) batch.features[f].numbers.push_back(r.x[f]);
      if (ask.outputs) batch.outputs[0].numbers.push_back(r.y);
      if (ask.labels) batch.labels.numbers.push_back(r.label);
    }
    return batch.size == 0 ? Result<void>{} : each(batch);
  }
  Result<std::vector<serving::LogColumn>> answer(const std::string&, std::int64_t,
                                                 const serving::RowBatch& rows) override {
    return std::vector<serving::LogColumn>{{.name = "y", .numbers = std::vector<double>(rows.size, 1)}};
  }
};

// The same bits again and again, but for one draw that fails: as if the process ended there.
struct FailingRandom final : Random {
  testing::CountingRandom inner{};
  int fails_at = -1;
  void fill(std::span<char> out) override {
    if (fails_at == 0) throw std::runtime_error("killed");
    if (fails_at > 0) --fails_at;
    inner.fill(out);
  }
};

struct Watching {
  store::ScratchFolder artifacts;
  testing::House house;
  net::Metrics metrics;
  FailingRandom random;
  MemoryLog log;
  std::vector<std::string> notices{};
  std::unique_ptr<Service> service;
  std::unique_ptr<jobs::Worker> worker;
  stats::Draws draws{7};

  explicit Watching(store::Options options = {}) : house(std::move(options)) {
    std::ofstream reference(artifacts.path / "3.csv");
    reference << "time,a,b,c,d,e\n";
    for (int d = 0; d < 59; ++d)
      for (int i = 0; i < 20; ++i) {
        reference << to_rfc3339(at("2013-01-01") + Micros{d * day_us + i * 1'000'000LL});
        for (std::size_t f = 0; f < features.size(); ++f) reference << "," << normal(draws);
        reference << "\n";
      }
    reference.close();
    house.clock.set(at("2014-06-01"));
    restart();
  }
  void restart() {
    worker.reset();
    service = std::make_unique<Service>(Parts{.store = *house.store,
                                              .log = log,
                                              .artifacts = artifacts.path,
                                              .clock = house.clock,
                                              .random = random,
                                              .metrics = &metrics,
                                              .notice = [this](std::string_view what, std::string_view data) {
                                                notices.push_back(std::string(what) + " " + std::string(data));
                                              }});
    worker = std::make_unique<jobs::Worker>(*house.store, house.clock, house.random);
    service->attach(*worker);
    house.router = {};
    mount(house.router, *service);
  }
  Monitor monitor() const {
    Monitor out{.endpoint = "e",
                .model = "m",
                .version = 3,
                .task = "regression",
                .reference = "3.csv",
                .time = "time",
                .reference_ends = "2013-02-28T23:59:59Z"};
    out.share = 0.4;
    out.alert = {"ops"};
    return out;
  }
  void put(const Monitor& m, const std::string& cause = "the-rollout") {
    const auto done = house.write([&](Call& call) { return service->put_monitor(call, m, cause); });
    REQUIRE_MESSAGE(done, done.error().message);
  }
  // `n` rows spread over the days from `from` to `to`, the first columns shifted.
  void send(std::string_view from, std::string_view to, int n = 400, std::size_t shifted = 0, double shift = 1.5,
            double error = missing) {
    const std::int64_t first = at(from).us, span = at(to).us - first;
    for (int i = 0; i < n; ++i) {
      MemoryLog::Row row{.time = first + span / n * i};
      for (std::size_t f = 0; f < features.size(); ++f) row.x[f] = normal(draws) + (f < shifted ? shift : 0);
      row.y = normal(draws) * 10;
      if (!std::isnan(error)) row.label = row.y + (i % 2 == 0 ? error : -error), row.labelled = house.clock.now();
      log.rows.push_back(row);
    }
    log.arrival = house.clock.now();
    if (!std::isnan(error)) log.label = house.clock.now();
  }
  void label(std::string_view from, std::string_view to, double error) {
    for (std::size_t i = 0; i < log.rows.size(); ++i)
      if (auto& r = log.rows[i]; r.time >= at(from).us && r.time < at(to).us)
        r.label = r.y + (i % 2 == 0 ? error : -error), r.labelled = house.clock.now();
    log.label = house.clock.now();
  }
  void tick(Micros pass = std::chrono::seconds(3)) {
    house.clock.pass(pass);
    const auto looked = service->look();
    REQUIRE_MESSAGE(looked, looked.error().message);
    REQUIRE(worker->run_until_idle());
  }
  std::vector<WindowSeen> windows() {
    return house.as<Page<WindowSeen>>(house.get("/api/pawl/v1/endpoints/e/windows?limit=200")).items;
  }
  std::vector<Alarm> alarms(const std::string& state = "open") {
    return house.as<Page<Alarm>>(house.get("/api/pawl/v1/alarms?state=" + state)).items;
  }
  std::vector<store::LedgerEvent> events(const std::string& what = "") {
    return house.store
        ->read_for<std::vector<store::LedgerEvent>>(
            [&](Tx& tx) { return store::read_ledger(tx, {.limit = 1000, .what = what}); })
        .value();
  }
  AlarmTold told(const store::LedgerEvent& event) { return decode<AlarmTold>(event.data.text).value(); }
};
std::vector<std::string> names(const std::vector<Alarm>& alarms) {
  std::vector<std::string> out;
  out.reserve(alarms.size());
  for (const auto& a : alarms) out.push_back(std::string(word(a.kind)) + (a.column.empty() ? "" : " " + a.column));
  std::ranges::sort(out);
  return out;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "given quiet traffic, when the watermark passes a window's end by the lateness, then it closes once and nothing "
    "alarms") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-03-01", "2013-03-29");
  w.tick();
  CHECK(w.windows().empty());
  w.send("2013-03-29", "2013-03-29T23:00:00Z", 20);
  w.tick();
  CHECK(w.windows().empty());  // a day of lateness is not over
  w.send("2013-03-30", "2013-03-30T12:00:00Z", 20);
  w.tick();
  const auto seen = w.windows();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].start == "2013-03-01T00:00:00Z");  // the day after the reference ends
  CHECK(seen[0].end == "2013-03-29T00:00:00Z");
  CHECK(seen[0].rows == 400);
  CHECK(seen[0].tested == 5);
  CHECK(seen[0].drifted == 0);
  CHECK(w.alarms().empty());
  const auto closed = w.events("window.closed");
  REQUIRE(closed.size() == 1);
  CHECK(closed[0].subject.id == seen[0].id);
  CHECK(closed[0].by == "pawl");
  CHECK(json_at(closed[0].data.text, "how") == R"("watermark")");
  for (int i = 0; i < 5; ++i) w.tick();
  CHECK(w.events("window.").size() == 1);
  const auto bins =
      w.house.as<Page<Bin>>(w.house.get("/api/pawl/v1/endpoints/e/windows/" + seen[0].id + "/columns/a")).items;
  double reference = 0, current = 0;
  for (const auto& b : bins) reference += b.reference, current += b.current;
  CHECK(reference == doctest::Approx(1));
  CHECK(current == doctest::Approx(1));
}

TEST_CASE("given rows from before the first window only, when later ones come, then windows close") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-02-15", "2013-02-28", 20);  // a canary's test rows, say
  w.tick();
  for (const auto* to : {"2013-03-20", "2013-03-31"}) {
    w.send("2013-03-01", to, 200);
    w.tick();
  }
  const auto seen = w.windows();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].end == "2013-03-29T00:00:00Z");
}

TEST_CASE("a drifted window opens an alarm for each column and the endpoint's, once, caused by the window") {
  for (const bool postgres : {false, true}) {
    CAPTURE(postgres);
    Watching w(postgres ? store::Options{.postgres = store::fresh_postgres()} : store::Options{});
    w.put(w.monitor());
    w.send("2013-03-01", "2013-03-29", 400, 2);
    w.send("2013-03-29", "2013-04-26", 400, 3);
    w.send("2013-04-26", "2013-04-29", 40);
    w.tick();
    REQUIRE(w.windows().size() == 2);
    CHECK(names(w.alarms()) == Names{"column a", "column b", "column c", "drift"});
    const auto closed = w.events("window.closed"), opened = w.events("alarm.opened");
    REQUIRE(opened.size() == 4);
    const auto first = w.told(opened[2]);
    CHECK(first.kind == AlarmKind::drift);
    CHECK(opened[2].cause == closed[0].id);
    CHECK(first.window_start == "2013-03-01T00:00:00Z");
    CHECK(first.window_end == "2013-03-29T00:00:00Z");
    CHECK(first.columns == Names{"a", "b"});
    CHECK(first.statistic == 0.4);
    CHECK(first.alert == Names{"ops"});
    CHECK(w.told(opened[0]).alert.empty());  // the endpoint's alarm names its columns
    CHECK(w.told(opened[3]).column == "c");
    CHECK(opened[3].cause == closed[1].id);
    // The endpoint's alarm goes on: delivery may try again.
    const auto continued = w.events("alarm.continued");
    REQUIRE(continued.size() == 1);
    CHECK(w.told(continued[0]).window_end == "2013-04-26T00:00:00Z");
    CHECK(w.told(continued[0]).columns == Names{"a", "b", "c"});
    CHECK(continued[0].subject.id == opened[2].subject.id);
    CHECK(continued[0].cause == closed[1].id);
  }
}

TEST_CASE("windows and alarms are listed page by page, each once, from either end") {
  for (const bool postgres : {false, true}) {
    CAPTURE(postgres);
    Watching w(postgres ? store::Options{.postgres = store::fresh_postgres()} : store::Options{});
    auto m = w.monitor();
    m.window = "1 week";
    w.put(m);
    w.send("2013-03-04", "2013-04-22", 1400, 5);
    w.send("2013-04-22", "2013-04-24", 10);
    w.tick();
    const auto all = w.windows();
    REQUIRE(all.size() == 7);
    for (const std::string order : {"oldest", "newest"}) {
      std::vector<std::string> seen, expected;
      for (const auto& one : all) expected.push_back(one.id);
      if (order == "newest") std::ranges::reverse(expected);
      for (std::string after;;) {
        const auto page = w.house.as<Page<WindowSeen>>(w.house.get(
            "/api/pawl/v1/endpoints/e/windows?limit=3&order=" + order + "&after=" + net::percent_encode(after)));
        for (const auto& one : page.items) seen.push_back(one.id);
        if (page.next.empty()) break;
        after = page.next;
      }
      CHECK(seen == expected);
    }
    std::set<std::string> alarms;
    std::size_t listed = 0;
    for (std::string after;;) {
      const auto page = w.house.as<Page<Alarm>>(
          w.house.get("/api/pawl/v1/alarms?endpoint=e&limit=4&after=" + net::percent_encode(after)));
      for (const auto& one : page.items) alarms.insert(one.id), ++listed;
      if (page.next.empty()) break;
      after = page.next;
    }
    CHECK(listed == 6);  // five columns and the endpoint
    CHECK(alarms.size() == 6);
    CHECK(w.house.get("/api/pawl/v1/alarms?after=x").status == 400);
    CHECK(w.house.get("/api/pawl/v1/alarms?endpoint=other").body.contains("\"items\":[]"));
  }
}

TEST_CASE("an alarm closes after two quiet windows in a row and not before, and opens anew as another one") {
  Watching w;
  auto m = w.monitor();
  m.window = "1 week";
  m.alert = {"ops", "chat"};
  w.put(m);
  const std::array<std::size_t, 7> shifted{1, 0, 1, 0, 0, 0, 1};
  const Time monday = at("2013-03-04");
  for (std::size_t i = 0; i < shifted.size(); ++i)
    w.send(to_rfc3339(monday + Micros{static_cast<std::int64_t>(i) * 7 * day_us}),
           to_rfc3339(monday + Micros{static_cast<std::int64_t>(i + 1) * 7 * day_us}), 400, shifted[i]);
  w.send("2013-04-22", "2013-04-24", 10);
  w.tick();
  CHECK(w.windows().size() == 7);
  const auto all = w.alarms("all");
  REQUIRE(names(all) == Names{"column a", "column a"});
  const auto& old = all[0].closed.empty() ? all[1] : all[0];
  CHECK(old.closed != "");
  CHECK(old.reason == "quiet for 2 windows");
  CHECK(old.window_end == "2013-04-08T00:00:00Z");
  CHECK(w.events("alarm.opened").size() == 2);
  CHECK(w.events("alarm.closed").size() == 1);
  CHECK(w.events("alarm.continued").empty());                                // columns do not tell
  CHECK(w.told(w.events("alarm.opened")[0]).alert == Names{"ops", "chat"});  // no alarm of the endpoint tells of it
}

TEST_CASE("windows without rows close as no data, and no data never closes an alarm") {
  Watching w;
  auto m = w.monitor();
  m.window = "1 week";
  w.put(m);
  w.send("2013-03-04", "2013-03-11", 400, 5);
  w.send("2013-04-08", "2013-04-10", 20);
  w.tick();
  const auto seen = w.windows();
  REQUIRE(seen.size() == 5);
  CHECK(seen[1].rows == 0);
  CHECK(seen[4].end == "2013-04-08T00:00:00Z");
  CHECK(names(w.alarms()).size() == 6);
  CHECK(w.events("alarm.closed").empty());
  const auto stands = w.house.as<MonitorSeen>(w.house.get("/api/pawl/v1/endpoints/e/monitor")).stands;
  for (const auto& s : stands) CHECK(s.state == AlarmState::firing);
}

TEST_CASE("a late row recomputes its window and no other, and is counted as late") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-03-01", "2013-03-29");
  w.send("2013-03-29", "2013-04-26", 300);
  w.send("2013-04-26", "2013-04-28", 10);
  w.tick();
  const auto before = w.windows();
  REQUIRE(before.size() == 2);
  w.send("2013-03-05", "2013-03-06", 7);
  w.tick();
  const auto after = w.windows();
  REQUIRE(after.size() == 2);
  CHECK(after[0].id == before[0].id);
  CHECK(after[0].state == WindowState::recomputed);
  CHECK(after[0].rows == 407);
  CHECK(after[0].late == 7);
  CHECK(after[0].closed == before[0].closed);
  CHECK(encode(after[1]) == encode(before[1]));
  CHECK(w.notices == Names{R"(window.recomputed {"id":")" + before[0].id + R"(","endpoint":"e"})"});
  CHECK(w.events("window.recomputed").empty());  // no alarm moved: the ledger tells of decisions
  const auto reads = w.log.reads;
  const auto jobs = [&] {
    return w.house.store
        ->read_for<std::int64_t>([](Tx& tx) -> Result<std::int64_t> {
          TRY(n, tx.one(Sql{"test.jobs", "SELECT count(*) FROM job WHERE kind = 'monitoring.look'"},
                        [](const Row& r) { return r.i64(0); }));
          return n.value_or(0);
        })
        .value();
  };
  const auto looked = jobs();
  w.tick();
  w.send("2013-04-28", "2013-04-29", 10);  // of the window that is open
  w.tick();
  CHECK(w.log.reads == reads);  // nothing came late: nothing is read, and no job is added
  CHECK(jobs() == looked);
}

TEST_CASE(
    "late rows that drift open the alarm, caused by the window's recomputing, and it is the same one at the next "
    "window") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-03-01", "2013-03-29");
  w.send("2013-03-29", "2013-03-31", 10);
  w.tick();
  CHECK(w.alarms().empty());
  w.send("2013-03-10", "2013-03-20", 1500, 2, 3);
  w.tick();
  CHECK(names(w.alarms()) == Names{"column a", "column b", "drift"});
  const auto recomputed = w.events("window.recomputed");
  REQUIRE(recomputed.size() == 1);
  for (const auto& e : w.events("alarm.opened")) CHECK(e.cause == recomputed[0].id);
}

TEST_CASE("labels that come after the window has closed are joined, and a worse metric alarms then") {
  Watching w;
  auto m = w.monitor();
  m.metric = stats::Metric::mae, m.worse_by = 0.25, m.reference_value = 1;
  w.put(m);
  w.send("2013-03-01", "2013-03-29", 400);
  w.send("2013-03-29", "2013-03-31", 10);
  w.tick();
  REQUIRE(w.windows().size() == 1);
  CHECK(w.windows()[0].labelled == 0);
  CHECK(w.alarms().empty());
  const auto performance_stand = [&] {
    for (const auto& s : w.house.as<MonitorSeen>(w.house.get("/api/pawl/v1/endpoints/e/monitor")).stands)
      if (s.kind == AlarmKind::performance) return s.state;
    return AlarmState::ok;
  };
  CHECK(performance_stand() == AlarmState::immature);

  w.house.clock.pass(std::chrono::hours(1));
  w.label("2013-03-01", "2013-03-28", 2);
  w.tick();
  auto seen = w.windows()[0];
  CHECK(seen.state == WindowState::recomputed);
  CHECK(seen.late == 0);
  REQUIRE(seen.performance);
  CHECK(seen.performance->watched.value.value() == doctest::Approx(2));
  CHECK(seen.performance->worse);
  CHECK(names(w.alarms()) == Names{"performance mae"});
  const auto opened = w.events("alarm.opened");
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].cause == w.events("window.recomputed").at(0).id);
  CHECK(w.told(opened[0]).limit == 1.25);

  // A second label replaces the first: the number of labels stays, the window is computed again, and the alarm was a mistake.
  w.house.clock.pass(std::chrono::hours(1));
  w.label("2013-03-01", "2013-03-28", 1);
  w.tick();
  CHECK(w.windows()[0].performance->watched.value.value() == doctest::Approx(1));
  CHECK(w.alarms().empty());
  const auto closed = w.events("alarm.closed");
  REQUIRE(closed.size() == 1);
  CHECK(w.told(closed[0]).reason == "recomputed with what came late, it is not over its limit");
}

TEST_CASE("a server that dies while it closes a window leaves nothing half, and the next one closes it once") {
  for (int fails_at = 0; fails_at < 4; ++fails_at) {  // the window's id, then those of its alarms
    CAPTURE(fails_at);
    Watching w;
    w.put(w.monitor());
    w.send("2013-03-01", "2013-03-29", 400, 2);
    w.send("2013-03-29", "2013-03-31", 10);
    w.random.fails_at = fails_at;
    const auto done = w.service->work("e");
    REQUIRE(!done);
    CHECK(w.windows().empty());
    CHECK(w.alarms("all").empty());
    CHECK(w.events("window.").empty());
    CHECK(w.events("alarm.").empty());
    w.random.fails_at = -1;
    w.restart();
    w.tick();
    CHECK(w.windows().size() == 1);
    CHECK(w.events("window.closed").size() == 1);
    CHECK(w.events("alarm.opened").size() == 3);
    w.restart();
    w.tick();
    CHECK(w.events("window.closed").size() == 1);
    CHECK(w.events("alarm.opened").size() == 3);
  }
}

TEST_CASE("two servers on one store close a window once") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-03-01", "2013-03-29", 400, 2);
  w.send("2013-03-29", "2013-03-31", 10);
  Service other(Parts{.store = *w.house.store,
                      .log = w.log,
                      .artifacts = w.artifacts.path,
                      .clock = w.house.clock,
                      .random = w.random});
  std::vector<std::jthread> both;
  both.emplace_back([&] { CHECK(w.service->work("e")); });
  both.emplace_back([&] { CHECK(other.work("e")); });
  both.clear();
  CHECK(w.events("window.closed").size() == 1);
  CHECK(w.events("alarm.opened").size() == 3);
}

TEST_CASE("windows close by hand up to the one that holds the newest row, and by whom is told") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-03-01", "2013-03-29");
  w.send("2013-03-29", "2013-04-10", 100);
  const auto close = [&](const std::string& until) {
    return w.house.post("/api/pawl/v1/endpoints/e/windows/close", R"({"until":")" + until + R"("})");
  };
  CHECK(w.house.as<Page<WindowSeen>>(close("2013-03-01")).items.empty());
  CHECK(w.house.as<Page<WindowSeen>>(close("2013-03-29")).items.size() == 1);
  CHECK(w.house.as<Page<WindowSeen>>(close("2013-03-29")).items.empty());
  CHECK(w.house.as<Page<WindowSeen>>(close("2099-01-01")).items.size() == 1);
  REQUIRE(w.windows().size() == 2);
  CHECK(w.events("window.closed")[1].by == "local");
  w.send("2013-04-10", "2013-04-20", 50);  // the rest of it
  w.tick();
  CHECK(w.windows()[1].rows == 150);
  CHECK(w.windows()[1].late == 50);
  CHECK(close("yesterday").status == 400);
  CHECK(w.house.post("/api/pawl/v1/endpoints/other/windows/close", R"({"until":"2013-03-29"})").status == 404);
}

TEST_CASE("when no row has come for the idle time, windows that ended by the clock close, and the one of today waits") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-03-01", "2013-03-20");
  w.tick();
  w.tick(std::chrono::minutes(9));
  CHECK(w.windows().empty());
  w.tick(std::chrono::minutes(2));
  REQUIRE(w.windows().size() == 1);
  CHECK(json_at(w.events("window.closed")[0].data.text, "how") == R"("idle")");

  Watching today;
  auto m = today.monitor();
  m.from = "2014-05-30";
  today.put(m);
  today.send("2014-05-30", "2014-06-01");
  today.tick();
  today.tick(std::chrono::hours(5));
  CHECK(today.windows().empty());
  today.tick(std::chrono::days(30));
  CHECK(today.windows().size() == 1);
}

TEST_CASE("a clock that is set back closes nothing early and keeps nothing open for ever") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-03-01", "2013-03-20");
  w.tick();
  w.house.clock.set(at("2014-01-01"));  // half a year
  w.tick();
  CHECK(w.windows().empty());
  w.tick(std::chrono::minutes(9));
  CHECK(w.windows().empty());
  w.tick(std::chrono::minutes(2));
  CHECK(w.windows().size() == 1);
  w.house.clock.set(at("2013-12-01"));
  w.send("2013-03-05", "2013-03-06", 7);
  w.tick();
  CHECK(w.windows()[0].late == 7);
}

TEST_CASE("one row from far ahead closes a bounded number of windows, and what comes after it is not lost") {
  Watching w;
  auto m = w.monitor();
  m.window = "1 week";
  w.put(m);
  w.send("2013-03-04", "2013-03-11");
  w.send("2113-01-01", "2113-01-02", 1);
  w.tick();
  CHECK(w.windows().size() > 50);
  CHECK(w.events("window.closed").size() <= empty_windows_max + 2);
  w.send("2013-03-11", "2013-03-18", 100);  // closed as empty
  w.send("2063-01-01", "2063-01-08", 100);  // jumped over
  w.tick();
  std::int64_t rows = 0;
  for (std::string after;;) {
    const auto page =
        w.house.as<Page<WindowSeen>>(w.house.get("/api/pawl/v1/endpoints/e/windows?limit=200&after=" + after));
    for (const auto& seen : page.items) rows += seen.rows;
    if (page.next.empty()) break;
    after = page.next;
  }
  CHECK(rows == 600);
}

TEST_CASE(
    "the same monitor again changes nothing, another version closes the alarms with that reason and keeps the grid") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-03-01", "2013-03-29", 400, 2);
  w.send("2013-03-29", "2013-04-05", 100);
  w.tick();
  CHECK(w.alarms().size() == 3);
  w.put(w.monitor());
  auto louder = w.monitor();
  louder.alert = {"ops", "chat"};
  w.put(louder);
  CHECK(w.alarms().size() == 3);
  auto next = louder;
  next.version = 4;
  next.reference_ends = "2013-04-10T00:00:00Z";
  w.put(next, "the-next-rollout");
  CHECK(w.alarms().empty());
  const auto closed = w.events("alarm.closed");
  REQUIRE(closed.size() == 3);
  CHECK(closed[2].cause == "the-next-rollout");
  CHECK(w.told(closed[2]).reason == "the reference changed: version 4 is live");
  w.send("2013-04-05", "2013-04-28", 300);
  w.tick();
  REQUIRE(w.windows().size() == 2);
  CHECK(w.windows()[1].start == "2013-03-29T00:00:00Z");
  CHECK(w.windows()[1].version == 4);
  CHECK(w.alarms().empty());
  // Late rows of the first window are measured as it was, and move no alarm of today.
  w.send("2013-03-10", "2013-03-11", 50, 5, 9);
  w.tick();
  CHECK(w.windows()[0].late == 50);
  CHECK(w.windows()[0].version == 3);
  CHECK(w.alarms().empty());

  CHECK(w.house.write([&](Call& call) { return w.service->drop_monitor(call, "e", "the-plan"); }));
  CHECK(w.house.get("/api/pawl/v1/endpoints/e/monitor").status == 404);
  w.send("2013-05-01", "2013-07-01");
  w.tick();
  CHECK(w.windows().size() == 2);
}

TEST_CASE("an alarm can be acknowledged and silenced, and silence holds for the same alarm when it comes again") {
  Watching w;
  auto m = w.monitor();
  m.window = "1 week";
  m.keep_firing_windows = 1;
  w.put(m);
  w.send("2013-03-04", "2013-03-11", 400, 2);
  w.send("2013-03-11", "2013-03-13", 20, 2);
  w.tick();
  std::string id;
  for (const auto& a : w.alarms())
    if (a.kind == AlarmKind::drift) id = a.id;
  REQUIRE(!id.empty());
  const auto post = [&](const std::string& what, const std::string& body = "{}") {
    return w.house.post("/api/pawl/v1/alarms/" + id + what, body);
  };
  CHECK(w.house.as<Alarm>(post("/acknowledge")).acknowledged_by == "local");
  CHECK(post("/silence", R"({"until":"2001-01-01"})").status == 400);
  CHECK(w.house.as<Alarm>(post("/silence", R"({"until":"2015-01-01"})")).silenced_until == "2015-01-01T00:00:00Z");
  CHECK(w.told(w.events("alarm.silenced").at(0)).alert.empty());
  CHECK(w.house.post("/api/pawl/v1/alarms/nothing/acknowledge").status == 404);

  w.send("2013-03-13", "2013-03-18", 400, 2);
  w.send("2013-03-18", "2013-03-25", 400);
  w.send("2013-03-25", "2013-04-01", 400, 2);
  w.send("2013-04-01", "2013-04-03", 10);
  w.tick();
  const auto continued = w.events("alarm.continued");
  REQUIRE(continued.size() == 1);
  CHECK(w.told(continued[0]).alert.empty());
  for (const auto& e : w.events("alarm.closed"))
    if (e.subject.id == id) CHECK(w.told(e).alert.empty());
  const auto opened = w.events("alarm.opened");
  CHECK(w.told(opened.back()).kind == AlarmKind::drift);
  CHECK(opened.back().subject.id != id);
  CHECK(w.told(opened.back()).alert.empty());
  CHECK(post("/acknowledge").status == 409);  // closed
}

TEST_CASE("given odd rows, when their window closes, then it says what it could not test") {
  Watching w;
  auto m = w.monitor();
  m.window = "1 week";
  w.put(m);
  w.send("2013-03-04", "2013-03-05", 1);
  w.send("2013-03-11", "2013-03-18", 400);
  for (auto& r : w.log.rows)
    if (r.time >= at("2013-03-11").us) r.x[0] = missing, r.x[1] = 3;
  w.send("2013-03-18", "2013-03-20", 10);
  w.tick();
  const auto seen = w.windows();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].rows == 1);
  CHECK(seen[0].tested == 0);
  CHECK(seen[0].note.contains("not tested"));
  CHECK(!seen[1].columns[0].tested);
  CHECK(seen[1].columns[0].note.contains("missing"));
  CHECK(seen[1].columns[1].drifted);  // one value where there were many
  CHECK(names(w.alarms()) == Names{"column b"});
}

TEST_CASE("a reference that cannot be read lets windows close and says so") {
  Watching w;
  auto m = w.monitor();
  m.reference = "gone.csv";
  w.put(m);
  w.send("2013-03-01", "2013-03-29");
  w.send("2013-03-29", "2013-03-31", 10);
  w.tick();
  REQUIRE(w.windows().size() == 1);
  CHECK(w.windows()[0].rows == 400);
  CHECK(w.windows()[0].tested == 0);
  CHECK(w.windows()[0].note.contains("the reference cannot be read"));
}

TEST_CASE("every series of the Grafana dashboard is one that the server has") {
  Watching w;
  auto m = w.monitor();
  m.metric = stats::Metric::mae, m.worse_by = 0.25, m.reference_value = 1;
  w.put(m);
  w.send("2013-03-01", "2013-03-29", 400, 2, 1.5, 2);
  w.send("2013-03-29", "2013-03-31", 10);
  w.tick();
  // What serving counts; a prediction is not needed for its name.
  w.metrics.counter("pawl_predictions_total", "Rows", {{"endpoint", "e"}}).add();
  const std::string text = w.metrics.text();
  CHECK_MESSAGE(text.contains(R"(pawl_drift_distance{column="a",endpoint="e"})"), text);
  CHECK(text.contains(R"(pawl_performance{endpoint="e",metric="mae"} 2)"));
  CHECK(text.contains(R"(pawl_performance_limit{endpoint="e",metric="mae"} 1.25)"));
  CHECK(text.contains(R"(pawl_window_rows{endpoint="e"} 400)"));
  CHECK(text.contains(R"(pawl_alarms_firing{endpoint="e",kind="column"} 2)"));
  CHECK(text.contains(R"(pawl_alarms_firing{endpoint="e",kind="performance"} 1)"));
  std::ifstream file(fs::path(PAWL_SOURCE_DIR) / "docs/grafana.json");
  const std::string dashboard((std::istreambuf_iterator<char>(file)), {});
  CHECK(canonical_json(dashboard));
  const std::regex name("pawl_[a-z0-9_]+");
  std::set<std::string> named;
  for (std::sregex_iterator i(dashboard.begin(), dashboard.end(), name), end; i != end; ++i) named.insert(i->str());
  CHECK(named.size() > 8);
  for (const auto& n : named) CHECK_MESSAGE(text.contains("\n" + n + "{"), n);
}

TEST_CASE("a window as JUnit says which columns are over their limits") {
  Watching w;
  auto m = w.monitor();
  m.metric = stats::Metric::mae, m.worse_by = 0.25, m.reference_value = 1;
  w.put(m);
  w.send("2013-03-01", "2013-03-29", 400, 1);
  w.send("2013-03-29", "2013-03-31", 10);
  w.tick();
  const auto xml = junit_of(m, w.windows().at(0));
  CHECK_MESSAGE(xml.contains(R"(tests="7" failures="1" errors="0" skipped="1")"), xml);
  CHECK(xml.contains(R"(<testcase classname="e" name="drift of a"><failure message=)"));
  CHECK(xml.contains(R"(name="performance: mae"><skipped message="too few labels yet)"));
}

TEST_CASE("windows are made from the real prediction log, with late labels") {
  Watching w;
  const auto folder = w.artifacts.path / "m/1";
  fs::create_directories(folder);
  fs::copy_file(fs::path(PAWL_SOURCE_DIR) / "tests/serving/models/linear.onnx", folder / "model.onnx");
  store::ScratchFolder data;
  auto opened = serving::Service::open({.data = data.path, .artifacts = w.artifacts.path}, *w.house.store,
                                       w.house.clock, w.house.random);
  REQUIRE(opened);
  serving::Service& serving = **opened;
  serving::mount(w.house.router, serving);
  REQUIRE(w.house.write(
      [&](Call& call) { return serving.put_endpoint(call, {.name = "live", .model = "m", .replay = true}); }));
  REQUIRE(serving.prepare("m", 1, "m/1"));
  REQUIRE(w.house.write(
      [&](Call& call) { return serving.set_routing(call, "live", {.arms = {{.version = 1, .share = 1}}}); }));
  ServingLog log(serving);
  Service monitoring(Parts{
      .store = *w.house.store, .log = log, .artifacts = w.artifacts.path, .clock = w.house.clock, .random = w.random});
  Monitor m{.endpoint = "live", .model = "m", .version = 1, .task = "regression", .reference = "1.csv", .time = "time"};
  m.from = "2013-03-01", m.metric = stats::Metric::mae, m.worse_by = 0.5, m.reference_value = 1;
  std::ofstream reference(w.artifacts.path / "1.csv");
  reference << "time,a,b\n";
  for (int d = 0; d < 59; ++d)
    for (int i = 0; i < 10; ++i)
      reference << to_rfc3339(at("2013-01-01") + Micros{d * day_us}) << "," << normal(w.draws) << "," << normal(w.draws)
                << "\n";
  reference.close();
  REQUIRE(w.house.write([&](Call& call) { return monitoring.put_monitor(call, m, ""); }));

  std::vector<std::string> ids;
  std::vector<double> answers;
  for (int d = 0; d < 30; ++d) {
    std::string a, b;
    for (int i = 0; i < 10; ++i) {
      const std::string comma = i == 0 ? "" : ",";
      a += comma + std::to_string(normal(w.draws) + 3), b += comma + std::to_string(normal(w.draws));
    }
    const auto tensor = [](const char* name, const std::string& data) {
      return fmt::format(R"({{"name":"{}","shape":[10,1],"datatype":"FP32","data":[{}]}})", name, data);
    };
    const auto r =
        w.house.post("/v2/models/live/infer",
                     fmt::format(R"({{"inputs":[{},{}],"parameters":{{"event_time":"{}"}}}})", tensor("a", a),
                                 tensor("b", b), to_rfc3339(at("2013-03-01") + Micros{d * day_us})));
    REQUIRE_MESSAGE(r.status == 200, r.body);
    for (int i = 0; i < 10; ++i) {
      const auto id = json_at(r.body, "parameters.prediction_ids." + std::to_string(i)).value();
      ids.push_back(id.substr(1, id.size() - 2));
      answers.push_back(std::stod(json_at(r.body, "outputs.0.data." + std::to_string(i)).value()));
    }
  }
  const auto done = monitoring.work("live");
  REQUIRE_MESSAGE(done, done.error().message);
  const auto seen = [&] {
    return w.house.as<Page<WindowSeen>>(w.house.get("/api/pawl/v1/endpoints/live/windows")).items.at(0);
  };
  CHECK(seen().rows == 280);
  CHECK(seen().tested == 2);
  CHECK(seen().columns[0].drifted);
  CHECK(!seen().columns[1].drifted);
  CHECK(seen().outputs.size() == 1);
  CHECK(names(w.alarms()) == Names{"column a", "drift"});

  std::string labels;
  for (std::size_t i = 0; i < 200; ++i)
    labels += (i == 0 ? "" : ",") +
              (R"({"prediction_id":")" + ids[i] + R"(","label":)" + std::to_string(answers[i] + 2) + "}");
  const auto taken = w.house.post("/api/pawl/v1/endpoints/live/labels", R"({"labels":[)" + labels + "]}");
  REQUIRE_MESSAGE(taken.status == 200, taken.body);
  REQUIRE(monitoring.work("live"));
  CHECK(seen().labelled == 200);
  CHECK(seen().performance->watched.value.value() == doctest::Approx(2).epsilon(1e-4));
  CHECK(names(w.alarms()) == Names{"column a", "drift", "performance mae"});
}
