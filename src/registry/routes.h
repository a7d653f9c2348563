#pragma once
#include "net/router.h"
#include "registry/service.h"
#include "store/files.h"

namespace pawl::registry {

void mount(net::Router& at, Service& registry, store::Store& store, const store::Artifacts& files);

}  // namespace pawl::registry
