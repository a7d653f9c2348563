// What each column looked like where the live version was trained: the rows that the evaluation wrote as Parquet (the served inputs, cast through the
// served types, and the time), read once, sorted, with the limit that each column sets by itself (docs/monitoring.md).
#pragma once
#include <filesystem>

#include "monitoring/types.h"
#include "monitoring/window.h"
#include "serving/log/batch.h"
#include "stats/drift.h"

namespace pawl::monitoring {

// `watch.drift.test`. The last two answer with the peers' own numbers and rules.
enum class Test { auto_, ks, wasserstein, psi, jensen_shannon, chi_square, evidently, nannyml };

struct ReferenceColumn {
  std::string name{};
  bool text = false;
  stats::Sample numbers{};                       // of numbers
  stats::Counts counts{};                        // of texts
  std::int64_t rows = 0, missing = 0;            // rows: with a value
  double limit = stats::distance_limit_default;  // of the distance that the test measures
  int windows = 0;                               // how many of them it was calibrated on; 0: it is not calibrated
};

constexpr std::int64_t reference_rows_max = 200'000;  // as the evaluation writes; of more every second, third … is read
constexpr std::int64_t scored_rows_max = 20'000;      // of them are scored for the outputs

class Reference {
 public:
  Reference() = default;  // none: columns are counted, not tested
  // `limits`: what limits() said when the same file was read for the same test and window; then nothing is calibrated again.
  static Result<Reference> read(const std::filesystem::path& file, const Monitor& monitor,
                                std::string_view limits = {});
  // Scores some of its rows with the live version, so that outputs can be compared as well (they are reported, never counted).
  Result<void> score(
      const std::filesystem::path& file, const Monitor& monitor,
      const std::function<Result<std::vector<serving::LogColumn>>(std::int64_t version, const serving::RowBatch& rows)>&
          answer);

  bool empty() const { return columns_.empty(); }
  const std::vector<ReferenceColumn>& columns() const { return columns_; }
  const ReferenceColumn* find(std::string_view name) const;
  const ReferenceColumn* find_output(std::string_view name) const;
  std::int64_t rows() const { return rows_; }
  const std::string& note() const { return note_; }  // "… is shorter than two windows of 28 days: the limit is 0.1"
  std::string limits() const;                        // JSON, to be kept beside the file

 private:
  std::vector<ReferenceColumn> columns_{}, outputs_{};
  std::int64_t rows_ = 0;
  std::string note_{}, key_{};
};

Result<Test> test_of(const Monitor& monitor);
// The window's length in days (a month counts 30), as limits are calibrated.
Result<int> days_of(const std::string& window);

}  // namespace pawl::monitoring
template <> inline constexpr auto pawl::words<pawl::monitoring::Test> = std::to_array<std::string_view>(
    {"auto", "ks", "wasserstein", "psi", "jensen_shannon", "chi_square", "evidently", "nannyml"});
