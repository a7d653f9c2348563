// dvc.lock: what each stage was run with and what came of it.
#pragma once
#include "wire/dvc/entry.h"

namespace pawl::dvc {

struct LockedStage {
  yaml::Value cmd;  // text or list, as in dvc.yaml after interpolation
  std::vector<Entry> deps, outs;
  yaml::Value params = yaml::Value::map();  // file -> key -> value
};

class Lock {
 public:
  static Result<Lock> read(std::string_view text, std::string_view name);
  const LockedStage* find(const std::string& stage) const;
  // A new stage goes to the end, the others keep their place; what was read and not set stays as it was, also of stages that are gone.
  void set(const std::string& stage, LockedStage locked);
  std::string write() const;

 private:
  std::string head_;  // comment lines at the top of the file
  yaml::Value document_ = yaml::Value::map();
  std::map<std::string, LockedStage> stages_;
};

// One stage as its mapping stands in the lock: sorted by path, params.yaml before other files, empty parts absent.
yaml::Value locked_value(LockedStage stage);

// The name of a run in the run cache: SHA-256 over the Python-JSON of what went in (`key`), and of that with what came out (`value`).
struct RunName {
  std::string key, value;
};
RunName run_name(const LockedStage& stage);
// JSON as Python's json.dumps(sort_keys=True) writes it.
std::string python_json(const yaml::Value& value);

}  // namespace pawl::dvc
