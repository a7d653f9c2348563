// When windows close, and when they are computed again: the log is in memory, but for the last test.
#include <fmt/format.h>

#include "monitoring/watching.h"
#include "serving/service.h"

using namespace pawl;
using namespace pawl::monitoring;
namespace fs = std::filesystem;

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

TEST_CASE("who closes by hand reads windows with all their rows, also one that had closed before they came") {
  Watching w;
  w.put(w.monitor());
  w.send("2013-03-01", "2013-03-29");
  w.send("2013-06-01", "2013-06-02", 10);
  w.tick();
  REQUIRE(w.windows().size() >= 2);
  CHECK(w.windows()[1].rows == 0);
  w.send("2013-03-29", "2013-04-26", 300);
  const auto closed = w.house.post("/api/pawl/v1/endpoints/e/windows/close", R"({"until":"2013-04-26"})");
  REQUIRE_MESSAGE(closed.status == 200, closed.body);
  CHECK(w.windows()[1].rows == 300);  // at once: no look came between
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
