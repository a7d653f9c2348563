#include "net/webhook.h"

#include <future>

#include "core/testing.h"
#include "net/receiver.h"

namespace pawl::net {
using testing::Receiver;

TEST_CASE("which addresses are public") {
  each_of<std::string, bool>({{"8.8.8.8", true},
                              {"1.1.1.1", true},
                              {"172.15.255.255", true},
                              {"172.32.0.1", true},
                              {"100.63.255.255", true},
                              {"223.255.255.255", true},
                              {"0.0.0.0", false},
                              {"10.1.2.3", false},
                              {"100.64.0.1", false},
                              {"100.100.100.200", false},
                              {"127.0.0.1", false},
                              {"127.255.255.254", false},
                              {"168.63.129.16", false},
                              {"169.254.169.254", false},
                              {"172.16.0.1", false},
                              {"172.31.255.255", false},
                              {"192.0.0.192", false},
                              {"192.168.1.1", false},
                              {"198.18.0.1", false},
                              {"224.0.0.1", false},
                              {"255.255.255.255", false},
                              {"2606:4700:4700::1111", true},
                              {"2a00:1450::1", true},
                              {"::", false},
                              {"::1", false},
                              {"::127.0.0.1", false},
                              {"::ffff:127.0.0.1", false},
                              {"::ffff:10.0.0.1", false},
                              {"::ffff:a9fe:a9fe", false},
                              {"::ffff:8.8.8.8", true},
                              {"64:ff9b::10.0.0.1", false},
                              {"64:ff9b::8.8.8.8", true},
                              {"64:ff9b:1::1", false},
                              {"2002:7f00:1::", false},
                              {"2002:808:808::", true},
                              {"2001::1", false},
                              {"2001:db8::1", false},
                              {"fc00::1", false},
                              {"fd00:ec2::254", false},
                              {"fe80::1", false},
                              {"fec0::1", false},
                              {"ff02::1", false},
                              {"100::1", false},
                              {"", false},
                              {"localhost", false}},
                             [](const std::string& address, bool is) { CHECK(public_address(address) == is); });
}
TEST_CASE("what can be said of a webhook's address without looking it up") {
  each_of<std::string, std::string>({{"https://hooks.example.org/a/b?c=d", "https://hooks.example.org"},
                                     {"http://hooks.example.org:8080/x", "http://hooks.example.org:8080"},
                                     {"http://8.8.8.8/", "http://8.8.8.8"},
                                     {"ftp://example.org/", ""},
                                     {"file:///etc/passwd", ""},
                                     {"gopher://example.org/", ""},
                                     {"example.org", ""},
                                     {"", ""},
                                     {"https://me:secret@example.org/", ""},
                                     {"https://example.org/a b", ""},
                                     {"https://example.org/\r\nX: y", ""},
                                     {"http://localhost:80/", ""},
                                     {"http://a.localhost/", ""},
                                     {"http://127.0.0.1/", ""},
                                     {"http://127.1/", ""},
                                     {"http://2130706433/", ""},
                                     {"http://0x7f.0.0.1/", ""},
                                     {"http://[::1]/", ""},
                                     {"http://[::ffff:127.0.0.1]/", ""},
                                     {"http://[fe80::1%25eth0]/", ""},
                                     {"http://169.254.169.254/latest/meta-data/", ""}},
                                    [](const std::string& url, const std::string& origin) {
                                      const auto checked = check_webhook(url, false);
                                      CHECK(checked.value_or("") == origin);
                                      if (!checked) CHECK(checked.error().field == "url");
                                    });
  CHECK(check_webhook("http://127.0.0.1:1/", true) == "http://127.0.0.1:1");
  CHECK_FALSE(check_webhook("file:///etc/passwd", true));
}
TEST_CASE("a message arrives as one POST with its headers, and the answer comes back") {
  Receiver receiver({"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"});
  const auto got = post({.url = receiver.url("/in?x=1"),
                         .body = R"({"a":1})",
                         .headers = {{"X-Pawl-Delivery", "d1"}},
                         .allow_private = true});
  REQUIRE(got);
  CHECK(got->status == 201);
  CHECK(got->body == "ok");
  const auto heard = receiver.heard();
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].starts_with("POST /in?x=1 HTTP/1.1\r\n"));
  CHECK(heard[0].contains("\r\nX-Pawl-Delivery: d1\r\n"));
  CHECK(heard[0].ends_with("\r\n\r\n{\"a\":1}"));
}
TEST_CASE("an address of this machine is refused when it is connected, whatever its name says") {
  Receiver receiver({"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  for (const std::string host : {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433"}) {
    CAPTURE(host);
    const auto got = post({.url = "http://" + host + ":" + std::to_string(receiver.port()) + "/"});
    REQUIRE_FALSE(got);
    CHECK(got.error().code == Code::denied);
  }
  CHECK(receiver.heard().empty());
}
TEST_CASE("a redirect is an answer and is not followed") {
  Receiver inside({"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  Receiver receiver(
      {"HTTP/1.1 307 Temporary Redirect\r\nLocation: " + inside.url("/private") + "\r\nContent-Length: 0\r\n\r\n"});
  const auto got = post({.url = receiver.url("/"), .body = "{}", .allow_private = true});
  REQUIRE(got);
  CHECK(got->status == 307);
  CHECK_FALSE(got->good());
  CHECK(inside.heard().empty());
}
TEST_CASE("a proxy of the environment is not used") {
  Receiver proxy({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy"});
  Receiver receiver({"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect"});
  ::setenv("http_proxy", proxy.url("").c_str(), 1);
  const auto got = post({.url = receiver.url("/"), .allow_private = true});
  ::unsetenv("http_proxy");
  REQUIRE(got);
  CHECK(got->body == "direct");
  CHECK(proxy.heard().empty());
}
TEST_CASE("of a long answer only the beginning is read") {
  Receiver receiver({"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + std::string(5000, 'x')});
  const auto got = post({.url = receiver.url("/"), .allow_private = true});
  REQUIRE(got);
  CHECK(got->good());
  CHECK(got->body == std::string(1000, 'x'));
}
TEST_CASE("who never answers is given up, and a stop ends the wait at once") {
  Receiver silent({""});
  const auto late = post({.url = silent.url("/"), .allow_private = true, .time_max = std::chrono::milliseconds(50)});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Code::deadline);
  std::stop_source stop;
  auto waiting = std::async(std::launch::async, [&] {
    return post({.url = silent.url("/"), .allow_private = true, .time_max = std::chrono::hours(1)}, stop.get_token());
  });
  silent.wait_for(2);
  stop.request_stop();
  const auto stopped = waiting.get();
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Code::unavailable);
}
TEST_CASE("nobody at the other end is said so without the path of the address") {
  std::uint16_t port = 0;
  {
    Receiver gone({""});
    port = gone.port();
  }
  const auto got =
      post({.url = "http://127.0.0.1:" + std::to_string(port) + "/services/secret", .allow_private = true});
  REQUIRE_FALSE(got);
  CHECK(got.error().code == Code::unavailable);
  CHECK_FALSE(got.error().message.contains("secret"));
}

}  // namespace pawl::net
