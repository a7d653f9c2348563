#include "pipeline/changes.h"

#include "core/json.h"

namespace pawl::pipeline {
namespace {

using datasets::OutState;
using yaml::Value;

const dvc::Entry* find(const std::vector<dvc::Entry>& entries, const std::string& path) {
  const auto at = std::ranges::find(entries, path, &dvc::Entry::path);
  return at == entries.end() ? nullptr : &*at;
}

// The values of a stage's parameters out of one file.
Result<Value> values_of(Project& project, const Stage& stage, const dvc::ParamsOf& params,
                        std::vector<std::string>* missing) {
  const auto name = dvc::inside_root(stage.dir, params.file).value_or(params.file);
  TRY(file, read_params(project.path_of(stage, params.file), name));
  Value out = Value::map();
  if (params.keys.empty()) {
    if (file.is(Value::Kind::map)) out = file;
    return out;
  }
  for (const auto& key : params.keys) {
    if (const auto* v = yaml::at_path(file, key))
      out.set(key, *v);
    else if (missing)
      missing->push_back(key);
  }
  return out;
}

Result<ParamsChange> params_change(Project& project, const Stage& stage, const dvc::ParamsOf& params,
                                   const dvc::LockedStage* locked) {
  ParamsChange out{params.file, {}, {}};
  const auto* before = locked ? locked->params.find(params.file) : nullptr;
  std::vector<std::string> missing;
  auto now = values_of(project, stage, params, &missing);
  if (!now) {
    if (now.error().code != Code::missing) return std::unexpected(now.error());
    out.word = "deleted";
    return out;
  }
  for (const auto& key : missing) out.keys.push_back({key, "deleted"});
  for (const auto& m : now->members) {
    const auto* old = before ? before->find(m.key) : nullptr;
    if (!old)
      out.keys.push_back({m.key, "new"});
    else if (!yaml::same(*old, m.value))
      out.keys.push_back({m.key, "modified"});
  }
  if (params.keys.empty() && before)
    for (const auto& m : before->members)
      if (!now->find(m.key)) out.keys.push_back({m.key, "deleted"});
  return out;
}

std::string_view word_of(OutState state) { return word(state); }

void object(std::string& out, const std::vector<Change>& changes) {
  out += '{';
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (i) out += ", ";
    write_json_text(out, changes[i].path);
    out += ": ";
    write_json_text(out, changes[i].word);
  }
  out += '}';
}

std::string padded(std::string word_text) {
  word_text += ':';
  word_text.resize(std::max<std::size_t>(word_text.size(), 20), ' ');
  return word_text;
}

}  // namespace

Result<Changes> changes_of(Project& project, const Stage& stage) {
  auto& repo = project.repo();
  Changes out;
  if (stage.is_data()) {
    for (const auto& e : stage.tracked->content.outs) {
      TRY(state, datasets::state_of(repo, stage.dir, e));
      if (state != OutState::same) out.outs.push_back({e.path, std::string(word_of(state))});
    }
    return out;
  }
  const auto* locked = project.locked(stage);
  out.unknown = !locked;
  out.always = stage.always_changed || (stage.deps.empty() && stage.outs.empty() && stage.params.empty());
  if (locked && !yaml::same(locked->cmd, stage.cmd)) out.command = true;
  if (!stage.frozen) {
    for (const auto& dep : stage.deps) {
      const auto* before = locked ? find(locked->deps, dep) : nullptr;
      auto now = repo.hash(project.path_of(stage, dep), before && before->hash.empty());
      if (!now && now.error().code != Code::missing) return std::unexpected(now.error());
      if (!now)
        out.deps.push_back({dep, "deleted"});
      else if (!before)
        out.deps.push_back({dep, "new"});
      else if (now->digest != before->digest)
        out.deps.push_back({dep, "modified"});
    }
    for (const auto& p : stage.params) {
      TRY(change, params_change(project, stage, p, locked));
      if (!change.keys.empty() || !change.word.empty()) out.params.push_back(std::move(change));
    }
  }
  for (const auto& o : stage.outs) {
    dvc::Entry entry;
    if (const auto* before = locked ? find(locked->outs, o.path) : nullptr) entry = *before;
    entry.path = o.path;
    if (!o.cache) entry.extra.set("cache", Value::of(false));
    TRY(state, datasets::state_of(repo, stage.dir, entry));
    if (state != OutState::same) out.outs.push_back({o.path, std::string(word_of(state))});
  }
  return out;
}

Result<dvc::LockedStage> inputs_of(Project& project, const Stage& stage) {
  dvc::LockedStage out;
  out.cmd = stage.cmd;
  for (const auto& dep : stage.deps) {
    auto now = project.repo().hash(project.path_of(stage, dep));
    if (!now) {
      if (now.error().code == Code::missing)
        return fail(Code::missing,
                    "failed to reproduce '" + stage.address + "': dependency '" + dep + "' does not exist", dep);
      return std::unexpected(now.error());
    }
    dvc::Entry entry;
    entry.path = dep;
    datasets::set_content(entry, *now);
    out.deps.push_back(std::move(entry));
  }
  for (const auto& p : stage.params) {
    std::vector<std::string> missing;
    auto values = values_of(project, stage, p, &missing);
    if (!values) {
      if (values.error().code == Code::missing)
        return fail(Code::missing,
                    "failed to reproduce '" + stage.address + "': dependency '" + p.file + "' does not exist", p.file);
      return std::unexpected(values.error());
    }
    if (!missing.empty()) {
      std::string names;
      for (const auto& m : missing) names += (names.empty() ? "" : ", ") + m;
      return fail(
          Code::invalid,
          "failed to reproduce '" + stage.address + "': Parameters '" + names + "' are missing from '" + p.file + "'.",
          p.file);
    }
    if (!values->members.empty()) out.params.set(p.file, std::move(*values));
  }
  return out;
}

std::string status_json(const std::vector<std::pair<std::string, Changes>>& all) {
  std::string out = "{";
  for (const auto& [name, c] : all) {
    if (!c.any()) continue;
    std::vector<std::string> parts;
    if (!c.deps.empty() || !c.params.empty()) {
      std::string deps;
      object(deps, c.deps);
      deps.pop_back();
      for (const auto& p : c.params) {
        if (deps.size() > 1) deps += ", ";
        write_json_text(deps, p.file);
        deps += ": ";
        if (p.keys.empty())
          write_json_text(deps, p.word);
        else
          object(deps, p.keys);
      }
      parts.push_back("{\"changed deps\": " + deps + "}}");
    }
    if (!c.outs.empty()) {
      std::string outs;
      object(outs, c.outs);
      parts.push_back("{\"changed outs\": " + outs + "}");
    }
    if (c.command) parts.push_back("\"changed command\"");
    if (c.always) parts.push_back("\"always changed\"");
    if (out.size() > 1) out += ", ";
    write_json_text(out, name);
    out += ": [";
    for (std::size_t i = 0; i < parts.size(); ++i) out += (i ? ", " : "") + parts[i];
    out += ']';
  }
  return out + "}";
}

std::string status_text(const std::vector<std::pair<std::string, Changes>>& all) {
  std::string out;
  for (const auto& [name, c] : all) {
    if (!c.any()) continue;
    out += name + ":\n";
    if (!c.deps.empty() || !c.params.empty()) {
      out += "\tchanged deps:\n";
      for (const auto& d : c.deps) out += "\t\t" + padded(d.word) + d.path + "\n";
      for (const auto& p : c.params) {
        if (p.keys.empty())
          out += "\t\t" + padded(p.word) + p.file + "\n";
        else
          out += "\t\t" + p.file + ":\n";
        for (const auto& k : p.keys) out += "\t\t\t" + padded(k.word) + k.path + "\n";
      }
    }
    if (!c.outs.empty()) {
      out += "\tchanged outs:\n";
      for (const auto& o : c.outs) out += "\t\t" + padded(o.word) + o.path + "\n";
    }
    if (c.command) out += "\tchanged command\n";
    if (c.always) out += "\talways changed\n";
  }
  return out.empty() ? "Data and pipelines are up to date.\n" : out;
}

}  // namespace pawl::pipeline
