#include "net/router.h"

#include "core/testing.h"
#include "net/testing.h"

namespace pawl::net {
namespace {

struct Find {
  std::string name{};
  std::int64_t version = 0;
  std::optional<std::string> note{};
  std::vector<std::string> tags{};
  static constexpr auto fields =
      std::tuple{field("name", &Find::name, {.required = true}), field("version", &Find::version, {.required = true}),
                 field("note", &Find::note, {.chars_max = 5, .about = "A remark"}), field("tags", &Find::tags)};
};
Result<Find> echo(Ask&, const Find& in) { return in; }

Result<Nothing> echo_nothing(Ask&, const Nothing&) { return Nothing{}; }
std::string house_field(const Response& r) {
  const auto problem = decode<Problem>(r.body);
  return problem ? problem->field : "no problem document: " + r.body;
}

std::string found_path(const Router& router, Method method, std::string_view target) {
  auto request = make_request(method, target);
  auto found = router.find(request);
  if (!found) return "none";
  std::string out = (*found)->route.path;
  for (const auto& p : request.params) out += " " + p.name + "=" + p.value;
  return out;
}

Router table() {
  Router r;
  for (const auto* path : {"/", "/a/b", "/a/{x}", "/a/{x}/c", "/files/{name...}", "/files/fixed"})
    r.add({.method = Method::GET, .path = path, .needs = May::read, .on = On::io, .about = ""},
          [](Ask&, const Nothing&) -> Result<Nothing> { return Nothing{}; });
  r.add({.method = Method::POST, .path = "/a/{x}", .needs = May::read, .on = On::io, .about = ""},
        [](Ask&, const Nothing&) -> Result<Nothing> { return Nothing{}; });
  return r;
}

}  // namespace

TEST_CASE("fixed parts win over named ones, named ones over the rest") {
  const auto router = table();
  each_of<std::string, std::string>({{"/", "/"},
                                     {"/a/b", "/a/b"},
                                     {"/a/z?x=1", "/a/{x} x=z"},
                                     {"/a/b/c", "/a/{x}/c x=b"},
                                     {"/a/x%2Fy/c", "/a/{x}/c x=x/y"},
                                     {"/files/fixed", "/files/fixed"},
                                     {"/files/fixed/no", "/files/{name...} name=fixed/no"},
                                     {"/files/a/b%20c", "/files/{name...} name=a/b c"},
                                     {"/files/", "/files/{name...} name="},
                                     {"/files", "/files/{name...} name="},
                                     {"/a/", "none"},
                                     {"/a//c", "none"},
                                     {"/nowhere", "none"},
                                     {"a/b", "none"},
                                     {"", "none"}},
                                    [&](const std::string& target, const std::string& wanted) {
                                      CHECK(found_path(router, Method::GET, target) == wanted);
                                    });
}
TEST_CASE("a method that another route has falls through to it") {
  CHECK(found_path(table(), Method::POST, "/a/b") == "/a/{x} x=b");
}
TEST_CASE("a known path with another method says which it knows") {
  const auto router = table();
  auto request = make_request(Method::DELETE, "/a/b");
  const auto found = router.find(request);
  REQUIRE(!found);
  CHECK(found.error().field == "method");
  CHECK(found.error().detail == "GET, POST");
}
TEST_CASE("the route of everything else knows no path of others, and slashes before a path do not matter") {
  Router router;
  const auto nothing = [](Ask&, const Nothing&) -> Result<Nothing> { return Nothing{}; };
  router.add({.method = Method::GET, .path = "/{page...}", .needs = May::read, .on = On::io, .about = ""}, nothing);
  router.add({.method = Method::GET, .path = "/a/{x}", .needs = May::read, .on = On::io, .about = ""}, nothing);
  auto request = make_request(Method::POST, "/nowhere");
  const auto found = router.find(request);
  REQUIRE(!found);
  CHECK(found.error().code == Code::missing);
  CHECK(found_path(router, Method::GET, "//a/b") == "/a/{x} x=b");
}
TEST_CASE("two handlers for one route are a mistake of the program") {
  Router r;
  auto add = [&](const char* path) {
    r.add({.method = Method::GET, .path = path, .needs = May::read, .on = On::io, .about = ""}, echo_nothing);
  };
  add("/x/{a}");
  CHECK_THROWS(add("/x/{b}"));
}

TEST_CASE("a handler's type is filled from path, query and body") {
  testing::House house;
  house.router.add({.method = Method::GET, .path = "/f/{name}", .needs = May::read, .on = On::io, .about = ""}, echo);
  house.router.add({.method = Method::POST, .path = "/f/{name}", .needs = May::read, .on = On::pool, .about = ""},
                   echo);
  house.router.add({.method = Method::DELETE, .path = "/f/{name}", .needs = May::read, .on = On::io, .about = ""},
                   echo);
  CHECK(house.get("/f/flights?version=3&tags=a&tags=b").body == R"({"name":"flights","version":3,"tags":["a","b"]})");
  CHECK(house.post("/f/flights", R"({"version": 3})").body == R"({"name":"flights","version":3,"tags":[]})");
  CHECK(house.post("/f/flights", R"({"name": "other", "version": "3"})").body ==
        R"({"name":"flights","version":3,"tags":[]})");
  CHECK(house.del("/f/flights?version=4").body == R"({"name":"flights","version":4,"tags":[]})");
  CHECK(house.del("/f/flights", R"({"version": 5})").body == R"({"name":"flights","version":5,"tags":[]})");
}
TEST_CASE("what is wrong with a request names the field") {
  testing::House house;
  house.router.add({.method = Method::POST, .path = "/f/{name}", .needs = May::read, .on = On::io, .about = ""}, echo);
  house.router.add({.method = Method::GET, .path = "/f/{name}", .needs = May::read, .on = On::io, .about = ""}, echo);
  each_of<std::string, std::string>({{R"({"version": "x"})", "version"},
                                     {R"({})", "version"},
                                     {R"({"version": 1, "nam": 2})", "nam"},
                                     {R"({"version": 1, "note": "123456"})", "note"},
                                     {R"({"version": 1, "tags": [1]})", "tags[0]"}},
                                    [&](const std::string& body, const std::string& field) {
                                      const auto got = house.post("/f/flights", body);
                                      CHECK(got.status == 400);
                                      CHECK(got.type == "application/problem+json");
                                      CHECK(house_field(got) == field);
                                    });
  CHECK(house_field(house.get("/f/flights?version=1&what=2")) == "what");
  CHECK(house_field(house.get("/f/flights")) == "version");
}
TEST_CASE("a work that fails leaves nothing in the store and says so in its dialect") {
  testing::House house;
  house.router.add({.method = Method::POST, .path = "/tell", .needs = May::read, .on = On::writer, .about = ""},
                   [](Call& call, const Nothing&) -> Result<Nothing> {
                     call.tell({.what = "test.happened", .subject_kind = "test", .subject = "1"});
                     return fail(Code::conflict, "not in this state");
                   });
  house.router.add({.method = Method::POST,
                    .path = "/throw",
                    .needs = May::read,
                    .on = On::writer,
                    .about = "",
                    .dialect = Dialect::mlflow},
                   [](Call&, const Nothing&) -> Result<Nothing> { throw std::runtime_error("boom"); });
  CHECK(house.post("/tell").status == 409);
  CHECK(house.post("/throw").status == 500);
  CHECK(house.post("/throw").body.contains("INTERNAL_ERROR"));
  CHECK(!house.post("/throw").body.contains("boom"));
}
TEST_CASE("what the authorizer refuses does not reach the handler") {
  testing::House house;
  bool ran = false;
  house.router.add({.method = Method::GET, .path = "/x", .needs = May::administer, .on = On::io, .about = ""},
                   [&ran](Ask&, const Nothing&) -> Result<Nothing> {
                     ran = true;
                     return Nothing{};
                   });
  house.authorizer.rule = [](const Who&, May needs) -> Result<void> {
    if (needs == May::administer) return fail(Code::denied, "for admins");
    return {};
  };
  CHECK(house.get("/x").status == 403);
  CHECK(!ran);
}
TEST_CASE("an upload comes in pieces and a failing one is dropped") {
  testing::House house;
  struct Kept : Upload {
    std::string& all;
    explicit Kept(std::string& a) : all(a) {}
    Result<void> write(std::string_view piece) override {
      all += piece;
      if (all.size() > 200'000) return fail(Code::unavailable, "the disk is full");
      return {};
    }
    Result<Response> finish() override { return Response{.body = std::to_string(all.size())}; }
  };
  std::string all;
  house.router.add_upload(
      {.method = Method::PUT, .path = "/up/{name...}", .needs = May::track, .on = On::pool, .about = ""},
      [&all](Ask&, const Request&) -> Result<std::unique_ptr<Upload>> { return std::make_unique<Kept>(all); });
  CHECK(house.put("/up/a/b", std::string(150'000, 'x')).body == "150000");
  CHECK(house.put("/up/a/b", std::string(150'000, 'x')).status == 503);
}
TEST_CASE("the OpenAPI page lists every route with its permission, and each type once") {
  Router r;
  r.add({.method = Method::GET, .path = "/f/{name}", .needs = May::read, .on = On::io, .about = "Find"}, echo);
  r.add({.method = Method::POST, .path = "/f/{name}", .needs = May::operate, .on = On::io, .about = "Make \"it\""},
        echo);
  const auto page = r.openapi("1.2.3");
  CHECK(json_at(page, "openapi") == R"("3.1.0")");
  CHECK(json_at(page, "info.version") == R"("1.2.3")");
  REQUIRE(canonical_json(page));
  CHECK(page.contains(R"("x-pawl-permission":"operate")"));
  CHECK(page.contains(R"("/f/{name}":{"get":)"));
  CHECK(page.contains(R"("$ref":"#/components/schemas/GetFNameAnswer")"));
  CHECK(page.contains(R"("maxLength":5,"description":"A remark")"));
  CHECK(page.contains(R"("required":["name","version"])"));
}

}  // namespace pawl::net
