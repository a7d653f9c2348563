// The table of routes as a tree of path parts. Fixed parts win over named ones, named ones over the rest of the path.
#include "net/router.h"

#include <stdexcept>

namespace pawl::net {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> fixed{};
  std::unique_ptr<Node> named{};
  std::array<const Entry*, 5> here{};  // by method
  std::array<const Entry*, 5> rest{};  // `{name...}` after this part
};

namespace {

bool is_named(std::string_view part) { return part.size() > 2 && part.front() == '{' && part.back() == '}'; }
bool is_rest(std::string_view part) { return is_named(part) && part.ends_with("...}"); }
std::string_view name_in(std::string_view part) {
  part.remove_prefix(1);
  part.remove_suffix(is_rest(part) || part.ends_with("...}") ? 4 : 1);
  return part;
}

// The parts of "/a/b": "a", "b". The root has none.
std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> out;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty()) {
    const auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == path.npos) return out;
    path.remove_prefix(slash + 1);
    if (path.empty()) out.push_back(path);  // a slash at the end is a part without a name
  }
  return out;
}

}  // namespace

void Router::put(Entry e) {
  if (!root_) root_ = std::make_shared<Node>();
  const auto& entry = entries_.emplace_back(std::make_unique<Entry>(std::move(e)));
  const auto method = static_cast<std::size_t>(entry->route.method);
  Node* at = root_.get();
  std::array<const Entry*, 5>* slot = nullptr;
  for (const auto part : parts_of(entry->route.path)) {
    if (slot) throw std::logic_error("a route's rest is not its last part: " + entry->route.path);
    if (is_rest(part)) {
      slot = &at->rest;
    } else {
      auto& next = is_named(part) ? at->named : at->fixed[std::string(part)];
      if (!next) next = std::make_unique<Node>();
      at = next.get();
    }
  }
  auto& place = slot ? (*slot)[method] : at->here[method];
  if (place)
    throw std::logic_error("two routes for " + std::string(name_of(entry->route.method)) + " " + entry->route.path);
  place = entry.get();
}

void Router::add_raw(Route route, std::function<Result<Response>(Ask&, const Request&)> handler, const Shape* in,
                     const Shape* out) {
  Entry e{.route = std::move(route), .in = in, .out = out};
  e.on_thread = [handler = std::move(handler)](
                    std::shared_ptr<const Request> request) -> std::expected<Entry::AskWork, DecodeError> {
    return [&handler, request = std::move(request)](Ask& ask) { return handler(ask, *request); };
  };
  put(std::move(e));
}

void Router::add_async(Route route, std::function<void(Ask, std::shared_ptr<const Request>, Reply)> handler) {
  Entry e{.route = std::move(route)};
  e.async = std::move(handler);
  put(std::move(e));
}

void Router::add_upload(Route route, std::function<Result<std::unique_ptr<Upload>>(Ask&, const Request&)> open) {
  Entry e{.route = std::move(route)};
  e.upload = std::move(open);
  put(std::move(e));
}

void Router::add_live(Route route, Live& live) {
  Entry e{.route = std::move(route)};
  e.live = &live;
  put(std::move(e));
}

Result<const Entry*> Router::find(Request& request) const {
  std::string_view path = request.target.empty() ? std::string_view(request.path) : std::string_view(request.target);
  path = path.substr(0, path.find('?'));
  while (path.starts_with("//")) path.remove_prefix(1);  // clients join an address and a path
  const auto method = static_cast<std::size_t>(request.method);
  std::array<bool, 5> others{};
  const auto parts = parts_of(path);

  const Entry* found = nullptr;
  auto take = [&](const std::array<const Entry*, 5>& entries, bool tells = true) {
    for (std::size_t m = 0; m < entries.size(); ++m) others[m] = others[m] || (tells && entries[m]);
    found = entries[method];
    return found != nullptr;
  };
  // The depth is the route's own, not the client's: it ends where the tree ends.
  auto walk = [&](auto& self, const Node& at, std::size_t i) -> bool {
    if (i == parts.size()) return take(at.here) || take(at.rest);
    if (const auto next = at.fixed.find(parts[i]); next != at.fixed.end() && self(self, *next->second, i + 1))
      return true;
    if (at.named && !parts[i].empty() && self(self, *at.named, i + 1)) return true;
    return take(at.rest, &at != root_.get());  // the page's "everything else" knows no path of others
  };
  if (root_ && path.starts_with('/') && walk(walk, *root_, 0)) {
    std::size_t i = 0;
    for (const auto part : parts_of(found->route.path)) {
      if (is_rest(part)) {
        const std::string_view from =
            i < parts.size() ? std::string_view(parts[i].data(), path.data() + path.size()) : std::string_view{};
        request.params.push_back({std::string(name_in(part)), percent_decode(from, false)});
      } else if (is_named(part)) {
        request.params.push_back({std::string(name_in(part)), percent_decode(parts[i], false)});
      }
      ++i;
    }
    return found;
  }
  std::string allowed;
  for (std::size_t m = 0; m < others.size(); ++m)
    if (others[m]) allowed.append(allowed.empty() ? "" : ", ").append(name_of(static_cast<Method>(m)));
  if (!allowed.empty()) return fail(Code::invalid, "this path knows " + allowed, "method", allowed);
  return fail(Code::missing, "there is no " + percent_decode(path, false));
}

}  // namespace pawl::net
