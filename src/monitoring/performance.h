// How good the answers were, from the labels that came: metrics over all labelled rows, by version and by slice, in one pass; what a metric needs is added
// up by day, so rows are not kept (but for auc, which keeps a score a row). Intervals draw whole days.
#pragma once
#include "monitoring/measure.h"
#include "stats/bootstrap.h"

namespace pawl::monitoring {

// Truth and answers of the rows of a batch that can be judged, in the same order.
struct Judged {
  std::vector<std::size_t> row{};  // of the batch
  stats::Truth truth{};
  stats::Answers answers{};
  std::vector<char> has_probability{};
};

// Reads labels and outputs as the task says: which output is the answer, which label is which class.
class AnswerReader {
 public:
  AnswerReader(const Monitor& monitor, std::vector<std::string> classes);
  bool of_classes() const { return classes_of_task_; }
  const std::vector<std::string>& classes() const { return classes_; }
  int positive() const { return positive_; }
  std::optional<int> class_of(const serving::LogColumn& column, std::size_t row);
  // The rows among `rows` that have both a label and an answer. Counts what it leaves out.
  Judged read(const std::vector<serving::LogColumn>& outputs, const serving::LogColumn& labels,
              std::span<const std::size_t> rows);
  std::string note() const;  // "12 labels name no class: x, y"

 private:
  bool read_number(const std::vector<serving::LogColumn>& outputs, std::size_t row, Judged& out);
  bool read_class(const std::vector<serving::LogColumn>& outputs, std::size_t row, Judged& out);
  std::string score_;
  bool classes_of_task_;
  std::vector<std::string> classes_;
  int positive_ = 0;
  std::unordered_map<std::string, int> texts_{};
  std::unordered_map<double, int> numbers_{};
  std::vector<const serving::LogColumn*> naming_{};  // of the batch being read: outputs whose every value is a class
  std::int64_t wrong_labels_ = 0, no_answer_ = 0, ambiguous_ = 0;
  std::vector<std::string> wrong_{};  // some of them
};

// Metrics of some rows.
class Tally {
 public:
  Tally(std::vector<stats::Metric> metrics, const AnswerReader& reader);
  void add(const Judged& judged, std::size_t i, std::int32_t day);
  std::int64_t n() const { return n_; }
  Measured measured(stats::Metric metric);
  std::vector<Measured> all();
  // How much better these answers are than the others, on the same rows.
  Measured gain_over(Tally& other, stats::Metric metric);

 private:
  struct One {
    stats::Metric metric;
    stats::Grouped sums;
    std::int64_t n = 0;
  };
  void ready();
  std::vector<One> metrics_;
  std::int64_t n_ = 0;
  bool ready_ = false;
  std::map<std::int32_t, int> groups_{};
  std::int32_t last_day_ = -1;
  int last_group_ = -1;
};

class Performance {
 public:
  Performance(const Monitor& monitor, const Reference& reference, std::vector<std::string> classes, std::int64_t rows);
  Result<void> add(const serving::RowBatch& batch, Source& source);
  std::int64_t rows() const { return rows_; }
  std::int64_t labelled() const { return labelled_; }
  std::optional<PerformanceSeen> seen();
  const std::string& note() const { return note_; }  // what could not be judged, and why

 private:
  struct Version {
    std::int64_t rows = 0, labelled = 0;
    Tally tally;
  };
  struct Slice {
    SliceBy by{};
    std::vector<double> edges{};  // of a number with many values
    std::map<std::string, Tally, std::less<>> values{};
    bool present = false, cut = false;
  };
  std::string value_of(const Slice& slice, const serving::LogColumn& column, std::size_t row) const;
  Result<void> score_previous(const serving::RowBatch& batch, const Judged& judged, Source& source);

  const Monitor& monitor_;
  AnswerReader reader_;
  stats::Metric watched_{};
  std::vector<stats::Metric> metrics_;
  std::int64_t rows_ = 0, labelled_ = 0;
  Tally all_;
  std::map<std::int64_t, Version> versions_{};
  std::vector<Slice> slices_{};
  std::int64_t step_ = 1, live_seen_ = 0;
  std::optional<Tally> previous_{}, paired_{};
  bool previous_failed_ = false;
  std::string note_{};
};

}  // namespace pawl::monitoring
