// An endpoint for tests: a whole server in memory but for the log, which is files in a folder of the test.
#pragma once
#include "core/json.h"
#include "core/testing.h"
#include "jobs/jobs.h"
#include "net/metrics.h"
#include "net/testing.h"
#include "serving/service.h"
#include "store/testing.h"

namespace pawl::serving {

// Versions of the model "m": 1 linear (y = 2a + 3b + 1), 2 linear10 (ten times that), 3 renamed (wants z), 4 fragile, 5 matrix with columns p, q, r.
struct Serving {
  store::ScratchFolder data;
  pawl::testing::House house;
  net::Metrics metrics;
  std::unique_ptr<Service> service;
  std::size_t model_bytes_max, segment_bytes_max;

  explicit Serving(std::size_t bytes_max = 2ULL << 30, std::size_t segment_bytes = 64 << 20)
      : model_bytes_max(bytes_max), segment_bytes_max(segment_bytes) {
    int version = 0;
    for (const auto* name : {"linear", "linear10", "renamed", "fragile", "matrix"}) {
      const auto folder = data.path / "artifacts/m" / std::to_string(++version);
      std::filesystem::create_directories(folder);
      std::filesystem::copy_file(
          std::filesystem::path(PAWL_SOURCE_DIR) / "tests/serving/models" / (std::string(name) + ".onnx"),
          folder / "model.onnx");
    }
    start();
    mount(house.router, *service);
  }
  void start() {
    auto opened = Service::open({.data = data.path,
                                 .model_bytes_max = model_bytes_max,
                                 .segment_bytes_max = segment_bytes_max,
                                 .metrics = &metrics},
                                *house.store, house.clock, house.random);
    REQUIRE_MESSAGE(opened, opened.error().message);
    service = std::move(*opened);
  }
  void prepare(std::int64_t version, std::vector<std::string> inputs = {}) {
    const auto done = service->prepare("m", version, "m/" + std::to_string(version), {}, std::move(inputs));
    REQUIRE_MESSAGE(done, done.error().message);
  }
  Result<Routing> route(Routing routing, const std::string& endpoint = "e") {
    return house.write([&](Call& call) { return service->set_routing(call, endpoint, routing); });
  }
  // What the job does once a minute.
  void seal() {
    jobs::Worker worker(*house.store, house.clock, house.random);
    service->work(worker);
    house.clock.pass(std::chrono::minutes(2));
    REQUIRE(worker.run_until_idle());
  }
  void restart() {
    start();
    mount(house.router = net::Router{}, *service);
  }
  void endpoint(bool replay = false) {
    const auto made = house.write(
        [&](Call& call) { return service->put_endpoint(call, {.name = "e", .model = "m", .replay = replay}); });
    REQUIRE_MESSAGE(made, made.error().message);
  }
  // An endpoint "e" with version 1 live.
  void live(std::int64_t version = 1) {
    endpoint();
    prepare(version);
    REQUIRE(route({.arms = {{.version = version, .share = 1}}}));
  }
  net::Response infer(std::string body, std::string_view path = "/v2/models/e/infer") {
    return house.post(path, std::move(body));
  }
};

inline std::string ab(double a, double b, std::string_view more = {}) {
  return R"({"inputs":[{"name":"a","shape":[1,1],"datatype":"FP32","data":[)" + std::to_string(a) +
         R"(]},{"name":"b","shape":[1,1],"datatype":"FP32","data":[)" + std::to_string(b) + "]}]" + std::string(more) +
         "}";
}
inline std::string id_of(const net::Response& r) {
  const auto id = json_at(r.body, "parameters.prediction_ids.0");
  REQUIRE_MESSAGE(id, r.body);
  return id->substr(1, id->size() - 2);
}
inline std::string version_of(const net::Response& r) { return json_at(r.body, "model_version").value_or(""); }

}  // namespace pawl::serving
