// A DVC repository on disk: its root, configuration, ignore rules, cache, state and locks.
#pragma once
#include <set>

#include "datasets/cache.h"
#include "datasets/state.h"
#include "wire/dvc/config.h"
#include "wire/dvc/ignore.h"

namespace pawl::datasets {

// What lies at a path: a file, or a directory with all its files.
struct Content {
  std::string digest;  // `.dir` behind a directory's
  std::int64_t size = 0;
  std::optional<std::int64_t> nfiles;
  bool isexec = false;
  std::vector<dvc::TreeFile> tree{};  // of a directory
  bool is_dir() const { return nfiles.has_value(); }
};
// bytes done, bytes in all; from any thread.
using Progress = std::function<void(std::int64_t, std::int64_t)>;

class Repo {
 public:
  // The repository that `from` lies in. Code::missing when there is none. PAWL_DVC_CACHE names a cache for repositories that set none.
  static Result<std::unique_ptr<Repo>> find(const std::filesystem::path& from);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path tmp() const { return root_ / ".dvc" / "tmp"; }
  const Cache& cache() const { return cache_; }
  State& state() { return state_; }
  const dvc::Config& config() const { return config_; }
  bool uses_git() const { return uses_git_; }

  // The path relative to the root, POSIX, lexically; nothing when it lies outside.
  std::optional<std::string> inside(const std::filesystem::path& path) const;
  // Whether .dvcignore (of the root and every folder down to it) hides it.
  const dvc::Ignore::Rule* ignored(const std::string& relative, bool is_dir);

  // Hashes what lies at the path, in parallel, through the state. Code::missing when nothing does.
  // `legacy`: as DVC 2.x hashed it.
  Result<Content> hash(const std::filesystem::path& path, bool legacy = false, const Progress& progress = {});
  // Puts what hash() saw into the cache.
  Result<void> keep(const std::filesystem::path& path, const Content& content);
  // Makes `path` what the digest says; answers whether anything changed. With Unsaved::refuse, content that is in no cache is not removed.
  enum class Unsaved { refuse, overwrite };
  Result<bool> checkout(const std::filesystem::path& path, std::string_view digest, bool executable, Unsaved unsaved,
                        bool legacy = false);

  // Every .dvc file and dvc.yaml of the repository, relative to the root, sorted; nested repositories and what is ignored are skipped.
  struct Found {
    std::vector<std::string> dvc_files, pipelines;
  };
  Result<Found> find_files();

  // Hides the output from Git: a line in the .gitignore beside it, unless Git ignores it already. Answers the file when it was changed.
  Result<std::optional<std::string>> hide_from_git(const std::string& relative);

 private:
  Repo(std::filesystem::path root, dvc::Config config, Cache cache);
  Result<std::vector<std::string>> files_below(const std::filesystem::path& dir);
  std::filesystem::path root_;
  dvc::Config config_;
  Cache cache_;
  State state_;
  dvc::Ignore ignore_;
  std::set<std::string> ignore_loaded_;
  bool uses_git_ = true;
};

Result<std::filesystem::path> init_repo(const std::filesystem::path& dir, bool no_scm, bool force);

}  // namespace pawl::datasets
