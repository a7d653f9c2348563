// `pawl doctor`: what works here and what to do about what does not.
#pragma once

namespace CLI {
class App;
}
namespace pawl::net {
struct Command;
}
namespace pawl::app {
void doctor_verb(CLI::App& app, net::Command& command);
}
