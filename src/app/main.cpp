// The command line's table of contents. Each room adds its own words; nothing registers itself.
#include <CLI/CLI.hpp>

#include "access/routes.h"
#include "app/doctor.h"
#include "app/server.h"
#include "datasets/verbs.h"
#include "delivery/house.h"
#include "delivery/routes.h"
#include "monitoring/service.h"
#include "net/command.h"
#include "pipeline/verbs.h"
#include "serving/service.h"
#include "team/routes.h"

int main(int argc, char** argv) {
  CLI::App app{"pawl: DevOps for machine learning"};
  pawl::net::Command command;
  app.set_version_flag("--version", "pawl " PAWL_VERSION);
  app.add_flag("--json", command.json, "Print one JSON document and nothing else");
  app.add_option("--server", command.server, "Address of the server to speak to (default http://127.0.0.1:5000)")
      ->envname("PAWL_SERVER");
  app.add_option(
         "--data", command.data,
         "The server's data folder: for `server` where it keeps everything, else to act as its owner on this machine")
      ->envname("PAWL_DATA");
  app.require_subcommand(0, 1);  // not 1: an unknown word is then named instead of "a subcommand is required"
  app.fallthrough();

  pawl::app::server_verb(app, command);
  pawl::access::verbs(app, command);
  pawl::datasets::verbs(app, command);
  pawl::pipeline::verbs(app, command);
  pawl::pipeline::runner_verbs(app, command, {{pawl::pipeline::TaskKind::evaluate, pawl::delivery::evaluate_task}});
  pawl::serving::verbs(app, command);
  pawl::monitoring::verbs(app, command);
  pawl::team::verbs(app, command);
  pawl::delivery::verbs(app, command);
  pawl::app::doctor_verb(app, command);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : 2;
  } catch (const std::filesystem::filesystem_error& e) {  // the working folder was deleted, or may not be read
    command.failed({pawl::Code::unavailable, e.what(), {}, {}});
  }
  if (app.get_subcommands().empty()) {
    command.print_text(app.help());
    return 2;
  }
  return command.exit_code;
}
