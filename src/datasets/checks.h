// checks.yaml: what is asked of a delivery, a training set and the live inputs, declared once.
//
//   checks:
//     - for: [delivery]              # default
//       table:
//         rows: {min: 20000, max: 900000}
//         no_duplicates: [time, flight]      # the columns that name a row, or `all`
//         fresh: {column: time, max_age: 2d}
//       columns:
//         temp: {type: float, missing_max: 0.05, min: 0, max: 110}
//         origin: {type: string, in: [EWR, JFK], regex: "[A-Z]{3}", unique: false}
#pragma once
#include "core/fields.h"
#include "core/time.h"
#include "wire/yaml/value.h"

namespace pawl::datasets {

enum class ColumnType { float_, integer, string, bool_, timestamp, other };
enum class CheckFor { delivery, training, live };
}  // namespace pawl::datasets
template <> inline constexpr auto pawl::words<pawl::datasets::ColumnType> =
    std::to_array<std::string_view>({"float", "integer", "string", "bool", "timestamp", "other"});
template <> inline constexpr auto pawl::words<pawl::datasets::CheckFor> =
    std::to_array<std::string_view>({"delivery", "training", "live"});

namespace pawl::datasets {

struct ColumnCheck {
  std::string column;
  std::optional<ColumnType> type;
  std::optional<double> missing_max;  // share of the rows, 0 to 1
  std::optional<double> min, max;
  std::vector<yaml::Value> in;  // scalars; empty: anything
  bool unique = false;
  std::string regex;  // of the whole value; empty: anything
};
struct TableCheck {
  std::optional<std::int64_t> rows_min, rows_max;
  bool no_duplicates = false;
  std::vector<std::string> duplicate_columns;  // empty: the whole row
  std::string fresh_column;
  std::optional<Micros> max_age;
};
struct CheckBlock {
  std::vector<CheckFor> for_{CheckFor::delivery};
  TableCheck table;
  std::vector<ColumnCheck> columns;
  bool is_for(CheckFor what) const { return std::ranges::find(for_, what) != for_.end(); }
};
struct Checks {
  std::vector<CheckBlock> blocks;
  // The column checks of every block for `what`, in file order.
  std::vector<ColumnCheck> columns_for(CheckFor what) const;
};
Result<Checks> read_checks(std::string_view text, std::string_view name);

// What was found wrong; every part is text, to be shown as it is.
struct Finding {
  std::string column{};  // empty: the whole table
  std::string check{};   // present, type, missing_max, min, max, in, unique, regex, rows, fresh, no_duplicates
  std::string expected{};
  std::string seen{};
  bool operator==(const Finding&) const = default;
  static constexpr auto fields = std::tuple{field("column", &Finding::column), field("check", &Finding::check),
                                            field("expected", &Finding::expected), field("seen", &Finding::seen)};
};
struct Judgement {
  bool accepted = false;
  std::vector<Finding> findings{};
  static constexpr auto fields =
      std::tuple{field("accepted", &Judgement::accepted), field("findings", &Judgement::findings)};
};

}  // namespace pawl::datasets
