#include "registry/source.h"

#include "net/http.h"
#include "wire/mlflow/names.h"
#include "wire/mlflow/texts.h"

namespace pawl::registry {
namespace {

std::string decoded(std::string_view text) {
  std::string now(text);
  for (auto next = net::percent_decode(now, false); next != now; next = net::percent_decode(now, false))
    now = std::move(next);
  return now;
}

std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= text.size();) {
    const auto to = std::min(text.find('/', from), text.size());
    if (to > from) out.push_back(decoded(text.substr(from, to - from)));
    from = to + 1;
  }
  return out;
}

struct Uri {
  std::string scheme{}, host{};
  std::string_view path{};
};
Uri uri_of(std::string_view text) {
  Uri out;
  const auto colon = text.find(':');
  if (colon != text.npos && colon > 1 && text.substr(0, colon).find('/') == text.npos) {
    out.scheme = mlflow::lower(text.substr(0, colon));
    text.remove_prefix(colon + 1);
    if (text.starts_with("//")) {
      const auto slash = std::min(text.find('/', 2), text.size());
      out.host = mlflow::lower(text.substr(2, slash - 2));
      text.remove_prefix(slash);
    }
  }
  out.path = text;
  return out;
}

constexpr std::string_view relative =
    "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute "
    "path must be provided without relative path references "
    "present. Please provide an absolute path.";

Result<void> check_path(std::string_view source) {
  const auto plain = decoded(source);
  if (plain.contains('\0') ||
      std::ranges::any_of(parts_of(plain), [](const std::string& p) { return p == ".." || p == "."; }))
    return invalid_source(source, relative);
  return {};
}

// models:/m-… | models:/name/3 | models:/name@alias | models:/name/latest
Result<Source> models_source(std::string_view source, const Uri& uri) {
  constexpr std::string_view model_id =
      "The model_id request parameter must identify the resource that contains the source.";
  auto rest = uri.path;
  while (rest.starts_with('/')) rest.remove_prefix(1);
  if (!uri.host.empty()) return invalid_source(source, "Registered model sources must use the active model registry.");
  if (rest.empty()) return invalid_source(source, model_id);
  const auto slash = rest.find('/'), at = rest.find('@');
  if (slash == rest.npos && at == rest.npos) {
    if (!rest.starts_with("m-")) return invalid_source(source, model_id);
    return Source{.kind = Source::Kind::logged_model, .model = std::string(rest)};
  }
  if (slash != rest.npos)
    return Source{.kind = Source::Kind::version,
                  .name = std::string(rest.substr(0, slash)),
                  .version = std::string(rest.substr(slash + 1))};
  return Source{.kind = Source::Kind::version,
                .name = std::string(rest.substr(0, at)),
                .alias = std::string(rest.substr(at + 1))};
}

bool is_proxy_path(std::string_view path) {
  const auto parts = parts_of(path);
  static const std::vector<std::string> route{"api", "2.0", "mlflow-artifacts", "artifacts"};
  return !std::ranges::search(parts, route).empty();
}

}  // namespace

std::unexpected<Error> invalid_source(std::string_view source, std::string_view why) {
  return mlflow::refuse("Invalid model version source: '" + std::string(source) + "'. " + std::string(why));
}

Result<Source> read_source(std::string_view source) {
  const auto uri = uri_of(source);
  if (uri.scheme == "models") return models_source(source, uri);
  if (uri.scheme.empty() || uri.scheme == "file") return Source{.kind = Source::Kind::local, .path = decoded(uri.path)};
  TRY_(check_path(source));
  if (uri.scheme == "runs") {
    auto rest = uri.path;
    while (rest.starts_with('/')) rest.remove_prefix(1);
    const auto slash = rest.find('/');
    if (!uri.host.empty() || rest.empty())
      return invalid_source(source,
                            "The run_id request parameter must identify the resource that contains the source.");
    return Source{.kind = Source::Kind::run,
                  .run = std::string(rest.substr(0, slash)),
                  .path = slash == rest.npos ? "" : std::string(rest.substr(slash + 1))};
  }
  if (uri.scheme == "mlflow-artifacts" || ((uri.scheme == "http" || uri.scheme == "https") && is_proxy_path(uri.path)))
    return Source{.kind = Source::Kind::proxied};
  return Source{.kind = Source::Kind::elsewhere};
}

bool within(std::string_view location, std::string_view root) {
  const auto a = uri_of(location), b = uri_of(root);
  const auto inner = parts_of(a.path), outer = parts_of(b.path);
  return a.scheme == b.scheme && a.host == b.host && !outer.empty() && inner.size() >= outer.size() &&
         std::equal(outer.begin(), outer.end(), inner.begin());
}

}  // namespace pawl::registry
