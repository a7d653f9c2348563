// The truth of earlier predictions, as it came. A request is one frame of the labels' log; the log's frames are gathered in sorted runs, in memory while a
// segment is open and in a file of their own once it is closed (label_file.cpp). Runs are in the order of arrival: where two have the same prediction, the
// later one holds. So a join walks rows and runs side by side, and memory is bounded by an open segment (labels_segment_bytes_max).
#pragma once
#include <map>

#include "serving/log/batch.h"
#include "serving/log/ids.h"
#include "serving/log/tail.h"

namespace pawl::serving {

constexpr std::size_t labels_segment_bytes_max = 16 << 20;  // half a million labels, 25 MiB as a run

enum class LabelKind : std::uint8_t { number, boolean, text };
enum class News : std::uint8_t { fresh, repeated, changed };  // against what was known when it came

// One label. A plain value of a fixed size, since files are arrays of it.
struct LabelEntry {
  std::uint32_t server = 0, counter = 0;
  std::int64_t at = 0;        // with the two above: the prediction (IdParts)
  std::int64_t labelled = 0;  // when the label arrived, microseconds
  double number = 0;          // booleans are 0 and 1
  std::uint32_t text = 0;     // place in the run's texts
  std::uint32_t by = 0;       // place in the run's texts: who told it
  std::uint32_t order = 0;    // of arrival within the run
  LabelKind kind{};
  News news{};
  std::array<std::uint8_t, 2> nothing{};
  auto key() const { return std::tuple(server, at, counter); }
};
static_assert(sizeof(LabelEntry) == 48 && std::is_trivially_copyable_v<LabelEntry>);

// Sorted by prediction; labels of one prediction in the order of their arrival.
struct LabelRun {
  std::span<const LabelEntry> entries{};
  std::vector<std::string> texts{};
  std::int64_t fresh = 0, newest = 0;  // first labels of a prediction; when the newest label arrived
  std::vector<LabelEntry> own{};       // what `entries` shows, or
  std::shared_ptr<const void> map{};   // the file that it shows
};
using Runs = std::vector<std::shared_ptr<const LabelRun>>;

// What one request brings.
struct LabelBatch {
  std::vector<LabelEntry> labels{};
  std::vector<std::string> texts{};
  std::int64_t at = 0;
  std::string by{};
};
void encode(const LabelBatch& batch, std::string& out);  // the payload of a frame
std::optional<LabelBatch> decode_labels(std::string_view payload);
// A label's value as JSON.
std::string json_of(const LabelEntry& entry, const std::vector<std::string>& texts);
bool same_value(const LabelEntry& a, const std::vector<std::string>& a_texts, const LabelEntry& b,
                const std::vector<std::string>& b_texts);

// Takes batches in, sorts once.
class RunMaker {
 public:
  void add(LabelBatch&& batch);
  void add(const LabelRun& run);
  bool empty() const { return run_.own.empty(); }
  std::shared_ptr<const LabelRun> take();

 private:
  std::uint32_t place_of(const std::string& text);
  LabelRun run_;
  std::map<std::string, std::uint32_t, std::less<>> places_;
};

// A Parquet file with the columns prediction_id and label, row by row (rows_labels.cpp). Code::invalid when it is none, or they are not there.
struct LabelCells {
  std::function<Result<void>(std::string_view id, double value, LabelKind kind)> number;
  std::function<Result<void>(std::string_view id, std::string_view value)> text;
  std::function<Result<void>()> missing;
};
Result<void> read_labels(const std::filesystem::path& file, const LabelCells& to);

// A closed segment's labels as a file: appears whole or not at all.
Result<void> write_run(const LabelRun& run, const std::filesystem::path& to);
Result<std::shared_ptr<const LabelRun>> open_run(const std::filesystem::path& file);

struct RowKey {
  std::int64_t at = 0;
  std::uint32_t counter = 0;
  auto operator<=>(const RowKey&) const = default;
};
// The labels of these rows, the last one each; empty when none of them has one.
LogColumn join_labels(const Runs& runs, std::uint32_t server, std::span<const RowKey> rows);
// All labels of a prediction in the order of their arrival: calls f(entry, texts).
template <class F> void each_label(const Runs& runs, const IdParts& id, F f) {
  for (const auto& run : runs) {
    const auto [from, to] =
        std::ranges::equal_range(run->entries, std::tuple(id.server, id.at.us, id.counter), {}, &LabelEntry::key);
    for (auto at = from; at != to; ++at) f(*at, run->texts);
  }
}

// The labels of an endpoint. Thread-safe.
class LabelBook {
 public:
  LabelBook(std::filesystem::path sealed, std::shared_ptr<Tail> log)
      : sealed_folder_(std::move(sealed)), log_(std::move(log)) {}
  // Reads what was written since the last time.
  Result<Runs> runs();
  // Says of each label whether its prediction had one, writes them as one frame and reads it back. Not synced.
  struct Told {
    std::int64_t repeated = 0, changed = 0;
  };
  Result<Told> take(LabelBatch&& batch);
  // Closed segments become files; answers how many.
  Result<std::int64_t> seal();
  // Removes files all of whose predictions arrived before that time.
  Result<void> forget(Time before);
  struct Counts {
    std::int64_t labelled = 0, newest = 0;
  };
  Result<Counts> counts();

 private:
  struct Open {
    std::filesystem::path log{};
    std::size_t offset = 0;
    Runs runs{};
  };
  struct Sealed {
    std::filesystem::path file{};
    std::shared_ptr<const LabelRun> run{};
  };
  Result<void> catch_up();
  Result<void> begin();
  Runs all() const;
  std::filesystem::path file_of(const std::filesystem::path& log) const;

  const std::filesystem::path sealed_folder_;
  const std::shared_ptr<Tail> log_;
  std::mutex mutex_;
  bool begun_ = false;
  std::vector<Sealed> sealed_;
  std::vector<Open> open_;
};

}  // namespace pawl::serving
