// What closed windows do to alarms, and what people and machines are shown of both.
#include <fstream>
#include <regex>

#include "monitoring/junit.h"
#include "monitoring/watching.h"

using namespace pawl;
using namespace pawl::monitoring;
namespace fs = std::filesystem;

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
