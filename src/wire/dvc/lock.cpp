#include "wire/dvc/lock.h"

#include <cmath>

#include "core/hash.h"
#include "wire/python_json.h"

namespace pawl::dvc {
namespace {

using yaml::Value;
constexpr std::string_view default_params = "params.yaml";

Result<LockedStage> read_stage(const Value& v, std::string_view name, const std::string& stage) {
  const auto where = "stages -> " + stage;
  if (!v.is(Value::Kind::map))
    return std::unexpected(yaml::error_at(name, v.mark, "validation failed: expected a dictionary, in " + where));
  LockedStage out;
  for (const auto& m : v.members) {
    if (m.key == "cmd") {
      out.cmd = m.value;
    } else if (m.key == "deps" || m.key == "outs") {
      if (!m.value.is(Value::Kind::list))
        return std::unexpected(
            yaml::error_at(name, m.value.mark, "validation failed: expected a list, in " + where + " -> " + m.key));
      for (std::size_t i = 0; i < m.value.items.size(); ++i) {
        TRY(entry, read_entry(m.value.items[i], name, where + " -> " + m.key + " -> " + std::to_string(i)));
        (m.key == "deps" ? out.deps : out.outs).push_back(std::move(entry));
      }
    } else if (m.key == "params") {
      if (!m.value.is(Value::Kind::map))
        return std::unexpected(
            yaml::error_at(name, m.value.mark, "validation failed: expected a dictionary, in " + where + " -> params"));
      out.params = m.value;
    } else {
      return std::unexpected(
          yaml::error_at(name, m.mark, "validation failed: extra keys not allowed, in " + where + " -> " + m.key));
    }
  }
  if (out.cmd.is(Value::Kind::null))
    return std::unexpected(
        yaml::error_at(name, v.mark, "validation failed: required key not provided, in " + where + " -> cmd"));
  return out;
}

// size and nfiles leave at every depth, as DVC hashes it.
Value without_sizes(const Value& v) {
  Value out = v;
  std::erase_if(out.members, [](const yaml::Member& m) { return m.key == "size" || m.key == "nfiles"; });
  for (auto& m : out.members) m.value = without_sizes(m.value);
  for (auto& i : out.items) i = without_sizes(i);
  return out;
}

void json(std::string& out, const Value& v) {
  switch (v.kind) {
    case Value::Kind::null: out += "null"; return;
    case Value::Kind::flag: out += v.flag ? "true" : "false"; return;
    case Value::Kind::integer: out += std::to_string(v.integer); return;
    case Value::Kind::real:
      out += std::isnan(v.real)   ? "NaN"
             : std::isinf(v.real) ? (v.real < 0 ? "-Infinity" : "Infinity")
                                  : yaml::python_float(v.real);
      return;
    case Value::Kind::text: write_python_json(out, v.text); return;
    case Value::Kind::list:
      out += '[';
      for (std::size_t i = 0; i < v.items.size(); ++i) {
        if (i) out += ", ";
        json(out, v.items[i]);
      }
      out += ']';
      return;
    case Value::Kind::map: break;
  }
  auto members = v.members;
  std::ranges::sort(members, {}, &yaml::Member::key);
  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i) out += ", ";
    write_python_json(out, members[i].key);
    out += ": ";
    json(out, members[i].value);
  }
  out += '}';
}

}  // namespace

Result<Lock> Lock::read(std::string_view text, std::string_view name) {
  Lock out;
  for (std::size_t at = 0; at < text.size() && (text[at] == '#' || text[at] == '\n');) {
    const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
    out.head_ = text.substr(0, end);
    at = end;
  }
  TRY(document, yaml::read(text, name));
  if (document.is(Value::Kind::null)) return out;
  if (!document.is(Value::Kind::map))
    return std::unexpected(yaml::error_at(name, document.mark, "validation failed: expected a dictionary"));
  const auto* schema = document.find("schema");
  if (!schema)
    return std::unexpected(
        yaml::error_at(name, document.mark, "validation failed: required key not provided, in schema"));
  if (schema->text != "2.0")
    return std::unexpected(yaml::error_at(name, schema->mark, "validation failed: invalid schema version, in schema"));
  for (const auto& m : document.members) {
    if (m.key == "schema" || m.key == "datasets") continue;
    if (m.key != "stages")
      return std::unexpected(yaml::error_at(name, m.mark, "validation failed: extra keys not allowed, in " + m.key));
    for (const auto& s : m.value.members) {
      TRY(stage, read_stage(s.value, name, s.key));
      out.stages_[s.key] = std::move(stage);
    }
  }
  out.document_ = std::move(document);
  return out;
}

const LockedStage* Lock::find(const std::string& stage) const {
  const auto at = stages_.find(stage);
  return at == stages_.end() ? nullptr : &at->second;
}

Value locked_value(LockedStage stage) {
  Value out = Value::map();
  out.set("cmd", stage.cmd);
  std::ranges::sort(stage.deps, {}, &Entry::path);
  std::ranges::sort(stage.outs, {}, &Entry::path);
  const auto entries = [](const std::vector<Entry>& from) {
    Value list = Value::list();
    for (const auto& e : from) list.items.push_back(lock_entry(e));
    return list;
  };
  if (!stage.deps.empty()) out.set("deps", entries(stage.deps));
  if (!stage.params.members.empty()) {
    auto& files = stage.params.members;
    std::ranges::sort(files, [](const yaml::Member& a, const yaml::Member& b) {
      return std::tuple(a.key != default_params, std::string_view(a.key)) <
             std::tuple(b.key != default_params, std::string_view(b.key));
    });
    for (auto& f : files) std::ranges::sort(f.value.members, {}, &yaml::Member::key);
    out.set("params", stage.params);
  }
  if (!stage.outs.empty()) out.set("outs", entries(stage.outs));
  return out;
}

void Lock::set(const std::string& stage, LockedStage locked) {
  if (!document_.find("schema")) document_.set("schema", Value::of("2.0"));
  auto* all = document_.find("stages");
  if (!all || !all->is(Value::Kind::map)) all = &document_.set("stages", Value::map());
  all->set(stage, locked_value(locked));
  stages_[stage] = std::move(locked);
}

std::string Lock::write() const { return head_ + yaml::write(document_); }

std::string python_json(const Value& value) {
  std::string out;
  json(out, value);
  return out;
}

RunName run_name(const LockedStage& stage) {
  Value full = without_sizes(locked_value(stage));
  Value input = full;
  if (const auto* outs = full.find("outs")) {
    Value paths = Value::list();
    for (const auto& o : outs->items) paths.items.push_back(*o.find("path"));
    input.set("outs", std::move(paths));
  }
  return {sha256_hex(python_json(input)), sha256_hex(python_json(full))};
}

}  // namespace pawl::dvc
