// Labels as a client sends them in a Parquet file.
#include "serving/labels/labels.h"
#include "serving/log/duck.h"

namespace pawl::serving {
namespace {

constexpr std::array<std::string_view, 10> number_types{"TINYINT",   "SMALLINT", "INTEGER", "BIGINT", "UTINYINT",
                                                        "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT",  "DOUBLE"};
bool is_number(std::string_view type) {
  return std::ranges::find(number_types, type) != number_types.end() || type.starts_with("DECIMAL");
}
bool is_text(std::string_view type) { return type == "VARCHAR" || type.starts_with("ENUM"); }

std::unexpected<Error> no_column(const std::string& name) {
  return fail(Code::invalid, "the Parquet file has no column \"" + name + "\"", name);
}
std::unexpected<Error> wrong_column(const std::string& name, const std::string& expected, const std::string& got) {
  return fail(Code::invalid, "the column \"" + name + "\": expected " + expected + ", got " + got, name);
}

// What DuckDB says of a file that a client sent is the file's fault, but for a group of rows that is too large for its memory.
Error of_the_file(Error error) {
  if (error.code != Code::internal) return error;
  const bool memory = error.detail.find("Out of Memory") != std::string::npos;
  return fail(memory ? Code::too_large : Code::invalid,
              memory ? "the Parquet file needs too much memory: write smaller row groups"
                     : "the body is no Parquet file that can be read",
              {}, error.detail)
      .error();
}
// DuckDB reads a second column of one name under another: it would take the first and say nothing.
Result<void> only_once(Duck& duck, const std::string& file, const std::string& name) {
  TRY(times, duck.run("SELECT count(*) FROM parquet_schema(" + in_quotes(file, '\'') +
                      ") WHERE name = " + in_quotes(name, '\'')));
  if (times == "1") return {};
  return fail(Code::invalid, "the Parquet file has several columns \"" + name + "\"", name);
}

}  // namespace

Result<void> read_labels(const std::filesystem::path& file, const LabelCells& to) {
  Duck duck;
  TRY_(duck.open());
  const auto source = "read_parquet(" + in_quotes(file.string(), '\'') + ")";
  const auto columns = columns_of(duck, source);
  if (!columns) return fail(Code::invalid, "the body is no Parquet file", {}, columns.error().detail);
  const auto type_of = [&](std::string_view name) {
    const auto at = std::ranges::find(*columns, name, &FileColumn::name);
    return at == columns->end() ? std::string() : at->type;
  };
  const auto id_type = type_of("prediction_id"), type = type_of("label");
  if (id_type.empty()) return no_column("prediction_id");
  if (type.empty()) return no_column("label");
  for (const std::string name : {"prediction_id", "label"}) TRY_(only_once(duck, file.string(), name));
  // DuckDB has decimals of 38 digits, and reads larger ones as other numbers: 1 as 16777216.
  TRY(wide, duck.run("SELECT count(*) FROM parquet_schema(" + in_quotes(file.string(), '\'') +
                     ") WHERE name = 'label' AND precision > 38"));
  if (wide != "0") return wrong_column("label", "decimals of at most 38 digits", "more");
  if (!is_text(id_type)) return wrong_column("prediction_id", "texts", id_type);
  const bool text = is_text(type);
  if (!text && type != "BOOLEAN" && !is_number(type)) return wrong_column("label", "numbers, texts or booleans", type);
  const auto kind = type == "BOOLEAN" ? LabelKind::boolean : LabelKind::number;
  auto read =
      duck.each("SELECT prediction_id::VARCHAR, label::" + std::string(text ? "VARCHAR" : "DOUBLE") + " FROM " + source,
                [&](duckdb_data_chunk chunk) -> Result<void> {
                  auto* ids = texts_of(chunk, 0);
                  const auto labels = duckdb_data_chunk_get_vector(chunk, 1);
                  const auto* has_id = duckdb_vector_get_validity(duckdb_data_chunk_get_vector(chunk, 0));
                  const auto* has_label = duckdb_vector_get_validity(labels);
                  const auto* numbers = static_cast<const double*>(duckdb_vector_get_data(labels));
                  for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); ++i) {
                    const auto id = is_valid(has_id, i) ? text_at(ids[i]) : std::string_view{};
                    if (!is_valid(has_label, i))
                      TRY_(to.missing());
                    else if (text)
                      TRY_(to.text(id, text_at(texts_of(chunk, 1)[i])));
                    else
                      TRY_(to.number(id, numbers[i], kind));
                  }
                  return {};
                });
  if (!read) return std::unexpected(of_the_file(std::move(read).error()));
  return {};
}

}  // namespace pawl::serving
