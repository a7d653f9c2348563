// Endpoints as a client and as delivery see them: a whole server in memory but for the log, which is files in a folder of the test.
#include <cmath>
#include <random>

#include "core/testing.h"
#include "datasets/table.h"
#include "jobs/jobs.h"
#include "net/metrics.h"
#include "serving/log/tail.h"
#include "serving/log/tally.h"
#include "serving/model/models.h"
#include "serving/replay.h"
#include "serving/testing.h"

using namespace pawl;
using namespace pawl::serving;
namespace fs = std::filesystem;

TEST_CASE("given a live version, when rows are asked for, then they are answered with their ids and kept") {
  Serving s;
  s.live();
  const auto r = s.infer(
      R"({"id":"r1","inputs":[{"name":"a","shape":[2],"datatype":"FP32","data":[1,2]},{"name":"b","shape":[2,1],"datatype":"FP32","data":[[10],[20]]}],)"
      R"("parameters":{"context":{"origin":["JFK","LGA"]},"event_time":"2012-12-31T10:00:00Z","routing_key":"N1"}})");
  REQUIRE_MESSAGE(r.status == 200, r.body);
  CHECK(json_at(r.body, "id") == R"("r1")");
  CHECK(json_at(r.body, "outputs.0.shape") == "[2,1]");
  CHECK(json_at(r.body, "outputs.0.data.1") == "65");
  const auto second = json_at(r.body, "parameters.prediction_ids.1").value();
  const auto seen =
      s.house.as<Prediction>(s.house.get("/api/pawl/v1/predictions/" + second.substr(1, second.size() - 2)));
  CHECK(seen.endpoint == "e");
  CHECK(seen.model == "m");
  CHECK(seen.version == 1);
  CHECK(seen.digest.size() == 64);
  CHECK(seen.status == "ok");
  CHECK(seen.request_id == "r1");
  CHECK(seen.arm == Arm::live);
  CHECK(seen.event_time == "2012-12-31T10:00:00Z");
  CHECK(seen.features.text == R"({"a":2,"b":20})");
  CHECK(seen.outputs.text == R"({"y":65})");
  CHECK(seen.context.text == R"({"origin":"LGA"})");
}

TEST_CASE("wrong requests are refused in the dialect of V2 with the right status") {
  Serving s;
  s.live();
  s.house.write([&](Call& call) { return s.service->put_endpoint(call, {.name = "empty", .model = "m"}); }).value();
  each_of<std::string, std::string, int, std::string>(
      {{"/v2/models/nowhere/infer", ab(1, 2), 404, "there is no model \\\"nowhere\\\""},
       {"/v2/models/e/versions/7/infer", ab(1, 2), 404, "the endpoint e has no version 7"},
       {"/v2/models/e/versions/x/infer", ab(1, 2), 404, "there is no version \\\"x\\\""},
       {"/v2/models/empty/infer", ab(1, 2), 503, "has no live version yet"},
       {"/v2/models/e/infer", "{", 400, "not JSON"},
       {"/v2/models/e/infer", R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]}]})", 400,
        "input \\\"a\\\": expected datatype FP32, got FP64"},
       {"/v2/models/e/infer", R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP32","data":[1]}]})", 400,
        "input \\\"b\\\" (FP32 [-1,1]) is missing"},
       {"/v2/models/e/infer", ab(1, 2, R"(,"outputs":[{"name":"z"}])"), 400, "there is no output \\\"z\\\", only: y"},
       {"/v2/models/e/infer", ab(1, 2, R"(,"parameters":{"event_time":"2013-01-01T00:06:00Z"}})"), 400, "not JSON"},
       {"/v2/models/e/infer", ab(1, 2, R"(,"parameters":{"event_time":"2013-01-01T00:06:00Z"})"), 400,
        "more than five minutes ahead"}},
      [&](const std::string& path, const std::string& body, int status, const std::string& message) {
        const auto r = s.infer(body, path);
        CHECK(r.status == status);
        CHECK_MESSAGE(r.body.contains(message), r.body);
        CHECK_MESSAGE(r.body.starts_with(R"({"error":)"), r.body);
      });
  CHECK(s.metrics.text().contains(R"(pawl_predictions_total{endpoint="e",status="refused",version="1"} 3)"));
  const auto tally = s.service->tally("e", "", 0, Arm::live).value();
  CHECK(tally.errors == 0);
  CHECK(tally.rows == 0);
  CHECK(tally.refused == 3);  // those that were routed; the others reached no version
}

TEST_CASE("an endpoint declared with replay takes event times ahead of the clock") {
  Serving s;
  s.live();
  s.endpoint(true);
  CHECK(s.infer(ab(1, 2, R"(,"parameters":{"event_time":"2013-06-01T00:00:00Z"})")).status == 200);
  CHECK(s.service->endpoint("e")->replay);
  CHECK(s.service->tally("e", "", 0, Arm::live)->event_last == "2013-06-01T00:00:00Z");
}

TEST_CASE("keys are split by the shares, keep their arm as the canary grows, and change with the salt") {
  Serving s;
  s.live();
  s.prepare(2);
  const auto arms = [&](double canary, const std::string& salt) {
    REQUIRE(s.route({.arms = {{.version = 1, .share = 1 - canary}, {.version = 2, .share = canary, .arm = Arm::canary}},
                     .rollout = "r",
                     .step = 1,
                     .salt = salt}));
    std::vector<bool> out;
    out.reserve(2000);
    for (int key = 0; key < 2000; ++key)
      out.push_back(version_of(s.infer(ab(1, 2, R"(,"parameters":{"routing_key":")" + std::to_string(key) + "\"}"))) ==
                    R"("2")");
    return out;
  };
  const auto five = arms(0.05, "salt"), quarter = arms(0.25, "salt"), other = arms(0.25, "pepper");
  // 2000 draws at 25 %: six standard deviations are 116.
  CHECK(std::abs(std::ranges::count(quarter, true) - 500) < 116);
  CHECK(std::abs(std::ranges::count(five, true) - 100) < 59);
  std::size_t same = 0;
  for (std::size_t i = 0; i < five.size(); ++i) {
    if (five[i]) CHECK(quarter[i]);
    same += quarter[i] == other[i];
  }
  CHECK(same < 1500);  // independent: 62.5 % agree
  const auto canary = s.service->tally("e", "r", 1, Arm::canary).value();
  CHECK(canary.requests ==
        std::ranges::count(five, true) + std::ranges::count(quarter, true) + std::ranges::count(other, true));
}

TEST_CASE("requests without a key are split too") {
  Serving s;
  s.live();
  s.prepare(2);
  REQUIRE(s.route({.arms = {{.version = 1, .share = 0.5}, {.version = 2, .share = 0.5, .arm = Arm::canary}},
                   .rollout = "r",
                   .salt = "x"}));
  int canary = 0;
  for (int i = 0; i < 1000; ++i) canary += version_of(s.infer(ab(1, 2))) == R"("2")";
  CHECK(std::abs(canary - 500) < 95);  // six standard deviations
}

TEST_CASE("what only the canary refuses or fails is its error, what any version would refuse is the caller's") {
  Serving s;
  s.live();
  const auto all_to_canary = [&](std::int64_t version) {
    s.prepare(version);
    REQUIRE(s.route({.arms = {{.version = 1, .share = 0}, {.version = version, .share = 1, .arm = Arm::canary}},
                     .rollout = "r" + std::to_string(version),
                     .step = 2,
                     .salt = "x"}));
  };
  all_to_canary(3);
  CHECK(s.infer(ab(1, 2)).status == 400);
  CHECK(s.infer(R"({"inputs":[{"name":"other","shape":[1],"datatype":"FP32","data":[1]}]})").status == 400);
  auto tally = s.service->tally("e", "r3", 2, Arm::canary).value();
  CHECK(tally.requests == 1);
  CHECK(tally.errors == 1);
  CHECK(tally.refused == 1);
  CHECK(tally.error_rate() == 1);

  all_to_canary(4);
  const auto index = [](int i) {
    return R"({"inputs":[{"name":"i","shape":[1,1],"datatype":"INT64","data":[)" + std::to_string(i) + "]}]}";
  };
  CHECK(s.infer(index(1)).status == 200);
  const auto failed = s.infer(index(9));
  CHECK(failed.status == 500);
  CHECK_MESSAGE(failed.body.contains("the model failed"), failed.body);
  tally = s.service->tally("e", "r4", 2, Arm::canary).value();
  CHECK(tally.requests == 2);
  CHECK(tally.errors == 1);
  CHECK(tally.rows == 1);
}

TEST_CASE("a version asked for by number answers and judges no rollout") {
  Serving s;
  s.live();
  s.prepare(2);
  const auto r = s.infer(ab(1, 2), "/v2/models/e/versions/2/infer");
  REQUIRE(r.status == 200);
  CHECK(json_at(r.body, "outputs.0.data.0") == "90");
  CHECK(s.service->prediction(id_of(r))->arm == Arm::direct);
  CHECK(s.service->tally("e", "", 0, Arm::live)->requests == 0);
  CHECK(s.service->tally("e", "", 0, Arm::direct)->requests == 1);
}

TEST_CASE("a matrix model is fed by its named columns and kept by them") {
  Serving s;
  s.endpoint();
  s.prepare(5, {"p", "q", "r"});
  REQUIRE(s.route({.arms = {{.version = 5, .share = 1}}}));
  const auto by_column = s.infer(
      R"({"inputs":[{"name":"p","shape":[1],"datatype":"FP32","data":[1]},{"name":"q","shape":[1],"datatype":"FP32","data":[2]},{"name":"r","shape":[1],"datatype":"FP32","data":[null]}]})");
  REQUIRE_MESSAGE(by_column.status == 200, by_column.body);
  CHECK(json_at(by_column.body, "outputs.0.data.0") == "null");
  CHECK(s.service->prediction(id_of(by_column))->features.text == R"({"p":1,"q":2,"r":null})");
  CHECK(s.infer(R"({"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]})")
            .body.contains("\"data\":[321]"));
}

TEST_CASE("the same id with the same body gets the first answer for ten minutes and is counted once") {
  Serving s;
  s.live();
  const auto ask = ab(1, 2, R"(,"id":"same")");
  const auto first = s.infer(ask), again = s.infer(ask), other = s.infer(ab(1, 3, R"(,"id":"same")"));
  CHECK(again.body == first.body);
  CHECK(json_at(other.body, "outputs.0.data.0") == "12");
  CHECK(s.service->tally("e", "", 0, Arm::live)->requests == 2);
  s.house.clock.pass(std::chrono::minutes(11));
  CHECK(s.infer(ab(1, 3, R"(,"id":"same")")).body != other.body);
  CHECK(s.service->tally("e", "", 0, Arm::live)->requests == 3);
}

TEST_CASE("binary values come and go behind the JSON, and are kept as any others") {
  Serving s;
  s.live();
  const std::string json =
      R"({"inputs":[{"name":"a","shape":[1,1],"datatype":"FP32","parameters":{"binary_data_size":4}},)"
      R"({"name":"b","shape":[1,1],"datatype":"FP32","data":[2]}],"parameters":{"binary_data_output":true}})";
  const auto ask = [&](const std::string& length) {
    return s.house.post("/v2/models/e/infer", json + std::string("\0\0\x40\x40", 4),
                        {{"inference-header-content-length", length}});
  };
  const auto answer = ask(std::to_string(json.size()));  // a is 3
  REQUIRE_MESSAGE(answer.status == 200, answer.body);
  CHECK(answer.type == "application/octet-stream");
  REQUIRE(answer.headers.size() == 1);
  CHECK(answer.headers[0].name == "Inference-Header-Content-Length");
  const auto json_bytes = std::stoul(answer.headers[0].value);
  CHECK(answer.body.substr(json_bytes) == std::string("\0\0\x50\x41", 4));  // 2a + 3b + 1 = 13
  const auto kept = s.service->prediction(id_of({.body = answer.body.substr(0, json_bytes)}));
  REQUIRE(kept);
  CHECK(kept->features.text.contains(R"("a":3)"));
  CHECK(ask("many").body.contains("Inference-Header-Content-Length: expected a number of bytes"));
}

TEST_CASE("a second request with the id of one under way waits for its answer, and a failure may be tried again") {
  Replays replays;
  std::vector<std::string> heard;
  const auto hear = [&](Result<v2::Body> r) { heard.push_back(r ? r->bytes : "failed"); };
  auto first = replays.begin("k", "body", {0}, hear);
  REQUIRE(first);
  CHECK(!replays.begin("k", "body", {0}, hear));
  (*first)(v2::Body{.bytes = "answer"});
  CHECK(heard == std::vector<std::string>{"answer", "answer"});
  auto failing = replays.begin("f", "body", {0}, hear);
  (*failing)(fail(Code::unavailable, "no"));
  CHECK(replays.begin("f", "body", {0}, hear).has_value());
  heard.clear();
  for (std::size_t i = 0; i < Replays::count_max + 10; ++i)
    if (auto go = replays.begin("many" + std::to_string(i), "b", {0}, [](const Result<v2::Body>&) {}))
      (*go)(v2::Body{.bytes = "x"});
  CHECK(replays.size() <= Replays::count_max);
}

TEST_CASE("after a restart the log counts the same, predictions are found and ids go on") {
  Serving s;
  s.live();
  std::vector<std::string> ids;
  ids.reserve(20);
  for (int i = 0; i < 20; ++i) ids.push_back(id_of(s.infer(ab(i, 2))));
  const auto before = s.service->tally("e", "", 0, Arm::live).value();
  CHECK(before.rows == 20);
  s.start();
  mount(s.house.router = net::Router{}, *s.service);
  CHECK(!s.service->ready());  // known, not loaded
  CHECK(encode(s.service->tally("e", "", 0, Arm::live).value()) == encode(before));
  for (int i = 0; i < 20; ++i)
    CHECK(s.service->prediction(ids[static_cast<std::size_t>(i)])->features.text ==
          "{\"a\":" + std::to_string(i) + ",\"b\":2}");
  const auto fresh = id_of(s.infer(ab(1, 1)));  // loads on first use
  CHECK(std::ranges::find(ids, fresh) == ids.end());
  CHECK(s.service->prediction(fresh)->features.text == R"({"a":1,"b":1})");
  CHECK(s.service->ready());
  CHECK(s.service->endpoint("e")->predictions == 21);
}

TEST_CASE("closed segments are sealed as Parquet, what they hold is found and counted as before") {
  Serving s(2ULL << 30, 2000);
  s.live();
  std::vector<std::string> ids;
  for (int i = 0; i < 40; ++i) {
    s.house.clock.pass(std::chrono::seconds(1));
    ids.push_back(id_of(s.infer(ab(i, 2, R"(,"parameters":{"context":{"origin":"JFK"},"routing_key":"k"})"))));
  }
  s.infer(
      R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP32","data":[null]},{"name":"b","shape":[1],"datatype":"FP32","data":[1]}]})");
  s.infer("{");
  s.house.post("/api/pawl/v1/endpoints/e/labels", R"({"labels":[{"prediction_id":")" + ids[0] + R"(","label":7}]})");
  const auto before = s.service->tally("e", "", 0, Arm::live).value();
  const auto first = encode(s.service->prediction(ids[0]).value());
  const auto rows = s.data.path / "predictions/e/rows", sealed = s.data.path / "predictions/e/sealed";
  const auto files = [](const fs::path& folder) {
    std::vector<fs::path> out(fs::directory_iterator(folder), fs::directory_iterator{});
    std::ranges::sort(out);
    return out;
  };
  const auto segments = files(rows).size();
  REQUIRE(segments > 3);

  const auto seal = [&] {
    jobs::Worker worker(*s.house.store, s.house.clock, s.house.random);
    s.service->work(worker);
    s.house.clock.pass(std::chrono::minutes(2));
    REQUIRE(worker.run_until_idle());
  };
  seal();
  CHECK(files(rows).size() == 1);
  CHECK(files(sealed).size() == segments - 1);  // and nothing that was only needed meanwhile
  const auto same = [&](const Tally& now) {
    CHECK(now.rows == before.rows);
    CHECK(now.requests == before.requests);
    CHECK(now.p99_ms == before.p99_ms);
    CHECK(now.event_last == before.event_last);
    CHECK(now.outputs.at(0).n == before.outputs.at(0).n);
    CHECK(now.outputs.at(0).missing == 1);
    CHECK(now.outputs.at(0).mean == doctest::Approx(before.outputs.at(0).mean));
    CHECK(now.outputs.at(0).variance == doctest::Approx(before.outputs.at(0).variance));
  };
  same(s.service->tally("e", "", 0, Arm::live).value());
  s.start();
  mount(s.house.router = net::Router{}, *s.service);
  same(s.service->tally("e", "", 0, Arm::live).value());
  CHECK(encode(s.service->prediction(ids[0]).value()) == first);
  for (int i = 0; i < 40; ++i)
    CHECK(s.service->prediction(ids[static_cast<std::size_t>(i)])->features.text ==
          "{\"a\":" + std::to_string(i) + ",\"b\":2}");

  std::int64_t in_tables = 0;
  for (const auto& file : files(sealed)) {
    auto table = datasets::Table::open(file);
    REQUIRE_MESSAGE(table, table.error().message);
    in_tables += (*table)->rows();
    if (file == files(sealed).front()) {
      CHECK((*table)->numbers("feature.a")->at(0) == 0);
      CHECK((*table)->numbers("output.y")->at(0) == 7);
      CHECK((*table)->texts("prediction_id")->at(0) == ids[0]);
    }
  }
  CHECK(in_tables > 30);

  // A crash between the list and the removal: the segment is there again, and is not counted twice.
  fs::copy_file(files(rows).front(), s.data.path / "newest");
  auto name = files(sealed).front().stem().string() + ".log";
  fs::copy_file(s.data.path / "newest", rows / name);
  s.start();
  same(s.service->tally("e", "", 0, Arm::live).value());
  CHECK(!fs::exists(rows / name));
}

TEST_CASE("predictions, routings, tallies and sealing at the same time lose nothing") {
  Serving s(2ULL << 30, 20'000);
  s.live();
  s.prepare(2);
  constexpr int threads = 4, each = 150;
  std::mutex mutex;
  std::vector<std::string> ids;
  std::atomic<int> running{threads};
  std::vector<std::jthread> clients;
  clients.reserve(threads);
  for (int t = 0; t < threads; ++t)
    clients.emplace_back([&, t] {
      for (int i = 0; i < each; ++i)
        s.service->infer({.endpoint = "e",
                          .body = std::make_shared<const std::string>(ab(t * each + i, 0)),
                          .received = s.house.clock.now(),
                          .begun = s.house.clock.steady()},
                         [&](const Result<v2::Body>& answer) {
                           const std::scoped_lock lock(mutex);
                           ids.push_back(answer ? json_at(answer->bytes, "parameters.prediction_ids.0").value_or("none")
                                                : answer.error().message);
                         });
      --running;
    });
  jobs::Worker worker(*s.house.store, s.house.clock, s.house.random);
  s.service->work(worker);
  for (std::int64_t turn = 1; running > 0; ++turn) {
    CHECK(s.route({.arms = {{.version = 1, .share = 0.5}, {.version = 2, .share = 0.5, .arm = Arm::canary}},
                   .rollout = "r",
                   .step = turn,
                   .salt = "x"}));
    CHECK(s.service->endpoint("e").has_value());
    s.house.clock.pass(std::chrono::minutes(2));
    CHECK(worker.run_until_idle());
  }
  clients.clear();
  CHECK(s.service->endpoint("e")->predictions == threads * each);
  std::ranges::sort(ids);
  CHECK(std::ranges::adjacent_find(ids) == ids.end());
  CHECK(ids.size() == threads * each);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < ids.size(); i += 20) {  // looking into Parquet takes a DuckDB each
    const auto seen = s.service->prediction(ids[i].substr(1, ids[i].size() - 2));
    REQUIRE_MESSAGE(seen, ids[i]);
    sum += seen->version;
  }
  CHECK(sum > 0);
}

TEST_CASE("a log that cannot be written answers 503, counts nothing and goes on when it can") {
  Serving s;
  s.live();
  CHECK(s.infer(ab(1, 2)).status == 200);
  fail_log_write_after(1);
  const auto refused = s.infer(ab(1, 2));
  CHECK(refused.status == 503);
  CHECK_MESSAGE(refused.body.contains("could not be kept"), refused.body);
  CHECK(s.infer(ab(1, 2)).status == 200);
  CHECK(s.service->tally("e", "", 0, Arm::live)->requests == 2);
}

TEST_CASE("labels are taken for ids of ours only, all or none") {
  Serving s;
  s.live();
  const auto id = id_of(s.infer(ab(1, 2))), second = id_of(s.infer(ab(1, 3)));
  const auto post = [&](const std::string& labels) {
    return s.house.post("/api/pawl/v1/endpoints/e/labels", R"({"labels":[)" + labels + "]}");
  };
  const auto label = [](const std::string& of, const std::string& value) {
    return R"({"prediction_id":")" + of + R"(","label":)" + value + "}";
  };
  auto forged = second;
  forged[20] = forged[20] == 'A' ? 'B' : 'A';
  each_of<std::string, std::string, int, std::string>(
      {{"forged", label(id, "1") + "," + label(forged, "2"), 404, "labels[1].prediction_id: there is no prediction"},
       {"rubbish", label("abc", "1"), 404, "labels[0].prediction_id"},
       {"an object", label(id, "{}"), 400, "labels[0].label: expected a number, a text, true or false"},
       {"null", label(id, "null"), 400, "label"},
       {"unknown key", R"({"prediction_id":"x","label":1,"truth":1})", 400, "truth"}},
      [&](const std::string&, const std::string& labels, int status, const std::string& message) {
        const auto r = post(labels);
        CHECK(r.status == status);
        CHECK_MESSAGE(r.body.contains(message), r.body);
      });
  CHECK(s.service->prediction(id)->labels.empty());
  CHECK(post(label(id, "12.5") + "," + label(second, "true")).body ==
        R"({"taken":2,"repeated":0,"changed":0,"waiting":0})");
  CHECK(s.service->prediction(id)->labels.at(0).value.text == "12.5");
  CHECK(s.service->prediction(id)->labels.at(0).by == "local");
  CHECK(s.service->prediction(second)->labels.at(0).value.text == "true");
  CHECK(s.house.post("/api/pawl/v1/endpoints/other/labels", R"({"labels":[)" + label(id, "1") + "]}").status == 404);
  CHECK(s.house.get("/api/pawl/v1/predictions/" + forged).status == 404);
}

TEST_CASE("endpoints are listed with what their arms did") {
  Serving s;
  s.live();
  for (int i = 0; i < 10; ++i) s.infer(ab(i, 0));
  const auto e = s.house.as<Endpoint>(s.house.get("/api/pawl/v1/endpoints/e"));
  CHECK(e.predictions == 10);
  CHECK(e.ready);
  CHECK(e.arms.at(0).tally.rows == 10);
  const auto y = e.arms.at(0).tally.outputs.at(0);
  CHECK(y.name == "y");
  CHECK(y.mean == doctest::Approx(10));  // 2a + 1 for a = 0 … 9
  CHECK(y.variance == doctest::Approx(36.6666667));
  CHECK(y.max == 19);
  CHECK(s.house.get("/api/pawl/v1/endpoints").body.contains(R"("name":"e")"));
  CHECK(s.house.get("/api/pawl/v1/endpoints/f").status == 404);
}

TEST_CASE("rows and migrations are the same on both engines") {
  store::on_each_engine([](store::Store& store) {
    const store::ScratchFolder data;
    fs::create_directories(data.path / "artifacts/m");
    fs::copy_file(fs::path(PAWL_SOURCE_DIR) / "tests/serving/models/linear.onnx", data.path / "artifacts/m/model.onnx");
    FakeClock clock;
    testing::CountingRandom random;
    const auto open = [&] { return Service::open({.data = data.path}, store, clock, random).value(); };
    const auto service = open();
    REQUIRE(service->prepare("m", 1, "m"));
    REQUIRE(service->prepare("m", 1, "m"));
    const auto made = store.write([&](Tx& tx) -> Result<void> {
      Call call(tx, Ask{.who = pawl_itself(), .clock = &clock});
      for (const auto* name : {"e", "f", "e"}) TRY_(service->put_endpoint(call, {.name = name, .model = "m"}));
      TRY_(service->set_routing(call, "f",
                                {.arms = {{.version = 1, .share = 1}}, .rollout = "r", .step = 3, .salt = "s"}));
      return {};
    });
    REQUIRE_MESSAGE(made, made.error().message);
    const auto again = open();
    CHECK(again->endpoints()->size() == 2);
    const auto f = again->endpoint("f").value();
    CHECK(f.arms.at(0).version == 1);
    CHECK(f.arms.at(0).digest.size() == 64);
    CHECK(f.step == 3);
    CHECK(f.generation == 1);
    CHECK(again->metadata("f", {})->inputs.size() == 2);
  });
}

TEST_CASE("quantiles of latencies are within 3 percent, moments equal the plain ones") {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> draw(5, 1);
  Latencies latencies;
  Moments moments;
  std::vector<double> all;
  for (int i = 0; i < 20'000; ++i) {
    const auto us = static_cast<std::int64_t>(draw(random)) + 1;
    latencies.add(us);
    moments.add(static_cast<double>(us));
    all.push_back(static_cast<double>(us));
  }
  moments.add(std::nan(""));
  std::ranges::sort(all);
  for (const double q : {0.5, 0.9, 0.99}) {
    const double exact = all[static_cast<std::size_t>(std::ceil(q * 20'000)) - 1];
    CHECK(std::abs(latencies.quantile_ms(q) * 1000 - exact) <= 0.03 * exact + 1);
  }
  double mean = 0, squares = 0;
  for (const double x : all) mean += x / 20'000;
  for (const double x : all) squares += (x - mean) * (x - mean);
  CHECK(moments.mean == doctest::Approx(mean));
  CHECK(moments.squares == doctest::Approx(squares));
  CHECK(moments.missing == 1);
  CHECK(Latencies{}.quantile_ms(0.5) == 0);
}
