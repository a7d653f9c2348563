// A Parquet or CSV file as a table: its columns, its profile, its answer to checks, and whole columns for who computes with them. DuckDB does the
// reading; no value and no name of the file gets into its SQL unquoted.
#pragma once
#include <filesystem>

#include "datasets/checks.h"

namespace pawl::datasets {

struct Column {
  std::string name{};
  ColumnType type{};
  bool operator==(const Column&) const = default;
  static constexpr auto fields = std::tuple{field("name", &Column::name), field("type", &Column::type)};
};

struct Quantile {
  double q = 0, value = 0;
  static constexpr auto fields = std::tuple{field("q", &Quantile::q), field("value", &Quantile::value)};
};
struct Bin {
  double from = 0, to = 0;
  std::int64_t count = 0;
  static constexpr auto fields =
      std::tuple{field("from", &Bin::from), field("to", &Bin::to), field("count", &Bin::count)};
};
struct Frequent {
  std::string value{};
  std::int64_t count = 0;
  static constexpr auto fields = std::tuple{field("value", &Frequent::value), field("count", &Frequent::count)};
};
struct ColumnProfile {
  std::string name{};
  ColumnType type{};
  std::int64_t missing = 0;          // NULL, and NaN and infinities of a float
  std::int64_t distinct = 0;         // exact up to five million rows, then about
  std::optional<Json> min{}, max{};  // numbers, text, or RFC 3339
  std::optional<double> mean{}, stddev{};
  std::vector<Quantile> quantiles{};  // of numbers
  std::vector<Bin> histogram{};       // of numbers: 20 bins of one width; the last includes its end
  std::vector<Frequent> frequent{};   // of text and bool: the ten most frequent values
  static constexpr auto fields = std::tuple{field("name", &ColumnProfile::name),
                                            field("type", &ColumnProfile::type),
                                            field("missing", &ColumnProfile::missing),
                                            field("distinct", &ColumnProfile::distinct),
                                            field("min", &ColumnProfile::min),
                                            field("max", &ColumnProfile::max),
                                            field("mean", &ColumnProfile::mean),
                                            field("stddev", &ColumnProfile::stddev),
                                            field("quantiles", &ColumnProfile::quantiles),
                                            field("histogram", &ColumnProfile::histogram),
                                            field("frequent", &ColumnProfile::frequent)};
};
struct Profile {
  std::int64_t rows = 0;
  std::vector<ColumnProfile> columns{};
  static constexpr auto fields = std::tuple{field("rows", &Profile::rows), field("columns", &Profile::columns)};
};

struct TableOptions {
  int threads = 2;
  std::string memory = "1GB";
  bool csv_as_text = false;  // no guessing of types: `007` stays
};

class Table {
 public:
  static Result<std::unique_ptr<Table>> open(const std::filesystem::path& file, const TableOptions& options = {});
  virtual ~Table() = default;
  virtual const std::vector<Column>& columns() const = 0;
  const Column* find(std::string_view name) const;
  virtual std::int64_t rows() const = 0;

  virtual Result<Profile> profile() = 0;
  // `now` is for `fresh`. Findings in the order of the file.
  virtual Result<Judgement> check(const Checks& checks, CheckFor what, Time now) = 0;

  // Whole columns in the file's order. A missing value is NaN, nothing, or min() of the type.
  virtual Result<std::vector<double>> numbers(const std::string& column) = 0;
  virtual Result<std::vector<std::optional<std::string>>> texts(const std::string& column) = 0;
  virtual Result<std::vector<std::int64_t>> times(const std::string& column) = 0;  // microseconds since 1970
};

}  // namespace pawl::datasets
