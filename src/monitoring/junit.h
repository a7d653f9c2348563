// A closed window as JUnit XML, which every CI server shows: one test case for each column, one for their share, one for performance.
#pragma once
#include "monitoring/types.h"

namespace pawl::monitoring {

std::string junit_of(const Monitor& monitor, const WindowSeen& window);

}  // namespace pawl::monitoring
