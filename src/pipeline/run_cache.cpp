#include "pipeline/run_cache.h"

#include "store/files.h"

namespace pawl::pipeline {
namespace fs = std::filesystem;

bool may_be_kept(const Project& project, const Stage& stage) {
  if (stage.outs.empty() || (stage.deps.empty() && stage.params.empty()) || stage.always_changed) return false;
  return std::ranges::all_of(stage.outs, [&](const dvc::OutOf& o) {
    const bool inside = project.repo().inside(project.path_of(stage, o.path)).has_value();
    return inside && !o.persist && (o.cache || o.kind != dvc::OutOf::Kind::out);
  });
}

Result<void> keep_run(Project& project, const Stage& stage, const dvc::LockedStage& locked) {
  if (!may_be_kept(project, stage)) return {};
  const auto name = dvc::run_name(locked);
  const auto file = project.repo().cache().dir() / "runs" / name.key.substr(0, 2) / name.key / name.value;
  std::error_code ec;
  if (fs::exists(file, ec)) return {};
  return store::write_file(file, yaml::write(dvc::locked_value(locked)));
}

Result<std::optional<dvc::LockedStage>> find_run(Project& project, const Stage& stage, const dvc::LockedStage& inputs) {
  if (!may_be_kept(project, stage)) return std::nullopt;
  // The key covers the paths of the outs, so they have to be named before it is taken.
  auto asked = inputs;
  for (const auto& o : stage.outs) {
    dvc::Entry entry;
    entry.path = o.path;
    asked.outs.push_back(std::move(entry));
  }
  const auto key = dvc::run_name(asked).key;
  std::error_code ec;
  std::vector<std::pair<fs::file_time_type, fs::path>> runs;
  for (const auto& e : fs::directory_iterator(project.repo().cache().dir() / "runs" / key.substr(0, 2) / key, ec))
    if (e.is_regular_file(ec)) runs.emplace_back(e.last_write_time(ec), e.path());
  std::ranges::sort(runs, std::greater{});
  for (const auto& [time, path] : runs) {
    auto text = store::read_file(path);
    if (!text) continue;
    // Read as the lock file it is a part of.
    auto whole = yaml::read(*text, path.string());
    if (!whole) continue;
    yaml::Value document = yaml::Value::map(), stages = yaml::Value::map();
    stages.set("run", std::move(*whole));
    document.set("schema", yaml::Value::of("2.0"));
    document.set("stages", std::move(stages));
    auto lock = dvc::Lock::read(yaml::write(document), path.string());
    if (!lock || !lock->find("run")) continue;
    auto found = *lock->find("run");
    // The key leaves `size` and `nfiles` out at every depth, so a parameter of such a name is not in it: compared here.
    if (!yaml::same(found.params, inputs.params) || found.outs.size() != stage.outs.size()) continue;
    bool all_there = true;
    for (const auto& e : found.outs) {
      TRY(there, project.repo().cache().has_all(e.digest));
      all_there = all_there && there;
    }
    if (all_there) return found;
  }
  return std::nullopt;
}

}  // namespace pawl::pipeline
