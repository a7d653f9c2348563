#include "monitoring/sights.h"

#include <algorithm>

namespace pawl::monitoring {
namespace {

Sight of_column(const Monitor& monitor, const ColumnSeen& c) {
  Sight out{.kind = AlarmKind::column, .column = c.name};
  out.statistic = c.distance ? c.distance : c.statistic;
  out.limit = c.limit;
  out.seen = Seen::quiet;
  if (!c.tested)
    out.seen = Seen::no_data;
  else if (c.drifted)
    out.seen = Seen::over;
  else if (c.distance && c.limit && *c.distance >= monitor.clear * *c.limit)
    out.seen = Seen::between;
  return out;
}

Sight of_share(const Monitor& monitor, const WindowSeen& w) {
  Sight out{.kind = AlarmKind::drift, .seen = Seen::no_data, .limit = monitor.share};
  if (w.tested == 0) return out;
  out.statistic = w.share;
  out.seen = w.drifted > 0 && w.share >= monitor.share                   ? Seen::over
             : w.drifted == 0 || w.share < monitor.clear * monitor.share ? Seen::quiet
                                                                         : Seen::between;
  for (const auto& c : w.columns)
    if (c.drifted) out.columns.push_back(c.name);
  return out;
}

// What counts is how much worse than the reference it is: it fires at `worse_by` and is quiet below `clear` times that.
Sight of_performance(const Monitor& monitor, const WindowSeen& w) {
  Sight out{.kind = AlarmKind::performance, .column = std::string(word(*monitor.metric)), .seen = Seen::no_data};
  if (w.rows == 0 || !w.performance) return out;
  const PerformanceSeen& p = *w.performance;
  out.statistic = p.watched.value;
  out.limit = p.limit;
  if (!p.mature || !p.watched.value) {
    out.seen = Seen::immature;
  } else if (!p.limit) {
    out.seen = Seen::no_data;  // nothing to compare with
  } else if (p.worse) {
    out.seen = Seen::over;
  } else if (p.reference) {
    const double full = *p.limit - *p.reference, now = *p.watched.value - *p.reference;
    out.seen = full != 0 && now / full >= monitor.clear ? Seen::between : Seen::quiet;
  }
  return out;
}

}  // namespace

std::vector<Sight> sights_of(const Monitor& monitor, const WindowSeen& seen) {
  std::vector<Sight> out;
  out.reserve(seen.columns.size() + 2);
  for (const auto& c : seen.columns) out.push_back(of_column(monitor, c));
  out.push_back(of_share(monitor, seen));
  if (monitor.metric) out.push_back(of_performance(monitor, seen));
  return out;
}

std::vector<Folded> fold(const Monitor& monitor, const std::vector<Sighted>& windows) {
  const AlarmRule rule{.for_windows = monitor.for_windows, .keep_firing_windows = monitor.keep_firing_windows};
  std::vector<Folded> out;
  std::vector<AlarmStand> stands;
  for (const auto& w : windows) {
    std::vector<char> met(out.size(), 0);
    for (const auto& s : w.sights) {
      const auto known =
          std::ranges::find_if(out, [&](const Folded& f) { return s.same_as(f.stand.kind, f.stand.column); });
      const auto i = static_cast<std::size_t>(known - out.begin());
      if (known == out.end()) {
        out.push_back({.stand = {.kind = s.kind, .column = s.column}});
        stands.emplace_back();
        met.push_back(0);
      }
      met[i] = 1;
      Folded& f = out[i];
      stands[i] = next(stands[i], s.seen, rule);
      if (s.seen != Seen::immature && s.seen != Seen::no_data) f.last = &w, f.last_sight = &s;
      if (s.seen == Seen::over) f.over = &w, f.over_sight = &s;
    }
    for (std::size_t i = 0; i < out.size(); ++i)  // the window does not speak of it: a column that is gone
      if (!met[i]) stands[i] = next(stands[i], Seen::no_data, rule);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].stand.state = stands[i].state, out[i].stand.over = stands[i].over, out[i].stand.quiet = stands[i].quiet;
    if (!stands[i].open()) out[i].over = nullptr, out[i].over_sight = nullptr;
  }
  return out;
}

}  // namespace pawl::monitoring
