// DuckDB as the log's files are written and read with it. Only the files that write SQL include this.
#pragma once
#include <functional>
#include <optional>

#include "datasets/duck.h"

namespace pawl::serving {

using datasets::in_quotes;

// One database in memory, one thread, 256 MiB: reading and sealing must not take the machine from the predictions.
class Duck {
 public:
  Result<void> open() { return db_.open(1, "256MB"); }  // once is enough
  // The first value of the answer as text; nothing when there is no row.
  Result<std::optional<std::string>> run(const std::string& sql);
  // The answer as it is made, in pieces of some thousand rows: it is never in memory as a whole.
  // `begun` sees the types first.
  Result<void> each(const std::string& sql, const std::function<Result<void>(duckdb_data_chunk)>& piece,
                    const std::function<void(duckdb_result&)>& begun = {});
  Result<void> add(duckdb_table_function function);

 private:
  datasets::DuckDb db_;
};

inline bool is_valid(const std::uint64_t* validity, std::size_t row) {
  return validity == nullptr || ((validity[row / 64] >> (row % 64)) & 1U) != 0;
}
inline std::string_view text_at(duckdb_string_t& s) { return {duckdb_string_t_data(&s), duckdb_string_t_length(s)}; }

inline duckdb_string_t* texts_of(duckdb_data_chunk chunk, idx_t column) {
  return static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, column)));
}

// The columns of what stands behind FROM (rows_read.cpp).
struct FileColumn {
  std::string name{}, type{};
};
Result<std::vector<FileColumn>> columns_of(Duck& duck, const std::string& source);

}  // namespace pawl::serving
