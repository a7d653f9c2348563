#pragma once
#include "access/service.h"

namespace CLI {
class App;
}
namespace pawl::net {
struct Command;
}
namespace pawl::access {

void mount(net::Router& at, Service& access);
void verbs(CLI::App& app, net::Command& command);

}  // namespace pawl::access
