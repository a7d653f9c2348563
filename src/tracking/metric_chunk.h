// Metric points as columns: per key the steps, timestamps and values one after the other, whole numbers as differences, zstd over it all when
// that pays. One chunk holds what one request logged (several keys), or, after compaction, many points of one key.
#pragma once
#include "core/result.h"

namespace pawl::tracking {

struct Point {
  std::int64_t timestamp = 0, step = 0;
  double value = 0;  // NaN is NaN; there is no infinity: the service makes it the largest double
};
// In the order of histories: timestamp, step, value, NaN counting as 0 and standing behind it.
bool history_before(const Point& a, const Point& b);
// In the order of "latest" and of samples: step, timestamp, value.
bool step_before(const Point& a, const Point& b);
bool same_point(const Point& a, const Point& b);

using Columns = std::map<std::string, std::vector<Point>, std::less<>>;

std::string encode_chunk(const Columns& columns);
// Only points of `key` when one is given. Adds to `out`.
Result<void> decode_chunk(std::string_view data, std::string_view key, Columns& out);
// Sorts as histories are and drops repeats.
void tidy(std::vector<Point>& points);

}  // namespace pawl::tracking
