// Brings a pipeline up to date: runs what changed, in order, each stage in a process of its own, and writes dvc.lock after each.
#pragma once
#include <stop_token>

#include "pipeline/changes.h"

namespace pawl::pipeline {

enum class Outcome { ran, cached, skipped, failed, would_run };
}  // namespace pawl::pipeline
template <> inline constexpr auto pawl::words<pawl::pipeline::Outcome> =
    std::to_array<std::string_view>({"ran", "cached", "skipped", "failed", "would run"});

namespace pawl::pipeline {

struct StageRun {
  std::string name{};
  Outcome outcome{};
  double seconds = 0;
  static constexpr auto fields = std::tuple{field("name", &StageRun::name), field("outcome", &StageRun::outcome),
                                            field("seconds", &StageRun::seconds)};
};
struct Repro {
  std::vector<StageRun> stages{};
  bool changed = false;  // anything ran or was brought back
  static constexpr auto fields = std::tuple{field("stages", &Repro::stages), field("changed", &Repro::changed)};
};

struct ReproAsk {
  std::vector<std::string> targets{};
  bool force = false, single = false, dry = false, no_run_cache = false;
  // Of the stages' processes: NAME=value; nothing: ours without pawl's own secrets.
  std::optional<std::vector<std::string>> environment{};
  std::function<void(std::string_view)> say{};     // what DVC would print: whole lines
  std::function<void(std::string_view)> output{};  // what stages print; absent: their stdout and stderr are ours
  std::stop_token stop{};
};
// Takes the repository's lock itself, and gives it back while a command runs. `done` has what ran even when a stage failed.
Result<Repro> reproduce(datasets::Repo& repo, const ReproAsk& ask, Repro* done = nullptr);

}  // namespace pawl::pipeline
