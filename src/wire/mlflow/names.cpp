#include "wire/mlflow/names.h"

#include <charconv>
#include <clocale>
#include <cwctype>

#include "wire/mlflow/texts.h"

namespace pawl::mlflow {
namespace {

// Letters and digits of every script, from the C library's own tables (C.UTF-8 is part of it).
bool is_word_char(wchar_t c) {
  static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (c < 0x80) return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return utf8 == nullptr || iswalnum_l(static_cast<wint_t>(c), utf8) != 0;
}

template <class F> bool each_char(std::string_view s, F good) {
  for (std::size_t i = 0; i < s.size();) {
    const auto c = static_cast<unsigned char>(s[i]);
    const std::size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    wchar_t out = n == 1 ? c : c & (0xFF >> (n + 1));
    for (std::size_t k = 1; k < n && i + k < s.size(); ++k)
      out = out << 6 | (static_cast<unsigned char>(s[i + k]) & 0x3F);
    i += n;
    if (!good(out)) return false;
  }
  return true;
}

bool key_char(wchar_t c) { return is_word_char(c) || c == '/' || c == '.' || c == '-' || c == ' ' || c == ':'; }

constexpr std::string_view bad_character =
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes "
    "(/).";

std::string bad_path(std::string_view name) {
  return "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. "
         "This name would resolve to " +
         python_repr(normal_path(name));
}
bool path_is_unique(std::string_view name) {
  const std::string normal = normal_path(name);
  return normal == name && normal != "." && !normal.starts_with("..") && !normal.starts_with('/');
}
bool blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == text.npos; }

Result<void> check_batch_part(std::string_view what, std::size_t limit, std::size_t got) {
  if (got <= limit) return {};
  const std::string name(what);
  return refuse("A batch logging request can contain at most " + std::to_string(limit) + " " + name + ". Got " +
                std::to_string(got) + " " + name + ". Please split up " + name +
                " across multiple requests and try again.");
}

}  // namespace

std::string normal_path(std::string_view path) {
  if (path.empty()) return ".";
  const std::size_t slashes = path.starts_with('/') ? (path.starts_with("//") && !path.starts_with("///") ? 2 : 1) : 0;
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t to = std::min(path.find('/', from), path.size());
    const auto part = path.substr(from, to - from);
    from = to + 1;
    if (part.empty() || part == ".") continue;
    if (part != ".." || (slashes == 0 && parts.empty()) || (!parts.empty() && parts.back() == ".."))
      parts.push_back(part);
    else if (!parts.empty())
      parts.pop_back();
  }
  std::string out(slashes, '/');
  for (auto part : parts) out.append(out.empty() || out.back() == '/' ? "" : "/").append(part);
  return out.empty() ? "." : out;
}

std::string under(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : std::string(path) + "." + std::string(name);
}

Result<void> check_key(std::string_view name, std::string_view path) {
  if (!each_char(name, key_char)) return refuse(invalid_text(path, name, bad_character));
  if (!path_is_unique(name)) return refuse(invalid_text(path, name, bad_path(name)));
  return {};
}

Result<void> check_length(std::string_view value, std::size_t chars_max, std::string_view path) {
  if (value.size() > chars_max && utf8_length(value) > chars_max)
    return refuse(exceeds_maximum_length(path, chars_max));
  return {};
}

Result<void> check_metric_name(std::string_view name, std::string_view path) {
  TRY_(check_key(name, under(path, "name")));
  return check_length(name, key_chars_max, "Metric name");
}
Result<void> check_param_name(std::string_view name, std::string_view path) {
  TRY_(check_key(name, under(path, "key")));
  return check_length(name, key_chars_max, "Param key");
}
Result<void> check_run_tag(std::string_view key, std::string_view path) {
  TRY_(check_key(key, under(path, "key")));
  return check_length(key, key_chars_max, under(path, "key"));
}
Result<void> check_experiment_tag(std::string_view key, std::string_view value) {
  TRY_(check_key(key, "key"));
  TRY_(check_length(key, key_chars_max, "key"));
  return check_length(value, experiment_tag_value_chars_max, "value");
}
Result<void> check_registry_tag(std::string_view key, std::string_view value) {
  TRY_(check_key(key, "key"));
  TRY_(check_length(key, key_chars_max, "key"));
  return check_length(value, registry_tag_value_chars_max, "value");
}

Result<void> check_metric(std::string_view key, double value, std::int64_t timestamp, std::string_view path) {
  TRY_(check_key(key, under(path, "name")));
  if (timestamp < 0)
    return refuse(invalid_value(under(path, "timestamp"), std::to_string(timestamp),
                                "metric '" + std::string(key) + "' (value=" + python_number(value) +
                                    "). Timestamp must be a nonnegative long (64-bit integer) "));
  return check_length(key, key_chars_max, "Metric name");
}

Result<void> check_batch_size(std::size_t metrics, std::size_t params, std::size_t tags) {
  TRY_(check_batch_part("metrics", batch_metrics_max, metrics));
  TRY_(check_batch_part("params", batch_params_max, params));
  TRY_(check_batch_part("tags", batch_tags_max, tags));
  return check_batch_part("metrics, params, and tags", batch_items_max, metrics + params + tags);
}

Result<void> check_run_id(std::string_view id) {
  std::size_t chars = 0;
  const bool good = !id.empty() && id[0] != '_' && is_word_char(static_cast<unsigned char>(id[0])) &&
                    static_cast<unsigned char>(id[0]) < 0x80 &&
                    each_char(id, [&](wchar_t c) { return ++chars <= 256 && (is_word_char(c) || c == '-'); });
  if (!good) return refuse(invalid_text("run_id", id));
  return {};
}

Result<void> check_experiment_name(std::string_view name) {
  if (blank(name)) return refuse("Invalid experiment name: '" + std::string(name) + "'");
  return check_length(name, experiment_name_chars_max, "name");
}

Result<std::int64_t> experiment_number(std::string_view id) {
  std::int64_t out = 0;
  auto [end, ec] = std::from_chars(id.data(), id.data() + id.size(), out);
  if (ec != std::errc{} || end != id.data() + id.size())
    return refuse("Invalid experiment ID '" + std::string(id) + "'. Experiment ID must be a valid integer.");
  return out;
}

Result<void> check_artifact_location(std::string_view location) {
  if (location.starts_with("runs:"))
    return refuse("Artifact location cannot be a runs:/ URI. Given: '" + std::string(location) + "'");
  if (location.find_first_of("#;") != location.npos)
    return refuse("'artifact_location' URL can't include fragments or params.");
  return check_length(location, artifact_location_chars_max, "artifact_location");
}

Result<void> check_model_name(std::string_view name, std::string_view path) {
  if (blank(name)) return refuse(missing_value(path));
  if (name.find_first_of("/:") != name.npos)
    return refuse("Invalid model name '" + std::string(name) + "'. Names cannot contain '/' or ':'.");
  if (!path_is_unique(name)) return refuse(invalid_text("name", name, bad_path(name)));
  return {};
}

Result<std::int64_t> version_number(std::string_view version) {
  std::int64_t out = 0;
  auto [end, ec] = std::from_chars(version.data(), version.data() + version.size(), out);
  if (ec != std::errc{} || end != version.data() + version.size())
    return refuse("Parameter 'version' must be an integer, got '" + std::string(version) + "'.");
  return out;
}

Result<void> check_alias_characters(std::string_view alias) {
  const std::string name(alias);
  if (alias.empty()) return refuse("Registered model alias name cannot be empty.");
  if (!each_char(alias, [](wchar_t c) { return is_word_char(c) || c == '-'; }))
    return refuse("Invalid alias name: '" + name +
                  "'. Names may only contain alphanumerics, underscores (_), and dashes (-).");
  return check_length(alias, alias_chars_max, "Registered model alias name");
}

Result<void> check_alias(std::string_view alias) {
  TRY_(check_alias_characters(alias));
  const std::string name(alias);
  if (lower(alias) == "latest") return refuse("'latest' alias name (case insensitive) is reserved.");
  if (alias.size() > 1 && (alias[0] == 'v' || alias[0] == 'V') &&
      alias.find_first_not_of("0123456789", 1) == alias.npos)
    return refuse("Version alias name '" + name + "' is reserved.");
  return {};
}

Result<void> check_logged_model_name(std::string_view name) {
  if (!name.empty() && name.find_first_of("/:.%\"'") == name.npos) return {};
  return refuse("Invalid model name (" + python_repr(name) +
                ") provided. Model name must be a non-empty string and cannot contain the following characters: ('/', "
                "':', '.', '%', '\"', \"'\")");
}

Result<std::string> canonical_stage(std::string_view stage) {
  for (std::string_view known : {"None", "Staging", "Production", "Archived"})
    if (lower(known) == lower(stage)) return std::string(known);
  return refuse("Invalid Model Version stage: " + std::string(stage) +
                ". Value must be one of None, Staging, Production, Archived.");
}

}  // namespace pawl::mlflow
