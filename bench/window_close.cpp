// Closing a window of made data, by monitoring's own measuring; beside it the limit, sorting the same columns.
//   bench_window_close memory FOLDER ROWS COLUMNS   from memory; writes a reference into FOLDER, prints one JSON line
//   bench_window_close log FOLDER ROWS COLUMNS      makes a prediction log with labels in FOLDER, sealed
//   bench_window_close close FOLDER ROWS COLUMNS    a process of its own closes a window of that log, and prints one JSON line
#include "datasets/parquet.h"
#include "made_log.h"
#include "monitoring/log.h"
#include "monitoring/measure.h"
#include "stats/bootstrap.h"

namespace {

using namespace pawl;
using namespace pawl::monitoring;
using bench::must, bench::seconds, bench::start_us;

constexpr std::int64_t day_us = 86'400'000'000;
constexpr int reference_rows = 200'000;
constexpr std::size_t batch_rows = 65'536;

double uniform(stats::Draws& draws) { return static_cast<double>(draws.next() >> 11U) * 0x1p-53; }
// Near enough to a bell, and cheap; FP32 as models are served.
float value(stats::Draws& draws, std::size_t column, double shift) {
  const double x = uniform(draws) + uniform(draws) + uniform(draws) - 1.5 + shift;
  return static_cast<float>(x * static_cast<double>(column + 1));
}
void forget_peak() { std::ofstream("/proc/self/clear_refs") << 5; }
double peak_mib() { return bench::memory_mib("VmHWM:"); }

// The window's rows. Kept as floats, made into batches of doubles as the log's reader does; its own memory is taken off the peak.
class Made final : public Source {
 public:
  Made(std::size_t rows, std::size_t columns) : rows_(rows), features_(columns) {
    for (std::size_t c = 0; c < columns; ++c) {
      stats::Draws draws(100 + c);
      for (std::size_t i = 0; i < rows; ++i) features_[c].push_back(value(draws, c, c % 4 == 0 ? 0.2 : 0));
    }
    stats::Draws draws(7);
    for (std::size_t i = 0; i < rows; ++i) {
      answer_.push_back(static_cast<float>(uniform(draws) * 30));
      label_.push_back(answer_.back() + static_cast<float>(uniform(draws) * 20 - 10));
    }
  }
  double mib() const { return static_cast<double>(rows_ * (features_.size() + 2) * sizeof(float)) / (1 << 20); }
  const std::vector<std::vector<float>>& features() const { return features_; }
  Result<std::int64_t> rows() override { return static_cast<std::int64_t>(rows_); }
  Result<void> for_each(const serving::RowsAsk& ask,
                        const std::function<Result<void>(const serving::RowBatch&)>& each) override {
    for (std::size_t from = 0; from < rows_; from += batch_rows) {
      const std::size_t to = std::min(rows_, from + batch_rows);
      serving::RowBatch batch{.size = to - from};
      for (std::size_t i = from; i < to; ++i)
        batch.event_times.push_back(start_us + static_cast<std::int64_t>(i * 28 / rows_) * day_us);
      batch.versions.assign(to - from, 1);
      const auto part = [&](std::string name, const std::vector<float>& v) {
        return serving::LogColumn{
            .name = std::move(name),
            .numbers = {v.begin() + static_cast<std::ptrdiff_t>(from), v.begin() + static_cast<std::ptrdiff_t>(to)}};
      };
      for (std::size_t c = 0; c < features_.size() && ask.features; ++c)
        if (const auto name = "x" + std::to_string(c);
            ask.columns.empty() || std::ranges::find(ask.columns, name) != ask.columns.end())
          batch.features.push_back(part(name, features_[c]));
      if (ask.outputs) batch.outputs.push_back(part("variable/0", answer_));
      if (ask.labels) batch.labels = part("label", label_);
      if (auto done = each(batch); !done) return done;
    }
    return {};
  }
  Result<std::vector<serving::LogColumn>> answer(std::int64_t, const serving::RowBatch&) override {
    return fail(Code::missing, "only one version");
  }

 private:
  std::size_t rows_;
  std::vector<std::vector<float>> features_;
  std::vector<float> answer_, label_;
};

void write_reference(const std::filesystem::path& file, const std::string& prefix, std::size_t columns) {
  std::vector<datasets::FileColumn> out{{.name = "time", .times = true}};
  std::vector<std::int64_t> times;
  for (int i = 0; i < reference_rows; ++i) times.push_back(start_us - 59 * day_us + i * 59LL / reference_rows * day_us);
  out[0].data = std::move(times);
  for (std::size_t c = 0; c < columns; ++c) {
    stats::Draws draws(1 + c);
    std::vector<float> values(reference_rows);
    for (auto& v : values) v = value(draws, c, 0);
    out.push_back({.name = prefix + std::to_string(c), .data = std::move(values)});
  }
  must(datasets::write_parquet(file, out));
}
Monitor monitor() {
  Monitor out{.endpoint = "e", .model = "e", .version = 1, .task = "regression", .time = "time"};
  out.metric = stats::Metric::mae, out.reference_value = 5, out.worse_by = 0.25;
  return out;
}
const Window window{{start_us}, {start_us + 28 * day_us}};

void from_memory(const std::filesystem::path& folder, std::size_t rows, std::size_t columns) {
  const auto file = folder / "reference.parquet";
  write_reference(file, "x", columns);
  Made source(rows, columns);
  Result<Reference> reference = Reference{};
  const double first = seconds([&] { reference = Reference::read(file, monitor()); });
  const auto limits = must(std::move(reference)).limits();
  const double again = seconds([&] { reference = Reference::read(file, monitor(), limits); });
  const auto known = must(std::move(reference));

  double took[3] = {1e9, 1e9, 1e9}, peak = 0;
  std::int64_t drifted = 0;
  for (int round = 0; round < 3; ++round)
    for (const int threads : {1, 2}) {
      forget_peak();
      took[threads] = std::min(took[threads], seconds([&] {
                                 drifted =
                                     must(measure(monitor(), known, source, window, {.threads = threads})).seen.drifted;
                               }));
      peak = std::max(peak, peak_mib());
    }
  double sorting = 1e9;
  for (int round = 0; round < 3; ++round) {
    double all = 0;
    for (const auto& c : source.features()) {
      std::vector<double> copy(c.begin(), c.end());
      all += seconds([&] { stats::sort(copy); });
    }
    sorting = std::min(sorting, all);
  }
  std::printf(
      R"({"one_thread_s": %.3f, "two_threads_s": %.3f, "sort_s": %.3f, "reference_first_s": %.3f, "reference_again_s": %.3f, "peak_mib": %.0f, "source_mib": %.0f, "drifted": %lld})"
      "\n",
      took[1], took[2], sorting, first, again, peak, source.mib(), static_cast<long long>(drifted));
}

void make_log(const std::filesystem::path& folder, std::size_t rows, std::size_t columns) {
  write_reference(folder / "reference.parquet", "column_", columns);
  bench::Made made;
  made.data = folder;
  made.store = must(store::Store::open({.file = folder / "pawl.db"}));
  made.open();
  bench::put_endpoint(made);
  const auto ids = bench::write_log(made, rows, columns, 64);
  made.open();
  bench::write_labels(made, ids);
  bench::seal(made);
}

// The log of a server, bound as the service binds it.
class OfLog final : public Source {
 public:
  OfLog(Log& log, std::int64_t rows) : log_(log), rows_(rows) {}
  Result<std::int64_t> rows() override { return rows_; }
  Result<void> for_each(const serving::RowsAsk& ask,
                        const std::function<Result<void>(const serving::RowBatch&)>& each) override {
    ++passes;
    return log_.read_rows(ask, each);
  }
  Result<std::vector<serving::LogColumn>> answer(std::int64_t version, const serving::RowBatch& rows) override {
    return log_.answer("e", version, rows);
  }
  int passes = 0;

 private:
  Log& log_;
  std::int64_t rows_;
};
void close_of_log(const std::filesystem::path& folder) {
  bench::Made made;
  made.data = folder;
  made.store = must(store::Store::open({.file = folder / "pawl.db"}));
  made.open();
  ServingLog log(*made.service);
  const auto rows = must(log.count("e", window.start, window.end));
  const auto limits = must(Reference::read(folder / "reference.parquet", monitor())).limits();
  forget_peak();
  const double base = bench::memory_mib("VmRSS:");
  Measurement got;
  int passes = 0;
  const double took = seconds([&] {
    const auto reference = must(Reference::read(folder / "reference.parquet", monitor(), limits));
    OfLog source(log, rows);
    got = must(measure(monitor(), reference, source, window));
    passes = source.passes;
  });
  const double peak = peak_mib();
  const double reading = seconds([&] {
    must(log.read_rows({.endpoint = "e", .from = window.start, .to = window.end, .context = false},
                       [](const serving::RowBatch&) -> Result<void> { return {}; }));
  });
  std::printf(
      R"({"close_s": %.3f, "read_s": %.3f, "peak_mib": %.0f, "before_mib": %.0f, "passes": %d, "rows": %lld, "labelled": %lld})"
      "\n",
      took, reading, peak, base, passes, static_cast<long long>(got.seen.rows),
      static_cast<long long>(got.seen.labelled));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string_view what = argv[1];
  const std::size_t rows = std::strtoul(argv[3], nullptr, 10), columns = std::strtoul(argv[4], nullptr, 10);
  if (what == "memory")
    from_memory(argv[2], rows, columns);
  else if (what == "log")
    make_log(argv[2], rows, columns);
  else if (what == "close")
    close_of_log(argv[2]);
  else
    return 2;
}
