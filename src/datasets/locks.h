// DVC's locks, so that pawl and DVC may work in one repository at the same time. `.dvc/tmp/lock` (flock) is held around every change of files that
// DVC owns; `.dvc/tmp/rwlock` names the paths that a running stage reads and writes, by process.
#pragma once
#include "datasets/repo.h"

namespace pawl::datasets {

class RepoLock {
 public:
  // Tries for three seconds, then Code::busy.
  static Result<RepoLock> take(const Repo& repo);
  RepoLock(RepoLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RepoLock& operator=(RepoLock&& other) noexcept;
  ~RepoLock();
  void release();

 private:
  explicit RepoLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// Enters the paths under our process; takes them out again when destroyed. Another live process on an overlapping path: Code::busy.
class PathLocks {
 public:
  static Result<PathLocks> take(const Repo& repo, std::vector<std::filesystem::path> reads,
                                std::vector<std::filesystem::path> writes, std::string cmd);
  PathLocks(PathLocks&& other) noexcept
      : tmp_(std::exchange(other.tmp_, {})), reads_(std::move(other.reads_)), writes_(std::move(other.writes_)) {}
  PathLocks& operator=(PathLocks&&) = delete;
  ~PathLocks();

 private:
  PathLocks() = default;
  std::filesystem::path tmp_;
  std::vector<std::filesystem::path> reads_, writes_;
};

}  // namespace pawl::datasets
