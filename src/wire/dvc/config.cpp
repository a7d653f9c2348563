#include "wire/dvc/config.h"

#include "wire/dvc/tree.h"

namespace pawl::dvc {
namespace {

constexpr auto known_sections =
    std::to_array<std::string_view>({"core", "cache", "remote", "db", "state", "index", "machine", "plots", "exp",
                                     "parsing", "feature", "hydra", "studio"});
constexpr auto core_keys =
    std::to_array<std::string_view>({"remote", "interactive", "analytics", "hardlink_lock", "no_scm", "autostage",
                                     "experiments", "check_update", "checksum_jobs", "site_cache_dir", "machine"});
constexpr auto cache_keys = std::to_array<std::string_view>(
    {"dir", "type", "shared", "slow_link_warning", "verify", "local", "s3", "gs", "hdfs", "webhdfs", "ssh", "azure"});

std::string_view trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r");
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}
std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}
// Without its quotes; an unquoted value ends at ` #`.
std::string value_of(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && (text[0] == '"' || text[0] == '\''))
    if (auto end = text.find(text[0], 1); end != text.npos) return std::string(text.substr(1, end - 1));
  return std::string(trim(text.substr(0, text.find(" #"))));
}

}  // namespace

Result<void> Config::add(std::string_view text, std::string_view name) {
  std::string section;
  const auto bad = [&](int line, const std::string& what) {
    return fail(Code::invalid, "configuration error - " + std::string(name) + ":" + std::to_string(line) + ": " + what,
                std::string(name));
  };
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto now = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (now.empty() || now[0] == '#') continue;
    if (now[0] == '[') {
      const auto close = now.rfind(']');
      if (close == now.npos) return bad(line, "a section ends with ']'");
      auto inner = trim(now.substr(1, close - 1));
      if (inner.size() >= 2 && inner[0] == '\'' && inner.back() == '\'') inner = inner.substr(1, inner.size() - 2);
      section = lower(inner);
      if (std::ranges::find(known_sections, std::string_view(section).substr(0, section.find(' '))) ==
          known_sections.end())
        return bad(line, "extra keys not allowed @ data['" + section + "']");
      sections_[section];
      continue;
    }
    const auto equals = now.find('=');
    if (equals == now.npos || section.empty())
      return bad(line, "expected 'key = value' in a section, got '" + std::string(now) + "'");
    const auto key = lower(value_of(now.substr(0, equals)));
    const bool known = section == "core" ? std::ranges::find(core_keys, key) != core_keys.end()
                                         : section != "cache" || std::ranges::find(cache_keys, key) != cache_keys.end();
    if (!known) return bad(line, concat({"extra keys not allowed @ data['", section, "']['", key, "']"}));
    sections_[section][key] = value_of(now.substr(equals + 1));
  }
  return {};
}

std::optional<std::string> Config::get(std::string_view section, std::string_view key) const {
  const auto s = sections_.find(lower(section));
  if (s == sections_.end()) return std::nullopt;
  const auto k = s->second.find(lower(key));
  if (k == s->second.end()) return std::nullopt;
  return k->second;
}

std::optional<bool> Config::flag(std::string_view section, std::string_view key) const {
  const auto text = get(section, key);
  if (!text) return std::nullopt;
  return lower(*text) == "true";
}

}  // namespace pawl::dvc
