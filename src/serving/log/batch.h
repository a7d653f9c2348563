// Rows of the prediction log, column by column, as monitors and rollouts read them: rows that were answered, never failed or refused requests.
//
// A column has one form in a batch, but may have another in the next one: a feature may vanish or change its type in production. What can be read as
// numbers is (booleans are 0 and 1; NaN and the infinities are missing); where versions disagree, numbers become texts, in their shortest form.
// A list of K values is K columns NAME/0 … NAME/K-1.
#pragma once
#include <cmath>
#include <functional>

#include "serving/types.h"

namespace pawl::serving {

// A column of numbers or of texts; the other vector is empty. A missing number is NaN; a missing text is said by `absent`.
struct LogColumn {
  std::string name{};
  std::vector<double> numbers{};
  std::vector<std::string> texts{};
  std::vector<char> absent{};  // of texts: 1 where there is none
  bool is_text() const { return !texts.empty(); }
  // Is there a value in this row?
  bool has(std::size_t row) const {
    if (is_text()) return row < texts.size() && (row >= absent.size() || absent[row] == 0);
    return row < numbers.size() && !std::isnan(numbers[row]);
  }
};
// Null when there is none of that name.
inline const LogColumn* find_column(const std::vector<LogColumn>& columns, std::string_view name) {
  const auto at = std::ranges::find(columns, name, &LogColumn::name);
  return at == columns.end() ? nullptr : &*at;
}

constexpr std::size_t batch_rows_max = 65'536;
// One row each. A column that a version does not have is missing there, not absent from the batch; one asked for by name is always there.
struct RowBatch {
  std::size_t size = 0;
  std::vector<std::string> ids{};           // only when asked for
  std::vector<std::int64_t> event_times{};  // microseconds since 1970; the arrival where the client gave none
  std::vector<std::int64_t> versions{};
  std::vector<Arm> arms{};
  // Only when asked for: equal for rows that were sent to their arm together, by the digest of their routing key, else by when the request arrived.
  std::vector<std::uint64_t> units{};
  std::vector<LogColumn> features{}, outputs{}, context{};
  LogColumn
      labels{};  // numbers where every label of the batch is one; empty when no label was asked for or none is there
};

struct RowsAsk {
  std::string endpoint{};
  Time from{}, to{};                   // event time, [from, to)
  std::vector<std::string> columns{};  // features to read; empty: all
  bool features = true, outputs = true, context = true, labels = true, ids = false, units = false;
  std::string rollout{};               // only rows of this rollout …
  std::optional<std::int64_t> step{};  // … and step; absent: all
};

// How far an endpoint's traffic has come.
struct Watermark {
  Time event{};    // newest event time; 0: no rows yet
  Time arrival{};  // when the newest row arrived, by the clock
  Time oldest{};   // oldest event time
  Time label{};    // when the newest label arrived
  std::int64_t rows = 0, labelled = 0;
};

}  // namespace pawl::serving
