#pragma once
#include "core/result.h"

namespace pawl::datasets {
Result<void> open_duckdb();  // before the first call of its C API; once is enough
}
