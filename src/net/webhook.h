// One message to an address that somebody else chose: a single POST that cannot be turned against the house. Only http and https, no proxy,
// no redirect, ten seconds, and the address that is connected to, not the name, is what is judged: a name that resolves to this machine or to
// a private network is refused when it is connected, so that no second look-up can say something else.
#pragma once
#include <stop_token>

#include "net/http.h"

namespace pawl::net {

struct Webhook {
  std::string url{}, body{};
  std::vector<Pair> headers{};  // besides Content-Type: application/json
  bool allow_private = false;
  Micros time_max = std::chrono::seconds(10);  // from the name's look-up to the status of the answer
};
struct WebhookAnswer {
  int status = 0;
  std::string body{};  // its first 1,000 bytes; what follows is not read
  bool good() const { return status >= 200 && status < 300; }
};

// Blocking; a requested stop ends it at once. An answer of any status is an answer; an error is one of the connection (unavailable, deadline)
// or Code::denied for an address that is not public. No message holds the url: its path may be a secret.
Result<WebhookAnswer> post(const Webhook& webhook, const std::stop_token& stop = {});

// What can be said of an address without a look-up: http or https, a host, no name or password in it, no private address spelled out.
// Answers its origin, for people: https://hooks.example.org.
Result<std::string> check_webhook(std::string_view url, bool allow_private);

// An IPv4 or IPv6 address as text, also of the forms that carry an IPv4 one: whether anybody on the internet may have it. Loopback, private,
// link-local (and with them the clouds' metadata), shared, documentation, multicast and reserved ranges are not public. No address: no.
bool public_address(std::string_view address);

}  // namespace pawl::net
