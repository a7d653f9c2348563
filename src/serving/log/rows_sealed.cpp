// The SQL of sealed segments: DuckDB's for the Parquet files, the store's for their table.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "core/hash.h"
#include "serving/log/seal_source.h"
#include "store/files.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

Result<void> sync_file(const fs::path& path) {
  for (const auto& [what, flags] : {std::pair{path, O_RDONLY}, std::pair{path.parent_path(), O_RDONLY | O_DIRECTORY}}) {
    const int fd = ::open(what.c_str(), flags | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (!synced) return fail(Code::unavailable, "cannot sync a sealed segment", {}, what.string());
  }
  return {};
}

constexpr Sql put_sealed_sql{"serving.put_sealed", R"(
  INSERT INTO prediction_segment (path, endpoint, server, rows_kept, bytes, digest, received_first, received_last, event_first, event_last, tallies, sealed)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (path) DO NOTHING)"};
constexpr Sql drop_sealed_sql{"serving.drop_sealed", "DELETE FROM prediction_segment WHERE path = $1"};
// Without what their rows did, which is long.
constexpr Sql sealed_between_sql{"serving.sealed_between", R"(
  SELECT path, endpoint, server, rows_kept, bytes, digest, received_first, received_last, event_first, event_last, '' FROM prediction_segment
  WHERE endpoint = $1 AND server = $2 AND event_last >= $3 AND event_first < $4 ORDER BY path)"};
constexpr Sql sealed_of_sql{"serving.sealed_of", R"(
  SELECT path, endpoint, server, rows_kept, bytes, digest, received_first, received_last, event_first, event_last, tallies FROM prediction_segment
  WHERE endpoint = $1 AND server = $2 ORDER BY path)"};

SealedSegment sealed_row(const Row& r) {
  return {.path = r.text(0),
          .endpoint = r.i64(1),
          .server = r.text(2),
          .rows = r.i64(3),
          .bytes = r.i64(4),
          .digest = r.text(5),
          .received_first = r.time(6),
          .received_last = r.time(7),
          .event_first = r.time(8),
          .event_last = r.time(9),
          .tallies = r.text(10)};
}

}  // namespace

Result<SealedSegment> write_parquet(const Segment& segment, const fs::path& to, std::uint32_t endpoint,
                                    std::uint32_t server, const Ids& ids) {
  SealedSegment out;
  std::error_code ec;
  fs::create_directories(to.parent_path(), ec);
  SealedColumns columns;
  {
    TRY(reader, SegmentReader::open(segment.path, segment.bytes));
    RecordView record;
    while (const auto payload = reader.next()) {
      if (!record.read(*payload, Parts::all)) continue;
      columns.add(record);
      out.received_first = out.rows == 0 ? record.received : std::min(out.received_first, record.received);
      out.received_last = out.rows == 0 ? record.received : std::max(out.received_last, record.received);
      for (std::size_t row = 0; row < std::max<std::size_t>(record.rows, 1); ++row) {
        const Time t{record.event_time(row)};
        out.event_first = out.rows == 0 ? t : std::min(out.event_first, t);
        out.event_last = out.rows == 0 ? t : std::max(out.event_last, t);
        ++out.rows;
      }
    }
  }
  const store::ScratchFile made{to.string() + ".new"};
  SealedSource rows(segment, columns, endpoint, server, ids);
  Duck duck;
  TRY_(duck.open());
  TRY_(rows.open(duck));
  TRY_(duck.run("COPY (SELECT * REPLACE (" + rows.json_columns() + ") FROM log_rows()) TO " +
                in_quotes(made.path.string(), '\'') + " (FORMAT parquet, COMPRESSION zstd)"));
  Digest digest(Digest::sha256);
  {
    std::ifstream file(made.path, std::ios::binary);
    std::string piece(1 << 20, '\0');
    while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
      digest.add(std::string_view(piece).substr(0, static_cast<std::size_t>(file.gcount())));
      out.bytes += file.gcount();
    }
  }
  out.digest = digest.hex();
  fs::rename(made.path, to, ec);
  if (ec) return fail(Code::unavailable, "cannot name a sealed segment: " + ec.message(), {}, to.string());
  TRY_(sync_file(to));
  return out;
}

Result<std::optional<std::string>> find_in_parquet(const fs::path& file, std::string_view prediction_id) {
  Duck duck;
  TRY_(duck.open());
  return duck.run(
      "SELECT to_json(t) FROM (SELECT * REPLACE (epoch_us(received) AS received, epoch_us(event_time) AS event_time) "
      "FROM read_parquet(" +
      in_quotes(file.string(), '\'') + ") WHERE prediction_id = " + in_quotes(prediction_id, '\'') + ") AS t");
}

Result<void> put_sealed(Tx& tx, const SealedSegment& s, Time now) {
  TRY_(tx.exec(put_sealed_sql, s.path, s.endpoint, s.server, s.rows, s.bytes, s.digest, s.received_first,
               s.received_last, s.event_first, s.event_last, s.tallies, now));
  return {};
}
Result<void> drop_sealed(Tx& tx, const std::string& path) {
  TRY_(tx.exec(drop_sealed_sql, path));
  return {};
}
Result<std::vector<SealedSegment>> sealed_of(Tx& tx, std::int64_t endpoint, std::string_view server) {
  return tx.all(sealed_of_sql, sealed_row, endpoint, server);
}
Result<std::vector<SealedSegment>> sealed_between(Tx& tx, std::int64_t endpoint, std::string_view server, Time from,
                                                  Time to) {
  return tx.all(sealed_between_sql, sealed_row, endpoint, server, from, to);
}

}  // namespace pawl::serving
