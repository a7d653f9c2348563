// The log as monitors and rollouts read it: rows with their labels, how far traffic has come, what another version would have said, and forgetting.
#include "core/log.h"
#include "serving/log/collect.h"
#include "serving/log/seal.h"
#include "serving/service_impl.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

constexpr Micros day = std::chrono::days(1);

}  // namespace

// The tail's segments are opened before the list of sealed ones is read: a segment that is sealed meanwhile is then in both and skipped here, never in none.
Result<void> Service::Impl::read(const EndpointNow& endpoint, const RowsAsk& ask, const Rows& each,
                                 std::optional<std::pair<Time, Time>> received) {
  TRY_(endpoint.tail->open());
  struct OpenSegment {
    fs::path path{};
    std::optional<SegmentReader> reader{};
  };
  std::vector<OpenSegment> tail;
  for (const auto& s : endpoint.tail->segments()) {
    auto reader = SegmentReader::open(s.path, s.bytes);
    if (reader) tail.push_back({s.path, std::move(*reader)});
    std::error_code ec;
    if (!reader && fs::exists(s.path, ec)) return std::unexpected(std::move(reader).error());
  }
  // One that is sealed and has no such row may be looked through in the tail too: it has none there either.
  TRY(sealed, store.read_for<std::vector<SealedSegment>>(
                  [&](Tx& tx) { return sealed_between(tx, endpoint.row.number, server_name, ask.from, ask.to); }));
  Runs labels;
  if (ask.labels) {
    TRY(runs, endpoint.label_book->runs());
    labels = std::move(runs);
  }
  Collector rows(ask, ids, static_cast<std::uint32_t>(endpoint.row.number), server_number, std::move(labels), each);
  SealedReader files;
  if (received) std::tie(rows.received_first, rows.received_last) = *received;
  for (const auto& s : sealed) {
    if (s.received_last < rows.received_first || s.received_first > rows.received_last) continue;
    const auto file = options.data / "predictions" / s.path;
    auto read = files.read(file, s.event_first, s.event_last, rows);
    std::error_code ec;
    if (!read && fs::exists(file, ec)) return read;  // else it was forgotten meanwhile
    TRY_(rows.flush());                              // columns of one segment fit together
  }
  RecordView view;
  for (auto& [path, reader] : tail) {
    const auto sealed_as = sealed_name(endpoint.row.name, path).string();
    if (std::ranges::find(sealed, sealed_as, &SealedSegment::path) != sealed.end()) continue;
    while (const auto payload = reader->next()) TRY_(rows.add(view, *payload));
    TRY_(rows.flush());
    reader.reset();  // what is mapped counts as ours
  }
  return rows.flush();
}

Result<void> Service::read_rows(const RowsAsk& ask, const std::function<Result<void>(const RowBatch&)>& each) {
  TRY(endpoint, impl_->find_or_fail(ask.endpoint));
  return impl_->read(*endpoint, ask, [&](const RowBatch& batch, std::span<const RowKey>) { return each(batch); });
}

Result<std::map<std::int64_t, std::int64_t>> Service::labelled_since(const std::string& name, Time after) {
  TRY(endpoint, impl_->find_or_fail(name));
  TRY(runs, endpoint->label_book->runs());
  std::vector<RowKey> told;
  for (const auto& run : runs)
    if (run->newest > after.us)
      for (const auto& l : run->entries)
        if (l.labelled > after.us && l.server == impl_->server_number && l.news != News::repeated)
          told.push_back({.at = l.at, .counter = l.counter});
  std::map<std::int64_t, std::int64_t> out;
  if (told.empty()) return out;
  std::ranges::sort(told);
  constexpr auto any = std::numeric_limits<std::int64_t>::max();
  TRY_(impl_->read(
      *endpoint,
      {.endpoint = name,
       .from = {-any},
       .to = {any},
       .features = false,
       .outputs = false,
       .context = false,
       .labels = false},
      [&](const RowBatch& batch, std::span<const RowKey> keys) -> Result<void> {
        for (std::size_t i = 0; i < batch.size; ++i)
          if (std::ranges::binary_search(told, keys[i])) ++out[day_of(Time{batch.event_times[i]})];
        return {};
      },
      std::pair(Time{told.front().at}, Time{told.back().at})));
  return out;
}

Result<Watermark> Service::watermark(const std::string& name) {
  TRY(endpoint, impl_->find_or_fail(name));
  TRY(labels, endpoint->label_book->counts());
  const std::scoped_lock lock(endpoint->book->mutex);
  TRY_(impl_->catch_up(*endpoint));
  const auto reach = endpoint->book->tallies.reach();
  return Watermark{.event = {reach.newest},
                   .arrival = {reach.arrival},
                   .oldest = {reach.oldest},
                   .label = {labels.newest},
                   .rows = reach.rows,
                   .labelled = labels.labelled};
}

Result<std::int64_t> Service::count_rows(const std::string& name, Time from, Time to) {
  TRY(endpoint, impl_->find_or_fail(name));
  const auto in_range = [](std::int64_t d) { return std::clamp<std::int64_t>(d, 0, Tallies::days_end); };
  const auto days_from = in_range(std::chrono::ceil<std::chrono::days>(Micros{from.us}).count()),
             days_to = in_range(day_of(to));
  std::int64_t out = 0;
  const auto read = [&](Time a, Time b) -> Result<void> {
    if (a >= b) return {};
    return read_rows(
        {.endpoint = name, .from = a, .to = b, .features = false, .outputs = false, .context = false, .labels = false},
        [&](const RowBatch& rows) -> Result<void> {
          out += static_cast<std::int64_t>(rows.size);
          return {};
        });
  };
  if (days_from >= days_to) {
    TRY_(read(from, to));
    return out;
  }
  {
    const std::scoped_lock lock(endpoint->book->mutex);
    TRY_(impl_->catch_up(*endpoint));
    out = endpoint->book->tallies.rows_on(days_from, days_to);
  }
  TRY_(read(from, {days_from * day.count()}));
  TRY_(read({days_to * day.count()}, to));
  return out;
}

// The table first: a crash in between leaves files that nothing lists, and the next call removes them.
Result<std::int64_t> Service::forget(const std::string& name, Time before) {
  TRY(endpoint, impl_->find_or_fail(name));
  std::int64_t rows = 0;
  std::vector<SealedSegment> kept;
  const std::scoped_lock files(endpoint->book->files);
  const std::scoped_lock lock(endpoint->book->mutex);
  TRY_(impl_->catch_up(*endpoint));
  TRY_(impl_->store.write([&](Tx& tx) -> Result<void> {
    TRY(sealed, sealed_of(tx, endpoint->row.number, impl_->server_name));
    rows = 0;
    kept.clear();
    for (auto& s : sealed) {
      if (s.received_last >= before) {
        kept.push_back(std::move(s));
        continue;
      }
      rows += s.rows;
      TRY_(drop_sealed(tx, s.path));
    }
    return {};
  }));
  std::error_code ec;
  const auto folder = impl_->options.data / "predictions" / name / "sealed";
  std::vector<fs::path> gone;
  for (fs::directory_iterator at(folder, ec), end; !ec && at != end; at.increment(ec)) {
    const auto file = at->path().filename().string();
    if (!file.starts_with(impl_->server_name + "-") || !file.ends_with(".parquet")) continue;
    const auto listed = (fs::path(name) / "sealed" / file).string();
    if (std::ranges::find(kept, listed, &SealedSegment::path) == kept.end()) gone.push_back(at->path());
  }
  for (const auto& file : gone) fs::remove(file, ec);
  if (rows > 0) {
    endpoint->book->begun = false;  // what is left is counted anew
    log::info("serving.forgotten", {{"endpoint", name}, {"rows", rows}, {"before", to_rfc3339(before)}});
  }
  // A segment that reaches over that time keeps its labels.
  for (const auto& s : kept) before = std::min(before, s.received_first);
  TRY_(endpoint->label_book->forget(before));
  return rows;
}

}  // namespace pawl::serving
