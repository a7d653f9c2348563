#include "app/page.h"

#include "core/hash.h"
#include "net/handle.h"
#include "store/files.h"

namespace pawl::assets {
struct File {
  std::string_view path, bytes;
};
std::span<const File> page();
}  // namespace pawl::assets

namespace pawl::app {
namespace {

constexpr std::pair<std::string_view, std::string_view> types[] = {{".html", "text/html; charset=utf-8"},
                                                                   {".js", "text/javascript; charset=utf-8"},
                                                                   {".css", "text/css; charset=utf-8"},
                                                                   {".svg", "image/svg+xml"},
                                                                   {".png", "image/png"},
                                                                   {".json", "application/json"},
                                                                   {".woff2", "font/woff2"},
                                                                   {".txt", "text/plain; charset=utf-8"}};

std::string type_of(std::string_view path) {
  for (auto [ending, type] : types)
    if (path.ends_with(ending)) return std::string(type);
  return "application/octet-stream";
}

struct Found {
  std::string bytes;
  bool gzip = false;
};

std::optional<Found> look_up(const store::Artifacts* folder, std::string_view path, bool gzip) {
  auto one = [&](const std::string& name) -> std::optional<std::string> {
    if (folder) {
      auto at = folder->at(name);
      auto bytes = at ? store::read_file(*at) : Result<std::string>(std::unexpected(at.error()));
      return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
    }
    for (const auto& file : assets::page())
      if (file.path.substr(1) == name) return std::string(file.bytes);
    return std::nullopt;
  };
  if (auto bytes = gzip ? one(std::string(path) + ".gz") : std::nullopt) return Found{std::move(*bytes), true};
  if (auto bytes = one(std::string(path))) return Found{std::move(*bytes), false};
  return std::nullopt;
}

Result<net::Response> answer(const store::Artifacts* folder, const net::Request& request) {
  std::string path = request.path.substr(1);
  const bool gzip = request.header("accept-encoding").contains("gzip");
  auto found = path.empty() ? std::nullopt : look_up(folder, path, gzip);
  const bool route_of_the_page = path.find('.') == path.npos && !path.starts_with("api/") &&
                                 !path.starts_with("ajax-api/") && !path.starts_with("v2/");
  if (!found && route_of_the_page) {
    path = "index.html";
    found = look_up(folder, path, gzip);
    if (!found) return fail(Code::missing, "this build of pawl has no web page: build web/ first (make build)");
  }
  if (!found) return net::not_found({Code::missing, "no such path: " + request.path}, request.path);
  net::Response response{.type = type_of(path), .body = std::move(found->bytes)};
  if (found->gzip) response.headers.push_back({"Content-Encoding", "gzip"});
  response.headers.push_back({"Vary", "Accept-Encoding"});
  // Names below assets/ carry a hash of their content.
  response.headers.push_back(
      {"Cache-Control", path.starts_with("assets/") ? "public, max-age=31536000, immutable" : "no-cache"});
  response.headers.push_back(
      {"Content-Security-Policy",
       "default-src 'self'; base-uri 'none'; frame-ancestors 'self'"});
  return response;
}

}  // namespace

void mount_page(net::Router& at, std::filesystem::path web_dir) {
  auto folder = web_dir.empty() ? nullptr : std::make_shared<store::Artifacts>(std::move(web_dir));
  auto serve = [folder](Ask&, const net::Request& request) { return answer(folder.get(), request); };
  at.add_raw(
      {.method = net::Method::GET, .path = "/", .needs = May::anything_public, .on = On::pool, .about = "The web page"},
      serve);
  at.add_raw({.method = net::Method::GET,
              .path = "/{path...}",
              .needs = May::anything_public,
              .on = On::pool,
              .about = "Files of the web page"},
             serve);
}

}  // namespace pawl::app
