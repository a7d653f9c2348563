// The rows of a segment of the log as DuckDB reads them: piece by piece, while it writes them to Parquet, so that neither side holds them all.
#pragma once
#include "serving/log/context.h"
#include "serving/log/duck.h"
#include "serving/log/seal.h"

namespace pawl::serving {

// What a column of the sealed file holds. Two versions may disagree about one: then it holds what both fit into, numbers of both kinds a DOUBLE, else JSON.
struct SealedType {
  v2::Type type{};
  bool list = false, json = false;
  bool operator==(const SealedType&) const = default;
};

// The columns that the records of a segment need, beside those that every record has.
class SealedColumns {
 public:
  struct Column {
    std::string name{};
    SealedType type{};
    std::string
        in_file{};  // DuckDB tells no capitals from small letters: a second name of that kind gets a suffix (see name_in_file)
  };
  void add(const RecordView& record);
  std::vector<Column> features{}, outputs{}, context{};

 private:
  static void add(std::vector<Column>& group, std::string_view name, SealedType type, std::size_t& hint);
};

// `a`, or `a` with a control character and a number behind it, and back.
std::string name_in_file(const std::string& name, const std::vector<SealedColumns::Column>& others);
std::string_view name_of_column(std::string_view in_file);

// Registers the table function `log_rows()` on `duck`: every row of the segment, with these columns. The source must outlive the reading.
class SealedSource {
 public:
  SealedSource(const Segment& segment, const SealedColumns& columns, std::uint32_t endpoint, std::uint32_t server,
               const Ids& ids);
  Result<void> open(Duck& duck);
  // Which of its texts are JSON: `"context"::JSON AS "context", …`.
  std::string json_columns() const;

 private:
  struct Filling;
  static void bind(duckdb_bind_info info);
  static void fill(duckdb_function_info info, duckdb_data_chunk chunk);
  Result<void> fill(duckdb_data_chunk chunk);
  void put_fixed(Filling& to, std::size_t row);
  void put_group(Filling& to, const std::vector<SealedColumns::Column>& group, const std::vector<TensorView>& tensors,
                 bool outputs);
  void put_context(Filling& to);

  const Segment& segment_;
  const SealedColumns& columns_;
  const std::uint32_t endpoint_, server_;
  const Ids& ids_;
  std::optional<SegmentReader> reader_;
  RecordView record_;
  std::string_view payload_{};
  std::size_t next_row_ = 0, rows_ = 0;  // of the record
  std::optional<Record> whole_;          // the record decoded, where JSON is asked of it
  std::optional<Context> context_;
};

}  // namespace pawl::serving
