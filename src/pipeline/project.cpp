#include "pipeline/project.h"

#include "store/files.h"

namespace pawl::pipeline {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t file_bytes_max = 16 << 20;

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? "" : path.substr(0, slash);
}
std::string lock_name(const std::string& pipeline) {
  return (folder_of(pipeline).empty() ? "" : folder_of(pipeline) + "/") + "dvc.lock";
}
bool within(std::string_view inner, std::string_view outer) {
  return inner.size() > outer.size() && inner.starts_with(outer) && inner[outer.size()] == '/';
}

}  // namespace

Result<yaml::Value> read_params(const fs::path& file, const std::string& name) {
  const auto suffix = file.extension().string();
  if (suffix == ".toml" || suffix == ".py")
    return fail(Code::invalid, "'" + name + "': parameters in " + suffix + " files are not read yet; use YAML or JSON",
                name);
  TRY(text, store::read_file(file, file_bytes_max));
  return yaml::read(text, name);
}

Result<void> override_param(const fs::path& dir, const std::string& name, yaml::Value value) {
  const auto colon = name.find(':');
  const auto file = colon == name.npos ? std::string("params.yaml") : name.substr(0, colon);
  const auto key = colon == name.npos ? name : name.substr(colon + 1);
  if (!dvc::inside_root("", file))
    return fail(Code::invalid, "the parameter file '" + file + "' leaves the repository", name);
  auto values = read_params(dir / file, file);
  if (!values) {
    if (values.error().code != Code::missing) return std::unexpected(values.error());
    values = yaml::Value::map();
  }
  if (auto set = yaml::set_path(*values, key, std::move(value)); !set)
    return fail(Code::invalid, file + ": " + set.error().message, name);
  return store::write_file(dir / file,
                           file.ends_with(".json") ? dvc::python_json(*values) + "\n" : yaml::write(*values));
}

Result<Project> Project::load(datasets::Repo& repo) {
  Project out;
  out.repo_ = &repo;
  TRY(found, repo.find_files());
  for (const auto& file : found.pipelines) {
    TRY(text, store::read_file(repo.root() / file, file_bytes_max));
    const dvc::ReadParams read = [&repo](const std::string& path) { return read_params(repo.root() / path, path); };
    TRY(stages, dvc::read_pipeline(text, file, read));
    const auto lock_file = lock_name(file);
    auto lock_text = store::read_file(repo.root() / lock_file, file_bytes_max);
    if (lock_text) {
      TRY(lock, dvc::Lock::read(*lock_text, lock_file));
      out.locks_[file] = std::move(lock);
    }
    for (auto& s : stages) {
      Stage stage;
      stage.name = s.name;
      stage.address = file == "dvc.yaml" ? s.name : file + ":" + s.name;
      stage.file = file;
      stage.group = s.group;
      stage.dir = s.wdir;
      stage.cmd = std::move(s.cmd);
      stage.deps = std::move(s.deps);
      stage.params = std::move(s.params);
      stage.outs = std::move(s.outs);
      stage.frozen = s.frozen;
      stage.always_changed = s.always_changed;
      for (const auto& dep : stage.deps)
        if (dep.contains("://"))
          return fail(
              Code::invalid,
              stage.address + ": the dependency '" + dep + "' lies elsewhere; only files of this machine are read",
              dep);
      out.stages_.push_back(std::move(stage));
    }
  }
  for (const auto& file : found.dvc_files) {
    TRY(tracked, datasets::read_tracked(repo, file));
    Stage stage;
    stage.address = stage.file = file;
    stage.dir = tracked.dir;
    stage.frozen = tracked.content.frozen;
    for (const auto& e : tracked.content.outs)
      stage.outs.push_back({.path = e.path, .cache = e.says("cache", true), .remote = {}, .desc = {}});
    stage.tracked = std::move(tracked);
    out.stages_.push_back(std::move(stage));
  }
  return out;
}

const dvc::LockedStage* Project::locked(const Stage& stage) const {
  const auto lock = locks_.find(stage.file);
  return lock == locks_.end() ? nullptr : lock->second.find(stage.name);
}

Result<void> Project::save_lock(const Stage& stage, dvc::LockedStage locked) {
  auto& lock = locks_[stage.file];
  lock.set(stage.name, std::move(locked));
  return store::write_file(repo_->root() / lock_name(stage.file), lock.write());
}

fs::path Project::path_of(const Stage& stage, const std::string& written) const {
  return (repo_->root() / stage.dir / written).lexically_normal();
}

Result<std::vector<std::size_t>> Project::order() const {
  // Where each out comes from. Sorted names put an out and what lies in it side by side, with only its own inside between them.
  std::map<std::string, std::size_t> makers;
  const auto name_of = [this](const fs::path& path) {
    auto relative = path.lexically_relative(repo_->root()).generic_string();
    return relative.starts_with("..") ? path.string() : relative;
  };
  for (std::size_t i = 0; i < stages_.size(); ++i)
    for (const auto& out : stages_[i].outs) {
      auto path = path_of(stages_[i], out.path).string();
      while (path.ends_with('/')) path.pop_back();
      if (const auto [at, fresh] = makers.emplace(path, i); !fresh)
        return fail(Code::conflict,
                    "output '" + name_of(path) + "' is specified in:\n\t- " + stages_[i].address + "\n\t- " +
                        stages_[at->second].address +
                        "\nUse `dvc remove` with any of the above targets to stop tracking the overlapping output.",
                    name_of(path));
    }
  for (const auto& [path, i] : makers)
    for (auto up = fs::path(path).parent_path(); up.has_relative_path(); up = up.parent_path())
      if (const auto at = makers.find(up.string()); at != makers.end())
        return fail(Code::conflict,
                    "The output paths:\n'" + name_of(up) + "'('" + stages_[at->second].address + "')\n'" +
                        name_of(path) + "'('" + stages_[i].address +
                        "')\noverlap and are thus in the same tracked directory.\nTo keep reproducibility, outputs "
                        "should be in separate tracked directories or tracked individually.",
                    name_of(path));

  std::vector<std::vector<std::size_t>> needs(stages_.size());
  for (std::size_t i = 0; i < stages_.size(); ++i)
    for (const auto& dep : stages_[i].deps) {
      auto path = path_of(stages_[i], dep).string();
      while (path.size() > 1 && path.ends_with('/')) path.pop_back();
      // The out itself, an out that holds it, and the outs that lie in it.
      for (fs::path up = path; up.has_relative_path(); up = up.parent_path())
        if (const auto at = makers.find(up.string()); at != makers.end()) needs[i].push_back(at->second);
      for (auto at = makers.upper_bound(path + "/"); at != makers.end() && within(at->first, path); ++at)
        needs[i].push_back(at->second);
    }

  enum class Mark { fresh, open, done };
  std::vector<Mark> marks(stages_.size(), Mark::fresh);
  std::vector<std::size_t> out, path;
  const auto visit = [&](auto&& self, std::size_t i) -> Result<void> {
    if (marks[i] == Mark::done) return {};
    if (marks[i] == Mark::open) {
      std::string names;
      const auto from = std::ranges::find(path, i);
      const bool one = std::next(from) == path.end();
      for (auto at = from; at != path.end(); ++at) names += (names.empty() ? "" : ", ") + stages_[*at].address;
      return fail(Code::conflict,
                  std::string("Same item(s) are defined as both a dependency and an output in stage") +
                      (one ? ": " : "s: ") + names + ".",
                  stages_[i].address);
    }
    marks[i] = Mark::open;
    path.push_back(i);
    for (const auto n : needs[i]) TRY_(self(self, n));
    path.pop_back();
    marks[i] = Mark::done;
    out.push_back(i);
    return {};
  };
  for (std::size_t i = 0; i < stages_.size(); ++i) TRY_(visit(visit, i));
  needs_ = std::move(needs);
  return out;
}

Result<std::vector<std::size_t>> Project::named(const std::string& target) const {
  std::vector<std::size_t> out;
  // A path is meant from where we stand, else from the root.
  auto inside = repo_->inside(target);
  std::error_code ec;
  if (!inside || !fs::exists(fs::absolute(target, ec), ec)) inside = dvc::inside_root("", target);
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const auto& s = stages_[i];
    const bool by_name = s.address == target ||
                         (!s.group.empty() && (s.file == "dvc.yaml" ? s.group : s.file + ":" + s.group) == target);
    const bool by_file = inside && s.file == *inside;
    const bool by_out = inside && std::ranges::any_of(s.outs, [&](const dvc::OutOf& o) {
                          return path_of(s, o.path) == repo_->root() / *inside;
                        });
    if (by_name || by_file || by_out) out.push_back(i);
  }
  if (out.empty()) return fail(Code::missing, "Stage '" + target + "' not found inside 'dvc.yaml' file", target);
  return out;
}

Result<std::vector<std::size_t>> Project::select(const std::vector<std::string>& targets, bool alone) const {
  TRY(all, order());
  if (targets.empty()) return std::move(all);
  std::vector<bool> wanted(stages_.size(), false);
  std::vector<std::size_t> open;
  for (const auto& target : targets) {
    TRY(some, named(target));
    open.insert(open.end(), some.begin(), some.end());
  }
  while (!open.empty()) {
    const auto i = open.back();
    open.pop_back();
    if (wanted[i]) continue;
    wanted[i] = true;
    if (!alone && !stages_[i].frozen) open.insert(open.end(), needs_[i].begin(), needs_[i].end());
  }
  std::erase_if(all, [&](std::size_t i) { return !wanted[i]; });
  return std::move(all);
}

}  // namespace pawl::pipeline
