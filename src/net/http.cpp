#include "net/http.h"

#include <array>

namespace pawl::net {
namespace {

constexpr std::array<std::string_view, 5> method_names{"GET", "POST", "PUT", "PATCH", "DELETE"};

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view find(const std::vector<Pair>& pairs, std::string_view name) {
  for (const auto& p : pairs)
    if (p.name == name) return p.value;
  return {};
}

void encode_part(std::string& out, std::string_view text, bool slash_stays) {
  static constexpr char hex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~' || (c == '/' && slash_stays);
    if (unreserved) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
}

}  // namespace

std::string_view name_of(Method m) { return method_names[static_cast<std::size_t>(m)]; }

std::optional<Method> from_name(std::string_view name) {
  for (std::size_t i = 0; i < method_names.size(); ++i)
    if (method_names[i] == name) return static_cast<Method>(i);
  return std::nullopt;
}

std::string_view Request::header(std::string_view lower_case_name) const { return find(headers, lower_case_name); }
std::string_view Request::param(std::string_view name) const { return find(params, name); }
std::string_view Request::arg(std::string_view name) const { return find(query, name); }

std::string percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = nibble(text[i + 1]), low = nibble(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i] == '+' && plus_is_blank ? ' ' : text[i];
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  encode_part(out, text, true);
  return out;
}

std::vector<Pair> parse_query(std::string_view query) {
  std::vector<Pair> out;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto item = query.substr(0, end);
    query.remove_prefix(end == query.npos ? query.size() : end + 1);
    if (item.empty()) continue;
    const auto equals = item.find('=');
    out.push_back({percent_decode(item.substr(0, equals), true),
                   equals == item.npos ? std::string{} : percent_decode(item.substr(equals + 1), true)});
  }
  return out;
}

std::string text_of_query(const std::vector<Pair>& query) {
  std::string out;
  for (const auto& p : query) {
    if (!out.empty()) out += '&';
    encode_part(out, p.name, false);
    out += '=';
    encode_part(out, p.value, false);
  }
  return out;
}

Request make_request(Method method, std::string_view target, std::string body) {
  Request out;
  out.method = method;
  out.target = target;
  const auto question = target.find('?');
  out.path = percent_decode(target.substr(0, question), false);
  if (question != target.npos) out.query = parse_query(target.substr(question + 1));
  out.body = std::move(body);
  return out;
}

void Live::publish(std::string_view event, std::string_view data) {
  std::string frame;
  frame.append("event: ").append(event).append("\n");
  // A line break would end the frame's field: each line is a field of its own.
  for (std::string_view rest = data;;) {
    const auto end = rest.find('\n');
    frame.append("data: ").append(rest.substr(0, end)).append("\n");
    if (end == rest.npos) break;
    rest.remove_prefix(end + 1);
  }
  frame += '\n';
  std::lock_guard hold(mutex_);
  for (const auto& [id, sink] : sinks_) sink(frame);
}

std::uint64_t Live::listen(Sink sink) {
  std::lock_guard hold(mutex_);
  sinks_.emplace(next_, std::move(sink));
  return next_++;
}

void Live::leave(std::uint64_t listener) {
  std::lock_guard hold(mutex_);
  sinks_.erase(listener);
}

std::size_t Live::listeners() const {
  std::lock_guard hold(mutex_);
  return sinks_.size();
}

}  // namespace pawl::net
