#include "stats/metrics.h"

#include <cmath>
#include <numeric>
#include <utility>

namespace pawl::stats {
namespace {

// How many numbers a row adds to its group's sums.
std::size_t width_of(Metric m, int classes) {
  switch (m) {
    case Metric::mae:
    case Metric::rmse:
    case Metric::bias:
    case Metric::accuracy:
    case Metric::log_loss: return 2;                                // sum, rows
    case Metric::r2: return 4;                                      // squared errors, y, y squared, rows
    case Metric::f1: return 3 * static_cast<std::size_t>(classes);  // per class: hits, wrongly named, missed
    case Metric::auc: return 0;
  }
  return 0;
}

// `shift` keeps the sums of y small, so that their difference keeps its digits.
void add_row(Metric m, const Truth& truth, const Answers& answers, std::size_t i, double shift, double* sums) {
  switch (m) {
    case Metric::mae: sums[0] += std::abs(answers.value[i] - truth.value[i]), sums[1] += 1; return;
    case Metric::rmse:
      sums[0] += (answers.value[i] - truth.value[i]) * (answers.value[i] - truth.value[i]), sums[1] += 1;
      return;
    case Metric::bias: sums[0] += answers.value[i] - truth.value[i], sums[1] += 1; return;
    case Metric::r2: {
      const double e = answers.value[i] - truth.value[i], y = truth.value[i] - shift;
      sums[0] += e * e, sums[1] += y, sums[2] += y * y, sums[3] += 1;
      return;
    }
    case Metric::accuracy: sums[0] += answers.chosen[i] == truth.cls[i] ? 1 : 0, sums[1] += 1; return;
    case Metric::log_loss: {
      const double* p = &answers.probability[i * static_cast<std::size_t>(truth.classes)];
      double total = 0;
      for (int k = 0; k < truth.classes; ++k) total += p[k];
      const double of_truth =
          total > 0 ? p[truth.cls[i]] / total : p[truth.cls[i]];  // float32 softmax does not sum to 1
      sums[0] -= std::log(std::clamp(of_truth, probability_eps, 1 - probability_eps)), sums[1] += 1;
      return;
    }
    case Metric::f1: {
      const int y = truth.cls[i], said = answers.chosen[i];
      if (y == said) {
        sums[3 * y] += 1;
      } else {
        sums[3 * said + 1] += 1;
        sums[3 * y + 2] += 1;
      }
      return;
    }
    case Metric::auc: return;
  }
}

double f1_of(const double* sums) {
  const double below = 2 * sums[0] + sums[1] + sums[2];
  return below > 0 ? 2 * sums[0] / below : none;
}
double of_sums(Metric m, int classes, int positive, const double* s) {
  switch (m) {
    case Metric::rmse: return s[1] > 0 ? std::sqrt(s[0] / s[1]) : none;
    case Metric::r2: {
      const double spread = s[3] > 0 ? s[2] - s[1] * s[1] / s[3] : 0;
      return spread > 1e-12 * s[2] ? 1 - s[0] / spread
                                   : none;  // y is constant: rounding leaves a crumb, never a spread
    }
    case Metric::f1: {
      if (classes == 2) return f1_of(s + 3 * positive);
      double sum = 0;
      int seen = 0;
      for (int k = 0; k < classes; ++k)
        if (const double f = f1_of(s + 3 * k); !std::isnan(f)) sum += f, ++seen;
      return seen > 0 ? sum / seen : none;
    }
    default: return s[1] > 0 ? s[0] / s[1] : none;
  }
}
double mean(const std::vector<double>& v) {
  return v.empty() ? 0 : std::reduce(v.begin(), v.end()) / static_cast<double>(v.size());
}

}  // namespace

std::vector<int> choose(std::span<const double> probability, int classes, int positive) {
  const auto k = static_cast<std::size_t>(classes);
  std::vector<int> out(k == 0 ? 0 : probability.size() / k);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto p = probability.subspan(i * k, k);
    out[i] = classes == 2 ? (p[static_cast<std::size_t>(positive)] >= 0.5 ? positive : 1 - positive)
                          : static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin());
  }
  return out;
}

std::string cannot(Metric m, const Truth& truth, const Answers& answers) {
  const std::string name(word(m));
  if (of_regression(m) != (truth.classes == 0))
    return name + " is a metric of " + (of_regression(m) ? "regression" : "classification");
  if (m == Metric::auc && truth.classes != 2)
    return "auc needs two classes, there are " + std::to_string(truth.classes);
  if ((m == Metric::auc || m == Metric::log_loss) && answers.probability.empty())
    return name + " needs probabilities, the model only names a class";
  if (truth.rows() == 0) return "there are no rows";
  return {};
}

Grouped::Grouped(Metric m, int classes, int positive)
    : metric_(m), classes_(classes), positive_(positive), width_(width_of(m, classes)) {}

Grouped::Grouped(Metric m, const Truth& truth, const Answers& answers, std::span<const int> group, int groups)
    : Grouped(m, truth.classes, truth.positive) {
  groups_ = groups;
  sums_.assign(static_cast<std::size_t>(groups) * width_, 0);
  if (m == Metric::r2) shift_ = mean(truth.value), empty_ = false;
  if (m == Metric::auc) ranked_.reserve(truth.rows());
  for (std::size_t i = 0; i < truth.rows(); ++i) add(truth, answers, i, group[i]);
  ready();
}

void Grouped::add(const Truth& truth, const Answers& answers, std::size_t row, int group) {
  if (group >= groups_) {
    groups_ = group + 1;
    sums_.resize(static_cast<std::size_t>(groups_) * width_, 0);
  }
  if (metric_ == Metric::auc) {
    ranked_.push_back(
        {answers.probability[2 * row + static_cast<std::size_t>(positive_)], group, truth.cls[row] == positive_});
    return;
  }
  if (empty_ && metric_ == Metric::r2) shift_ = truth.value[row];
  empty_ = false;
  add_row(metric_, truth, answers, row, shift_, &sums_[static_cast<std::size_t>(group) * width_]);
}

void Grouped::ready() {
  if (metric_ != Metric::auc) return;
  const std::size_t n = ranked_.size(), g = static_cast<std::size_t>(groups_);
  std::sort(ranked_.begin(), ranked_.end(), [](const Ranked& a, const Ranked& b) { return a.score < b.score; });
  if (g * g > n) return;
  wins_.assign(g * g, 0), positives_.assign(g, 0), negatives_.assign(g, 0);
  std::vector<double> below(g, 0), equal(g, 0);  // negatives per group with a smaller score, with this score
  for (std::size_t i = 0; i < n;) {
    std::size_t end = i;
    while (end < n && ranked_[end].score == ranked_[i].score) ++end;
    for (std::size_t k = i; k < end; ++k)
      if (!ranked_[k].positive) equal[static_cast<std::size_t>(ranked_[k].group)] += 1;
    for (std::size_t k = i; k < end; ++k) {
      const auto own = static_cast<std::size_t>(ranked_[k].group);
      if (!ranked_[k].positive) {
        negatives_[own] += 1;
        continue;
      }
      positives_[own] += 1;
      for (std::size_t d = 0; d < g; ++d) wins_[own * g + d] += below[d] + 0.5 * equal[d];
    }
    for (std::size_t d = 0; d < g; ++d) below[d] += std::exchange(equal[d], 0);
    i = end;
  }
}

double Grouped::auc(std::span<const std::int32_t> times) const {
  const auto g = static_cast<std::size_t>(groups_);
  double won = 0, positives = 0, negatives = 0;
  if (!wins_.empty()) {
    for (std::size_t a = 0; a < g; ++a) {
      if (times[a] == 0) continue;
      positives += times[a] * positives_[a], negatives += times[a] * negatives_[a];
      double row = 0;
      for (std::size_t b = 0; b < g; ++b) row += times[b] * wins_[a * g + b];
      won += times[a] * row;
    }
  } else {
    for (std::size_t i = 0; i < ranked_.size();) {  // by rising score; `negatives` counts those below
      std::size_t end = i;
      double tied_positive = 0, tied_negative = 0;
      for (; end < ranked_.size() && ranked_[end].score == ranked_[i].score; ++end)
        (ranked_[end].positive ? tied_positive : tied_negative) += times[static_cast<std::size_t>(ranked_[end].group)];
      won += tied_positive * (negatives + 0.5 * tied_negative);
      positives += tied_positive, negatives += tied_negative;
      i = end;
    }
  }
  return positives > 0 && negatives > 0 ? won / (positives * negatives) : none;
}

double Grouped::of(std::span<const std::int32_t> times) const {
  if (metric_ == Metric::auc) return auc(times);
  std::array<double, 16> few{};
  std::vector<double> many;
  double* total = few.data();
  if (width_ > few.size()) many.assign(width_, 0), total = many.data();
  for (std::size_t g = 0; g < static_cast<std::size_t>(groups_); ++g) {
    if (times[g] == 0) continue;
    for (std::size_t k = 0; k < width_; ++k) total[k] += times[g] * sums_[g * width_ + k];
  }
  return of_sums(metric_, classes_, positive_, total);
}

double metric_of(Metric m, const Truth& truth, const Answers& answers) {
  const std::vector<int> one(truth.rows(), 0);
  const std::array<std::int32_t, 1> once{1};
  return Grouped(m, truth, answers, one, 1).of(once);
}

double metric_of(Metric m, const Truth& truth, const Answers& answers, std::span<const std::size_t> rows) {
  Truth t{.classes = truth.classes, .positive = truth.positive};
  Answers a;
  const auto k = static_cast<std::size_t>(truth.classes);
  for (const std::size_t i : rows) {
    if (k == 0) {
      t.value.push_back(truth.value[i]), a.value.push_back(answers.value[i]);
      continue;
    }
    t.cls.push_back(truth.cls[i]), a.chosen.push_back(answers.chosen[i]);
    if (!answers.probability.empty())
      a.probability.insert(a.probability.end(), answers.probability.begin() + static_cast<std::ptrdiff_t>(i * k),
                           answers.probability.begin() + static_cast<std::ptrdiff_t>(i * k + k));
  }
  return metric_of(m, t, a);
}

}  // namespace pawl::stats
