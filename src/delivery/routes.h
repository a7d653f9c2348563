#pragma once
#include "delivery/service.h"

namespace CLI {
class App;
}
namespace pawl::net {
class Router;
struct Command;
}  // namespace pawl::net
namespace pawl::delivery {

void mount(net::Router& at, Service& delivery);
void verbs(CLI::App& app, net::Command& command);

}  // namespace pawl::delivery
