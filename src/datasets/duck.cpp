#include "datasets/duck.h"

#include "datasets/duck_lazy.h"

namespace pawl::datasets {

DuckDb::~DuckDb() {
  if (connection_ != nullptr) duckdb_disconnect(&connection_);
  if (database_ != nullptr) duckdb_close(&database_);
}

Result<void> DuckDb::open(int threads, const std::string& memory) {
  if (connection_ != nullptr) return {};
  TRY_(open_duckdb());
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess) return fail(Code::internal, "DuckDB: no configuration");
  const auto count = std::to_string(threads);
  for (const auto& [key, value] :
       {std::pair{"threads", count.c_str()}, std::pair{"memory_limit", memory.c_str()},
        std::pair{"autoinstall_known_extensions", "false"}, std::pair{"autoload_known_extensions", "false"},
        std::pair{"preserve_insertion_order", "true"}})
    duckdb_set_config(config, key, value);
  char* said = nullptr;
  const auto opened = duckdb_open_ext(nullptr, &database_, config, &said);
  duckdb_destroy_config(&config);
  const std::string why = said != nullptr ? said : "";
  if (said != nullptr) duckdb_free(said);
  if (opened != DuckDBSuccess || duckdb_connect(database_, &connection_) != DuckDBSuccess)
    return fail(Code::unavailable, "DuckDB does not start", {}, why);
  return {};
}

std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}

}  // namespace pawl::datasets
