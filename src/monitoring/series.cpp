#include "monitoring/series.h"

#include <cmath>
#include <limits>

#include "net/metrics.h"

namespace pawl::monitoring {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

struct Named {
  const char* name;
  const char* help;
};
constexpr Named distance{"pawl_drift_distance", "Distance of a column from the reference in the newest closed window"};
constexpr Named limit{"pawl_drift_limit", "The distance at which the column counts as drifted"};
constexpr Named share{"pawl_drift_share", "Share of the tested columns that drifted"};
constexpr Named share_limit{"pawl_drift_share_limit", "The share at which the endpoint's alarm fires"};
constexpr Named value{"pawl_performance", "The watched metric over the labelled rows of the newest closed window"};
constexpr Named low{"pawl_performance_low", "Lower end of its 95 % interval"};
constexpr Named high{"pawl_performance_high", "Upper end of its 95 % interval"};
constexpr Named worst{"pawl_performance_limit", "The value at which the performance alarm fires"};
constexpr Named rows{"pawl_window_rows", "Predictions in the newest closed window"};
constexpr Named labelled{"pawl_window_labelled", "Those of them that have a label"};
constexpr Named late{"pawl_window_late", "Those that came after the window had closed"};
constexpr Named ends{"pawl_window_end_seconds", "When the newest closed window ended, in event time since 1970"};
constexpr Named firing{"pawl_alarms_firing", "Open alarms by kind"};

}  // namespace

void Series::columns(Endpoint& at, const std::string& endpoint, const std::vector<ColumnSeen>& seen) {
  auto gone = at.columns;
  for (const auto& c : seen) {
    gone.erase(c.name);
    at.columns.insert(c.name);
    const net::Metrics::Labels labels{{"endpoint", endpoint}, {"column", c.name}};
    metrics_->gauge(distance.name, distance.help, labels).set(c.tested ? c.distance.value_or(none) : none);
    metrics_->gauge(limit.name, limit.help, labels).set(c.limit.value_or(none));
  }
  for (const auto& name : gone) {
    const net::Metrics::Labels labels{{"endpoint", endpoint}, {"column", name}};
    metrics_->gauge(distance.name, distance.help, labels).set(none);
    metrics_->gauge(limit.name, limit.help, labels).set(none);
  }
}

void Series::window(const Monitor& monitor, const WindowSeen& seen) {
  if (metrics_ == nullptr) return;
  const std::lock_guard hold(mutex_);
  Endpoint& at = endpoints_[monitor.endpoint];
  if (seen.end < at.end) return;  // RFC 3339 in UTC sorts as time does
  at.end = seen.end;
  const net::Metrics::Labels labels{{"endpoint", monitor.endpoint}};
  const auto set = [&](const Named& n, double x) { metrics_->gauge(n.name, n.help, labels).set(x); };
  columns(at, monitor.endpoint, seen.columns);
  set(share, seen.tested > 0 ? seen.share : none);
  set(share_limit, monitor.share);
  set(rows, static_cast<double>(seen.rows));
  set(labelled, static_cast<double>(seen.labelled));
  set(late, static_cast<double>(seen.late));
  const auto end = parse_rfc3339(seen.end);
  set(ends, end ? static_cast<double>(end->us) / 1e6 : none);

  auto gone = at.metrics;
  const auto measured = [&](const std::string& metric, const Measured& m, std::optional<double> limit_now) {
    const net::Metrics::Labels of{{"endpoint", monitor.endpoint}, {"metric", metric}};
    metrics_->gauge(value.name, value.help, of).set(m.value.value_or(none));
    metrics_->gauge(low.name, low.help, of).set(m.low.value_or(none));
    metrics_->gauge(high.name, high.help, of).set(m.high.value_or(none));
    metrics_->gauge(worst.name, worst.help, of).set(limit_now.value_or(none));
  };
  if (monitor.metric) {
    const std::string metric(word(*monitor.metric));
    at.metrics.insert(metric);
    gone.erase(metric);
    measured(metric, seen.performance ? seen.performance->watched : Measured{},
             seen.performance ? seen.performance->limit : std::nullopt);
  }
  for (const auto& metric : gone) measured(metric, {}, {});
}

void Series::alarms(const std::string& endpoint, const std::vector<Alarm>& open) {
  if (metrics_ == nullptr) return;
  for (const auto kind : {AlarmKind::column, AlarmKind::drift, AlarmKind::performance}) {
    const auto n = std::ranges::count_if(open, [&](const Alarm& a) { return a.kind == kind; });
    metrics_->gauge(firing.name, firing.help, {{"endpoint", endpoint}, {"kind", std::string(word(kind))}})
        .set(static_cast<double>(n));
  }
}

void Series::drop(const std::string& endpoint) {
  if (metrics_ == nullptr) return;
  {
    const std::lock_guard hold(mutex_);
    if (const auto at = endpoints_.find(endpoint); at != endpoints_.end()) {
      at->second.end.clear();
      columns(at->second, endpoint, {});
    }
  }
  alarms(endpoint, {});
}

}  // namespace pawl::monitoring
