// A gate as JUnit XML, which every CI server shows.
#pragma once
#include <filesystem>

#include "core/result.h"
#include "delivery/types.h"

namespace pawl::delivery {

std::string junit_of(const Gate& gate);
Result<void> write_junit(const std::filesystem::path& file, const Gate& gate);

}  // namespace pawl::delivery
