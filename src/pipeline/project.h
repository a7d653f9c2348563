// All stages of a repository as one graph: what dvc.yaml files declare and what .dvc files track, with their lock files.
#pragma once
#include "datasets/tracked.h"
#include "wire/dvc/lock.h"
#include "wire/dvc/pipeline.h"

namespace pawl::pipeline {

struct Stage {
  std::string address;  // train, sub/dvc.yaml:train, data.dvc: what messages and targets call it
  std::string file;     // dvc.yaml, sub/dvc.yaml, data.dvc; relative to the root
  std::string name;     // in its dvc.yaml; empty for a .dvc file
  std::string group;    // of foreach and matrix
  std::string dir;      // its wdir, relative to the root
  yaml::Value cmd;
  std::vector<std::string> deps;  // as written
  std::vector<dvc::ParamsOf> params;
  std::vector<dvc::OutOf> outs;  // as written
  bool frozen = false, always_changed = false;
  std::optional<datasets::Tracked> tracked;  // of a .dvc file

  bool is_data() const { return tracked.has_value(); }
};

class Project {
 public:
  // Reads everything. The graph is not looked at yet: status and checkout work on a broken one, as in DVC.
  static Result<Project> load(datasets::Repo& repo);

  datasets::Repo& repo() const { return *repo_; }
  const std::vector<Stage>& stages() const { return stages_; }
  // Of a stage of dvc.yaml; null without an entry.
  const dvc::LockedStage* locked(const Stage& stage) const;
  Result<void> save_lock(const Stage& stage,
                         dvc::LockedStage locked);  // writes the lock file beside the stage's dvc.yaml

  // An absolute path of something that the stage names.
  std::filesystem::path path_of(const Stage& stage, const std::string& written) const;

  // Stages in the order they have to run, dependencies first. Fails on cycles and outs that are named twice or lie in each other.
  Result<std::vector<std::size_t>> order() const;
  // The stages that a target names, and (unless `alone`) all that they depend on, in order. No targets: all.
  Result<std::vector<std::size_t>> select(const std::vector<std::string>& targets, bool alone) const;

 private:
  Result<std::vector<std::size_t>> named(const std::string& target) const;
  datasets::Repo* repo_ = nullptr;
  std::vector<Stage> stages_;
  std::map<std::string, dvc::Lock> locks_;               // by dvc.yaml
  mutable std::vector<std::vector<std::size_t>> needs_;  // made by order()
};

// Reads a parameter file below the root: YAML or JSON. Code::missing when it does not exist.
Result<yaml::Value> read_params(const std::filesystem::path& file, const std::string& name);
// `key=value` or `file:key=value` (as pawl.yaml's `set` and `repro -S` take them): changes the file below `dir`.
Result<void> override_param(const std::filesystem::path& dir, const std::string& name, yaml::Value value);

}  // namespace pawl::pipeline
