// Closing a window of made data from memory, by monitoring's own measuring; beside it the limit, sorting the same columns.
//   bench_window_close FOLDER ROWS COLUMNS   writes a reference into FOLDER, prints one JSON line
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "monitoring/measure.h"
#include "stats/bootstrap.h"

namespace {

using namespace pawl;
using namespace pawl::monitoring;

constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::int64_t start_us = 1'362'096'000'000'000;  // 2013-03-01
constexpr int reference_rows = 200'000;
constexpr std::size_t batch_rows = 65'536;

double uniform(stats::Draws& draws) { return static_cast<double>(draws.next() >> 11U) * 0x1p-53; }
// Near enough to a bell, and cheap; FP32 as models are served.
float value(stats::Draws& draws, std::size_t column, double shift) {
  const double x = uniform(draws) + uniform(draws) + uniform(draws) - 1.5 + shift;
  return static_cast<float>(x * static_cast<double>(column + 1));
}
template <class F> double seconds(F f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}
// Peak resident set since the last call of `forget`, MiB.
double peak_mib() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}
void forget_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

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

void write_reference(const std::filesystem::path& file, std::size_t columns) {
  std::ofstream out(file);
  std::vector<stats::Draws> draws;
  out << "time";
  for (std::size_t c = 0; c < columns; ++c) out << ",x" << c, draws.emplace_back(1 + c);
  out << '\n';
  for (int i = 0; i < reference_rows; ++i) {
    out << to_rfc3339({start_us - 59 * day_us + i * 59LL / reference_rows * day_us});
    for (std::size_t c = 0; c < columns; ++c) out << ',' << value(draws[c], c, 0);
    out << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::filesystem::path file = std::filesystem::path(argv[1]) / "reference.csv";
  const std::size_t rows = std::strtoul(argv[2], nullptr, 10), columns = std::strtoul(argv[3], nullptr, 10);
  write_reference(file, columns);
  Monitor monitor{.endpoint = "made", .model = "made", .version = 1, .task = "regression", .time = "time"};
  monitor.metric = stats::Metric::mae, monitor.reference_value = 5, monitor.worse_by = 0.25;
  Made source(rows, columns);
  const Window window{{start_us}, {start_us + 28 * day_us}};

  Result<Reference> reference = Reference{};
  const double first = seconds([&] { reference = Reference::read(file, monitor); });
  if (!reference) return std::fprintf(stderr, "%s\n", reference.error().message.c_str()), 1;
  const auto limits = reference->limits();
  const double again = seconds([&] { reference = Reference::read(file, monitor, limits); });

  double took[3] = {1e9, 1e9, 1e9}, peak = 0;
  std::int64_t drifted = 0;
  for (int round = 0; round < 3; ++round)
    for (const int threads : {1, 2}) {
      forget_peak();
      took[threads] = std::min(took[threads], seconds([&] {
                                 const auto got = measure(monitor, *reference, source, window, {.threads = threads});
                                 drifted = got ? got->seen.drifted : -1;
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
