// A prediction log as a server would have written it, for benches: made rows, in requests of `at_once`, no model behind them.
#pragma once
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "core/hash.h"
#include "jobs/jobs.h"
#include "serving/log/ids.h"
#include "serving/log/record.h"
#include "serving/log/tail.h"
#include "serving/service.h"
#include "store/files.h"

namespace pawl::bench {

namespace fs = std::filesystem;

constexpr std::int64_t start_us = 1'362'096'000'000'000;  // 2013-03-01
constexpr std::size_t labels_at_once = 100'000, segment_bytes_max = 64 << 20;

template <class F> double seconds(F f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}
inline double memory_mib(const char* what) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(what)) return std::strtod(line.c_str() + std::strlen(what), nullptr) / 1024;
  return 0;
}
// Peak resident set while f runs, over what was there before.
template <class F> double peak_mib(F f) {
  std::ofstream("/proc/self/clear_refs") << 5;
  const double before = memory_mib("VmRSS:");
  f();
  return memory_mib("VmHWM:") - before;
}
template <class T> T must(Result<T> r) {
  if (r) {
    if constexpr (std::is_void_v<T>)
      return;
    else
      return std::move(*r);
  }
  std::fprintf(stderr, "%s %s\n", r.error().message.c_str(), r.error().detail.c_str());
  std::exit(1);
}

struct Made {
  SystemClock clock;
  SystemRandom random;
  fs::path data;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<serving::Service> service;
  void open() {
    service.reset();
    service =
        must(serving::Service::open({.data = data, .segment_bytes_max = segment_bytes_max}, *store, clock, random));
  }
};

// The log as a server would have written it; answers the ids.
inline std::vector<std::string> write_log(const Made& made, std::size_t rows, std::size_t columns,
                                          std::size_t at_once) {
  const serving::Ids ids(must(store::read_file(made.data / "keys/predictions.key")));
  const auto number = static_cast<std::uint32_t>(
      std::strtoul(must(store::read_file(made.data / "predictions/server")).c_str(), nullptr, 16));
  const auto name = hex({reinterpret_cast<const char*>(&number), sizeof number});
  serving::Syncer syncer;
  const auto tail = std::make_shared<serving::Tail>(made.data / "predictions/e/rows", name, segment_bytes_max, syncer);
  must(tail->open());
  std::vector<std::string> out;
  std::uint64_t seed = 1;
  const auto value = [&] {
    return static_cast<float>((seed = seed * 6364136223846793005ULL + 1442695040888963407ULL) >> 40U) * 0x1p-22F;
  };
  for (std::size_t from = 0; from < rows; from += at_once) {
    const auto n = std::min(at_once, rows - from);
    serving::Record r{.received = made.clock.now(),
                      .rows = static_cast<std::uint32_t>(n),
                      .version = 1,
                      .latency_us = 100,
                      .digest = std::string(64, 'd')};
    const auto stamp = tail->stamp(r.received, r.rows);
    r.received = stamp.at;
    r.counter = stamp.counter;
    for (std::size_t i = 0; i < n; ++i) {
      r.event_times.push_back({start_us + static_cast<std::int64_t>((from + i) * 28 * 86'400 / rows) * 1'000'000});
      out.push_back(ids.write(
          {.endpoint = 1, .server = number, .at = r.received, .counter = r.counter + static_cast<std::uint32_t>(i)}));
    }
    const auto shape = std::vector<std::int64_t>{static_cast<std::int64_t>(n), 1};
    for (std::size_t c = 0; c < columns; ++c) {
      std::vector<float> values(n);
      for (auto& v : values) v = value();
      r.features.push_back({.name = "column_" + std::to_string(c), .shape = shape, .data = std::move(values)});
    }
    r.outputs.push_back({.name = "variable", .shape = shape, .data = std::vector<float>(n, value())});
    std::string frame;
    serving::append_frame(frame, [&](std::string& to) { encode(r, to); });
    tail->append(frame, stamp.at, [](Result<void> wrote) { must(std::move(wrote)); }, {});
  }
  return out;
}
inline void put_endpoint(Made& made) {
  must(made.store->write([&](Tx& tx) -> Result<void> {
    Call call(tx, Ask{.who = pawl_itself(), .clock = &made.clock});
    return made.service->put_endpoint(call, {.name = "e", .model = "e", .replay = true});
  }));
}
// A label for each; answers how long it took.
inline double write_labels(Made& made, const std::vector<std::string>& ids) {
  double took = 0;
  for (std::size_t from = 0; from < ids.size(); from += labels_at_once) {
    serving::NewLabels labels{.name = "e"};
    for (std::size_t i = from; i < std::min(ids.size(), from + labels_at_once); ++i)
      labels.labels.push_back({.prediction_id = ids[i], .label = {std::to_string(i % 100) + ".5"}});
    took += seconds([&] { must(made.service->take_labels({.who = pawl_itself(), .clock = &made.clock}, labels)); });
  }
  return took;
}
inline void seal(Made& made) {
  jobs::Worker worker(*made.store, made.clock, made.random);
  made.service->work(worker);
  must(made.store->write([&](Tx& tx) -> Result<void> {
    Call call(tx, Ask{.who = pawl_itself(), .clock = &made.clock});
    TRY_(jobs::add(call, {.kind = "serving.seal", .key = "serving.seal"}));
    return {};
  }));
  must(worker.run_until_idle());
}

}  // namespace pawl::bench
