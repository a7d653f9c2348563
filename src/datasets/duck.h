// A DuckDB database of one's own, in memory; its extensions are never fetched. Only the files that speak to DuckDB include this.
#pragma once
#include <duckdb.h>

#include "core/result.h"

namespace pawl::datasets {

class DuckDb {
 public:
  DuckDb() = default;
  DuckDb(const DuckDb&) = delete;
  DuckDb& operator=(const DuckDb&) = delete;
  ~DuckDb();
  // `memory` as DuckDB writes it: "256MB". Opens the library when needed; once is enough.
  Result<void> open(int threads, const std::string& memory);
  duckdb_connection connection() const { return connection_; }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

std::string in_quotes(std::string_view text, char quote);  // '…' or "…", with the quote doubled inside

}  // namespace pawl::datasets
