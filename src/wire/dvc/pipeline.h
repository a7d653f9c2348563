// dvc.yaml: the stages that it declares, with templates filled in and foreach and matrix spelled out.
#pragma once
#include "wire/dvc/template.h"

namespace pawl::dvc {

struct ParamsOf {
  std::string file;               // relative to the stage's wdir
  std::vector<std::string> keys;  // dotted; empty: the whole file
  bool operator==(const ParamsOf&) const = default;
};
struct OutOf {
  enum class Kind { out, metric, plot } kind = Kind::out;
  std::string path;  // relative to the stage's wdir
  bool cache = true, persist = false, push = true;
  std::string remote, desc;
  bool operator==(const OutOf&) const = default;
};
struct StageOf {
  std::string name;   // train, train@a-1
  std::string group;  // of foreach and matrix: the name before the last @; else empty
  yaml::Value cmd;    // text, or list of texts
  std::string wdir;   // relative to the repository's root; "" is the root
  std::vector<std::string> deps;
  std::vector<ParamsOf> params;
  std::vector<OutOf> outs;
  bool frozen = false, always_changed = false;
  std::string desc;
  yaml::Mark mark;
};

// `path`: of the dvc.yaml, relative to the repository's root; wdir and parameter files start at its folder.
Result<std::vector<StageOf>> read_pipeline(std::string_view text, const std::string& path, const ReadParams& read);

// `dir/../x` as `x`, from the root; nullopt when it leaves the root.
std::optional<std::string> inside_root(std::string_view dir, std::string_view path);

}  // namespace pawl::dvc
