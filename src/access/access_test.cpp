#include "access/routes.h"
#include "core/testing.h"
#include "net/testing.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::access;

namespace {

// The room with its own authorizer in the place of the one that lets everybody in.
struct Gatehouse {
  store::ScratchFolder folder;
  FakeClock clock;
  SystemRandom random;
  std::unique_ptr<store::Store> store = store::open_or_die();
  std::unique_ptr<Service> access = std::move(*Service::open(*store, folder.path / "keys", clock, random));
  net::Router router;
  Gatehouse() {
    mount(router, *access);
    router.add_raw(
        {.method = net::Method::POST,
         .path = "/v2/models/{name}/infer",
         .needs = May::predict,
         .on = On::io,
         .about = ""},
        [](Ask& ask, const net::Request&) -> Result<net::Response> { return net::Response{.body = ask.who.name}; });
  }
  net::Response send(net::Method method, std::string target, std::string body, std::string authorization,
                     std::string peer = "127.0.0.1") {
    net::Request r{.method = method, .target = target, .path = target, .body = body, .peer = peer};
    if (!body.empty()) r.headers.push_back({"content-type", "application/json"});
    if (!authorization.empty())
      r.headers.push_back({authorization.starts_with("pawl_session=") ? "cookie" : "authorization", authorization});
    return net::handle_now(router, *store, *access, clock, std::move(r));
  }
  net::Response get(std::string target, std::string authorization) {
    return send(net::Method::GET, target, {}, authorization);
  }
  net::Response post(std::string target, std::string body, std::string authorization = {}) {
    return send(net::Method::POST, target, body, authorization);
  }
  std::string add(std::string name, std::string role, std::string password = {}) {
    auto made =
        send(net::Method::POST, "/api/pawl/v1/users",
             R"({"name":")" + name + R"(","role":")" + role + R"(","password":")" + password + "\"}", {}, "unix");
    REQUIRE_MESSAGE(made.status == 200, made.body);
    return "Bearer " + decode<UserMade>(made.body)->token;
  }
};
std::string basic(std::string name, std::string password) { return "Basic " + base64(name + ":" + password); }

}  // namespace

TEST_CASE("without users every caller is a local admin and only loopback is served") {
  Gatehouse g;
  CHECK(g.get("/api/pawl/v1/me", "").body == R"({"name":"local","role":"admin","kind":"local","sign_in":false})");
  CHECK(g.access->may_listen_on("127.0.0.1"));
  CHECK(g.access->may_listen_on("localhost"));
  CHECK(g.access->may_listen_on("0.0.0.0").error().code == Code::denied);
}

TEST_CASE("given a first user, then sign-in is on: who is not known is asked to sign in") {
  Gatehouse g;
  const auto olga = g.add("olga", "operator", "correct horse");
  CHECK(g.get("/api/pawl/v1/users", "").status == 401);
  CHECK(g.get("/api/pawl/v1/users", "Bearer wrong").status == 401);
  CHECK(g.get("/api/pawl/v1/users", basic("olga", "wrong horse")).status == 401);
  CHECK(g.get("/api/pawl/v1/users", basic("nobody", "x")).status == 401);
  CHECK(g.get("/api/pawl/v1/users", olga).status == 200);
  CHECK(g.get("/api/pawl/v1/users", basic("olga", "correct horse")).status == 200);
  CHECK(g.get("/api/pawl/v1/users", basic("olga", olga.substr(7))).status == 200);
  CHECK(g.get("/api/pawl/v1/me", olga).body == R"({"name":"olga","role":"operator","kind":"person","sign_in":true})");
  CHECK(g.send(net::Method::GET, "/api/pawl/v1/users", {}, {}, "unix").status == 200);
  CHECK(g.access->may_listen_on("0.0.0.0"));
}

TEST_CASE("each role may what the one before may, and no more") {
  Gatehouse g;
  std::map<Role, Who> people;
  for (auto role : {Role::viewer, Role::scientist, Role::operator_, Role::admin})
    people[role] = {Who::Kind::person, "p", role, {}};
  each_of<May, Role>({{May::read, Role::viewer},
                      {May::predict, Role::viewer},
                      {May::track, Role::scientist},
                      {May::approve, Role::scientist},
                      {May::propose, Role::scientist},
                      {May::operate, Role::operator_},
                      {May::push, Role::operator_},
                      {May::administer, Role::admin},
                      {May::run_jobs, Role::admin}},
                     [&](May needs, Role least) {
                       for (const auto& [role, who] : people)
                         CHECK(g.access->allow(who, needs, {}).has_value() == (role >= least));
                     });
}

TEST_CASE("a token for an endpoint predicts there and nothing else") {
  Gatehouse g;
  const auto olga = g.add("olga", "operator");
  const auto ada = g.add("ada", "scientist");
  CHECK(g.post("/api/pawl/v1/tokens", R"({"predict":"delay"})", ada).status == 403);
  auto made = g.post("/api/pawl/v1/tokens", R"({"predict":"delay"})", olga);
  REQUIRE(made.status == 200);
  const auto token = "Bearer " + decode<TokenMade>(made.body)->token;
  CHECK(g.post("/v2/models/delay/infer", "{}", token).body == "predictor:delay");
  CHECK(g.post("/v2/models/other/infer", "{}", token).status == 403);
  CHECK(g.get("/api/pawl/v1/users", token).status == 403);
  const auto id = decode<TokenMade>(made.body)->id;
  CHECK(g.send(net::Method::DELETE, "/api/pawl/v1/tokens/" + id, {}, ada).status == 404);
  CHECK(g.send(net::Method::DELETE, "/api/pawl/v1/tokens/" + id, {}, olga).status == 200);
  CHECK(g.post("/v2/models/delay/infer", "{}", token).status == 401);
}

TEST_CASE("a training's token is good for its epoch only, and cannot be made up") {
  Gatehouse g;
  g.add("olga", "operator");
  std::int64_t epoch = 1;
  g.access->flows_alive_by([&](std::string_view flow, std::int64_t e) { return flow == "f1" && e == epoch; });
  const auto token = "Bearer " + g.access->flow_token("f1", 1);
  CHECK(g.get("/api/pawl/v1/users", token).status == 200);
  CHECK(g.post("/api/pawl/v1/users", R"({"name":"x","role":"admin"})", token).status == 403);
  CHECK(g.get("/api/pawl/v1/users", "Bearer " + g.access->flow_token("f2", 1)).status == 401);
  std::string forged = token;
  forged[7 + 8] = '2';  // f1.1 -> f1.2 or another flow: the signature does not fit
  CHECK(g.get("/api/pawl/v1/users", forged).status == 401);
  epoch = 2;
  CHECK(g.get("/api/pawl/v1/users", token).status == 401);
}

TEST_CASE("a page signs in with a password or a token and gets a cookie that cannot be altered and ends") {
  Gatehouse g;
  const auto ada = g.add("ada", "scientist", "correct horse");
  CHECK(g.post("/api/pawl/v1/login", R"({"name":"ada","password":"wrong"})").status == 401);
  for (const auto& body :
       {std::string(R"({"name":"ada","password":"correct horse"})"), R"({"token":")" + ada.substr(7) + "\"}"}) {
    auto got = g.post("/api/pawl/v1/login", body);
    REQUIRE(got.status == 200);
    auto cookie = std::ranges::find(got.headers, "Set-Cookie", &net::Pair::name)->value;
    CHECK(cookie.contains("; HttpOnly; SameSite=Strict"));
    cookie = cookie.substr(0, cookie.find(';'));
    CHECK(g.get("/api/pawl/v1/me", cookie).body.contains("\"ada\""));
    CHECK(g.get("/api/pawl/v1/users", "pawl_session=olga" + cookie.substr(cookie.find('.'))).status == 401);
  }
  auto got = g.post("/api/pawl/v1/login", R"({"name":"ada","password":"correct horse"})");
  auto cookie = got.headers.front().value;
  CHECK(g.get("/api/pawl/v1/users", cookie.substr(0, cookie.find(';'))).status == 200);
  CHECK(g.send(net::Method::PATCH, "/api/pawl/v1/users/ada", R"({"password":"battery staple"})", {}, "unix").status ==
        200);
  CHECK(g.get("/api/pawl/v1/users", cookie.substr(0, cookie.find(';'))).status == 401);
  got = g.post("/api/pawl/v1/login", R"({"name":"ada","password":"battery staple"})");
  cookie = got.headers.front().value;
  g.clock.pass(std::chrono::hours(13));
  CHECK(g.get("/api/pawl/v1/users", cookie.substr(0, cookie.find(';'))).status == 401);
}

TEST_CASE("the last admin stays, names are plain, and only digests of secrets are stored") {
  Gatehouse g;
  const auto root = g.add("root", "admin", "correct horse");
  g.add("ada", "scientist");
  CHECK(g.send(net::Method::DELETE, "/api/pawl/v1/users/root", {}, root).status == 409);
  CHECK(g.send(net::Method::PATCH, "/api/pawl/v1/users/root", R"({"role":"viewer"})", root).status == 409);
  CHECK(g.post("/api/pawl/v1/users", R"({"name":"a b","role":"viewer"})", root).status == 400);
  CHECK(g.post("/api/pawl/v1/users", R"({"name":"pawl","role":"viewer"})", root).status == 400);
  CHECK(g.post("/api/pawl/v1/users", R"({"name":"ada","role":"viewer"})", root).status == 409);
  CHECK(g.post("/api/pawl/v1/users", R"({"name":"bob","role":"viewer","password":"short"})", root).status == 400);
  CHECK(g.send(net::Method::DELETE, "/api/pawl/v1/users/ada", {}, root).status == 200);
  std::string everything;
  REQUIRE(g.store->read([&](Tx& tx) -> Result<void> {
    TRY(tokens, rows::tokens(tx));
    for (auto& t : tokens) everything += t.digest;
    TRY(accounts, rows::accounts(tx));
    for (auto& a : accounts) everything += a.password_hash;
    return {};
  }));
  CHECK_FALSE(everything.contains("correct horse"));
  CHECK_FALSE(everything.contains(root.substr(7)));
}

TEST_CASE("commits are mapped to users by address, in any case") {
  Gatehouse g;
  const auto root = g.add("root", "admin");
  CHECK(g.post("/api/pawl/v1/users/root/emails", R"({"email":"Root@Example.org"})", root).status == 200);
  CHECK(g.post("/api/pawl/v1/users/nobody/emails", R"({"email":"x@example.org"})", root).status == 404);
  CHECK(g.store
            ->read_for<std::optional<std::string>>(
                [&](Tx& tx) { return g.access->user_of_email(tx, "root@example.ORG"); })
            .value() == "root");
  CHECK_FALSE(
      g.store
          ->read_for<std::optional<std::string>>([&](Tx& tx) { return g.access->user_of_email(tx, "x@example.org"); })
          .value()
          .has_value());
}

TEST_CASE("a password is hashed slowly once, then remembered for five minutes") {
  FakeClock clock;
  SystemRandom random;
  Passwords passwords(clock, random);
  const auto hash = Passwords::hash("correct horse").value();
  CHECK_FALSE(passwords.known("correct horse", hash).has_value());
  CHECK_FALSE(passwords.check("wrong horse", hash));
  CHECK(passwords.check("correct horse", hash));
  CHECK(passwords.known("correct horse", hash) == true);
  CHECK_FALSE(passwords.known("wrong horse", hash).has_value());
  clock.pass(std::chrono::minutes(5));
  CHECK_FALSE(passwords.known("correct horse", hash).has_value());
}

TEST_CASE("wrong passwords make a name wait, the remembered one goes on") {
  Gatehouse g;
  g.add("ada", "scientist", "correct horse");
  CHECK(g.get("/api/pawl/v1/users", basic("ada", "correct horse")).status == 200);
  for (int i = 0; i < Passwords::wrong_max; ++i)
    CHECK(g.get("/api/pawl/v1/users", basic("ada", "wrong" + std::to_string(i))).status == 401);
  CHECK(g.get("/api/pawl/v1/users", basic("ada", "wrong again")).status == 503);
  CHECK(g.get("/api/pawl/v1/users", basic("ada", "correct horse")).status == 200);
  g.clock.pass(std::chrono::minutes(1));
  CHECK(g.get("/api/pawl/v1/users", basic("ada", "wrong again")).status == 401);
}

TEST_CASE("without users a stale training stays refused, and so does who comes from elsewhere") {
  Gatehouse g;
  g.access->flows_alive_by([](std::string_view, std::int64_t epoch) { return epoch == 2; });
  CHECK(g.get("/api/pawl/v1/users", "Bearer " + g.access->flow_token("f1", 1)).status == 401);
  CHECK(g.get("/api/pawl/v1/me", "Bearer " + g.access->flow_token("f1", 2)).body.contains("flow:f1"));
  CHECK(g.get("/api/pawl/v1/users", "Bearer of another server").status == 200);
  CHECK(g.send(net::Method::GET, "/api/pawl/v1/users", {}, {}, "192.0.2.7").status == 401);
}

TEST_CASE("every route of this room has a permission, and a forgotten one is found") {
  Gatehouse g;
  constexpr std::string_view open[] = {"/api/pawl/v1/me", "/api/pawl/v1/login", "/api/pawl/v1/logout"};
  CHECK(every_route_has_permission(g.router, open));
  g.router.add({.method = net::Method::POST, .path = "/forgotten", .on = On::io, .about = ""},
               [](Ask&, const Nothing&) -> Result<Nothing> { return Nothing{}; });
  const auto found = every_route_has_permission(g.router, open);
  REQUIRE(!found);
  CHECK(found.error().message == "POST /forgotten names no permission");
}

TEST_CASE("users and tokens are the same on both engines") {
  store::on_each_engine([](store::Store& store) {
    store::ScratchFolder folder;
    FakeClock clock;
    SystemRandom random;
    auto access = std::move(*Service::open(store, folder.path / "keys", clock, random));
    Ask ask{.who = {Who::Kind::local, "owner", Role::admin, {}}, .clock = &clock};
    REQUIRE(access->add_user(ask, {.name = "root", .role = Role::admin}));
    REQUIRE(access->add_user(ask, {.name = "ada", .role = Role::viewer, .password = "correct horse"}));
    REQUIRE(access->change_user(ask, {.name = "ada", .role = Role::scientist}));
    auto again = std::move(*Service::open(store, folder.path / "keys", clock, random));
    net::Request head{.headers = {{"authorization", basic("ada", "correct horse")}}, .peer = "192.0.2.7"};
    CHECK(again->who_slowly(head)->role == Role::scientist);
    REQUIRE(store.write([&](Tx& tx) -> Result<void> {
      Call call(tx, ask);
      TRY_(access->map_email(call, {.name = "ada", .email = "ada@example.org"}));
      TRY_(access->remove_user(call, {.name = "ada"}));
      return {};
    }));
    CHECK(store.read_for<UserList>([&](Tx& tx) { return access->users(tx); })->items.size() == 1);
    CHECK_FALSE(
        store
            .read_for<std::optional<std::string>>([&](Tx& tx) { return access->user_of_email(tx, "ada@example.org"); })
            ->has_value());
  });
}
