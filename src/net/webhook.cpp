#include "net/webhook.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>

namespace pawl::net {
namespace {

constexpr std::size_t answer_kept = 1000;
constexpr std::string_view not_public =
    "its address is not public: it leads to this machine or a private network. Add the destination with "
    "--allow-private if that is meant";

struct Range4 {
  std::uint32_t from;
  int bits;
};
constexpr std::uint32_t ip4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}
// IANA's special-purpose registry, and the one public address that is a cloud's metadata.
constexpr Range4 special4[] = {{ip4(0, 0, 0, 0), 8},      {ip4(10, 0, 0, 0), 8},     {ip4(100, 64, 0, 0), 10},
                               {ip4(127, 0, 0, 0), 8},    {ip4(169, 254, 0, 0), 16}, {ip4(172, 16, 0, 0), 12},
                               {ip4(192, 0, 0, 0), 24},   {ip4(192, 0, 2, 0), 24},   {ip4(192, 88, 99, 0), 24},
                               {ip4(192, 168, 0, 0), 16}, {ip4(198, 18, 0, 0), 15},  {ip4(198, 51, 100, 0), 24},
                               {ip4(203, 0, 113, 0), 24}, {ip4(224, 0, 0, 0), 3},    {ip4(168, 63, 129, 16), 32}};

bool public4(std::uint32_t address) {
  for (const auto& range : special4)
    if ((address ^ range.from) >> (32 - range.bits) == 0) return false;
  return true;
}

bool public6(const in6_addr& address) {
  const auto* b = address.s6_addr;
  auto starts = [b](std::initializer_list<std::uint8_t> bytes) { return std::equal(bytes.begin(), bytes.end(), b); };
  auto inner = [b](int at) { return public4(ip4(b[at], b[at + 1], b[at + 2], b[at + 3])); };
  if (starts({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return inner(12);          // ::ffff:a.b.c.d
  if (starts({0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return inner(12);    // 64:ff9b::/96, NAT64
  if (starts({0x20, 0x02})) return inner(2);                                         // 2002::/16, 6to4
  if (starts({0x20, 0x01}) && b[2] < 2) return false;                                // 2001::/23, Teredo among them
  if (starts({0x20, 0x01, 0x0d, 0xb8}) || starts({0x3f, 0xff, 0x00})) return false;  // documentation
  return (b[0] & 0xe0) == 0x20;  // 2000::/3: all there is of global ones
}

bool public_socket_address(const sockaddr* address, std::size_t bytes) {
  if (address->sa_family == AF_INET && bytes >= sizeof(sockaddr_in)) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    return public4(ntohl(in.sin_addr.s_addr));
  }
  if (address->sa_family == AF_INET6 && bytes >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    return public6(in.sin6_addr);
  }
  return false;
}

struct Sending {
  CURL* curl = nullptr;
  bool allow_private = false, refused = false;
  std::string body{};
};
// curl asks for a socket for exactly the address it will connect to next.
curl_socket_t open_socket(void* with, curlsocktype, curl_sockaddr* address) {
  auto& sending = *static_cast<Sending*>(with);
  if (!sending.allow_private && !public_socket_address(&address->addr, address->addrlen)) {
    sending.refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
std::size_t keep_first(char* bytes, std::size_t, std::size_t n, void* with) {
  auto& sending = *static_cast<Sending*>(with);
  sending.body.append(bytes, std::min(n, answer_kept - sending.body.size()));
  return sending.body.size() < answer_kept ? n : 0;  // 0 ends the transfer: the status is known, no more is wanted
}

void start_curl() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)once;
}
template <auto free> struct Free {
  template <class T> void operator()(T* p) const { free(p); }
};

}  // namespace

bool public_address(std::string_view text) {
  const std::string address(text);
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1) return public4(ntohl(four.s_addr));
  return ::inet_pton(AF_INET6, address.c_str(), &six) == 1 && public6(six);
}

Result<std::string> check_webhook(std::string_view text, bool allow_private) {
  const std::unique_ptr<CURLU, Free<curl_url_cleanup>> url(curl_url());
  auto wrong = [](std::string_view why) { return fail(Code::invalid, "url: " + std::string(why), "url"); };
  if (text.find_first_of(std::string_view("\0\r\n\t ", 5)) != text.npos)
    return wrong("holds a blank or a control character");
  if (curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK)
    return wrong("expected an address like https://hooks.example.org/path");
  auto part = [&](CURLUPart which) -> std::string {
    char* found = nullptr;
    if (curl_url_get(url.get(), which, &found, 0) != CURLUE_OK) return {};
    const std::unique_ptr<char, Free<curl_free>> owned(found);
    return found;
  };
  const std::string scheme = part(CURLUPART_SCHEME), port = part(CURLUPART_PORT);
  if (scheme != "http" && scheme != "https") return wrong("expected http or https");
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty())
    return wrong("a name or password has no place in it: the body is signed instead");
  std::string host = part(CURLUPART_HOST);
  std::string origin = scheme + "://" + host + (port.empty() ? "" : ":" + port);
  if (host.empty()) return wrong("names no host");
  if (host.starts_with('[')) host = host.substr(1, host.find_first_of("]%") - 1);
  in_addr four{};
  in6_addr six{};
  const bool spelled_out =
      ::inet_pton(AF_INET, host.c_str(), &four) == 1 || ::inet_pton(AF_INET6, host.c_str(), &six) == 1;
  const bool local = host == "localhost" || host.ends_with(".localhost");
  if (!allow_private && (local || (spelled_out && !public_address(host)))) return wrong(not_public);
  return origin;
}

Result<WebhookAnswer> post(const Webhook& webhook, const std::stop_token& stop) {
  start_curl();
  TRY(origin, check_webhook(webhook.url, true));
  const std::unique_ptr<CURL, Free<curl_easy_cleanup>> curl(curl_easy_init());
  const std::unique_ptr<CURLM, Free<curl_multi_cleanup>> multi(curl_multi_init());
  Sending sending{.curl = curl.get(), .allow_private = webhook.allow_private};
  CURL* c = curl.get();
  curl_easy_setopt(c, CURLOPT_URL, webhook.url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_PROXY, "");
  curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);  // a look-up that hangs is left behind, not waited for
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(webhook.time_max.count() / 1000));
  curl_easy_setopt(c, CURLOPT_USERAGENT, "pawl");
  curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, &sending);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep_first);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &sending);
  curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(webhook.body.size()));
  curl_easy_setopt(c, CURLOPT_POSTFIELDS, webhook.body.c_str());
  std::unique_ptr<curl_slist, Free<curl_slist_free_all>> headers;
  auto head = [&](const std::string& line) { headers.reset(curl_slist_append(headers.release(), line.c_str())); };
  head("Content-Type: application/json");
  head("Expect:");
  for (const Pair& h : webhook.headers) head(h.name + ": " + h.value);
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());

  curl_multi_add_handle(multi.get(), c);
  CURLcode code = CURLE_OK;
  {
    const std::stop_callback wake(stop, [&] { curl_multi_wakeup(multi.get()); });
    for (int running = 1; running > 0 && !stop.stop_requested();) {
      if (curl_multi_perform(multi.get(), &running) != CURLM_OK) break;
      if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, 1000, nullptr);
    }
  }
  int left = 0;
  const CURLMsg* message = curl_multi_info_read(multi.get(), &left);
  const bool ended = message != nullptr && message->msg == CURLMSG_DONE;
  if (ended) code = message->data.result;
  long status = 0;
  curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
  curl_multi_remove_handle(multi.get(), c);
  if (!ended) return fail(Code::unavailable, "the server stopped while " + origin + " was spoken to");
  if (status >= 200) return WebhookAnswer{static_cast<int>(status), std::move(sending.body)};
  if (sending.refused && code != CURLE_OPERATION_TIMEDOUT) return fail(Code::denied, std::string(not_public));
  if (code == CURLE_OPERATION_TIMEDOUT) return fail(Code::deadline, origin + " did not answer in time");
  return fail(Code::unavailable, "cannot reach " + origin + ": " + curl_easy_strerror(code));
}

}  // namespace pawl::net
