#pragma once
#include "pipeline/desk.h"

namespace pawl::pipeline {
void mount(net::Router& at, Service& service, Desk& desk);
}
