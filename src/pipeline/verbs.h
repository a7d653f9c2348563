#pragma once
#include "net/command.h"
#include "pipeline/runner.h"

namespace pawl::pipeline {
void verbs(CLI::App& app, net::Command& command);  // status, checkout, repro
// runner, repo. `more`: the code of task kinds that rooms above know how to do.
void runner_verbs(CLI::App& app, net::Command& command, std::map<TaskKind, TaskCode> more);
}  // namespace pawl::pipeline
