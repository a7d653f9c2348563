#pragma once
#include "delivery/types.h"
#include "net/command.h"

namespace pawl::delivery {

inline std::string api(std::string_view path) { return "/api/pawl/v1" + std::string(path); }
Result<VersionAsk> read_version_name(const std::string& text);  // MODEL@VERSION
void plan_verbs(CLI::App& app, net::Command& command);
void restore_verb(CLI::App& app, net::Command& command);

}  // namespace pawl::delivery
