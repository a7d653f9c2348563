// What each arm did in each step of a rollout, counted from the prediction log: never from memory alone, so that a restart counts the same.
// Reads on from where it stopped; after a restart, from the beginning, where sealed segments bring what they counted.
#pragma once
#include "serving/log/record_view.h"
#include "serving/log/tail.h"

namespace pawl::serving {

// Latencies in buckets that grow by 6 %: a quantile is within 3 % of the true one, whatever the number of requests.
class Latencies {
 public:
  void add(std::int64_t us);
  void add(const Latencies& others);
  double quantile_ms(double q) const;
  // Bucket i holds how many took growth^i to growth^(i+1) microseconds.
  std::vector<std::int64_t> buckets{};
  static constexpr auto fields = std::tuple{field("buckets", &Latencies::buckets)};

 private:
  static constexpr double growth = 1.06;
};

// Mean and variance as they come (Welford), so that large numbers with a small spread keep it.
struct Moments {
  std::string name{};
  std::int64_t n = 0, missing = 0;
  double mean = 0, squares = 0, min = 0, max = 0;  // squares: the sum of squared distances from the mean
  void add(double value);
  void add(const Moments& others);
  static constexpr auto fields = std::tuple{field("name", &Moments::name),       field("n", &Moments::n),
                                            field("missing", &Moments::missing), field("mean", &Moments::mean),
                                            field("squares", &Moments::squares), field("min", &Moments::min),
                                            field("max", &Moments::max)};
};

class Tallies {
 public:
  // Over all arms and steps: answered rows, the range of their event times, and when the newest one arrived.
  struct Reach {
    std::int64_t rows = 0, oldest = 0, newest = 0, arrival = 0;
  };
  Reach reach() const;
  // Answered rows whose event time lies on these days (since 1970, UTC). Days from `days_end` on, and before 1970, are not counted: event times may be any.
  static constexpr std::int64_t days_end = 47'482;  // 2100-01-01
  std::int64_t rows_on(std::int64_t first_day, std::int64_t end_day) const;
  Tally of(std::string_view rollout, std::int64_t step, Arm arm) const;
  std::int64_t rows_answered() const { return rows_answered_; }
  void add(const RecordView& record);  // read up to its outputs
  // Takes in what the tail wrote since the last time.
  Result<void> catch_up(const Tail& tail);
  // As JSON, to be kept with a sealed segment, and counted in again.
  std::string save() const;
  Result<void> add_saved(std::string_view json);

 private:
  struct Count {
    std::string rollout{};
    std::int64_t step = 0;
    Arm arm{};
    std::int64_t rows = 0, requests = 0, errors = 0, refused = 0;
    std::int64_t first = 0, last = 0, event_first = 0,
                 event_last = 0;  // microseconds since 1970; event times of answered rows
    Latencies latencies{};
    std::vector<Moments> outputs{};
    void add(const Count& others);
    Moments& output(std::string_view name);
    static constexpr auto fields = std::tuple{field("rollout", &Count::rollout),
                                              field("step", &Count::step),
                                              field("arm", &Count::arm),
                                              field("rows", &Count::rows),
                                              field("requests", &Count::requests),
                                              field("errors", &Count::errors),
                                              field("refused", &Count::refused),
                                              field("first", &Count::first),
                                              field("last", &Count::last),
                                              field("event_first", &Count::event_first),
                                              field("event_last", &Count::event_last),
                                              field("latencies", &Count::latencies),
                                              field("outputs", &Count::outputs)};
  };
  struct Day {
    std::int64_t day = 0, rows = 0;
    static constexpr auto fields = std::tuple{field("day", &Day::day), field("rows", &Day::rows)};
  };
  struct Saved {
    std::vector<Count> counts{};
    std::vector<Day> days{};
    static constexpr auto fields = std::tuple{field("counts", &Saved::counts), field("days", &Saved::days)};
  };
  Count& count_of(std::string_view rollout, std::int64_t step, Arm arm);
  std::vector<Count> counts_;                  // few: one for each step of each rollout and arm
  std::map<std::int64_t, std::int64_t> days_;  // answered rows by the day of their event time
  std::int64_t rows_answered_ = 0;
  std::filesystem::path at_{};  // the segment that was read last, and how far
  std::size_t offset_ = 0;
  RecordView view_;  // its memory serves every record
};

}  // namespace pawl::serving
