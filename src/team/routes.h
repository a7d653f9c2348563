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

void mount(net::Router& at, Service& team, net::Live& live);
void verbs(CLI::App& app, net::Command& command);

}  // namespace pawl::team
