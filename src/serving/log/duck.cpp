#include "serving/log/duck.h"

namespace pawl::serving {
namespace {

std::unexpected<Error> cannot(std::string why) {
  return fail(Code::internal, "cannot read or write a sealed segment", {}, std::move(why));
}

}  // namespace

Result<std::optional<std::string>> Duck::run(const std::string& sql) {
  duckdb_result result;
  const auto state = duckdb_query(db_.connection(), sql.c_str(), &result);
  std::optional<std::string> out;
  std::string why;
  if (state != DuckDBSuccess) {
    if (const char* said = duckdb_result_error(&result)) why = said;
  } else if (duckdb_row_count(&result) > 0) {
    char* text = duckdb_value_varchar(&result, 0, 0);
    out = text != nullptr ? text : "";
    duckdb_free(text);
  }
  duckdb_destroy_result(&result);
  if (state != DuckDBSuccess) return cannot(std::move(why));
  return out;
}

Result<void> Duck::each(const std::string& sql, const std::function<Result<void>(duckdb_data_chunk)>& piece,
                        const std::function<void(duckdb_result&)>& begun) {
  duckdb_prepared_statement statement = nullptr;
  if (duckdb_prepare(db_.connection(), sql.c_str(), &statement) != DuckDBSuccess) {
    const char* said = duckdb_prepare_error(statement);
    const std::string why = said != nullptr ? said : "";
    duckdb_destroy_prepare(&statement);
    return cannot(why);
  }
  duckdb_result result;
  Result<void> out;
  bool good = duckdb_execute_prepared_streaming(statement, &result) == DuckDBSuccess;
  if (good && begun) begun(result);
  while (good && out) {
    auto chunk = duckdb_fetch_chunk(result);
    if (chunk == nullptr) break;
    if (duckdb_data_chunk_get_size(chunk) > 0) out = piece(chunk);
    duckdb_destroy_data_chunk(&chunk);
  }
  if (out)
    if (const char* said = duckdb_result_error(&result); said != nullptr && *said != '\0') out = cannot(said);
  if (!good && out) out = cannot("the query did not start");
  duckdb_destroy_result(&result);
  duckdb_destroy_prepare(&statement);
  return out;
}

Result<void> Duck::add(duckdb_table_function function) {
  if (duckdb_register_table_function(db_.connection(), function) != DuckDBSuccess) return cannot("no table function");
  return {};
}

}  // namespace pawl::serving
