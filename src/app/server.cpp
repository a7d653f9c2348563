#include "app/server.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <thread>

#include "app/house.h"
#include "core/log.h"
#include "net/command.h"

namespace pawl::app {

Result<void> serve(const ServerSettings& settings) {
  const auto level = settings.log_level == "debug"   ? log::Level::debug
                     : settings.log_level == "warn"  ? log::Level::warn
                     : settings.log_level == "error" ? log::Level::error
                                                     : log::Level::info;
  log::set(level, settings.log_format == "json" ? log::Form::json : log::Form::text);

  // Blocked before any thread exists, so that only the one that waits for them gets these signals.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  signal(SIGPIPE, SIG_IGN);

  TRY(house, House::open(settings));
  std::jthread waiter([&ends, &house] {
    int got = 0;
    sigwait(&ends, &got);
    log::info("server.stopping", {{"signal", got}});
    house->stop();
  });
  const auto address = "http://" + (settings.host.contains(':') ? "[" + settings.host + "]" : settings.host) + ":" +
                       std::to_string(house->port());
  std::cout << "pawl: ready " << address << std::endl;
  log::info("server.ready", {{"address", address}, {"data", settings.data.string()}, {"version", PAWL_VERSION}});
  house->run();
  if (waiter.joinable()) pthread_kill(waiter.native_handle(), SIGTERM);  // when it was not a signal that ended it
  return {};
}

void server_verb(CLI::App& app, net::Command& command) {
  auto settings = std::make_shared<ServerSettings>();
  auto* verb = app.add_subcommand("server", "Serve");
  verb->set_config("--config", "", "A file with these settings, one `name = value` a line")->envname("PAWL_CONFIG");
  verb->add_option("--host", settings->host, "Address to listen on")->envname("PAWL_HOST")->capture_default_str();
  verb->add_option("--port", settings->port, "Port; 0 takes a free one")->envname("PAWL_PORT")->capture_default_str();
  verb->add_option("--log-format", settings->log_format, "text or json")
      ->envname("PAWL_LOG_FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  verb->add_option("--log-level", settings->log_level, "debug, info, warn or error")
      ->envname("PAWL_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  verb->add_option(
          "--postgres", settings->postgres,
          "Connection string of a PostgreSQL database instead of SQLite; with a password only from the environment")
      ->envname("PAWL_POSTGRES");
  verb->add_option("--allow-host", settings->allow_host, "A further name that the Host header may carry")
      ->envname("PAWL_ALLOW_HOST");
  verb->add_option("--web-dir", settings->web_dir, "Serve the page from this folder instead of the embedded one")
      ->envname("PAWL_WEB_DIR");
  verb->add_flag("!--no-runner", settings->runner, "Start no runner beside the server")->envname("PAWL_RUNNER");
  verb->callback([settings, &command] {
    if (!command.data.empty()) settings->data = command.data;
    command.finish(serve(*settings), [] {});
  });
}

}  // namespace pawl::app
