// The SQL of sealed segments: DuckDB's for the Parquet files, the store's for their table.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "core/hash.h"
#include "core/json.h"
#include "serving/duck.h"
#include "serving/seal.h"
#include "wire/v2/codec.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

std::string_view duck_type(v2::Type type) {
  switch (type) {
    case v2::Type::BOOL: return "BOOLEAN";
    case v2::Type::INT32: return "INTEGER";
    case v2::Type::INT64: return "BIGINT";
    case v2::Type::FP32: return "FLOAT";
    case v2::Type::FP64: return "DOUBLE";
    case v2::Type::BYTES: return "VARCHAR";
  }
  return "VARCHAR";
}

// The columns that the records of a segment need. Two versions may disagree about a column: then it holds what both fit into.
class Columns {
 public:
  void add(std::string name, std::string type) {
    auto& kept = columns_[std::move(name)];
    if (kept.empty() || kept == type) {
      kept = std::move(type);
      return;
    }
    const auto number = [](std::string_view t) {
      return t == "INTEGER" || t == "BIGINT" || t == "FLOAT" || t == "DOUBLE";
    };
    kept = number(kept) && number(type) ? "DOUBLE" : "JSON";
  }
  void add(const char* prefix, const std::vector<v2::Tensor>& tensors, const std::vector<std::string>& names) {
    for (const auto& t : tensors) {
      const bool matrix = tensors.size() == 1 && names.size() > 1 && t.shape.size() == 2 &&
                          static_cast<std::size_t>(t.shape[1]) == names.size();
      if (matrix)
        for (const auto& name : names) add(prefix + name, std::string(duck_type(t.type())));
      else
        add(prefix + t.name,
            std::string(duck_type(t.type())) + (t.size() == static_cast<std::size_t>(t.rows()) ? "" : "[]"));
    }
  }
  std::string text() const {
    std::string out =
        "{'prediction_id': 'VARCHAR', 'request_id': 'VARCHAR', 'version': 'BIGINT', 'digest': 'VARCHAR', 'rollout': "
        "'VARCHAR', 'step': 'BIGINT', "
        "'arm': 'VARCHAR', 'received': 'BIGINT', 'counter': 'BIGINT', 'event_time': 'BIGINT', 'key_digest': 'VARCHAR', "
        "'status': 'VARCHAR', "
        "'error': 'VARCHAR', "
        "'latency_us': 'BIGINT', 'context': 'JSON'";
    for (const auto& [name, type] : columns_) out += ", " + in_quotes(name, '\'') + ": '" + type + "'";
    return out + "}";
  }

 private:
  std::map<std::string, std::string, std::less<>> columns_;
};

// `{"a":1}` becomes `,"feature.a":1`: the names get their prefix, the values stay.
void add_values(std::string& line, const char* prefix, const std::vector<v2::Tensor>& tensors, std::size_t row,
                const std::vector<std::string>& names) {
  std::vector<v2::Tensor> one;
  one.reserve(tensors.size());
  for (const auto& t : tensors) one.push_back(v2::row_of(t, row));
  std::vector<std::string> prefixed;
  prefixed.reserve(names.size());
  for (const auto& name : names) prefixed.push_back(prefix + name);
  for (auto& t : one) t.name.insert(0, prefix);
  const auto object = row_json(one, 0, prefixed);
  if (object.size() > 2) line += ',' + object.substr(1, object.size() - 2);
}

std::string line_of(const Record& r, std::size_t row, const std::string& id) {
  std::string out = "{\"prediction_id\":";
  const auto text = [&](const char* name, std::string_view value) {
    out += name;
    write_json_text(out, value);
  };
  const auto number = [&](const char* name, std::int64_t value) { out += name + std::to_string(value); };
  write_json_text(out, id);
  text(",\"request_id\":", r.request_id);
  number(",\"version\":", r.version);
  text(",\"digest\":", r.digest);
  text(",\"rollout\":", r.rollout);
  number(",\"step\":", r.step);
  text(",\"arm\":", word(r.arm));
  number(",\"received\":", r.received.us);
  number(",\"counter\":", r.counter + static_cast<std::int64_t>(row));
  number(",\"event_time\":", r.event_time(row).us);
  if (r.key_digest)
    text(",\"key_digest\":", hex({reinterpret_cast<const char*>(&*r.key_digest), sizeof *r.key_digest}));
  text(",\"status\":", word(r.status));
  text(",\"error\":", r.error);
  number(",\"latency_us\":", r.latency_us);
  out += ",\"context\":" + v2::context_row(r.context, row, r.rows);
  if (r.rows > 0) {
    add_values(out, "feature.", r.features, row, r.columns);
    add_values(out, "output.", r.outputs, row, {});
  }
  return out + "}\n";
}

// What lies beside the file while it is made; gone in any case.
struct Scratch {
  fs::path path;
  ~Scratch() {
    std::error_code ec;
    fs::remove(path, ec);
  }
};

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
constexpr Sql sealed_of_sql{"serving.sealed_of", R"(
  SELECT path, endpoint, server, rows_kept, bytes, digest, received_first, received_last, event_first, event_last, tallies FROM prediction_segment
  WHERE endpoint = $1 AND server = $2 ORDER BY path)"};

}  // namespace

Result<SealedSegment> write_parquet(const Segment& segment, const fs::path& to, std::uint32_t endpoint,
                                    std::uint32_t server, const Ids& ids) {
  SealedSegment out;
  std::error_code ec;
  fs::create_directories(to.parent_path(), ec);
  const Scratch lines{to.string() + ".lines"}, made{to.string() + ".new"};
  Columns columns;
  {
    TRY(reader, SegmentReader::open(segment.path, segment.bytes));
    std::ofstream file(lines.path, std::ios::binary | std::ios::trunc);
    while (const auto payload = reader.next()) {
      const auto record = decode_record(*payload, Parts::all);
      if (!record) continue;
      columns.add("feature.", record->features, record->columns);
      columns.add("output.", record->outputs, {});
      for (std::size_t row = 0; row < std::max<std::size_t>(record->rows, 1); ++row) {
        const auto t = record->event_time(row);
        if (out.rows == 0) {
          out.received_first = record->received;
          out.event_first = out.event_last = t;
        }
        out.received_last = std::max(out.received_last, record->received);
        out.received_first = std::min(out.received_first, record->received);
        out.event_first = std::min(out.event_first, t);
        out.event_last = std::max(out.event_last, t);
        ++out.rows;
        file << line_of(*record, row,
                        record->rows == 0 ? std::string{}
                                          : ids.write({.endpoint = endpoint,
                                                       .server = server,
                                                       .at = record->received,
                                                       .counter = record->counter + static_cast<std::uint32_t>(row)}));
      }
    }
    file.flush();
    if (!file)
      return fail(Code::unavailable, "cannot write beside a segment that is to be sealed: is the disk full?", {},
                  lines.path.string());
  }
  Duck duck;
  TRY_(duck.open());
  TRY_(
      duck.run("COPY (SELECT * REPLACE (make_timestamp(received) AS received, make_timestamp(event_time) AS "
               "event_time) FROM read_json(" +
               in_quotes(lines.path.string(), '\'') + ", format = 'newline_delimited', columns = " + columns.text() +
               ")) TO " + in_quotes(made.path.string(), '\'') + " (FORMAT parquet, COMPRESSION zstd)"));
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
  return tx.all(
      sealed_of_sql,
      [](const Row& r) {
        return SealedSegment{.path = r.text(0),
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
      },
      endpoint, server);
}

}  // namespace pawl::serving
