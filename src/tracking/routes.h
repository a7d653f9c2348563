#pragma once
#include "net/router.h"
#include "store/files.h"
#include "tracking/service.h"

namespace pawl::tracking {

void mount(net::Router& at, Service& runs);
// The artifact proxy, and artifacts through a run. Files lie beneath the root of `files`.
void mount_artifacts(net::Router& at, Service& runs, store::Store& store, const store::Artifacts& files);

}  // namespace pawl::tracking
