// A Parquet file from columns in memory.
#pragma once
#include <filesystem>

#include "wire/v2/tensor.h"

namespace pawl::datasets {

// NaN and the positions in `missing` (rising) become NULL. `times`: INT64 microseconds since 1970 that are written as TIMESTAMP; min() is NULL.
struct FileColumn {
  std::string name{};
  v2::Data data{};
  std::vector<std::uint32_t> missing{};
  bool times = false;
};
// All columns of one length. Appears whole or not at all; blocks.
Result<void> write_parquet(const std::filesystem::path& to, const std::vector<FileColumn>& columns);

}  // namespace pawl::datasets
