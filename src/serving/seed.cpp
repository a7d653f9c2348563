// For tests and benchmarks of a real server: puts one version behind an endpoint of a data folder that no server runs on, as a rollout would,
// or runs a model by itself, without a server.
//
//   serving_seed endpoint DATA ENDPOINT FOLDER...   each folder of artifacts is a version from 1 on; the last is live
//   serving_seed run FOLDER TIMES [ROWS]            p50 and p99 of a run of one row (or ROWS), in microseconds
#include <fmt/format.h>

#include <cstdlib>
#include <iostream>

#include "serving/service.h"

using namespace pawl;

namespace {

Result<void> endpoint(const std::filesystem::path& data, const std::string& name, std::span<char*> folders) {
  const SystemClock clock;
  SystemRandom random;
  std::filesystem::create_directories(data);
  TRY(store, store::Store::open({.file = data / "pawl.db"}));
  TRY(service, serving::Service::open({.data = data}, *store, clock, random));
  std::int64_t version = 0;
  for (const char* folder : folders) {
    const auto relative = name + "/" + std::to_string(++version);
    std::filesystem::create_directories(data / "artifacts" / name);
    std::filesystem::copy(folder, data / "artifacts" / relative, std::filesystem::copy_options::recursive);
    TRY_(service->prepare(name, version, relative));
  }
  return store->write([&](Tx& tx) -> Result<void> {
    Call call(tx, Ask{.who = pawl_itself(), .clock = &clock});
    TRY_(service->put_endpoint(call, {.name = name, .model = name}));
    TRY_(service->set_routing(call, name, {.arms = {{.version = version, .share = 1}}}));
    return {};
  });
}

// Rows that differ, as traffic's do: on rows alike the processor guesses every branch of the trees.
void vary(std::vector<v2::Tensor>& rows, std::uint32_t& seed) {
  for (auto& t : rows)
    if (auto* values = std::get_if<std::vector<float>>(&t.data))
      for (auto& v : *values) v = static_cast<float>((seed = seed * 1664525U + 1013904223U) >> 8) * 0x1p-22F - 2;
}

Result<void> run(const std::filesystem::path& folder, int times, std::size_t rows) {
  TRY(model, serving::Model::open(folder));
  TRY(row, model->bind(model->sample(rows)));
  std::vector<double> took;
  std::uint32_t seed = 1;
  for (int i = 0; i < times; ++i) {
    vary(row, seed);
    const auto begin = std::chrono::steady_clock::now();
    TRY_(model->run(row));
    took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  std::ranges::sort(took);
  std::cout << fmt::format("{:.2f} {:.2f}\n", took[took.size() / 2], took[took.size() * 99 / 100]);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::span args(argv, static_cast<std::size_t>(argc));
  const std::string_view word = argc > 1 ? args[1] : "";
  Result<void> done = fail(
      Code::invalid, "usage: serving_seed endpoint DATA ENDPOINT FOLDER... | serving_seed run FOLDER TIMES [ROWS]");
  if (word == "endpoint" && argc > 4) done = endpoint(args[2], args[3], args.subspan(4));
  if (word == "run" && argc >= 4)
    done = run(args[2], std::max(1, std::atoi(args[3])), argc > 4 ? std::max(1, std::atoi(args[4])) : 1);
  if (!done) std::cerr << "serving_seed: " << done.error().message << " " << done.error().detail << "\n";
  return done ? 0 : 1;
}
