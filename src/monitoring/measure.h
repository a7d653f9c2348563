// A window in numbers: which columns drifted from the reference, and how good the answers were, as far as labels tell. Pure but for the rows it asks
// for, in bounded memory: columns are kept as 32-bit floats where that loses nothing, and what does not fit waits for another pass over the rows.
#pragma once
#include "monitoring/reference.h"
#include "monitoring/window.h"
#include "serving/log/batch.h"

namespace pawl::monitoring {

// The rows of one window, as often as asked.
class Source {
 public:
  virtual ~Source() = default;
  virtual Result<std::int64_t> rows() = 0;  // about how many; cheap
  // `ask` says which columns are wanted; endpoint, from and to are filled in. Batches in any order, the same rows each time.
  virtual Result<void> for_each(const serving::RowsAsk& ask,
                                const std::function<Result<void>(const serving::RowBatch&)>& each) = 0;
  // What another version would have answered to these rows: outputs named as in a batch.
  virtual Result<std::vector<serving::LogColumn>> answer(std::int64_t version, const serving::RowBatch& features) = 0;
};

// Below these a column is not tested, a metric not judged ("immature"). Rows: of 150 windows of 10, 30, 100 normal rows whose mean had moved by half a
// deviation (15 other columns, 5,000 rows of reference) the rule found 5, 27, 90 %: fewer rows cost alarms and find nothing.
constexpr std::int64_t test_rows_min = 30;
constexpr std::int64_t labels_min = 100;
constexpr double coverage_min = 0.2;  // labelled / rows of the live version
constexpr std::int64_t slice_rows_min = 30;
constexpr std::size_t slices_max = 200;  // further values are one slice together, not judged
// The previous version scores at most so many rows, evenly thinned: it costs what answering them live had cost.
constexpr std::int64_t previous_rows_max = 100'000;
constexpr std::size_t bins_max = 40;
constexpr std::size_t texts_max = 100'000;  // distinct ones of a column; further ones are counted together

struct MeasureOptions {
  int threads = 1;                            // of its own: traffic goes first
  std::size_t bytes = std::size_t{48} << 20;  // of kept columns
};
struct Measurement {
  WindowSeen seen{};                                  // all but id, state, closed and late
  std::map<std::string, std::vector<Bin>> columns{};  // the two distributions of each column, outputs among them
};
Result<Measurement> measure(const Monitor& monitor, const Reference& reference, Source& source, const Window& window,
                            const MeasureOptions& options = {});

}  // namespace pawl::monitoring
