// `pawl server`: its settings, and the life of the process.
#pragma once
#include <filesystem>

#include "core/result.h"

namespace CLI {
class App;
}
namespace pawl::net {
struct Command;
}
namespace pawl::app {

struct ServerSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5000;
  std::filesystem::path data = "pawl-data";
  std::string postgres{};  // a connection string; empty: SQLite in the data folder
  std::string log_format = "text", log_level = "info";
  std::filesystem::path web_dir{};
  std::vector<std::string> allow_host{};
  bool runner = true;  // start a runner beside the server when there is work for one
};

// Serves until SIGTERM or SIGINT, then answers what has begun and returns.
Result<void> serve(const ServerSettings& settings);

void server_verb(CLI::App& app, net::Command& command);

}  // namespace pawl::app
