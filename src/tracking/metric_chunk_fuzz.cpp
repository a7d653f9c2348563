// Any bytes: a chunk that is damaged is an error, and what is read, written and read again is the same.
#include <cstdint>
#include <cstdlib>

#include "tracking/metric_chunk.h"

using namespace pawl::tracking;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Columns columns;
  if (!decode_chunk({reinterpret_cast<const char*>(data), size}, "", columns)) return 0;
  Columns again;
  if (!decode_chunk(encode_chunk(columns), "", again)) std::abort();
  for (const auto& [key, points] : columns)
    if (!std::ranges::equal(points, again[key], same_point)) std::abort();
  return 0;
}
