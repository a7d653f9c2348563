#include "wire/dvc/template.h"

#include "wire/dvc/tree.h"

namespace pawl::dvc {
namespace {

using yaml::Value;
constexpr std::string_view default_params = "params.yaml";

std::string_view trim(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\n");
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\n") - from + 1);
}

// `a.b[0]` as `a.b.0`; empty when it is no expression.
std::string normal(std::string_view expression) {
  std::string out;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c == '[') {
      if (out.empty() || !expression.substr(i).contains(']')) return {};
      out += '.';
    } else if (c != ']') {
      out += c;
    }
  }
  return out.starts_with('.') || out.ends_with('.') || out.contains("..") ? std::string{} : out;
}

// The next `${inner}` from `from` on that has no backslash before it.
struct Spot {
  std::size_t begin = 0, end = 0;
  std::string_view inner;
};
std::optional<Spot> next_spot(std::string_view text, std::size_t from) {
  while (true) {
    const auto begin = text.find("${", from);
    if (begin == text.npos) return std::nullopt;
    const auto close = text.find('}', begin);
    if (close == text.npos) return std::nullopt;
    if (begin == 0 || text[begin - 1] != '\\') return Spot{begin, close + 1, text.substr(begin + 2, close - begin - 2)};
    from = begin + 2;
  }
}

std::string unescaped(std::string text) {
  for (auto at = text.find("\\${"); at != text.npos; at = text.find("\\${", at + 1)) text.erase(at, 1);
  return text;
}

std::string_view type_name(const Value& v) { return v.is(Value::Kind::list) ? "list" : "dict"; }

void flatten(const Value& map, const std::string& prefix, std::vector<std::pair<std::string, const Value*>>& out) {
  for (const auto& m : map.members) {
    const auto name = prefix.empty() ? m.key : prefix + "." + m.key;
    if (m.value.is(Value::Kind::map))
      flatten(m.value, name, out);
    else
      out.emplace_back(name, &m.value);
  }
}

// In arguments a number or a null is written as Python prints it, a text is quoted for the shell.
std::string argument(const Value& v) {
  if (v.is(Value::Kind::text)) return shell_quote(v.text);
  if (v.is(Value::Kind::flag)) return v.flag ? "True" : "False";
  return yaml::to_text(v);
}

}  // namespace

std::string shell_quote(std::string_view text) {
  constexpr std::string_view safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(safe) == text.npos) return std::string(text);
  std::string out = "'";
  for (char c : text) {
    if (c == '\'')
      out += "'\"'\"'";
    else
      out += c;
  }
  return out + "'";
}

Result<std::string> as_arguments(const Value& map) {
  std::vector<std::pair<std::string, const Value*>> flat;
  flatten(map, "", flat);
  std::string out;
  for (const auto& [name, v] : flat) {
    if (v->is(Value::Kind::flag)) {
      if (v->flag) out += "--" + name + " ";
    } else if (v->is(Value::Kind::list)) {
      bool first = true;
      for (const auto& item : v->items) {
        if (!item.scalar()) return fail(Code::invalid, "Cannot interpolate nested iterable in '" + name + "'");
        if (std::exchange(first, false)) out += "--" + name + " ";
        out += argument(item) + " ";
      }
    } else {
      out += "--" + name + " " + argument(*v) + " ";
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

bool has_template(std::string_view text) { return next_spot(text, 0).has_value(); }

const Value* Context::find(std::string_view expression) const {
  return yaml::at_path(values_, normal(trim(expression)));
}

Result<void> Context::merge(Value& to, const Value& from, const std::string& prefix, const std::string& source) {
  for (const auto& m : from.members) {
    const auto name = prefix.empty() ? m.key : prefix + "." + m.key;
    auto* old = to.find(m.key);
    if (old && old->is(Value::Kind::map) && m.value.is(Value::Kind::map)) {
      TRY_(merge(*old, m.value, name, source));
      continue;
    }
    if (old) {
      std::string before = sources_.contains(name) ? sources_[name] : "another place";
      if (before == source && yaml::same(*old, m.value)) continue;
      return fail(Code::invalid, concat({"\ncannot redefine '", name, "' from '", source, "' as it already exists in '",
                                         before, "'"}));
    }
    to.set(m.key, m.value);
    sources_[name] = source;
  }
  return {};
}

Result<void> Context::load(const Value* vars, const std::string& wdir, const ReadParams& read, bool with_default) {
  const auto take = [&](const std::string& spec, bool must) -> Result<void> {
    const auto colon = spec.rfind(':');
    const auto file = spec.substr(0, colon);
    std::set<std::string> keys;
    if (colon != spec.npos)
      for (std::string_view rest = std::string_view(spec).substr(colon + 1); !rest.empty();) {
        const auto comma = std::min(rest.find(','), rest.size());
        keys.insert(std::string(trim(rest.substr(0, comma))));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
    const auto path = under(wdir, file);
    if (auto known = loaded_.find(path); known != loaded_.end()) {
      if (known->second.contains("") && keys.empty()) return {};
      if (known->second.contains("") || keys.empty())
        return fail(Code::invalid, "\ncannot partially load '" + spec + "' as it's already loaded.");
    }
    auto values = read(path);
    if (!values) {
      if (values.error().code == Code::missing)
        return must ? fail(Code::invalid, " '" + path + "' does not exist") : Result<void>{};
      return std::unexpected(values.error());
    }
    if (values->is(Value::Kind::null)) *values = Value::map();
    if (!values->is(Value::Kind::map))
      return fail(Code::invalid,
                  " expected a dictionary, got '" + std::string(type_name(*values)) + "' in file '" + path + "'");
    auto& known = loaded_[path];
    if (keys.empty()) {
      known.insert("");
      return merge(values_, *values, "", path);
    }
    Value chosen = Value::map();
    for (const auto& key : keys) {
      const auto* v = values->find(key);
      if (!v) return fail(Code::invalid, concat({" could not find '", key, "' in '", path, "'"}));
      chosen.set(key, *v);
      known.insert(key);
    }
    return merge(values_, chosen, "", path);
  };
  // Named in `vars` with keys, the default file is taken for these alone.
  const auto names_default = [&](const Value& v) {
    return v.is(Value::Kind::text) && v.text.substr(0, v.text.rfind(':')) == default_params;
  };
  if (with_default && !(vars && std::ranges::any_of(vars->items, names_default)))
    TRY_(take(std::string(default_params), false));
  if (!vars) return {};
  for (std::size_t i = 0; i < vars->items.size(); ++i) {
    const auto& v = vars->items[i];
    if (v.is(Value::Kind::text))
      TRY_(take(v.text, true));
    else if (v.is(Value::Kind::map))
      TRY_(merge(values_, v, "", "vars[" + std::to_string(i) + "]"));
    else
      return fail(Code::invalid, " expected a file name or a dictionary in vars[" + std::to_string(i) + "]");
  }
  return {};
}

Result<Value> fill(const Value& value, const Context& context, Maps maps) {
  if (value.is(Value::Kind::list) || value.is(Value::Kind::map)) {
    Value out = value;
    for (auto& item : out.items) {
      TRY(filled, fill(item, context, maps));
      item = std::move(filled);
    }
    for (auto& m : out.members) {
      if (has_template(m.key)) {
        TRY(key, fill(Value::of(m.key), context, Maps::refuse));
        m.key = yaml::to_text(key);
      }
      TRY(filled, fill(m.value, context, maps));
      m.value = std::move(filled);
    }
    return out;
  }
  if (!value.is(Value::Kind::text)) return value;
  std::string out;
  std::size_t at = 0;
  const std::string_view text = value.text;
  for (auto spot = next_spot(text, 0); spot; spot = next_spot(text, at)) {
    if (normal(trim(spot->inner)).empty())
      return fail(Code::invalid, "\n'${" + std::string(spot->inner) + "}' is no name");
    const auto* found = context.find(spot->inner);
    if (!found) return fail(Code::invalid, " Could not find '" + std::string(trim(spot->inner)) + "'");
    const bool exact = spot->begin == 0 && spot->end == text.size();
    if (exact && (found->scalar() || maps == Maps::as_value)) {
      Value same = *found;
      same.mark = value.mark;
      return same;
    }
    out += text.substr(at, spot->begin - at);
    if (found->scalar()) {
      out += yaml::to_text(*found);
    } else if (found->is(Value::Kind::map) && maps == Maps::as_arguments) {
      TRY(arguments, as_arguments(*found));
      out += arguments;
    } else {
      return fail(Code::invalid, "\nCannot interpolate data of type '" + std::string(type_name(*found)) + "'");
    }
    at = spot->end;
  }
  out += text.substr(at);
  Value filled = value;
  filled.text = unescaped(std::move(out));
  return filled;
}

}  // namespace pawl::dvc
