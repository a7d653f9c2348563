// What each arm did in each step of a rollout, counted from the prediction log: never from memory alone, so that a restart counts the same.
// Reads on from where it stopped; after a restart, from the beginning.
#pragma once
#include "serving/record.h"
#include "serving/tail.h"

namespace pawl::serving {

// Latencies in buckets that grow by 6 %: a quantile is within 3 % of the true one, whatever the number of requests.
class Latencies {
 public:
  void add(std::int64_t us);
  double quantile_ms(double q) const;

 private:
  static constexpr double growth = 1.06;
  std::vector<std::uint32_t> buckets_;  // bucket i: growth^i to growth^(i+1) microseconds
  std::uint64_t n_ = 0;
};

// Mean and variance as they come (Welford), so that large numbers with a small spread keep it.
struct Moments {
  std::int64_t n = 0, missing = 0;
  double mean = 0, squares = 0, min = 0, max = 0;
  void add(double value);
};

class Tallies {
 public:
  Tally of(std::string_view rollout, std::int64_t step, Arm arm) const;
  std::int64_t rows_answered() const { return rows_answered_; }
  void add(const Record& record);
  // Takes in what the tail wrote since the last time.
  Result<void> catch_up(const Tail& tail);

 private:
  struct Arms {
    std::int64_t rows = 0, requests = 0, errors = 0, refused = 0;
    Latencies latencies{};
    Time first{}, last{}, event_first{}, event_last{};
    std::map<std::string, Moments, std::less<>> outputs{};
  };
  using Key = std::tuple<std::string, std::int64_t, Arm>;
  std::map<Key, Arms> arms_;
  std::int64_t rows_answered_ = 0;
  std::filesystem::path at_{};  // the segment that was read last, and how far
  std::size_t offset_ = 0;
};

}  // namespace pawl::serving
