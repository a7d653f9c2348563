// Runs another program and waits for it: git, and the stages of a pipeline. Never through a shell unless the caller names one.
#pragma once
#include <filesystem>
#include <stop_token>

#include "core/result.h"

namespace pawl::datasets {

struct Spawn {
  std::vector<std::string> argv;
  std::filesystem::path dir{};                            // empty: ours
  std::optional<std::vector<std::string>> environment{};  // NAME=value; nothing: ours
  std::function<void(std::string_view)> on_output{};      // stdout and stderr as they come; absent: they are ours
  std::stop_token
      stop{};  // asked to stop: SIGTERM to the program's group, SIGKILL after 5 s. Without one it shares our group, and so a Ctrl-C
};
struct Ended {
  int exit_code = 0;  // 128 + n when a signal ended it
  bool stopped = false;
};
Result<Ended> run(const Spawn& spawn);
// stdout of a program that must end with 0, else an error with what it said.
Result<std::string> output_of(const std::vector<std::string>& argv, const std::filesystem::path& dir = {},
                              std::string_view input = {});

}  // namespace pawl::datasets
