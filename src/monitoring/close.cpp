// How windows close, and how they are computed again when rows or labels come late. Measuring takes seconds and happens outside any transaction;
// what it depends on is compared again in the one that keeps it.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <future>

#include "core/log.h"
#include "monitoring/watched.h"
#include "store/files.h"

namespace pawl::monitoring {
namespace {

// Labels trickle in for weeks. Recomputing takes at most a sixth of a thread's time.
constexpr int recompute_rest = 5;
constexpr auto recompute_rest_min = std::chrono::seconds(2);
constexpr auto recompute_rest_max = std::chrono::minutes(5);

struct WindowTold {
  std::string endpoint{}, model{}, start{}, end{}, how{};
  std::int64_t version = 0, rows = 0, labelled = 0, late = 0, tested = 0, drifted = 0;
  static constexpr auto fields =
      std::tuple{field("endpoint", &WindowTold::endpoint), field("model", &WindowTold::model),
                 field("version", &WindowTold::version),   field("start", &WindowTold::start),
                 field("end", &WindowTold::end),           field("how", &WindowTold::how),
                 field("rows", &WindowTold::rows),         field("labelled", &WindowTold::labelled),
                 field("late", &WindowTold::late),         field("tested", &WindowTold::tested),
                 field("drifted", &WindowTold::drifted)};
};
std::string told_of(const WindowSeen& w, std::string_view how) {
  return encode(WindowTold{.endpoint = w.endpoint,
                           .model = w.model,
                           .start = w.start,
                           .end = w.end,
                           .how = std::string(how),
                           .version = w.version,
                           .rows = w.rows,
                           .labelled = w.labelled,
                           .late = w.late,
                           .tested = w.tested,
                           .drifted = w.drifted});
}
struct Noticed {
  std::string id{}, endpoint{};
  static constexpr auto fields = std::tuple{field("id", &Noticed::id), field("endpoint", &Noticed::endpoint)};
};

constexpr Micros day = std::chrono::hours(24);
// Traffic goes first. Not lower: on a machine without a moment to spare a window has to close all the same.
constexpr int nice_of_measuring = 10;

class LogSource final : public Source {
 public:
  LogSource(Log& log, const Monitor& monitor, std::int64_t rows) : log_(log), monitor_(monitor), rows_(rows) {}
  Result<std::int64_t> rows() override { return rows_; }
  Result<void> for_each(const serving::RowsAsk& ask,
                        const std::function<Result<void>(const serving::RowBatch&)>& each) override {
    if (!ask.labels) return log_.read_rows(ask, each);
    labels_ = {};
    return log_.read_rows(ask, [&](const serving::RowBatch& batch) -> Result<void> {
      for (std::size_t i = 0; i < batch.size; ++i) labels_.add(batch, i);
      return each(batch);
    });
  }
  const LabelCount& labels() const { return labels_; }  // of the rows that were measured
  Result<std::vector<serving::LogColumn>> answer(std::int64_t version, const serving::RowBatch& features) override {
    return log_.answer(monitor_.model, version, features);
  }

 private:
  Log& log_;
  const Monitor& monitor_;
  std::int64_t rows_;
  LabelCount labels_{};
};

}  // namespace

std::mutex& Service::lock_of(const std::string& endpoint) {
  const std::lock_guard hold(mutex_);
  auto& at = endpoints_[endpoint];
  if (!at) at = std::make_unique<std::mutex>();
  return *at;
}

Result<std::optional<Service::Doing>> Service::begin(const std::string& endpoint, const Who& who) {
  TRY(row, parts_.store.read_for<std::optional<MonitorRow>>([&](Tx& tx) { return rows::in_force(tx, endpoint); }));
  if (!row) return std::nullopt;
  const auto seen = parts_.log.watermark(endpoint);
  if (!seen && seen.error().code == Code::missing) return std::nullopt;
  if (!seen) return std::unexpected(seen.error());
  if (seen->rows == 0) return std::nullopt;
  if (!row->anchor) {
    row->anchor = midnight(seen->oldest);
    TRY_(parts_.store.write([&](Tx& tx) { return rows::set_anchor(tx, endpoint, row->revision, *row->anchor); }));
  }
  TRY(grid, Grid::parse(row->monitor.window, *row->anchor));
  return Doing{.row = std::move(*row), .grid = grid, .end = midnight(seen->event) + day, .seen = *seen, .who = who};
}

Result<std::optional<Window>> Service::next_of(const Doing& doing) {
  TRY(last, parts_.store.read_for<std::optional<WindowRow>>(
                [&](Tx& tx) { return rows::last_window(tx, doing.row.monitor.endpoint); }));
  if (last) return next_window(doing.grid, last->window.end);
  // Nothing was watched before the first row.
  TRY(first, parts_.log.first_day(doing.row.monitor.endpoint, midnight(*doing.row.anchor), doing.end));
  if (!first) return std::nullopt;
  return doing.grid.at(*first);
}

Result<std::vector<WindowSeen>> Service::close_until(const Doing& doing, std::string_view how,
                                                     const std::function<bool(const Window&)>& may,
                                                     const std::stop_token& stop) {
  std::vector<WindowSeen> out;
  TRY(next, next_of(doing));
  std::size_t empty = 0;
  while (next && may(*next)) {
    if (stop.stop_requested()) return fail(Code::busy, "the server stops");
    // Counted first, then measured: what comes in between is found at the next look.
    TRY(rows, parts_.log.count(doing.row.monitor.endpoint, next->start, next->end));
    empty = rows == 0 ? empty + 1 : 0;
    if (empty > empty_windows_max) {
      TRY(later, parts_.log.first_day(doing.row.monitor.endpoint, next->start, doing.end));
      if (!later) break;
      next = doing.grid.at(*later);
      empty = 0;
      continue;
    }
    TRY(done, measured(doing.row, *next, rows));
    TRY(kept, keep_closed(doing, *next, how, std::move(done)));
    if (kept) out.push_back(std::move(*kept));
    if (!kept) {  // another server was first, or the monitor changed: then what is left waits for the next look
      TRY(row, parts_.store.read_for<std::optional<MonitorRow>>(
                   [&](Tx& tx) { return rows::in_force(tx, doing.row.monitor.endpoint); }));
      if (!row || row->revision != doing.row.revision) break;
    }
    next = doing.grid.after(*next);
  }
  return out;
}

Result<void> Service::recompute_late(const Doing& doing, std::optional<Time> labels_since,
                                     const std::stop_token& stop) {
  const std::string& endpoint = doing.row.monitor.endpoint;
  TRY(windows, parts_.store.read_for<std::vector<WindowRow>>([&](Tx& tx) { return rows::counted(tx, endpoint); }));
  if (windows.empty()) return {};
  std::optional<std::set<std::int64_t>> labelled;  // the days where labels came; absent: not known, all are looked at
  if (labels_since) {
    TRY(days, parts_.log.labelled_since(endpoint, *labels_since));
    labelled = std::move(days);
  }
  const auto has_new_labels = [&](const Window& w) {
    if (!labelled) return true;
    const auto day_in = labelled->lower_bound(day_of(w.start));
    return day_in != labelled->end() && *day_in < day_of(w.end);
  };
  for (const WindowRow& w : windows) {
    WindowCounts counts = w.counts;
    TRY(rows, parts_.log.count(endpoint, w.window.start, w.window.end));
    // A window with fewer rows than it had (those are not kept any more) stays as it was.
    if (rows == 0 || rows < w.counts.rows) continue;
    counts.rows = rows;
    if (has_new_labels(w.window)) {
      TRY(labels, parts_.log.labels(endpoint, w.window));
      counts.labels = labels.labels, counts.labels_digest = std::bit_cast<std::int64_t>(labels.digest);
    }
    if (counts == w.counts || counts.labels < w.counts.labels) continue;
    if (stop.stop_requested()) return fail(Code::busy, "the server stops");
    MonitorRow row = doing.row;
    if (w.revision != row.revision) {
      TRY(then, parts_.store.read_for<std::optional<MonitorRow>>(
                    [&](Tx& tx) { return rows::monitor(tx, endpoint, w.revision); }));
      if (!then) continue;
      row = std::move(*then);
    }
    TRY(done, measured(row, w.window, counts.rows));
    TRY_(keep_recomputed(doing, w, std::move(done)));
  }
  // Rows before the newest closed window that no window holds: the watermark had jumped over them.
  const Time until = std::min(windows.back().window.end, doing.end);
  TRY(first, parts_.log.first_day(endpoint, midnight(*doing.row.anchor), until));
  auto at = first;
  while (at) {
    const Window w = doing.grid.at(*at);
    const auto holds = std::ranges::find_if(
        windows, [&](const WindowRow& k) { return k.window.start < w.end && w.start < k.window.end; });
    if (holds == windows.end() && w.end <= until) {
      if (stop.stop_requested()) return fail(Code::busy, "the server stops");
      TRY(rows, parts_.log.count(endpoint, w.start, w.end));
      TRY(done, measured(doing.row, w, rows));
      TRY_(keep_closed(doing, w, "late", std::move(done)));
    }
    // On to the end of the closed windows that follow each other without a gap.
    Time next = w.end;
    for (auto k = holds; k != windows.end() && k->window.start <= next; ++k) next = std::max(next, k->window.end);
    TRY(later, parts_.log.first_day(endpoint, next, until));
    at = later;
  }
  return {};
}

Result<void> Service::work(const std::string& endpoint, const std::stop_token& stop) {
  const std::lock_guard one(lock_of(endpoint));
  const auto began = parts_.clock.steady();
  const auto forget_asked = [&] {
    const std::lock_guard hold(mutex_);
    if (const auto at = watched_.find(endpoint); at != watched_.end()) at->second->asked.reset();
  };
  TRY(doing, begin(endpoint, pawl_itself()));
  if (!doing) return forget_asked(), Result<void>{};
  const Monitor& monitor = doing->row.monitor;
  TRY(lateness, parse_duration(monitor.lateness));
  bool nothing_comes = false;
  const auto labels_since = seen_labels_of(endpoint);
  {
    const std::lock_guard hold(mutex_);
    if (const auto at = watched_.find(endpoint); at != watched_.end()) nothing_comes = idle(*at->second, doing->seen);
  }
  TRY_(close_until(
      *doing, "watermark", [&](const Window& w) { return may_close(w, doing->seen.event, lateness); }, stop));
  if (nothing_comes)
    TRY_(close_until(*doing, "idle", [&](const Window& w) { return closes_idle(w, doing->seen); }, stop));
  TRY(next, next_of(*doing));
  // Rows before this are late from now on. Counted before the windows are: what comes in between is looked at once more.
  const Time closed = next ? next->start : Time{}, from = midnight(*doing->row.anchor);
  std::int64_t closed_rows = 0;
  if (from < closed) {
    TRY(rows, parts_.log.count(endpoint, from, closed));
    closed_rows = rows;
  }
  TRY_(recompute_late(*doing, labels_since, stop));
  const auto ended = parts_.clock.steady();
  const std::lock_guard hold(mutex_);
  if (const auto at = watched_.find(endpoint); at != watched_.end()) {
    Watched& w = *at->second;
    w.asked.reset();
    w.failed.reset();
    if (w.row.revision != doing->row.revision) return {};  // declared anew meanwhile: it is looked at again
    w.done = doing->seen;
    w.next = next;
    w.closed_from = from, w.closed_until = closed, w.closed_rows = closed_rows;
    w.not_before = ended + std::clamp<std::chrono::steady_clock::duration>(recompute_rest * (ended - began),
                                                                           recompute_rest_min, recompute_rest_max);
  }
  return {};
}

Result<Page<WindowSeen>> Service::close(const Ask& ask, const CloseAsk& in) {
  const auto until = parse_rfc3339(in.until);
  if (!until) return fail(Code::invalid, "until: " + until.error().message, "until");
  TRY_(monitor(in.name));  // says so when nothing is watched there
  const std::lock_guard one(lock_of(in.name));
  TRY(doing, begin(in.name, ask.who));
  Page<WindowSeen> out;
  if (!doing) return out;
  TRY(closed, close_until(*doing, "by hand",
                          [&](const Window& w) { return w.start < *until && w.start <= doing->seen.event; }, {}));
  out.items = std::move(closed);
  // Who closes by hand wants to read them: those that closed before their last rows and labels came are not left to the next look.
  TRY_(recompute_late(*doing, seen_labels_of(in.name), {}));
  const std::lock_guard hold(mutex_);
  if (const auto at = watched_.find(in.name); at != watched_.end()) at->second->done.reset();  // look again
  return out;
}

std::optional<Time> Service::seen_labels_of(const std::string& endpoint) {
  const std::lock_guard hold(mutex_);
  const auto at = watched_.find(endpoint);
  if (at == watched_.end() || !at->second->done) return std::nullopt;
  return at->second->done->label;
}

Result<Service::Made> Service::measured(const MonitorRow& row, const Window& window, std::int64_t rows) {
  // In a thread of its own, since it could not take its priority back.
  return std::async(std::launch::async,
                    [&] {
                      ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice_of_measuring);
                      return measured_here(row, window, rows);
                    })
      .get();
}

Result<Service::Made> Service::measured_here(const MonitorRow& row, const Window& window, std::int64_t rows) {
  std::string note;
  TRY(reference, reference_of(row, note));
  LogSource source(parts_.log, row.monitor, rows);
  TRY(done, measure(row.monitor, *reference, source, window, parts_.measure));
  if (!note.empty()) done.seen.note = note + (done.seen.note.empty() ? "" : "; " + done.seen.note);
  const LabelCount& labels = source.labels();
  return Made{
      .measurement = std::move(done),
      .counts = {.rows = rows, .labels = labels.labels, .labels_digest = std::bit_cast<std::int64_t>(labels.digest)}};
}

Result<std::shared_ptr<const Reference>> Service::reference_of(const MonitorRow& row, std::string& note) {
  const Monitor& m = row.monitor;
  auto out = std::make_shared<Reference>();
  if (m.reference.empty()) return out;
  const std::lock_guard one(reference_mutex_);
  const std::string key =
      encode(std::vector<std::string>{m.model, std::to_string(m.version), m.reference, m.test, m.window,
                                      m.threshold ? std::to_string(*m.threshold) : "", m.time, encode(m.features)});
  if (reference_ && reference_key_ == key) return reference_;
  TRY(file, store::Artifacts(parts_.artifacts).at(m.reference));
  auto read = Reference::read(file, m, row.limits);
  if (!read) {
    const Code code = read.error().code;
    if (code != Code::missing && code != Code::invalid) return std::unexpected(read.error());
    // Trying again would not mend it, and a window that never closes tells nothing.
    log::warn("monitoring.no_reference", {{"endpoint", m.endpoint}, {"message", read.error().message}});
    note = "the reference cannot be read: " + read.error().message;
    return out;
  }
  *out = std::move(*read);
  if (const auto scored = out->score(file, m,
                                     [&](std::int64_t version, const serving::RowBatch& rows) {
                                       return parts_.log.answer(m.model, version, rows);
                                     });
      !scored)
    log::warn("monitoring.outputs_not_compared", {{"endpoint", m.endpoint}, {"message", scored.error().message}});
  if (const auto limits = out->limits(); limits != row.limits)
    TRY_(parts_.store.write([&](Tx& tx) { return rows::set_limits(tx, m.endpoint, row.revision, limits); }));
  reference_key_ = key;
  reference_ = out;
  return reference_;
}

Result<std::optional<WindowSeen>> Service::keep_closed(const Doing& doing, const Window& window, std::string_view how,
                                                       Made made) {
  const Monitor& monitor = doing.row.monitor;
  return parts_.store.write_for<std::optional<WindowSeen>>([&](Tx& tx) -> Result<std::optional<WindowSeen>> {
    Call call(tx, {.who = doing.who, .clock = &parts_.clock});
    TRY(now, rows::in_force(tx, monitor.endpoint));
    if (!now || now->revision != doing.row.revision) return std::nullopt;
    WindowRow row{.seen = std::move(made.measurement.seen),
                  .window = window,
                  .revision = now->revision,
                  .era = now->era,
                  .counts = made.counts};
    WindowSeen& seen = row.seen;
    seen.id = new_id();
    seen.state = WindowState::closed;
    seen.closed = to_rfc3339(call.now());
    row.rows_at_close = how == "late" ? 0 : seen.rows;
    seen.late = seen.rows - row.rows_at_close;
    TRY(is_new, rows::insert(tx, row, sights_of(monitor, seen), call.project));
    if (!is_new) return std::nullopt;
    for (const auto& [column, bins] : made.measurement.columns) TRY_(rows::put_bins(tx, seen.id, column, bins));
    std::string event =
        call.tell({.what = "window.closed", .subject_kind = "window", .subject = seen.id, .data = told_of(seen, how)});
    TRY_(move_alarms(call, *now, seen, [&]() -> std::string { return event; }, false));
    tx.after_commit([this, monitor, seen] { series_.window(monitor, seen); });
    return std::optional(std::move(seen));
  });
}

Result<void> Service::keep_recomputed(const Doing& doing, const WindowRow& old, Made made) {
  const std::string& endpoint = doing.row.monitor.endpoint;
  bool kept = false;
  TRY_(parts_.store.write([&](Tx& tx) -> Result<void> {
    Call call(tx, {.who = doing.who, .clock = &parts_.clock});
    TRY(row, rows::window(tx, old.seen.id));
    TRY(now, rows::in_force(tx, endpoint));
    TRY(then, rows::monitor(tx, endpoint, old.revision));
    if (!row || !now || !then || row->counts.rows > made.counts.rows) return {};  // another server was first
    if (made.measurement.seen.rows < row->seen.rows) return rows::set_counts(tx, old.seen.id, made.counts);
    WindowSeen seen = std::move(made.measurement.seen);
    seen.id = row->seen.id;
    seen.state = WindowState::recomputed;
    seen.closed = row->seen.closed;
    seen.late = seen.rows - row->rows_at_close;
    row->counts = made.counts;
    row->seen = seen;
    TRY_(rows::update(tx, *row, sights_of(then->monitor, seen)));
    for (const auto& [column, bins] : made.measurement.columns) TRY_(rows::put_bins(tx, seen.id, column, bins));
    if (row->era == now->era) {
      std::string event;
      const auto told = [&] {
        if (event.empty())
          event = call.tell({.what = "window.recomputed",
                             .subject_kind = "window",
                             .subject = seen.id,
                             .data = told_of(seen, "recomputed")});
        return event;
      };
      TRY_(move_alarms(call, *now, seen, told, true));
    }
    tx.after_commit([this, monitor = now->monitor, seen] { series_.window(monitor, seen); });
    kept = true;
    return {};
  }));
  if (kept && parts_.notice) parts_.notice("window.recomputed", encode(Noticed{old.seen.id, endpoint}));
  return {};
}

}  // namespace pawl::monitoring
