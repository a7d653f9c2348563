// The runner's copies of the teams' repositories: one bare mirror each, and a fresh worktree for every task.
#pragma once
#include <filesystem>

#include "pipeline/types.h"

namespace pawl::pipeline {

class Mirror {
 public:
  // Fetches until the commit is there. `work`: the runner's folder.
  static Result<Mirror> fetch(const std::filesystem::path& work, const std::string& repo, const std::string& url,
                              const std::string& commit);

  Result<std::string> git(std::vector<std::string> arguments) const;
  // The text of a file in a commit; Code::missing when it is not in it.
  Result<std::string> show(const std::string& commit, const std::string& path) const;
  // A new worktree at `dir`, which must not exist.
  Result<void> check_out(const std::string& commit, const std::filesystem::path& dir) const;
  void drop(const std::filesystem::path& dir) const;
  // A ref in the team's repository itself that keeps the commit from being lost to a force-push.
  Result<void> pin(const std::string& commit, const std::string& ref) const;

 private:
  Mirror(std::filesystem::path dir, std::string url) : dir_(std::move(dir)), url_(std::move(url)) {}
  std::filesystem::path dir_;
  std::string url_;
};

Result<InspectResult> inspect(const Mirror& mirror, const InspectAsk& ask);

}  // namespace pawl::pipeline
