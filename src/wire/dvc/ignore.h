// The pattern language of .gitignore and .dvcignore.
#pragma once
#include "core/result.h"

namespace pawl::dvc {

class Ignore {
 public:
  // The lines of one file. `dir`: the folder it lies in, relative to the root, "" for the root. Later calls win, so add from the root down.
  void add(std::string_view lines, std::string_view dir, std::string_view file);

  struct Rule {
    std::string file;
    int line = 0;
    std::string pattern;
  };
  // Of this path alone: whoever walks a tree does not enter what is ignored. Null: not ignored.
  const Rule* ignores(std::string_view path, bool is_dir) const;
  // The same, asking for every parent folder too.
  const Rule* ignores_within(std::string_view path, bool is_dir) const;

 private:
  struct Pattern {
    Rule rule;
    std::string dir, glob;
    bool negated = false, only_dirs = false, anchored = false;
  };
  std::vector<Pattern> patterns_;
};

// `*`, `?`, `[a-z]`, `**` between slashes; `/` is matched only by `**`.
bool glob_match(std::string_view glob, std::string_view path);
// The line that hides exactly this name beside the file: special characters behind a backslash.
std::string ignore_line(std::string_view name);

}  // namespace pawl::dvc
