#pragma once
#include "net/command.h"

namespace pawl::datasets {
void verbs(CLI::App& app, net::Command& command);  // init, add, data check, data profile
}
