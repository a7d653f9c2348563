#pragma once
#include "net/command.h"

namespace pawl::pipeline {
void verbs(CLI::App& app, net::Command& command);  // status, checkout, repro
}
