// The server on a real socket, port 0.
#include "net/server.h"

#include <fstream>
#include <future>
#include <latch>

#include "core/testing.h"
#include "net/raw_socket.h"
#include "net/testing.h"
#include "store/files.h"
#include "store/testing.h"

namespace pawl::net {
namespace {
using namespace std::chrono_literals;
using testing::RawSocket;

struct Text {
  std::string text{};
  std::int64_t n = 0;
  static constexpr auto fields = std::tuple{field("text", &Text::text), field("n", &Text::n)};
};

std::int64_t resident_kib() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  return 0;
}

// Takes an upload into a file that appears when it is whole.
class ToFile final : public Upload {
 public:
  ToFile(store::NewFile file, std::atomic<int>& alive) : file_(std::move(file)), alive_(alive) { ++alive_; }
  ~ToFile() override { --alive_; }
  Result<void> write(std::string_view piece) override {
    bytes_ += piece.size();
    return file_.write(piece);
  }
  Result<Response> finish() override {
    TRY_(file_.finish());
    return Response{.body = std::to_string(bytes_)};
  }

 private:
  store::NewFile file_;
  std::atomic<int>& alive_;
  std::size_t bytes_ = 0;
};

class Running {
 public:
  testing::House house;
  store::ScratchFolder scratch;
  Live live;
  Metrics metrics;
  std::atomic<int> uploads_alive = 0;
  std::atomic<int> ran = 0;
  std::promise<void> entered, go_on;
  std::unique_ptr<Server> server;

  explicit Running(ServerOptions options = {}) {
    auto& at = house.router;
    at.add({.method = Method::GET, .path = "/io", .needs = May::read, .on = On::io, .about = ""},
           [](Ask&, const Text& in) -> Result<Text> { return in; });
    at.add({.method = Method::POST, .path = "/io", .needs = May::read, .on = On::io, .about = "", .body_max = 1 << 20},
           [this](Ask&, const Text& in) -> Result<Text> {
             ++ran;
             return in;
           });
    at.add({.method = Method::POST, .path = "/pool", .needs = May::read, .on = On::pool, .about = ""},
           [](Ask&, const Text& in) -> Result<Text> { return in; });
    at.add({.method = Method::POST, .path = "/writer", .needs = May::read, .on = On::writer, .about = ""},
           [](Call& call, const Text& in) -> Result<Text> {
             call.tell({.what = "test.happened", .subject_kind = "test", .subject = in.text});
             return in;
           });
    at.add({.method = Method::GET, .path = "/reader", .needs = May::read, .on = On::reader, .about = ""},
           [](Call&, const Text& in) -> Result<Text> { return in; });
    at.add({.method = Method::GET, .path = "/throws", .needs = May::read, .on = On::pool, .about = ""},
           [](Ask&, const Nothing&) -> Result<Nothing> { throw std::runtime_error("boom"); });
    at.add({.method = Method::GET, .path = "/slow", .needs = May::read, .on = On::pool, .about = ""},
           [this](Ask&, const Nothing&) -> Result<Nothing> {
             entered.set_value();
             go_on.get_future().wait();
             return Nothing{};
           });
    at.add({.method = Method::GET, .path = "/health", .needs = May::anything_public, .on = On::io, .about = ""},
           [](Ask&, const Nothing&) -> Result<Response> { return Response{.type = "text/plain", .body = "OK"}; });
    at.add_raw({.method = Method::GET, .path = "/files/{name...}", .needs = May::read, .on = On::pool, .about = ""},
               [this](Ask&, const Request& r) -> Result<Response> {
                 return Response{.type = "application/octet-stream", .file = FileBody{scratch.path / r.param("name")}};
               });
    at.add_upload({.method = Method::PUT, .path = "/files/{name...}", .needs = May::track, .on = On::pool, .about = ""},
                  [this](Ask&, const Request& r) -> Result<std::unique_ptr<Upload>> {
                    if (r.param("name") == "refused") return fail(Code::denied, "not this one");
                    TRY(file, store::NewFile::create(scratch.path / r.param("name")));
                    return std::make_unique<ToFile>(std::move(file), uploads_alive);
                  });
    at.add_async(
        {.method = Method::GET, .path = "/later", .needs = May::read, .on = On::io, .about = ""},
        [this](Ask, std::shared_ptr<const Request> r, Reply reply) {
          server->on_pool([r, reply = std::move(reply)]() mutable { reply(Response{.body = R"({"later":true})"}); });
        });
    at.add_async({.method = Method::GET, .path = "/never", .needs = May::read, .on = On::io, .about = ""},
                 [this](Ask, std::shared_ptr<const Request>, Reply reply) {
                   kept = std::move(reply);
                   entered.set_value();
                 });
    at.add_live({.method = Method::GET, .path = "/events", .needs = May::read, .on = On::io, .about = ""}, live);
    options.metrics = &metrics;
    auto listening = Server::listen(std::move(options), house.router, *house.store, house.authorizer, house.clock);
    if (!listening) FAIL(listening.error().message);
    server = std::move(*listening);
    thread_ = std::thread([this] { server->run(); });
  }
  ~Running() { stop(); }
  void stop() {
    server->stop();
    if (thread_.joinable()) thread_.join();
  }
  std::uint16_t port() { return server->port(); }
  std::string ask(std::string_view text) {
    RawSocket s(port());
    s.say(text);
    return s.answer();
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(scratch.path), std::filesystem::directory_iterator{}));
  }
  // Runs behind everything that is on the pool now (it has two threads: both are asked).
  void wait_for_pool() {
    std::latch both(2);
    std::promise<void> a, b;
    for (auto* p : {&a, &b})
      server->on_pool([&both, p] {
        both.arrive_and_wait();
        p->set_value();
      });
    a.get_future().wait();
    b.get_future().wait();
  }
  Reply kept;

 private:
  std::thread thread_;
};

std::string get(std::string_view target, std::string_view more = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) + "\r\n";
}
std::string post(std::string_view target, std::string_view body, std::string_view more = {}) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" + std::string(body);
}
std::string body_of(const std::string& answer) {
  const auto at = answer.find("\r\n\r\n");
  return at == std::string::npos ? std::string{} : answer.substr(at + 4);
}

}  // namespace

TEST_CASE("many requests go through one connection, wherever they run") {
  Running r;
  RawSocket s(r.port());
  for (int i = 0; i < 20; ++i) {
    s.say(get("/io?text=a&n=" + std::to_string(i)));
    CHECK(body_of(s.answer()) == R"({"text":"a","n":)" + std::to_string(i) + "}");
    for (const auto* path : {"/io", "/pool", "/writer"}) {
      s.say(post(path, R"({"text": "b"})"));
      CHECK(body_of(s.answer()) == R"({"text":"b","n":0})");
    }
    s.say(get("/reader?n=1"));
    CHECK(s.answer().starts_with("HTTP/1.1 200 OK\r\n"));
    s.say(get("/later"));
    CHECK(body_of(s.answer()) == R"({"later":true})");
  }
}
TEST_CASE("pipelined requests are answered in order") {
  Running r;
  RawSocket s(r.port());
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += i % 2 ? post("/writer", R"({"n": )" + std::to_string(i) + "}") : get("/io?n=" + std::to_string(i));
  s.say(all);
  for (int i = 0; i < 50; ++i) CHECK(body_of(s.answer()) == R"({"text":"","n":)" + std::to_string(i) + "}");
}
TEST_CASE("a request that comes byte by byte is a request") {
  Running r;
  RawSocket s(r.port());
  for (const char c : post("/io", R"({"text": "slow"})")) s.say({&c, 1});
  CHECK(body_of(s.answer()) == R"({"text":"slow","n":0})");
}
TEST_CASE("a chunked body is read, with its trailers") {
  Running r;
  RawSocket s(r.port());
  s.say("POST /io HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"tex\r\n");
  s.say("9;x=y\r\nt\": \"ab\"}\r\n0\r\nX-Sum: 1\r\n\r\n" + get("/io?n=7"));
  CHECK(body_of(s.answer()) == R"({"text":"ab","n":0})");
  CHECK(body_of(s.answer()) == R"({"text":"","n":7})");
}
TEST_CASE("a body past its limit is refused before it is read") {
  Running r;
  RawSocket s(r.port());
  s.say("POST /io HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n");
  const auto answer = s.answer();
  CHECK(answer.starts_with("HTTP/1.1 413 "));
  CHECK(answer.contains("Connection: close"));
  CHECK(answer.contains("1048576"));
}
TEST_CASE("a chunked body is refused when it passes the limit") {
  Running r;
  RawSocket s(r.port());
  s.say("POST /io HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string chunk = "40000\r\n" + std::string(0x40000, 'x') + "\r\n";
  for (int i = 0; i < 12 && s.say(chunk); ++i) {}
  CHECK(s.answer().starts_with("HTTP/1.1 413 "));
  CHECK(r.ran == 0);
}
TEST_CASE("a client that asks first is told to go on, or why not") {
  Running r;
  RawSocket s(r.port());
  s.say("POST /io HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(s.answer() == "HTTP/1.1 100 Continue\r\n\r\n");
  s.say("{}");
  CHECK(s.answer().starts_with("HTTP/1.1 200 "));
  s.say("POST /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(s.answer().starts_with("HTTP/1.1 404 "));
}
TEST_CASE("bad HTTP is answered 400 or closed, and the server lives on") {
  Running r;
  for (const std::string bad :
       {"GET\r\n\r\n", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03", "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "POST /io HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        "POST /io HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /io HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "POST /io HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "POST /io HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /\x01x HTTP/1.1\r\n\r\n"}) {
    CAPTURE(bad);
    RawSocket s(r.port());
    s.say(bad);
    const auto got = s.answer();
    CHECK(got.starts_with("HTTP/1.1 400 "));
  }
  RawSocket gone(r.port());
  gone.say("GET /io HT");
  gone.close_rudely();
  CHECK(r.ask(get("/health")).contains("OK"));
}
TEST_CASE("random bytes never end the server") {
  Running r;
  for_random_cases(100, [&](const std::string& noise, bool polite) {
    RawSocket s(r.port());
    s.say(polite ? "POST /io HTTP/1.1\r\nHost: localhost\r\n" + noise + "\r\n\r\n" : noise);
    s.close();
    RC_ASSERT(r.ask(get("/health")).contains("OK"));
  });
}
TEST_CASE("a head past its limit is answered 431") {
  Running r;
  RawSocket s(r.port());
  s.say("GET /io HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(70'000, 'x') + "\r\n\r\n");
  CHECK(s.answer().starts_with("HTTP/1.1 431 "));
}
TEST_CASE("a head that does not come in time is answered 408, a silent connection closed") {
  Running r({.header_time_max = 50ms, .idle_time_max = 50ms});
  RawSocket s(r.port()), silent(r.port());
  s.say("GET /io HTTP/1.1\r\nHost:");
  CHECK(s.answer().starts_with("HTTP/1.1 408 "));
  CHECK(silent.closed());
}
TEST_CASE("a body that stops coming closes the connection") {
  Running r({.idle_time_max = 50ms});
  RawSocket s(r.port());
  s.say("POST /io HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
  CHECK(s.closed());
  CHECK(r.ran == 0);
}
TEST_CASE("unknown paths and methods are answered in their dialect, and the connection goes on") {
  Running r;
  RawSocket s(r.port());
  s.say(post("/nowhere", "{}") + get("/v2/nowhere") + post("/api/2.0/mlflow/nowhere", "{}") + post("/health", "{}") +
        "BREW /io HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(s.answer().contains("application/problem+json"));
  CHECK(body_of(s.answer()).starts_with(R"({"error":)"));
  CHECK(body_of(s.answer()).contains("<title>404 Not Found</title>"));
  const auto wrong = s.answer();
  CHECK(wrong.starts_with("HTTP/1.1 405 "));
  CHECK(wrong.contains("Allow: GET\r\n"));
  CHECK(s.answer().starts_with("HTTP/1.1 501 "));
}
TEST_CASE("a handler that throws is a 500 with the request's id, and nothing of the reason") {
  Running r;
  const auto answer = r.ask(get("/throws"));
  CHECK(answer.starts_with("HTTP/1.1 500 "));
  CHECK(answer.contains("X-Request-Id: "));
  CHECK(!answer.contains("boom"));
  CHECK(r.ask(get("/health")).contains("OK"));
}
TEST_CASE("a foreign Host or Origin is refused, health answers any") {
  Running r({.hosts_allowed = {"pawl.example"}});
  const auto with = [&](std::string_view method, std::string_view path, std::string_view headers) {
    return r
        .ask(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nContent-Length: 0\r\n" +
             std::string(headers) + "\r\n")
        .substr(9, 3);
  };
  CHECK(with("GET", "/io", "Host: evil.example\r\n") == "403");
  CHECK(with("GET", "/health", "Host: evil.example\r\n") == "200");
  CHECK(with("GET", "/io", "Host: pawl.example:80\r\n") == "200");
  CHECK(with("GET", "/io", "Host: [::1]:5000\r\n") == "200");
  CHECK(with("GET", "/io", "Host: 127.evil.example\r\n") == "403");
  CHECK(with("POST", "/io", "Host: localhost:5000\r\nOrigin: http://localhost:5000\r\n") == "200");
  CHECK(with("POST", "/io", "Host: localhost:5000\r\nOrigin: http://evil.example\r\n") == "403");
  CHECK(with("POST", "/io", "Host: localhost:5000\r\nOrigin: null\r\n") == "403");
  CHECK(with("GET", "/io", "Host: localhost:5000\r\nOrigin: http://evil.example\r\n") == "200");
}
TEST_CASE("HTTP/1.0 is answered and closed") {
  Running r;
  RawSocket s(r.port());
  s.say("GET /health HTTP/1.0\r\n\r\n");
  CHECK(s.rest().ends_with("\r\n\r\nOK"));
}
TEST_CASE("HEAD answers the head of GET") {
  Running r;
  RawSocket s(r.port());
  s.say("HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = s.answer(true);
  CHECK(head.contains("Content-Length: 2\r\n"));
  s.say(get("/health"));
  CHECK(body_of(s.answer()) == "OK");
}
TEST_CASE("a large file goes up and down in constant memory") {
  Running r;
  constexpr std::size_t size = 192 << 20;
  std::string piece(1 << 20, '\0');
  for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = static_cast<char>(i * 7 + i / 251);
  const auto before = resident_kib();
  {
    RawSocket s(r.port());
    s.say("PUT /files/big HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    for (std::size_t sent = 0; sent < size; sent += piece.size()) REQUIRE(s.say(piece));
    CHECK(body_of(s.answer()) == std::to_string(size));
  }
  CHECK(std::filesystem::file_size(r.scratch.path / "big") == size);
  RawSocket s(r.port());
  s.say(get("/files/big"));
  REQUIRE(s.until("\r\n\r\n"));
  auto& heard = s.heard();
  heard.erase(0, heard.find("\r\n\r\n") + 4);
  std::size_t got = 0;
  bool same = true;
  do {
    for (std::string_view left = heard; !left.empty();) {
      const auto at = got % piece.size();
      const auto n = std::min(left.size(), piece.size() - at);
      same = same && left.substr(0, n) == std::string_view(piece).substr(at, n);
      left.remove_prefix(n);
      got += n;
    }
    heard.clear();
  } while (got < size && s.hear());
  CHECK(got == size);
  CHECK(same);
  CHECK(resident_kib() - before < 24 << 10);
}
TEST_CASE("an upload in chunks, an empty one, a refused one") {
  Running r;
  RawSocket s(r.port());
  s.say(
      "PUT /files/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(body_of(s.answer()) == "5");
  s.say("PUT /files/empty HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  CHECK(body_of(s.answer()) == "0");
  s.say("PUT /files/refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc" + get("/files/a"));
  CHECK(s.answer().starts_with("HTTP/1.1 403 "));
  CHECK(body_of(s.answer()) == "abcde");
}
TEST_CASE("an upload that breaks off leaves nothing") {
  Running r;
  for (const bool rude : {false, true}) {
    RawSocket s(r.port());
    s.say("PUT /files/part HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n" +
          std::string(3'000'000, 'x'));
    if (rude)
      s.close_rudely();
    else
      s.close();
  }
  // The server notices when it reads on: the next answers come after that, on the same io thread, and the pool clears up in order.
  while (r.uploads_alive != 0 || r.files() != 0) r.wait_for_pool();
  CHECK(r.files() == 0);
}
TEST_CASE("an upload past a full disk is answered, and nothing is left") {
  Running r;
  RawSocket s(r.port());
  store::fail_write_after(3);
  s.say("PUT /files/full HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n");
  s.say(std::string(3'000'000, 'x'));
  CHECK(s.answer().starts_with("HTTP/1.1 503 "));
  store::fail_write_after(0);
  while (r.uploads_alive != 0) r.wait_for_pool();
  CHECK(r.files() == 0);
}
TEST_CASE("parts of a file, and the file one has already") {
  Running r;
  std::ofstream(r.scratch.path / "ten") << "0123456789";
  RawSocket s(r.port());
  s.say(get("/files/ten"));
  const auto whole = s.answer();
  const auto at = whole.find("ETag: ") + 6;
  const auto etag = whole.substr(at, whole.find("\r\n", at) - at);
  each_of<std::string, std::string, std::string>(
      {{"Range: bytes=2-4\r\n", "206", "234"},
       {"Range: bytes=7-\r\n", "206", "789"},
       {"Range: bytes=-3\r\n", "206", "789"},
       {"Range: bytes=5-100\r\n", "206", "56789"},
       {"Range: bytes=10-\r\n", "416", ""},
       {"Range: bytes=-0\r\n", "416", ""},
       {"Range: bytes=4-2\r\n", "200", "0123456789"},
       {"Range: bytes=0-1,3-4\r\n", "200", "0123456789"},
       {"Range: lines=1-2\r\n", "200", "0123456789"},
       {"Range: bytes=2-4\r\nIf-Range: \"other\"\r\n", "200", "0123456789"},
       {"Range: bytes=2-4\r\nIf-Range: " + etag + "\r\n", "206", "234"},
       {"If-None-Match: \"x\", " + etag + "\r\n", "304", ""},
       {"If-None-Match: \"x\"\r\n", "200", "0123456789"}},
      [&](const std::string& headers, const std::string& status, const std::string& body) {
        s.say(get("/files/ten", headers));
        const auto answer = s.answer();
        CHECK(answer.substr(9, 3) == status);
        CHECK(body_of(answer) == body);
      });
  s.say("HEAD /files/ten HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(s.answer(true).contains("Content-Length: 10\r\n"));
  s.say(get("/files/none"));
  CHECK(s.answer().starts_with("HTTP/1.1 404 "));
}
TEST_CASE("a reader that stops reading a file is let go") {
  Running r({.idle_time_max = 50ms});
  {
    std::ofstream out(r.scratch.path / "big");
    out << std::string(64 << 20, 'x');
  }
  RawSocket s(r.port(), 4096);
  s.say(get("/files/big"));
  REQUIRE(s.until("\r\n\r\n"));
  RawSocket after(r.port());
  while (!r.metrics.text().contains(R"(route="GET /files/{name...}",status="200"} 1)"))
    CHECK(r.ask(get("/health")).contains("OK"));
}
TEST_CASE("live pages hear events, and are told when they fall behind") {
  Running r;
  RawSocket s(r.port());
  s.say(get("/events"));
  REQUIRE(s.until("retry: 2000\n\n"));
  CHECK(s.heard().contains("Content-Type: text/event-stream"));
  r.live.publish("ledger", R"({"seq":1})");
  CHECK(s.until("event: ledger\ndata: {\"seq\":1}\n\n"));
  // The io thread is busy while all these come: the mailbox runs over.
  std::promise<void> in, on;
  r.server->on_io([&] {
    in.set_value();
    on.get_future().wait();
  });
  in.get_future().wait();
  for (int i = 0; i < 300; ++i) r.live.publish("ledger", "{}");
  on.set_value();
  CHECK(s.until("event: behind\ndata: {}\n\n"));
  s.close();
  while (r.live.listeners() != 0) CHECK(r.ask(get("/health")).contains("OK"));
}
TEST_CASE("a silent live page gets heartbeats") {
  Running r({.heartbeat = 10ms});
  RawSocket s(r.port());
  s.say(get("/events"));
  CHECK(s.until(": beat\n\n: beat\n\n"));
}
TEST_CASE("a stop lets the request under way end, and takes no new one") {
  Running r;
  RawSocket busy(r.port()), idle(r.port()), listening(r.port());
  listening.say(get("/events"));
  REQUIRE(listening.until("retry"));
  idle.say(get("/health"));
  idle.answer();
  busy.say(get("/slow"));
  r.entered.get_future().wait();
  r.server->stop();
  CHECK(idle.closed());
  listening.rest();
  CHECK_THROWS(RawSocket(r.port()));
  r.go_on.set_value();
  const auto answer = busy.answer();
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  CHECK(answer.contains("Connection: close"));
  r.stop();
}
TEST_CASE("a stop does not wait for those who wait for something to happen") {
  Running r({.stop_time_max = 60s});
  RawSocket s(r.port());
  s.say(get("/never"));
  r.entered.get_future().wait();
  r.stop();
  CHECK(s.answer().starts_with("HTTP/1.1 503 "));
}
TEST_CASE("a stop ends after its time, whatever is under way") {
  auto r = std::make_unique<Running>(ServerOptions{.stop_time_max = 20ms});
  RawSocket s(r->port());
  s.say(get("/slow"));
  r->entered.get_future().wait();
  r->stop();  // comes back although the handler has not
  r->go_on.set_value();
  r.reset();
  CHECK(s.answer().empty());
}
TEST_CASE("the same Idempotency-Key gives the first answer, and the work is done once") {
  Running r;
  RawSocket s(r.port());
  s.say(post("/io", R"({"n": 1})", "Idempotency-Key: k1\r\n"));
  const auto first = body_of(s.answer());
  s.say(post("/io", R"({"n": 1})", "Idempotency-Key: k1\r\n"));
  CHECK(body_of(s.answer()) == first);
  CHECK(r.ran == 1);
  s.say(post("/io", R"({"n": 2})", "Idempotency-Key: k1\r\n"));
  CHECK(s.answer().starts_with("HTTP/1.1 409 "));
  s.say(post("/io", R"({"n": 2})", "Idempotency-Key: k2\r\n"));
  CHECK(s.answer().starts_with("HTTP/1.1 200 "));
  CHECK(r.ran == 2);
}
TEST_CASE("requests are counted by route and status") {
  Running r;
  RawSocket s(r.port());
  s.say(get("/io?n=1") + get("/io?n=x") + get("/health"));
  for (int i = 0; i < 3; ++i) s.answer();
  s.say(get("/health"));  // its predecessors are counted by now
  s.answer();
  const auto text = r.metrics.text();
  CHECK(text.contains(R"(pawl_http_requests_total{route="GET /io",status="200"} 1)"));
  CHECK(text.contains(R"(pawl_http_requests_total{route="GET /io",status="400"} 1)"));
  CHECK(text.contains(R"(pawl_http_request_seconds_count{route="GET /io"} 2)"));
}
TEST_CASE("more connections than allowed are told to come later") {
  Running r({.connections_max = 1});
  RawSocket first(r.port());
  first.say(get("/health"));
  first.answer();
  RawSocket second(r.port());
  CHECK(second.answer().starts_with("HTTP/1.1 503 "));
}

}  // namespace pawl::net
