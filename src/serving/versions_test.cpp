// Which versions an endpoint may route to, how they are prepared and loaded, and what it says of itself.
#include "serving/model/models.h"
#include "serving/testing.h"

using namespace pawl;
using namespace pawl::serving;
namespace fs = std::filesystem;

TEST_CASE("a version must be prepared before it is routed to, and the routing must add up") {
  Serving s;
  s.live();
  s.prepare(2);
  using Arms = std::vector<ArmShare>;
  each_of<std::string, Arms>(
      {{"m@4 was not prepared", {{.version = 4, .share = 1}}},
       {"the shares add up to 0.9", {{.version = 1, .share = 0.9}}},
       {"expected one live version, got 0", {{.version = 1, .share = 1, .arm = Arm::canary}}},
       {"expected one live version, got 2", {{.version = 1, .share = 0.5}, {.version = 2, .share = 0.5}}},
       {"version 1 is there twice", {{.version = 1, .share = 0.5}, {.version = 1, .share = 0.5, .arm = Arm::canary}}},
       {"expected 0 to 1", {{.version = 1, .share = -1}, {.version = 2, .share = 2, .arm = Arm::canary}}},
       {"live or canary", {{.version = 1, .share = 1, .arm = Arm::direct}}}},
      [&](const std::string& message, const Arms& arms) {
        const auto r = s.route({.arms = arms});
        REQUIRE(!r);
        CHECK_MESSAGE(r.error().message.contains(message), r.error().message);
      });
  CHECK(s.route({.arms = {{.version = 1, .share = 1}}}, "nowhere").error().code == Code::missing);
  CHECK(s.house.read([&](Call& call) { return s.service->routing(call.tx, "e"); })->generation == 1);
  CHECK(s.route({.arms = {{.version = 2, .share = 1}}})->generation == 2);
  CHECK(version_of(s.infer(ab(1, 2))) == R"("2")");
}

TEST_CASE("a routing that was rolled back changes nothing") {
  Serving s;
  s.live();
  s.prepare(2);
  const auto refused = s.house.write([&](Call& call) -> Result<void> {
    TRY_(s.service->set_routing(call, "e", {.arms = {{.version = 2, .share = 1}}}));
    return fail(Code::conflict, "something else went wrong");
  });
  CHECK(!refused);
  CHECK(version_of(s.infer(ab(1, 2))) == R"("1")");
}

TEST_CASE("an endpoint's name becomes a folder, so it may hold nothing else") {
  Serving s;
  each_of<std::string, bool>(
      {{"arrival-delay", true},
       {"a.b_C9", true},
       {"", false},
       {"..", false},
       {".hidden", false},
       {"a/b", false},
       {"a b", false},
       {std::string(101, 'x'), false}},
      [&](const std::string& name, bool good) {
        CHECK(s.house.write([&](Call& call) { return s.service->put_endpoint(call, {.name = name, .model = "m"}); })
                  .has_value() == good);
      });
  const auto other =
      s.house.write([&](Call& call) { return s.service->put_endpoint(call, {.name = "a.b_C9", .model = "n"}); });
  CHECK(other.error().code == Code::conflict);
}

TEST_CASE("preparing proves the version, its files and its digest") {
  Serving s;
  const auto good = s.service->prepare("m", 1, "m/1").value();
  CHECK(good.inputs.at(0).name == "a");
  CHECK(good.inputs.at(0).type == "FP32");
  CHECK(s.service->prepare("m", 1, "m/1", good.digest).has_value());
  each_of<std::string, std::string, std::string>(
      {{"m/1", std::string(64, '0'), "expected 0000"}, {"../../etc", "", "Invalid path"}, {"m/9", "", "m@9"}},
      [&](const std::string& folder, const std::string& digest, const std::string& message) {
        const auto r = s.service->prepare("m", 9, folder, digest);
        REQUIRE(!r);
        CHECK_MESSAGE(r.error().message.contains(message), r.error().message);
      });
  fs::remove(s.data.path / "artifacts/m/2/model.onnx");
  fs::copy_file(fs::path(PAWL_SOURCE_DIR) / "tests/serving/models/one_answer.onnx",
                s.data.path / "artifacts/m/2/model.onnx");
  CHECK(s.service->prepare("m", 2, "m/2")
            .error()
            .message.contains("m@2 does not answer made-up rows: output \"y\" has shape [1,1] for 64 rows"));
}

TEST_CASE("a version whose files changed after it was prepared is not served") {
  Serving s;
  s.live();
  s.start();
  mount(s.house.router = net::Router{}, *s.service);
  fs::remove(s.data.path / "artifacts/m/1/model.onnx");
  fs::copy_file(fs::path(PAWL_SOURCE_DIR) / "tests/serving/models/linear10.onnx",
                s.data.path / "artifacts/m/1/model.onnx");
  const auto r = s.infer(ab(1, 2));
  CHECK(r.status == 503);
  CHECK_MESSAGE(r.body.contains("the model file has digest"), r.body);
}

TEST_CASE("past the byte budget the version not used for longest goes, a live one never") {
  Serving s(500);  // two of these models
  s.live();
  for (const std::int64_t v : {2, 3, 4}) s.prepare(v);
  CHECK(s.service->ready("e", 1).value());
  CHECK(!s.service->ready("e", 2).value());
  CHECK(s.service->ready("e", 4).value());
  CHECK(s.infer(ab(1, 2), "/v2/models/e/versions/2/infer").status == 200);  // comes back when asked for
  CHECK(s.service->ready("e", 2).value());
  CHECK(!s.service->ready("e", 4).value());
  CHECK(s.service->ready("e", 1).value());
}

TEST_CASE("health, server and model metadata") {
  Serving s;
  CHECK(s.house.get("/v2").body.starts_with(R"({"name":"pawl","version":")"));
  CHECK(s.house.get("/v2/health/live").body == R"({"live":true})");
  CHECK(s.house.get("/v2/health/ready").status == 200);
  s.live();
  CHECK(
      s.house.get("/v2/models/e").body ==
      R"({"name":"e","versions":["1"],"platform":"onnx_onnxv1","inputs":[{"name":"a","datatype":"FP32","shape":[-1,1]},{"name":"b","datatype":"FP32","shape":[-1,1]}],)"
      R"("outputs":[{"name":"y","datatype":"FP32","shape":[-1,1]}]})");
  CHECK(s.house.get("/v2/models/e/versions/1").status == 200);
  CHECK(s.house.get("/v2/models/e/versions/2").status == 404);
  CHECK(s.house.get("/v2/models/e/ready").body == R"({"name":"e","ready":true})");
  CHECK(s.house.get("/v2/models/f").status == 404);
  s.start();
  mount(s.house.router = net::Router{}, *s.service);
  CHECK(s.house.get("/v2/health/ready").status == 503);
  CHECK(s.house.get("/v2/models/e/ready").status == 503);
  CHECK(s.infer(ab(1, 2)).status == 200);
  CHECK(s.house.get("/v2/health/ready").status == 200);
}
