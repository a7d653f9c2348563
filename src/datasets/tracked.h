// Files that are tracked without a stage: `pawl add`, and what a .dvc file says about its outs.
#pragma once
#include "datasets/repo.h"
#include "wire/dvc/entry.h"

namespace pawl::datasets {

struct Tracked {
  std::string file;  // the .dvc file, relative to the root
  dvc::DvcFile content;
  std::string dir;  // what its outs' paths start at: its folder, or wdir in it
};
Result<Tracked> read_tracked(const Repo& repo, const std::string& file);

// How an out stands to what is written about it.
enum class OutState { same, modified, deleted, added, not_in_cache };
}  // namespace pawl::datasets
template <> inline constexpr auto pawl::words<pawl::datasets::OutState> =
    std::to_array<std::string_view>({"", "modified", "deleted", "new", "not in cache"});

namespace pawl::datasets {

// `dir`: what the entry's path starts at, relative to the root.
Result<OutState> state_of(Repo& repo, const std::string& dir, const dvc::Entry& entry);

struct Added {
  std::vector<std::string> changed{};  // files for `git add`: the .dvc file, .gitignore
  std::string file{};                  // the .dvc file
  std::string digest{};
  std::int64_t size = 0;
  static constexpr auto fields = std::tuple{field("file", &Added::file), field("md5", &Added::digest),
                                            field("size", &Added::size), field("changed", &Added::changed)};
};
// Tracks one path: hashes it, keeps it in the cache, writes its .dvc file, hides it from Git. `target` may also be inside a tracked directory.
Result<Added> add(Repo& repo, const std::filesystem::path& target, const Progress& progress = {});
// Fills digest, size, nfiles and isexec from what was seen.
void set_content(dvc::Entry& entry, const Content& content);

}  // namespace pawl::datasets
