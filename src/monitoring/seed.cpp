// For tests of a real server: watches an endpoint of a data folder that no server runs on, as a plan in force would.
//
//   monitoring_seed DATA MONITOR.json
#include <iostream>

#include "monitoring/service.h"
#include "store/files.h"

using namespace pawl;

namespace {

struct NoLog final : monitoring::Log {
  Result<serving::Watermark> watermark(const std::string&) override { return none(); }
  Result<std::int64_t> count(const std::string&, Time, Time) override { return none(); }
  Result<std::set<std::int64_t>> labelled_since(const std::string&, Time) override { return none(); }
  Result<void> read_rows(const serving::RowsAsk&,
                         const std::function<Result<void>(const serving::RowBatch&)>&) override {
    return none();
  }
  Result<std::vector<serving::LogColumn>> answer(const std::string&, std::int64_t, const serving::RowBatch&) override {
    return none();
  }
  static std::unexpected<Error> none() { return fail(Code::missing, "there is no log"); }
};

Result<void> put(const std::filesystem::path& data, const std::filesystem::path& file) {
  const SystemClock clock;
  SystemRandom random;
  NoLog log;
  TRY(text, store::read_file(file));
  TRY(monitor, decode<monitoring::Monitor>(text));
  TRY(store, store::Store::open({.file = data / "pawl.db"}));
  monitoring::Service service({.store = *store, .log = log, .clock = clock, .random = random});
  return store->write([&](Tx& tx) -> Result<void> {
    Call call(tx, Ask{.who = pawl_itself(), .clock = &clock});
    return service.put_monitor(call, monitor, "");
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::span args(argv, static_cast<std::size_t>(argc));
  const Result<void> done =
      args.size() == 3 ? put(args[1], args[2]) : fail(Code::invalid, "usage: monitoring_seed DATA MONITOR.json");
  if (!done) std::cerr << done.error().message << "\n";
  return done ? 0 : 1;
}
