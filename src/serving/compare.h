// The two arms of a rollout's step side by side, from the prediction log: what they answered and, with labels, how right that was. Memory is bounded:
// of a busy step whole units (requests, or all requests of one routing key) are kept at random, the same ones with every look.
#pragma once
#include "serving/log/batch.h"
#include "wire/v2/tensor.h"

namespace pawl::serving {

class Service;

constexpr std::size_t arm_rows_max = 10'000;  // of each arm and sample that are kept

// Kept rows of both arms. A missing label is NaN or `absent`.
struct ArmRows {
  std::vector<std::uint64_t> units{};  // a unit is in one arm: its number tells the arms apart
  std::vector<char> canary{};          // 1: answered by the canary
  std::vector<LogColumn> outputs{};
  LogColumn labels{};
  std::size_t size() const { return units.size(); }
};
struct Both {
  std::int64_t live = 0, canary = 0;
  std::int64_t least() const { return std::min(live, canary); }
};
struct ArmsSeen {
  Both rows{}, labelled{};                                 // answered, all that are in the log
  ArmRows answered{}, known{};                             // a sample of all rows, and one of those with a label
  std::vector<v2::Port> live_outputs{}, canary_outputs{};  // as their models have them
};
struct ArmsAsk {
  std::string endpoint{}, rollout{};
  std::int64_t step = 0;
  std::int64_t live = 0, canary = 0;  // versions
  Time from{}, to{};                  // event times, [from, to)
};
// Reads the step's rows once. Blocks: job or pool threads.
Result<ArmsSeen> compare(Service& serving, const ArmsAsk& ask);

// The part of it that is told in rows: keeps whole units of each arm, fewer as more come.
class ArmSample {
 public:
  explicit ArmSample(std::size_t rows_max = arm_rows_max) : rows_max_(rows_max) {}
  void add(const RowBatch& batch, std::size_t row);
  ArmRows take() { return std::move(rows_); }
  const ArmRows& rows() const { return rows_; }

 private:
  void thin(bool canary);
  std::size_t rows_max_;
  std::array<std::uint64_t, 2> below_{~0ULL, ~0ULL};  // of live and canary: kept are units whose mixed number is below
  std::array<std::size_t, 2> kept_{}, thin_at_{rows_max_, rows_max_};
  ArmRows rows_;
};

}  // namespace pawl::serving
