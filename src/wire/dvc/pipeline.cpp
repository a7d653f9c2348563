#include "wire/dvc/pipeline.h"

namespace pawl::dvc {
namespace {

using yaml::Value;
using Kind = Value::Kind;

constexpr auto top_keys =
    std::to_array<std::string_view>({"stages", "vars", "params", "metrics", "plots", "artifacts", "datasets"});
constexpr auto stage_keys =
    std::to_array<std::string_view>({"cmd", "wdir", "deps", "params", "outs", "metrics", "plots", "vars", "frozen",
                                     "always_changed", "desc", "meta", "matrix", "foreach", "do"});
constexpr auto out_keys = std::to_array<std::string_view>(
    {"cache", "persist", "remote", "push", "desc", "type", "labels", "meta", "checkpoint"});
constexpr auto plot_keys =
    std::to_array<std::string_view>({"template", "x", "y", "x_label", "y_label", "title", "header"});
constexpr std::string_view default_params = "params.yaml";
constexpr std::size_t stages_max = 10'000;  // what a matrix may become

template <class Keys> bool knows(const Keys& keys, std::string_view key) {
  return std::ranges::find(keys, key) != keys.end();
}

std::string generated(const std::string& group, const std::string& key) {
  std::string out = group;
  out += '@';
  out += key;
  return out;
}
std::string inside_of(std::string where, const std::string& path, const std::string& key) {
  where += " -> ";
  where += path;
  where += " -> ";
  where += key;
  return where;
}

class Reader {
 public:
  Reader(std::string path, const ReadParams& read) : path_(std::move(path)), read_(read) {
    const auto slash = path_.rfind('/');
    dir_ = slash == path_.npos ? "" : path_.substr(0, slash);
  }

  Result<std::vector<StageOf>> run(std::string_view text) {
    TRY(document, yaml::read(text, path_));
    if (document.is(Kind::null)) return std::vector<StageOf>{};
    if (!document.is(Kind::map)) return bad(document.mark, "expected a dictionary", "the file");
    for (const auto& m : document.members)
      if (!knows(top_keys, m.key)) return bad(m.mark, "extra keys not allowed", m.key);
    const auto* vars = document.find("vars");
    if (vars) TRY_(plain_vars(*vars, "vars"));
    if (auto loaded = context_.load(vars, dir_, read_, true); !loaded) return parse_error(loaded.error(), "'vars'");
    const auto* stages = document.find("stages");
    if (!stages || stages->is(Kind::null)) return std::vector<StageOf>{};
    if (!stages->is(Kind::map)) return bad(stages->mark, "expected a dictionary", "stages");
    for (const auto& m : stages->members) TRY_(definition(m));
    return std::move(out_);
  }

 private:
  std::unexpected<Error> bad(yaml::Mark mark, std::string_view what, const std::string& where) const {
    return std::unexpected(yaml::error_at(path_, mark, "validation failed: " + std::string(what) + ", in " + where));
  }
  // The codec below says " Could not find 'x'"; here it learns where.
  std::unexpected<Error> parse_error(Error problem, const std::string& where) const {
    if (problem.message.starts_with(' ') || problem.message.starts_with('\n'))
      problem.message = "failed to parse " + where + " in '" + path_ + "':" + problem.message;
    if (problem.field.empty()) problem.field = path_;
    return std::unexpected(std::move(problem));
  }
  Result<void> plain_vars(const Value& vars, const std::string& where) const {
    const auto filled = [](auto&& self, const Value& v) -> bool {
      if (v.is(Kind::text)) return has_template(v.text);
      for (const auto& i : v.items)
        if (self(self, i)) return true;
      for (const auto& m : v.members)
        if (self(self, m.value)) return true;
      return false;
    };
    if (!vars.is(Kind::list)) return bad(vars.mark, "expected a list", where);
    if (filled(filled, vars))
      return fail(Code::invalid, "failed to parse '" + where + "' in '" + path_ + "': interpolating is not allowed",
                  path_);
    return {};
  }

  Result<void> definition(const yaml::Member& m) {
    const auto where = "stages -> " + m.key;
    const auto& v = m.value;
    if (!v.is(Kind::map)) return bad(v.mark, "expected a dictionary", where);
    for (const auto& k : v.members)
      if (!knows(stage_keys, k.key)) return bad(k.mark, "extra keys not allowed", where + " -> " + k.key);
    const auto* foreach = v.find("foreach");
    const auto* matrix = v.find("matrix");
    if (foreach) {
      const auto* body = v.find("do");
      if (!body || !body->is(Kind::map) || v.members.size() != 2)
        return bad(v.mark, "expected only 'foreach' and 'do'", where);
      for (const auto& k : body->members)
        if (!knows(stage_keys, k.key) || k.key == "foreach" || k.key == "do" || k.key == "matrix")
          return bad(k.mark, "extra keys not allowed", where + " -> do -> " + k.key);
      return each(m.key, *foreach, *body);
    }
    if (const auto* lone = v.find("do")) return bad(lone->mark, "'do' without 'foreach'", where + " -> do");
    if (matrix) {
      Value body = v;
      body.erase("matrix");
      return product(m.key, *matrix, body);
    }
    return stage(m.key, "", v, context_, m.mark);
  }

  // DVC calls a generated stage `s@true` when the file itself says true, and `s@True` when the value came out of a `${}`.
  static std::string name_part(const Value& v, const Value& written) {
    if (v.is(Kind::flag) && !written.is(Kind::flag)) return v.flag ? "True" : "False";
    return yaml::to_text(v);
  }

  Result<void> each(const std::string& name, const Value& over, const Value& body) {
    auto items = fill(over, context_, Maps::as_value);
    const auto where = "'stages." + name + ".foreach'";
    if (!items) return parse_error(items.error(), where);
    if (items->scalar())
      return fail(Code::invalid,
                  "failed to resolve " + where + " in '" + path_ + "': expected list/dictionary, got " +
                      (items->is(Kind::text) ? "str" : "a scalar"),
                  path_);
    const bool nested = std::ranges::any_of(items->items, [](const Value& i) { return !i.scalar(); });
    for (std::size_t i = 0; i < items->items.size(); ++i) {
      Context with = context_;
      with.put("item", items->items[i]);
      const auto* written = over.is(Kind::list) ? &over.items[i] : &over;
      const auto key = nested ? std::to_string(i) : name_part(items->items[i], *written);
      TRY_(stage(generated(name, key), name, body, with, over.mark));
    }
    for (const auto& m : items->members) {
      Context with = context_;
      with.put("item", m.value);
      with.put("key", Value::of(m.key));
      TRY_(stage(generated(name, m.key), name, body, with, m.mark));
    }
    return {};
  }

  Result<void> product(const std::string& name, const Value& axes, const Value& body) {
    auto filled = fill(axes, context_, Maps::as_value);
    if (!filled) return parse_error(filled.error(), "'stages." + name + ".matrix'");
    if (!filled->is(Kind::map) || filled->members.empty())
      return bad(axes.mark, "expected a dictionary", "stages -> " + name + " -> matrix");
    for (const auto& axis : filled->members)
      if (!axis.value.is(Kind::list))
        return bad(axis.mark, "expected a list", "stages -> " + name + " -> matrix -> " + axis.key);
    std::vector<std::size_t> at(filled->members.size(), 0);
    for (const auto& axis : filled->members)
      if (axis.value.items.empty()) return {};
    while (true) {
      Value item = Value::map();
      std::string key;
      for (std::size_t a = 0; a < at.size(); ++a) {
        const auto& axis = filled->members[a];
        const auto& v = axis.value.items[at[a]];
        item.set(axis.key, v);
        if (a) key += '-';
        const auto* written = axes.find(axis.key);
        if (written && written->is(Kind::list)) written = &written->items[at[a]];
        key += v.scalar() ? name_part(v, written ? *written : axes) : axis.key + std::to_string(at[a]);
      }
      Context with = context_;
      with.put("item", std::move(item));
      with.put("key", Value::of(key));
      TRY_(stage(generated(name, key), name, body, with, axes.mark));
      std::size_t a = at.size();
      while (a > 0 && ++at[a - 1] == filled->members[a - 1].value.items.size()) at[--a] = 0;
      if (a == 0) return {};
    }
  }

  Result<void> stage(const std::string& name, const std::string& group, const Value& body, Context context,
                     yaml::Mark mark) {
    if (out_.size() >= stages_max)
      return fail(Code::too_large, path_ + ": more than " + std::to_string(stages_max) + " stages", path_);
    const auto where = "stages -> " + name;
    StageOf s;
    s.name = name;
    s.group = group;
    s.wdir = dir_;
    s.mark = mark;
    if (const auto* wdir = body.find("wdir")) {
      auto filled = fill(*wdir, context, Maps::refuse);
      if (!filled) return parse_error(filled.error(), "'stages." + name + ".wdir'");
      auto inside = inside_root(dir_, yaml::to_text(*filled));
      if (!inside) return bad(wdir->mark, "wdir leaves the repository", where + " -> wdir");
      s.wdir = *inside;
    }
    if (const auto* vars = body.find("vars")) {
      TRY_(plain_vars(*vars, "stages." + name + ".vars"));
      if (auto loaded = context.load(vars, s.wdir, read_, false); !loaded)
        return parse_error(loaded.error(), "'stages." + name + ".vars'");
    }
    for (const auto& m : body.members) {
      if (m.key == "vars" || m.key == "wdir" || m.key == "meta") continue;
      auto filled = fill(m.value, context, m.key == "cmd" ? Maps::as_arguments : Maps::refuse);
      if (!filled) return parse_error(filled.error(), "'stages." + name + "." + m.key + "'");
      TRY_(part(s, m.key, *filled, m.mark, where + " -> " + m.key));
    }
    if (s.cmd.is(Kind::null)) return bad(body.mark, "required key not provided", where + " -> cmd");
    out_.push_back(std::move(s));
    return {};
  }

  Result<void> part(StageOf& s, const std::string& key, const Value& v, yaml::Mark mark, const std::string& where) {
    if (key == "cmd") {
      if (v.is(Kind::list)) {
        if (v.items.empty()) return bad(mark, "expected str", where);
        for (const auto& i : v.items)
          if (!i.is(Kind::text)) return bad(i.mark, "expected str", where);
      } else if (!v.is(Kind::text) || v.text.empty()) {
        return bad(mark, "expected str", where);
      }
      s.cmd = v;
    } else if (key == "frozen" || key == "always_changed") {
      if (!v.is(Kind::flag)) return bad(mark, "expected bool", where);
      (key == "frozen" ? s.frozen : s.always_changed) = v.flag;
    } else if (key == "desc") {
      if (!v.is(Kind::text)) return bad(mark, "expected str", where);
      s.desc = v.text;
    } else if (key == "deps") {
      if (!v.is(Kind::list)) return bad(mark, "expected a list", where);
      for (const auto& i : v.items) {
        if (!i.is(Kind::text) || i.text.empty()) return bad(i.mark, "expected str", where);
        if (std::ranges::find(s.deps, i.text) == s.deps.end()) s.deps.push_back(i.text);
      }
    } else if (key == "params") {
      return params(s, v, mark, where);
    } else {
      return outs(s, v,
                  key == "metrics" ? OutOf::Kind::metric
                  : key == "plots" ? OutOf::Kind::plot
                                   : OutOf::Kind::out,
                  mark, where);
    }
    return {};
  }

  Result<void> params(StageOf& s, const Value& v, yaml::Mark mark, const std::string& where) {
    if (!v.is(Kind::list)) return bad(mark, "expected a list", where);
    const auto of = [&s](const std::string& file) -> ParamsOf& {
      for (auto& p : s.params)
        if (p.file == file) return p;
      return s.params.emplace_back(ParamsOf{file, {}});
    };
    std::set<std::string> whole;
    for (const auto& i : v.items) {
      if (i.is(Kind::text)) {
        of(std::string(default_params)).keys.push_back(i.text);
      } else if (i.is(Kind::map)) {
        for (const auto& m : i.members) {
          auto& p = of(m.key);
          if (m.value.is(Kind::null) || (m.value.is(Kind::list) && m.value.items.empty())) {
            whole.insert(m.key);
            continue;
          }
          if (!m.value.is(Kind::list)) return bad(m.mark, "expected a list", where + " -> " + m.key);
          for (const auto& k : m.value.items) {
            if (!k.is(Kind::text)) return bad(k.mark, "expected str", where + " -> " + m.key);
            p.keys.push_back(k.text);
          }
        }
      } else {
        return bad(i.mark, "expected str", where);
      }
    }
    for (auto& p : s.params) {
      if (whole.contains(p.file)) p.keys.clear();
      std::ranges::sort(p.keys);
      p.keys.erase(std::unique(p.keys.begin(), p.keys.end()), p.keys.end());
    }
    return {};
  }

  Result<void> outs(StageOf& s, const Value& v, OutOf::Kind kind, yaml::Mark mark, const std::string& where) {
    const auto add = [&](const std::string& path, const Value* flags) -> Result<void> {
      auto known = std::ranges::find(s.outs, path, &OutOf::path);
      OutOf& out = known != s.outs.end() ? *known : s.outs.emplace_back();
      out.path = path;
      if (kind != OutOf::Kind::out) out.kind = kind;
      if (!flags || flags->is(Kind::null)) return {};
      if (!flags->is(Kind::map)) return bad(flags->mark, "expected a dictionary", where + " -> " + path);
      for (const auto& f : flags->members) {
        if (!knows(out_keys, f.key) && !(kind == OutOf::Kind::plot && knows(plot_keys, f.key)))
          return bad(f.mark, "extra keys not allowed", inside_of(where, path, f.key));
        const bool wants_flag = f.key == "cache" || f.key == "persist" || (f.key == "push");
        if (wants_flag && !f.value.is(Kind::flag))
          return bad(f.value.mark, "expected bool", inside_of(where, path, f.key));
        if (f.key == "cache") out.cache = f.value.flag;
        if (f.key == "persist") out.persist = f.value.flag;
        if (f.key == "push") out.push = f.value.flag;
        if (f.key == "remote") out.remote = f.value.text;
        if (f.key == "desc") out.desc = f.value.text;
      }
      return {};
    };
    if (v.is(Kind::map)) {  // plots may be a map
      for (const auto& m : v.members) TRY_(add(m.key, &m.value));
      return {};
    }
    if (!v.is(Kind::list)) return bad(mark, "expected a list", where);
    for (const auto& i : v.items) {
      if (i.is(Kind::text) && !i.text.empty())
        TRY_(add(i.text, nullptr));
      else if (i.is(Kind::map))
        for (const auto& m : i.members) TRY_(add(m.key, &m.value));
      else
        return bad(i.mark, "expected str", where);
    }
    return {};
  }

  std::string path_, dir_;
  const ReadParams& read_;
  Context context_;
  std::vector<StageOf> out_;
};

}  // namespace

Result<std::vector<StageOf>> read_pipeline(std::string_view text, const std::string& path, const ReadParams& read) {
  return Reader(path, read).run(text);
}

std::optional<std::string> inside_root(std::string_view dir, std::string_view path) {
  if (path.starts_with('/')) return std::nullopt;
  std::vector<std::string_view> parts;
  const std::string whole = std::string(dir) + "/" + std::string(path);
  for (std::string_view rest = whole; !rest.empty();) {
    const auto slash = std::min(rest.find('/'), rest.size());
    const auto part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..")
      parts.push_back(part);
    else if (parts.empty())
      return std::nullopt;
    else
      parts.pop_back();
  }
  std::string out;
  for (const auto part : parts) out += (out.empty() ? "" : "/") + std::string(part);
  return out;
}

}  // namespace pawl::dvc
