#include <cmath>

#include "tracking/rows.h"

namespace pawl::tracking::rows {
namespace {

constexpr Sql put_latest_sql{"tracking.put_latest", R"(
  INSERT INTO metric_latest (run_id, key, value, is_nan, timestamp, step) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (run_id, key) DO UPDATE
  SET value = excluded.value, is_nan = excluded.is_nan, timestamp = excluded.timestamp, step = excluded.step
  WHERE (excluded.step, excluded.timestamp, excluded.value) > (metric_latest.step, metric_latest.timestamp, metric_latest.value))"};
constexpr Sql put_chunk_sql{"tracking.put_chunk",
                            "INSERT INTO metric_chunk (run_id, key, id, points, data) VALUES ($1, $2, $3, $4, $5)"};
constexpr Sql history_sql{"tracking.history", "SELECT data FROM metric_chunk WHERE run_id = $1 AND key IN ('', $2)"};
constexpr Sql loose_sql{"tracking.loose_chunks",
                        "SELECT id, points FROM metric_chunk WHERE run_id = $1 AND key = '' ORDER BY id LIMIT $2"};
constexpr Sql small_sql{
    "tracking.small_chunks",
    "SELECT id, points FROM metric_chunk WHERE run_id = $1 AND key = $2 AND points < $3 ORDER BY id"};
constexpr Sql read_chunk_sql{"tracking.read_chunk",
                             "SELECT data FROM metric_chunk WHERE run_id = $1 AND key = $2 AND id = $3"};
constexpr Sql delete_chunk_sql{"tracking.delete_chunk",
                               "DELETE FROM metric_chunk WHERE run_id = $1 AND key = $2 AND id = $3"};

std::span<const std::byte> bytes_of(std::string_view data) {
  return std::as_bytes(std::span(data.data(), data.size()));
}
ChunkHead read_head(const Row& row) { return {row.i64(0), row.i64(1)}; }

}  // namespace

Result<void> put_latest(Tx& tx, std::string_view run, std::string_view key, const Point& p) {
  const bool nan = std::isnan(p.value);
  TRY_(tx.exec(put_latest_sql, run, key, nan ? 0.0 : p.value, nan, p.timestamp, p.step));
  return {};
}
Result<void> put_chunk(Tx& tx, std::string_view run, std::string_view key, std::int64_t id, std::size_t points,
                       std::string_view data) {
  TRY_(tx.exec(put_chunk_sql, run, key, id, points, bytes_of(data)));
  return {};
}

Result<std::vector<Point>> history(Tx& tx, std::string_view run, std::string_view key) {
  Columns columns;
  Result<void> decoded;
  TRY_(tx.each(
      history_sql,
      [&](const Row& row) {
        if (decoded) decoded = decode_chunk(row.view(0), key, columns);
      },
      run, key));
  TRY_(decoded);
  std::vector<Point> out;
  if (auto found = columns.find(key); found != columns.end()) out = std::move(found->second);
  tidy(out);
  return out;
}

Result<std::vector<ChunkHead>> loose_chunks(Tx& tx, std::string_view run, std::int64_t limit) {
  return tx.all(loose_sql, read_head, run, limit);
}
Result<std::vector<ChunkHead>> small_chunks(Tx& tx, std::string_view run, std::string_view key,
                                            std::int64_t points_below) {
  return tx.all(small_sql, read_head, run, key, points_below);
}
Result<void> read_chunk(Tx& tx, std::string_view run, std::string_view key, std::int64_t id, Columns& out) {
  Result<void> decoded;
  TRY_(tx.each(read_chunk_sql, [&](const Row& row) { decoded = decode_chunk(row.view(0), key, out); }, run, key, id));
  return decoded;
}
Result<void> delete_chunk(Tx& tx, std::string_view run, std::string_view key, std::int64_t id) {
  TRY_(tx.exec(delete_chunk_sql, run, key, id));
  return {};
}

}  // namespace pawl::tracking::rows
