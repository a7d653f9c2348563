#include "net/client.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "core/testing.h"
#include "net/command.h"
#include "net/server.h"
#include "net/testing.h"
#include "store/files.h"
#include "store/testing.h"

namespace pawl::net {
namespace {

struct Echo {
  std::string text{};
  static constexpr auto fields = std::tuple{field("text", &Echo::text, {.required = true})};
};
class Collect final : public Upload {
 public:
  Result<void> write(std::string_view piece) override {
    bytes_ += piece.size();
    return {};
  }
  Result<Response> finish() override { return Response{.body = std::to_string(bytes_)}; }

 private:
  std::size_t bytes_ = 0;
};

struct Running {
  testing::House house;
  store::ScratchFolder scratch;
  std::unique_ptr<Server> server;
  std::thread thread;
  explicit Running(std::filesystem::path socket = {}) {
    house.router.add({.method = Method::POST, .path = "/echo", .needs = May::read, .on = On::io, .about = ""},
                     [](Ask&, const Echo& in) -> Result<Echo> { return in; });
    house.router.add_raw({.method = Method::GET, .path = "/head/{name}", .needs = May::read, .on = On::io, .about = ""},
                         [](Ask&, const Request& r) -> Result<Response> {
                           return Response{.body = encode(Echo{std::string(r.header(r.param("name")))})};
                         });
    house.router.add_raw({.method = Method::GET, .path = "/peer", .needs = May::read, .on = On::io, .about = ""},
                         [](Ask&, const Request& r) -> Result<Response> { return Response{.body = r.peer}; });
    house.router.add_raw(
        {.method = Method::GET, .path = "/file", .needs = May::read, .on = On::pool, .about = ""},
        [this](Ask&, const Request&) -> Result<Response> { return Response{.file = FileBody{scratch.path / "big"}}; });
    house.router.add_upload(
        {.method = Method::PUT, .path = "/file", .needs = May::read, .on = On::pool, .about = ""},
        [](Ask&, const Request&) -> Result<std::unique_ptr<Upload>> { return std::make_unique<Collect>(); });
    auto listening =
        Server::listen({.owner_socket = std::move(socket)}, house.router, *house.store, house.authorizer, house.clock);
    if (!listening) FAIL(listening.error().message);
    server = std::move(*listening);
    thread = std::thread([this] { server->run(); });
  }
  ~Running() {
    server->stop();
    thread.join();
  }
  Client client(std::string token = {}) {
    return Client({.server = "http://127.0.0.1:" + std::to_string(server->port()) + "/", .token = std::move(token)});
  }
};

// The environment is the process's: put back when done.
struct Environment {
  std::string name, before;
  bool had;
  Environment(const char* n, const std::string& value)
      : name(n), before(std::getenv(n) ? std::getenv(n) : ""), had(std::getenv(n)) {
    ::setenv(n, value.c_str(), 1);
  }
  ~Environment() {
    if (had)
      ::setenv(name.c_str(), before.c_str(), 1);
    else
      ::unsetenv(name.c_str());
  }
};

}  // namespace

TEST_CASE("a typed call comes back typed, a refusal comes back as its error") {
  Running r;
  auto client = r.client();
  auto good = client.call<Echo>(Method::POST, "/echo", Echo{"hello"});
  REQUIRE(good);
  CHECK(good->text == "hello");
  auto bad = client.call<Echo>(Method::POST, "/echo", Echo{""});
  REQUIRE(!bad);
  CHECK((bad.error().code == Code::invalid && bad.error().field == "text"));
  auto none = client.get<Echo>("/nowhere");
  REQUIRE(!none);
  CHECK(none.error().code == Code::missing);
}
TEST_CASE("a token is sent as a bearer") {
  Running r;
  auto client = r.client("secret");
  CHECK(client.get<Echo>("/head/authorization")->text == "Bearer secret");
}
TEST_CASE("nobody at the other end is said so, without the token") {
  Client client({.server = "http://127.0.0.1:1", .token = "secret"});
  auto got = client.get<Echo>("/x");
  REQUIRE(!got);
  CHECK(got.error().code == Code::unavailable);
  CHECK(got.error().message.contains("http://127.0.0.1:1"));
  CHECK(!got.error().message.contains("secret"));
}
TEST_CASE("files go up and down, and a refused download leaves none") {
  Running r;
  {
    std::ofstream out(r.scratch.path / "big");
    for (int i = 0; i < 300'000; ++i) out << i << '\n';
  }
  auto client = r.client();
  REQUIRE(client.download("/file", r.scratch.path / "copy"));
  CHECK(*store::read_file(r.scratch.path / "copy") == *store::read_file(r.scratch.path / "big"));
  auto up = client.upload("/file", r.scratch.path / "big");
  REQUIRE(up);
  CHECK(up->body == std::to_string(std::filesystem::file_size(r.scratch.path / "big")));
  CHECK(!client.download("/nowhere", r.scratch.path / "none"));
  CHECK(!std::filesystem::exists(r.scratch.path / "none"));
}
TEST_CASE("the owner's socket is closed to others, and its callers are known by it") {
  store::ScratchFolder folder;
  const auto path = folder.path / std::string(120, 'd') / "owner.sock";  // longer than a socket's address may be
  std::filesystem::create_directories(path.parent_path());
  {
    Running r(path);
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
    Client client({.unix_socket = path, .token = "not sent"});
    CHECK(client.send(Method::GET, "/peer")->body == "unix");
    CHECK(client.send(Method::GET, "/head/authorization")->body == R"({"text":""})");
    auto second =
        Server::listen({.owner_socket = path}, r.house.router, *r.house.store, r.house.authorizer, r.house.clock);
    REQUIRE(!second);
    CHECK(second.error().code == Code::exists);
  }
  CHECK(!std::filesystem::exists(path));
}
TEST_CASE("a socket that a killed server left behind is taken over") {
  store::ScratchFolder folder;
  const auto path = folder.path / "owner.sock";
  {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.string().copy(at.sun_path, sizeof at.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    ::close(fd);
  }
  Running r(path);
  CHECK(Client({.unix_socket = path}).send(Method::GET, "/peer")->body == "unix");
}
TEST_CASE("a login is remembered for its server, in a file for its owner only") {
  store::ScratchFolder folder;
  const Environment config("XDG_CONFIG_HOME", folder.path.string());
  Command a, b;
  a.server = "http://a:1/";
  b.server = "http://b:1";
  REQUIRE(a.remember("t1"));
  REQUIRE(b.remember("t2"));
  CHECK(*store::read_file(credentials_path()) == "{\"tokens\":{\"http://a:1\":\"t1\",\"http://b:1\":\"t2\"}}\n");
  struct stat facts{};
  REQUIRE(::stat(credentials_path().c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0600);
  REQUIRE(a.remember(""));
  CHECK(!store::read_file(credentials_path())->contains("t1"));
}
TEST_CASE("the token comes from the environment, a file or the login, in this order") {
  store::ScratchFolder folder;
  Running r;
  const Environment config("XDG_CONFIG_HOME", folder.path.string());
  Command command;
  command.server = "http://127.0.0.1:" + std::to_string(r.server->port());
  REQUIRE(command.remember("by-login"));
  auto sent = [&] { return command.client()->get<Echo>("/head/authorization")->text; };
  CHECK(sent() == "Bearer by-login");
  std::ofstream(folder.path / "token") << "by-file\n";
  const Environment file("PAWL_TOKEN_FILE", (folder.path / "token").string());
  CHECK(sent() == "Bearer by-file");
  const Environment token("PAWL_TOKEN", "by-environment");
  CHECK(sent() == "Bearer by-environment");
}
TEST_CASE("exit codes tell wrong usage from what could not be done") {
  Command command;
  command.failed({Code::invalid, "no such word", "--word", {}});
  CHECK(command.exit_code == 2);
  command.failed({Code::invalid, "the server says: no", {}, "status 400"});
  CHECK(command.exit_code == 3);
  command.failed({Code::unavailable, "nobody there", {}, {}});
  CHECK(command.exit_code == 3);
  command.server = "127.0.0.1:5000";
  const auto client = command.client();
  REQUIRE(!client);
  CHECK(client.error().field == "--server");
}
TEST_CASE("a table pads by characters, not bytes") {
  CHECK(table({{"NAME", "STATE"}, {"\xC3\xA9t\xC3\xA9", "on"}, {"a", ""}}) ==
        "NAME  STATE\n\xC3\xA9t\xC3\xA9   on\na\n");
}

}  // namespace pawl::net
