// Rows of the prediction log, column by column, as monitors and rollouts read them.
#pragma once
#include "serving/types.h"

namespace pawl::serving {

// A column of numbers or of texts; the other vector is empty. A missing number is NaN; a missing text is said by `absent`.
struct LogColumn {
  std::string name{};
  std::vector<double> numbers{};
  std::vector<std::string> texts{};
  std::vector<char> absent{};  // of texts: 1 where there is none
  bool is_text() const { return !texts.empty(); }
};

// One row each. A column that a version does not have is missing there, not absent from the batch.
struct RowBatch {
  std::size_t size = 0;
  std::vector<std::string> ids{};           // only when asked for
  std::vector<std::int64_t> event_times{};  // microseconds since 1970; the arrival where the client gave none
  std::vector<std::int64_t> versions{};
  std::vector<Arm> arms{};
  // Only when asked for: equal for rows that were sent to their arm together, by the digest of their routing key, else by when the request arrived.
  std::vector<std::uint64_t> units{};
  std::vector<LogColumn> features{}, outputs{}, context{};
  // An output of shape [n, K] is K columns named `output/0` … `output/K-1`.
  LogColumn labels{};  // numbers where every label is one; empty when no label was asked for or none is there
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
