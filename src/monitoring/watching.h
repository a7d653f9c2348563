// An endpoint that is watched, for tests: a real store, a worker, a clock of the test's own; the log is in memory.
#pragma once
#include <cmath>
#include <fstream>

#include "core/testing.h"
#include "monitoring/service.h"
#include "net/metrics.h"
#include "net/testing.h"
#include "stats/bootstrap.h"
#include "store/ledger.h"
#include "store/testing.h"

namespace pawl::monitoring {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
inline const std::vector<std::string> features{"a", "b", "c", "d", "e"};
inline Time at(std::string_view text) { return parse_rfc3339(text).value(); }
inline double normal(stats::Draws& draws) {
  double sum = -6;
  for (int k = 0; k < 12; ++k) sum += static_cast<double>(draws.next() >> 11U) * 0x1p-53;
  return static_cast<float>(sum);
}

struct MemoryLog final : Log {
  struct Row {
    std::int64_t time = 0;
    std::array<double, 5> x{};
    double y = 0, label = missing;
    Time labelled{};
  };
  std::vector<Row> rows{};
  Time arrival{}, label{};
  std::int64_t reads = 0;

  Result<serving::Watermark> watermark(const std::string& endpoint) override {
    if (endpoint != "e") return fail(Code::missing, "there is no endpoint " + endpoint);
    serving::Watermark out{.arrival = arrival, .label = label, .rows = std::ssize(rows)};
    for (const Row& r : rows) {
      out.event = std::max(out.event, Time{r.time});
      out.oldest = out.oldest.us == 0 ? Time{r.time} : std::min(out.oldest, Time{r.time});
      out.labelled += std::isnan(r.label) ? 0 : 1;
    }
    return out;
  }
  Result<std::int64_t> count(const std::string&, Time from, Time to) override {
    CHECK((from.us % day_us == 0 && to.us % day_us == 0));
    return std::ranges::count_if(rows, [&](const Row& r) { return r.time >= from.us && r.time < to.us; });
  }
  Result<std::set<std::int64_t>> labelled_since(const std::string&, Time after) override {
    std::set<std::int64_t> out;
    for (const Row& r : rows)
      if (r.labelled > after) out.insert(r.time / day_us);
    return out;
  }
  Result<void> read_rows(const serving::RowsAsk& ask,
                         const std::function<Result<void>(const serving::RowBatch&)>& each) override {
    ++reads;
    serving::RowBatch batch;
    batch.labels.name = "label";
    for (std::size_t f = 0; f < features.size() && ask.features; ++f) batch.features.push_back({.name = features[f]});
    if (ask.outputs) batch.outputs.push_back({.name = "y"});
    for (const Row& r : rows) {
      if (r.time < ask.from.us || r.time >= ask.to.us) continue;
      ++batch.size;
      batch.event_times.push_back(r.time);
      batch.versions.push_back(3);
      for (std::size_t f = 0; f < batch.features.size(); ++f) batch.features[f].numbers.push_back(r.x[f]);
      if (ask.outputs) batch.outputs[0].numbers.push_back(r.y);
      if (ask.labels) batch.labels.numbers.push_back(r.label);
    }
    return batch.size == 0 ? Result<void>{} : each(batch);
  }
  Result<std::vector<serving::LogColumn>> answer(const std::string&, std::int64_t,
                                                 const serving::RowBatch& rows) override {
    return std::vector<serving::LogColumn>{{.name = "y", .numbers = std::vector<double>(rows.size, 1)}};
  }
};

// The same bits again and again, but for one draw that fails: as if the process ended there.
struct FailingRandom final : Random {
  testing::CountingRandom inner{};
  int fails_at = -1;
  void fill(std::span<char> out) override {
    if (fails_at == 0) throw std::runtime_error("killed");
    if (fails_at > 0) --fails_at;
    inner.fill(out);
  }
};

struct Watching {
  store::ScratchFolder artifacts;
  testing::House house;
  net::Metrics metrics;
  FailingRandom random;
  MemoryLog log;
  std::vector<std::string> notices{};
  std::unique_ptr<Service> service;
  std::unique_ptr<jobs::Worker> worker;
  stats::Draws draws{7};

  explicit Watching(store::Options options = {}) : house(std::move(options)) {
    std::ofstream reference(artifacts.path / "3.csv");
    reference << "time,a,b,c,d,e\n";
    for (int d = 0; d < 59; ++d)
      for (int i = 0; i < 20; ++i) {
        reference << to_rfc3339(at("2013-01-01") + Micros{d * day_us + i * 1'000'000LL});
        for (std::size_t f = 0; f < features.size(); ++f) reference << "," << normal(draws);
        reference << "\n";
      }
    reference.close();
    house.clock.set(at("2014-06-01"));
    restart();
  }
  void restart() {
    worker.reset();
    service = std::make_unique<Service>(Parts{.store = *house.store,
                                              .log = log,
                                              .artifacts = artifacts.path,
                                              .clock = house.clock,
                                              .random = random,
                                              .metrics = &metrics,
                                              .notice = [this](std::string_view what, std::string_view data) {
                                                notices.push_back(std::string(what) + " " + std::string(data));
                                              }});
    worker = std::make_unique<jobs::Worker>(*house.store, house.clock, house.random);
    service->attach(*worker);
    house.router = {};
    mount(house.router, *service);
  }
  Monitor monitor() const {
    Monitor out{.endpoint = "e",
                .model = "m",
                .version = 3,
                .task = "regression",
                .reference = "3.csv",
                .time = "time",
                .reference_ends = "2013-02-28T23:59:59Z"};
    out.share = 0.4;
    out.alert = {"ops"};
    return out;
  }
  void put(const Monitor& m, const std::string& cause = "the-rollout") {
    const auto done = house.write([&](Call& call) { return service->put_monitor(call, m, cause); });
    REQUIRE_MESSAGE(done, done.error().message);
  }
  // `n` rows spread over the days from `from` to `to`, the first columns shifted.
  void send(std::string_view from, std::string_view to, int n = 400, std::size_t shifted = 0, double shift = 1.5,
            double error = missing) {
    const std::int64_t first = at(from).us, span = at(to).us - first;
    for (int i = 0; i < n; ++i) {
      MemoryLog::Row row{.time = first + span / n * i};
      for (std::size_t f = 0; f < features.size(); ++f) row.x[f] = normal(draws) + (f < shifted ? shift : 0);
      row.y = normal(draws) * 10;
      if (!std::isnan(error)) row.label = row.y + (i % 2 == 0 ? error : -error), row.labelled = house.clock.now();
      log.rows.push_back(row);
    }
    log.arrival = house.clock.now();
    if (!std::isnan(error)) log.label = house.clock.now();
  }
  void label(std::string_view from, std::string_view to, double error) {
    for (std::size_t i = 0; i < log.rows.size(); ++i)
      if (auto& r = log.rows[i]; r.time >= at(from).us && r.time < at(to).us)
        r.label = r.y + (i % 2 == 0 ? error : -error), r.labelled = house.clock.now();
    log.label = house.clock.now();
  }
  void tick(Micros pass = std::chrono::seconds(3)) {
    house.clock.pass(pass);
    const auto looked = service->look();
    REQUIRE_MESSAGE(looked, looked.error().message);
    REQUIRE(worker->run_until_idle());
  }
  std::vector<WindowSeen> windows() {
    return house.as<Page<WindowSeen>>(house.get("/api/pawl/v1/endpoints/e/windows?limit=200")).items;
  }
  std::vector<Alarm> alarms(const std::string& state = "open") {
    return house.as<Page<Alarm>>(house.get("/api/pawl/v1/alarms?state=" + state)).items;
  }
  std::vector<store::LedgerEvent> events(const std::string& what = "") {
    return house.store
        ->read_for<std::vector<store::LedgerEvent>>(
            [&](Tx& tx) { return store::read_ledger(tx, {.limit = 1000, .what = what}); })
        .value();
  }
  AlarmTold told(const store::LedgerEvent& event) { return decode<AlarmTold>(event.data.text).value(); }
};
inline std::vector<std::string> names(const std::vector<Alarm>& alarms) {
  std::vector<std::string> out;
  out.reserve(alarms.size());
  for (const auto& a : alarms) out.push_back(std::string(word(a.kind)) + (a.column.empty() ? "" : " " + a.column));
  std::ranges::sort(out);
  return out;
}
using Names = std::vector<std::string>;

}  // namespace pawl::monitoring
