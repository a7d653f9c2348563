#include "datasets/parquet.h"

#include <cmath>
#include <limits>

#include "datasets/duck.h"

namespace pawl::datasets {
namespace fs = std::filesystem;
namespace {

std::string_view type_of(const FileColumn& c) {
  if (c.times) return "TIMESTAMP";
  switch (static_cast<v2::Type>(c.data.index())) {
    case v2::Type::BOOL: return "BOOLEAN";
    case v2::Type::INT32: return "INTEGER";
    case v2::Type::INT64: return "BIGINT";
    case v2::Type::FP32: return "FLOAT";
    case v2::Type::FP64: return "DOUBLE";
    case v2::Type::BYTES: return "VARCHAR";
  }
  return "VARCHAR";
}

std::unexpected<Error> broken(std::string why) {
  return fail(Code::unavailable, "cannot write a Parquet file", {}, std::move(why));
}
Result<void> run(const DuckDb& duck, const std::string& sql) {
  duckdb_result result{};
  const bool good = duckdb_query(duck.connection(), sql.c_str(), &result) == DuckDBSuccess;
  const char* said = duckdb_result_error(&result);
  std::string why = said ? said : "";
  duckdb_destroy_result(&result);
  if (!good) return broken(std::move(why));
  return {};
}
struct Appender {
  duckdb_appender at = nullptr;
  ~Appender() {
    if (at) duckdb_appender_destroy(&at);
  }
};

duckdb_state append(duckdb_appender at, const FileColumn& c, std::size_t row) {
  if (c.times) {
    const auto us = std::get<std::vector<std::int64_t>>(c.data)[row];
    return us == std::numeric_limits<std::int64_t>::min() ? duckdb_append_null(at)
                                                          : duckdb_append_timestamp(at, duckdb_timestamp{us});
  }
  switch (static_cast<v2::Type>(c.data.index())) {
    case v2::Type::BOOL: return duckdb_append_bool(at, std::get<std::vector<std::uint8_t>>(c.data)[row] != 0);
    case v2::Type::INT32: return duckdb_append_int32(at, std::get<std::vector<std::int32_t>>(c.data)[row]);
    case v2::Type::INT64: return duckdb_append_int64(at, std::get<std::vector<std::int64_t>>(c.data)[row]);
    case v2::Type::FP32: {
      const float x = std::get<std::vector<float>>(c.data)[row];
      return std::isnan(x) ? duckdb_append_null(at) : duckdb_append_float(at, x);
    }
    case v2::Type::FP64: {
      const double x = std::get<std::vector<double>>(c.data)[row];
      return std::isnan(x) ? duckdb_append_null(at) : duckdb_append_double(at, x);
    }
    case v2::Type::BYTES: break;
  }
  const auto& text = std::get<std::vector<std::string>>(c.data)[row];
  return duckdb_append_varchar_length(at, text.data(), text.size());
}

}  // namespace

Result<void> write_parquet(const fs::path& to, const std::vector<FileColumn>& columns) {
  if (columns.empty()) return fail(Code::internal, "a Parquet file without columns");
  DuckDb duck;
  TRY_(duck.open(1, "512MB"));
  std::string made;
  for (const FileColumn& c : columns)
    made += (made.empty() ? "" : ", ") + in_quotes(c.name, '"') + " " + std::string(type_of(c));
  TRY_(run(duck, "CREATE TABLE data (" + made + ")"));
  {
    Appender rows;
    if (duckdb_appender_create(duck.connection(), nullptr, "data", &rows.at) != DuckDBSuccess)
      return broken("no appender");
    const std::size_t n = std::visit([](const auto& v) { return v.size(); }, columns.front().data);
    std::vector<std::size_t> next(columns.size(), 0);  // place in `missing`
    for (std::size_t row = 0; row < n; ++row) {
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const auto& missing = columns[c].missing;
        const bool absent = next[c] < missing.size() && missing[next[c]] == row;
        if (absent) ++next[c];
        if ((absent ? duckdb_append_null(rows.at) : append(rows.at, columns[c], row)) != DuckDBSuccess)
          return broken("column " + columns[c].name + ", row " + std::to_string(row + 1));
      }
      if (duckdb_appender_end_row(rows.at) != DuckDBSuccess) return broken("row " + std::to_string(row + 1));
    }
    if (duckdb_appender_close(rows.at) != DuckDBSuccess) return broken("the rows were not taken");
  }
  const fs::path beside = to.string() + ".new";
  auto written = run(duck, "COPY data TO " + in_quotes(beside.string(), '\'') + " (FORMAT parquet, COMPRESSION zstd)");
  std::error_code ec, ignored;
  if (written) fs::rename(beside, to, ec);
  if (!written || ec) fs::remove(beside, ignored);
  if (written && ec) return broken(ec.message());
  return written;
}

}  // namespace pawl::datasets
