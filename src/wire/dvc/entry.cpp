#include "wire/dvc/entry.h"

namespace pawl::dvc {
namespace {

using yaml::Value;

constexpr auto entry_keys = std::to_array<std::string_view>(
    {"md5",       "etag", "checksum", "size",   "nfiles", "isexec", "cloud",  "hash",      "path",
     "fs_config", "desc", "type",     "labels", "meta",   "cache",  "metric", "plot",      "persist",
     "remote",    "push", "files",    "repo",   "db",     "params", "annot",  "checkpoint"});
constexpr auto file_keys = std::to_array<std::string_view>(
    {"desc", "md5", "cmd", "wdir", "frozen", "locked", "deps", "outs", "always_changed", "meta", "params"});

std::unexpected<Error> extra_key(std::string_view file, const yaml::Member& m, std::string_view where) {
  const auto path = where.empty() ? m.key : std::string(where) + " -> " + m.key;
  return std::unexpected(yaml::error_at(file, m.mark, "validation failed: extra keys not allowed, in " + path));
}
std::unexpected<Error> expected(std::string_view file, const Value& v, std::string_view what, std::string_view where) {
  return std::unexpected(
      yaml::error_at(file, v.mark, "validation failed: expected " + std::string(what) + ", in " + std::string(where)));
}

}  // namespace

bool valid_md5(std::string_view digest) {
  if (digest.ends_with(".dir")) digest.remove_suffix(4);
  return digest.size() == 32 && digest.find_first_not_of("0123456789abcdef") == digest.npos;
}

Result<Entry> read_entry(const Value& map, std::string_view file, std::string_view where) {
  if (!map.is(Value::Kind::map)) return expected(file, map, "a dictionary", where);
  Entry out;
  out.hash.clear();
  for (const auto& m : map.members) {
    const auto here = std::string(where) + " -> " + m.key;
    if (std::ranges::find(entry_keys, m.key) == entry_keys.end()) return extra_key(file, m, where);
    const auto& v = m.value;
    if (m.key == "path" || m.key == "hash" || m.key == "md5" || m.key == "etag" || m.key == "checksum") {
      // A name that is a number is quoted by every writer of this format, a digest of digits alone may not be.
      if (!v.scalar() || v.is(Value::Kind::null)) return expected(file, v, "str", here);
      if (m.key == "path")
        out.path = v.text;
      else if (m.key == "hash")
        out.hash = v.text;
      else {
        out.digest_key = m.key;
        out.digest = v.text;
        if (m.key == "md5" && !valid_md5(v.text))
          return std::unexpected(yaml::error_at(file, v.mark, "validation failed: not a valid value, in " + here));
      }
    } else if (m.key == "size" || m.key == "nfiles") {
      if (v.is(Value::Kind::null)) continue;
      if (!v.is(Value::Kind::integer) || v.integer < 0) return expected(file, v, "int", here);
      (m.key == "size" ? out.size : out.nfiles) = v.integer;
    } else if (m.key == "isexec") {
      if (!v.is(Value::Kind::flag)) return expected(file, v, "bool", here);
      out.isexec = v.flag;
    } else {
      out.extra.set(m.key, v);
    }
  }
  if (out.path.empty())
    return std::unexpected(yaml::error_at(
        file, map.mark, "validation failed: required key not provided, in " + std::string(where) + " -> path"));
  return out;
}

Value lock_entry(const Entry& entry) {
  Value out = Value::map();
  out.set("path", Value::of(entry.path));
  if (!entry.hash.empty()) out.set("hash", Value::of(entry.hash));
  if (!entry.digest.empty()) out.set(entry.digest_key, Value::of(entry.digest));
  if (entry.size) out.set("size", Value::of(*entry.size));
  if (entry.nfiles) out.set("nfiles", Value::of(*entry.nfiles));
  if (entry.isexec) out.set("isexec", Value::of(true));
  for (const auto& m : entry.extra.members)
    if (m.key == "cloud" || m.key == "files") out.set(m.key, m.value);
  return out;
}

Result<DvcFile> read_dvc_file(std::string_view text, std::string_view name) {
  TRY(document, yaml::read(text, name));
  DvcFile out;
  if (document.is(Value::Kind::null)) return out;
  if (!document.is(Value::Kind::map)) return expected(name, document, "a dictionary", "the file");
  for (const auto& m : document.members) {
    if (std::ranges::find(file_keys, m.key) == file_keys.end()) return extra_key(name, m, "");
    if (m.key == "outs" || m.key == "deps") {
      if (m.value.is(Value::Kind::null)) continue;
      if (!m.value.is(Value::Kind::list)) return expected(name, m.value, "a list", m.key);
      for (std::size_t i = 0; i < m.value.items.size(); ++i) {
        TRY(entry, read_entry(m.value.items[i], name, m.key + " -> " + std::to_string(i)));
        (m.key == "outs" ? out.outs : out.deps).push_back(std::move(entry));
      }
    } else if (m.key == "frozen" || m.key == "locked") {
      if (!m.value.is(Value::Kind::flag)) return expected(name, m.value, "bool", m.key);
      out.frozen = m.value.flag;
    } else if (m.key == "wdir") {
      out.wdir = m.value.text;
    } else if (m.key == "desc") {
      out.desc = m.value.text;
    }
  }
  out.document = std::move(document);
  return out;
}

std::string write_dvc_file(const DvcFile& file) {
  Value document = file.document;
  const auto update = [&document](std::string_view key, const std::vector<Entry>& entries) {
    if (entries.empty()) return document.erase(key);
    auto* list = document.find(key);
    if (!list || !list->is(Value::Kind::list)) list = &document.set(key, Value::list());
    list->items.resize(entries.size(), Value::map());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto& e = entries[i];
      auto& map = list->items[i];
      const auto put = [&map](std::string_view k, bool present, Value v) {
        if (!present)
          map.erase(k);
        else if (auto* old = map.find(k); !old || !yaml::same(*old, v))
          map.set(k, std::move(v));
      };
      put(e.digest_key, !e.digest.empty(), Value::of(e.digest));
      put("size", e.size.has_value(), Value::of(e.size.value_or(0)));
      put("nfiles", e.nfiles.has_value(), Value::of(e.nfiles.value_or(0)));
      put("isexec", e.isexec, Value::of(true));
      put("hash", !e.hash.empty(), Value::of(e.hash));
      put("path", true, Value::of(e.path));
      for (const auto& m : e.extra.members) put(m.key, true, m.value);
    }
  };
  update("deps", file.deps);
  update("outs", file.outs);
  return yaml::write(document);
}

}  // namespace pawl::dvc
