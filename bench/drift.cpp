// Drift of a window against a stored reference with Evidently's numbers, and the limit it is printed beside: sorting the window's columns alone.
//   bench_drift FOLDER ROWS COLUMNS THREADS   reads FOLDER/reference.f64 and FOLDER/current.f64 (columns one after another), prints one JSON line
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "stats/drift.h"
#include "stats/evidently.h"

namespace {

using namespace pawl::stats;
using Columns = std::vector<std::vector<double>>;

Columns read(const std::filesystem::path& file, std::size_t rows, std::size_t columns) {
  Columns out(columns, std::vector<double>(rows));
  std::ifstream in(file, std::ios::binary);
  for (auto& c : out) in.read(reinterpret_cast<char*>(c.data()), static_cast<std::streamsize>(rows * sizeof(double)));
  if (!in) std::exit(1);
  return out;
}
template <class F> double seconds(F f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::filesystem::path folder = argv[1];
  const std::size_t rows = std::strtoul(argv[2], nullptr, 10), columns = std::strtoul(argv[3], nullptr, 10);
  const int threads = std::atoi(argv[4]);
  std::vector<Sample> reference;  // stored: sorted once
  for (auto& c : read(folder / "reference.f64", rows, columns)) reference.emplace_back(std::move(c));
  const auto current = read(folder / "current.f64", rows, columns);

  constexpr int rounds = 5;  // the best of: what the machine can do
  double sorting = 1e9, drift = 1e9, rule = 1e9;
  std::vector<evidently::Score> scores(columns);
  std::vector<Drift> ours(columns);
  for (int round = 0; round < rounds; ++round) {
    auto copy = current;
    sorting = std::min(
        sorting, seconds([&] { in_parallel(columns, threads, [&](std::size_t i) { pawl::stats::sort(copy[i]); }); }));
    copy = current;
    drift = std::min(drift, seconds([&] {
                       in_parallel(columns, threads, [&](std::size_t i) {
                         scores[i] = evidently::score(reference[i], Sample(std::move(copy[i])));
                       });
                     }));
    copy = current;
    rule = std::min(rule, seconds([&] {
                      in_parallel(columns, threads,
                                  [&](std::size_t i) { ours[i] = compare(reference[i], Sample(std::move(copy[i]))); });
                      decide(ours);
                    }));
  }
  std::printf(R"({"sort_s": %.4f, "drift_s": %.4f, "auto_s": %.4f, "scores": [)", sorting, drift, rule);
  for (std::size_t i = 0; i < columns; ++i) std::printf("%s%.17g", i == 0 ? "" : ", ", scores[i].score);
  std::puts("]}");
}
