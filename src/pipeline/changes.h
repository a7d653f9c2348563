// What is out of date, and how: in the words and the shape of DVC's status.
#pragma once
#include "pipeline/project.h"

namespace pawl::pipeline {

struct Change {
  std::string path;
  std::string word;  // modified, deleted, new, not in cache
};
struct ParamsChange {
  std::string file;
  std::vector<Change> keys;  // empty: the whole file, then `word` says what
  std::string word;
};
struct Changes {
  std::vector<Change> deps, outs;
  std::vector<ParamsChange> params;
  bool command = false, always = false;
  bool unknown = false;  // there is no lock entry at all
  bool any() const { return !deps.empty() || !outs.empty() || !params.empty() || command || always; }
  // All that is wrong is that outs are absent or differ; what makes them is the same.
  bool only_outs() const { return !outs.empty() && deps.empty() && params.empty() && !command && !always; }
};

Result<Changes> changes_of(Project& project, const Stage& stage);

// What the stage runs on now, ready for the lock: hashes of its dependencies and the values of its parameters. Fails on what is missing.
Result<dvc::LockedStage> inputs_of(Project& project, const Stage& stage);

// {"train": [{"changed deps": {"params.yaml": {"lr": "modified"}}}, {"changed outs": {…}}, "changed command"]}, and the text for people.
std::string status_json(const std::vector<std::pair<std::string, Changes>>& all);
std::string status_text(const std::vector<std::pair<std::string, Changes>>& all);

}  // namespace pawl::pipeline
