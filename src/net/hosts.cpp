#include "net/hosts.h"

#include <arpa/inet.h>

namespace pawl::net {
namespace {

// "[::1]:5000" -> "::1", "localhost:5000" -> "localhost".
std::string name_of_authority(std::string_view authority) {
  std::string out;
  if (authority.starts_with('['))
    out = authority.substr(1, authority.find(']') - 1);
  else
    out = authority.substr(0, authority.rfind(':'));
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}
bool is_address(const std::string& name) {
  unsigned char out[16];
  return inet_pton(AF_INET, name.c_str(), out) == 1 || inet_pton(AF_INET6, name.c_str(), out) == 1;
}
// "http://pawl.example:5000" -> "pawl.example:5000"; empty for "null" and the like.
std::string_view authority_of(std::string_view origin) {
  const auto at = origin.find("://");
  return at == origin.npos ? std::string_view{} : origin.substr(at + 3);
}

}  // namespace

Hosts::Hosts(std::string bound, std::vector<std::string> allowed)
    : bound_(std::move(bound)), allowed_(std::move(allowed)) {}

bool Hosts::knows(std::string_view authority) const {
  const auto name = name_of_authority(authority);
  if (name == "localhost" || name == "::1" || name.starts_with("127.")) return name == "localhost" || is_address(name);
  if (name == bound_ || std::ranges::find(allowed_, name) != allowed_.end()) return true;
  // Rebinding cheats with a name; a page that came from an address is that address's own.
  return (bound_ == "0.0.0.0" || bound_ == "::") && is_address(name);
}

Result<void> Hosts::check(const Request& request) const {
  if (request.peer == "unix" || request.path == "/health" || request.path == "/version") return {};
  const auto host = request.header("host");
  if (!host.empty() && !knows(host))
    return fail(Code::denied, "Invalid Host header - possible DNS rebinding attack detected", "Host");
  const auto origin = request.header("origin");
  if (request.method == Method::GET || origin.empty()) return {};
  const auto from = authority_of(origin);
  const bool ours =
      !from.empty() && (from == host || std::ranges::find(allowed_, name_of_authority(from)) != allowed_.end());
  if (!ours) return fail(Code::denied, "Cross-origin request blocked", "Origin");
  return {};
}

}  // namespace pawl::net
