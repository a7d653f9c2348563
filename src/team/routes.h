#pragma once
#include "team/service.h"

namespace CLI {
class App;
}
namespace pawl::net {
class Live;
class Router;
struct Command;
}  // namespace pawl::net
namespace pawl::team {

class Notifier;

void mount(net::Router& at, Service& team, net::Live& live);
void mount_notify(net::Router& at, Notifier& notifier);
void verbs(CLI::App& app, net::Command& command);
void verbs_notify(CLI::App& app, net::Command& command);  // called by verbs()

}  // namespace pawl::team
