// Metrics of models, as scikit-learn counts them (section 8 of the monitoring notes: a denominator of 0 is "none", not 0), in a form that can be
// resampled: what a metric needs of a row is added up per group of rows (a day), so that drawing 10,000 sets of days costs days, not rows.
#pragma once
#include <limits>

#include "core/fields.h"

namespace pawl::stats {

enum class Metric { mae, rmse, bias, r2, accuracy, f1, log_loss, auc };
constexpr bool of_regression(Metric m) { return m <= Metric::r2; }
// bias is best at 0, so neither more nor less of it is better: it may be bounded, not compared.
constexpr bool has_direction(Metric m) { return m != Metric::bias; }
constexpr bool low_is_good(Metric m) { return m == Metric::mae || m == Metric::rmse || m == Metric::log_loss; }

constexpr double none = std::numeric_limits<double>::quiet_NaN();  // what a metric is where it is not defined

// The truth about n rows. Regression fills `value`; classification `cls` (an index into the classes).
struct Truth {
  std::vector<double> value{};
  std::vector<int> cls{};
  int classes = 0;   // 0: regression
  int positive = 1;  // the class that f1 and auc of two classes speak of
  std::size_t rows() const { return classes == 0 ? value.size() : cls.size(); }
};
// What one model said about them.
struct Answers {
  std::vector<double> value{};        // regression
  std::vector<double> probability{};  // classification: rows x classes; empty when the model only names a class
  std::vector<int> chosen{};          // classification
};
// Two classes: the positive one from 0.5 on; more: the most probable, the first of equals.
std::vector<int> choose(std::span<const double> probability, int classes, int positive);

// Probabilities are clipped to [eps, 1-eps] for log_loss.
constexpr double probability_eps = std::numeric_limits<double>::epsilon();

// Why `m` cannot be computed for these, or empty: "auc needs two classes, there are 3".
std::string cannot(Metric m, const Truth& truth, const Answers& answers);

// A metric of every row. f1 of more than two classes is the mean over the classes that occur (macro).
double metric_of(Metric m, const Truth& truth, const Answers& answers);
double metric_of(Metric m, const Truth& truth, const Answers& answers, std::span<const std::size_t> rows);

// One model, one metric, rows in groups: the metric of any multiset of groups.
class Grouped {
 public:
  // `group[i]` in [0, groups) of row i.
  Grouped(Metric m, const Truth& truth, const Answers& answers, std::span<const int> group, int groups);
  // An empty one takes rows as they come, and groups with them; `ready` before it is asked.
  Grouped(Metric m, int classes, int positive);
  void add(const Truth& truth, const Answers& answers, std::size_t row, int group);
  void ready();
  int groups() const { return groups_; }
  // `times[g]`: how often group g was drawn. NaN where the metric is not defined.
  double of(std::span<const std::int32_t> times) const;

 private:
  double auc(std::span<const std::int32_t> times) const;
  bool empty_ = true;
  double shift_ = 0;
  Metric metric_;
  int classes_ = 0, positive_ = 1, groups_ = 0;
  std::size_t width_ = 0;
  std::vector<double> sums_;  // groups x width
  // auc: either the wins of every pair of groups, or the rows by falling score, whichever is cheaper to walk.
  std::vector<double> wins_, positives_, negatives_;
  struct Ranked {
    double score;
    int group : 31;
    bool positive : 1;
  };
  std::vector<Ranked> ranked_;
};

}  // namespace pawl::stats
template <> inline constexpr auto pawl::words<pawl::stats::Metric> =
    std::to_array<std::string_view>({"mae", "rmse", "bias", "r2", "accuracy", "f1", "log_loss", "auc"});
