#pragma once
#include "datasets/service.h"
#include "net/router.h"

namespace pawl::datasets {
void mount(net::Router& at, Service& datasets);
}
