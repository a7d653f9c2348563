// A window of the prediction log is read with its labels: from the open tail, and from sealed files. Made rows, in requests of `AT_ONCE`, no model.
//   bench_log_rows FOLDER ROWS COLUMNS AT_ONCE   prints one JSON line
#include "made_log.h"

namespace {

using namespace pawl;
using namespace pawl::bench;

struct Reading {
  double seconds = 0, mib = 0, sum = 0;
  std::size_t rows = 0, labels = 0;
};
Reading read(Made& made) {
  Reading out;
  const auto look = [&] {
    must(made.service->read_rows(
        {.endpoint = "e", .from = {start_us}, .to = {start_us + 28 * 86'400'000'000LL}, .context = false},
        [&](const serving::RowBatch& b) -> Result<void> {
          out.rows += b.size;
          for (const double l : b.labels.numbers) out.labels += std::isnan(l) ? 0 : 1;
          for (const auto& c : b.features) out.sum += c.numbers[0];
          return {};
        }));
  };
  out.mib = peak_mib([&] { out.seconds = seconds(look); });
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  Made made;
  made.data = argv[1];
  const std::size_t rows = std::strtoul(argv[2], nullptr, 10), columns = std::strtoul(argv[3], nullptr, 10),
                    at_once = std::strtoul(argv[4], nullptr, 10);
  made.store = must(store::Store::open({.file = made.data / "pawl.db"}));
  made.open();
  put_endpoint(made);
  const auto ids = write_log(made, rows, columns, at_once);
  made.open();
  const double first_look = seconds([&] { must(made.service->watermark("e")); });
  const double label_seconds = write_labels(made, ids);
  const auto tail = read(made);
  double seal_seconds = 0;
  const double seal_mib = peak_mib([&] { seal_seconds = seconds([&] { seal(made); }); });
  const auto sealed = read(made);
  made.open();
  const double restart = seconds([&] { must(made.service->watermark("e")); });
  std::printf(
      "{\"rows\": %zu, \"labels\": %zu, \"tail_s\": %.3f, \"tail_mib\": %.0f, \"sealed_s\": %.3f, \"sealed_mib\": "
      "%.0f, \"seal_s\": %.3f, "
      "\"seal_mib\": %.0f, \"labels_per_second\": %.0f, \"count_s\": %.3f, \"restart_s\": %.3f, \"same\": %s}\n",
      sealed.rows, sealed.labels, tail.seconds, tail.mib, sealed.seconds, sealed.mib, seal_seconds, seal_mib,
      static_cast<double>(ids.size()) / label_seconds, first_look, restart,
      tail.rows == rows && sealed.rows == rows && tail.labels == rows && sealed.labels == rows ? "true" : "false");
}
