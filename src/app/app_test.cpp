// What only the whole house can show: every route names who may use it, and the server's life from folder to folder.
#include <thread>

#include "access/service.h"
#include "app/house.h"
#include "core/testing.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::app;

namespace {
constexpr std::string_view open_to_all[] = {"/",
                                            "/{path...}",
                                            "/health",
                                            "/version",
                                            "/metrics",
                                            "/openapi.json",
                                            "/v2",
                                            "/v2/health/live",
                                            "/v2/health/ready",
                                            "/api/pawl/v1/me",
                                            "/api/pawl/v1/login",
                                            "/api/pawl/v1/logout",
                                            "/api/3.0/mlflow/server-info",
                                            "/ajax-api/3.0/mlflow/server-info"};

std::unique_ptr<House> open(const store::ScratchFolder& folder) {
  auto house = House::open({.port = 0, .data = folder.path / "data", .runner = false});
  if (!house) FAIL(house.error().message, " ", house.error().detail);
  return std::move(*house);
}
}  // namespace

TEST_CASE("each route of the whole table names who may use it, but for those that are open to all") {
  store::ScratchFolder folder;
  auto house = open(folder);
  auto checked = access::every_route_has_permission(house->router(), open_to_all);
  CHECK_MESSAGE(checked.has_value(), (checked ? "" : checked.error().message));
  CHECK(house->router().entries().size() > 100);
}

TEST_CASE("each route says what it is") {
  store::ScratchFolder folder;
  auto house = open(folder);
  for (const auto& entry : house->router().entries()) {
    CAPTURE(entry->route.path);
    CHECK_FALSE(entry->route.about.empty());
  }
}

TEST_CASE("a data folder is made for its owner alone, may hold files that are not pawl's, and is opened again") {
  store::ScratchFolder folder;
  std::filesystem::create_directories(folder.path / "data");
  REQUIRE(store::write_file(folder.path / "data" / "mine.txt", "mine"));
  for (int i = 0; i < 2; ++i) {
    auto house = open(folder);
    std::thread serving([&] { house->run(); });
    house->stop();
    serving.join();
  }
  CHECK(store::read_file(folder.path / "data" / "mine.txt").value() == "mine");
  store::ScratchFolder other;
  auto house = open(other);
  const auto mode = std::filesystem::status(other.path / "data").permissions();
  CHECK((mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all)) ==
        std::filesystem::perms::none);
}

TEST_CASE("without users another address than loopback is refused before anything listens") {
  store::ScratchFolder folder;
  auto refused = House::open({.host = "0.0.0.0", .port = 0, .data = folder.path / "data", .runner = false});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.starts_with("without users only loopback is served"));
}
