// What monitoring is told (a monitor), and what it shows: closed windows, their columns and performance, alarms. Plain values.
#pragma once
#include "core/fields.h"
#include "core/json.h"
#include "core/time.h"
#include "monitoring/alarm.h"
#include "stats/metrics.h"

namespace pawl::monitoring {

struct SliceBy {
  std::string by{};  // a feature or a context column
  stats::Metric metric{};
  static constexpr auto fields = std::tuple{field("by", &SliceBy::by), field("metric", &SliceBy::metric)};
};
// What delivery declares for an endpoint when a plan comes into force or another version goes live: pawl.yaml's `watch`, resolved.
struct Monitor {
  std::string endpoint{}, model{};
  std::int64_t version = 0;            // the live one: its training data is the reference
  std::string task{};                  // regression, classification
  std::string score{}, positive{};     // classification: the output with the probabilities, the positive class
  std::vector<std::string> classes{};  // columns of the scores
  std::string
      reference{};  // a Parquet file below the artifacts' root, made by the evaluation; empty: none, columns are not tested
  std::string time{};                       // its column of times
  std::string reference_ends{};             // RFC 3339: newest time in it
  std::optional<double> reference_value{};  // `metric` on data.test of the live version
  std::string window = "28d", from{}, lateness = "1d", idle = "10m";
  std::vector<std::string> features{};  // empty: all
  std::string test = "auto";
  std::optional<double> threshold{};  // absent: calibrated
  double share = 0.2;
  std::optional<stats::Metric> metric{};  // of performance
  double worse_by = 0;
  std::int64_t for_windows = 1, keep_firing_windows = 2;
  double clear = 0.8;
  std::vector<std::string> alert{};  // destinations
  std::vector<SliceBy> slices{};
  std::int64_t previous =
      0;  // the version that was live before: scored on the same rows, to show what it would have done; 0: none
  static constexpr auto fields = std::tuple{field("endpoint", &Monitor::endpoint),
                                            field("model", &Monitor::model),
                                            field("version", &Monitor::version),
                                            field("task", &Monitor::task),
                                            field("score", &Monitor::score),
                                            field("positive", &Monitor::positive),
                                            field("classes", &Monitor::classes),
                                            field("reference", &Monitor::reference),
                                            field("time", &Monitor::time),
                                            field("reference_ends", &Monitor::reference_ends),
                                            field("reference_value", &Monitor::reference_value),
                                            field("window", &Monitor::window),
                                            field("from", &Monitor::from),
                                            field("lateness", &Monitor::lateness),
                                            field("idle", &Monitor::idle),
                                            field("features", &Monitor::features),
                                            field("test", &Monitor::test),
                                            field("threshold", &Monitor::threshold),
                                            field("share", &Monitor::share),
                                            field("metric", &Monitor::metric),
                                            field("worse_by", &Monitor::worse_by),
                                            field("for_windows", &Monitor::for_windows),
                                            field("keep_firing_windows", &Monitor::keep_firing_windows),
                                            field("clear", &Monitor::clear),
                                            field("alert", &Monitor::alert),
                                            field("slices", &Monitor::slices),
                                            field("previous", &Monitor::previous)};
};

struct ColumnSeen {
  std::string name{}, kind{};     // number, text
  std::string role{};             // feature, output
  std::string test{}, measure{};  // of `p` and `statistic`; of `distance`: "ks", "wasserstein"
  std::optional<double> statistic{}, p{}, q{}, distance{}, limit{}, psi{}, psi_by_chance{};
  std::int64_t n = 0, missing = 0, unseen = 0;  // unseen: rows whose text the reference does not have
  bool tested = false, drifted = false;
  std::string note{};  // why it was not tested, or what is odd about it
  static constexpr auto fields = std::tuple{field("name", &ColumnSeen::name),
                                            field("kind", &ColumnSeen::kind),
                                            field("role", &ColumnSeen::role),
                                            field("test", &ColumnSeen::test),
                                            field("measure", &ColumnSeen::measure),
                                            field("statistic", &ColumnSeen::statistic),
                                            field("p", &ColumnSeen::p),
                                            field("q", &ColumnSeen::q),
                                            field("distance", &ColumnSeen::distance),
                                            field("limit", &ColumnSeen::limit),
                                            field("psi", &ColumnSeen::psi),
                                            field("psi_by_chance", &ColumnSeen::psi_by_chance),
                                            field("n", &ColumnSeen::n),
                                            field("missing", &ColumnSeen::missing),
                                            field("unseen", &ColumnSeen::unseen),
                                            field("tested", &ColumnSeen::tested),
                                            field("drifted", &ColumnSeen::drifted),
                                            field("note", &ColumnSeen::note)};
};
// A metric of some labelled rows with its interval (whole days are drawn; too few days: none).
struct Measured {
  stats::Metric metric{};
  std::optional<double> value{}, low{}, high{};
  std::int64_t n = 0;
  std::string note{};
  static constexpr auto fields =
      std::tuple{field("metric", &Measured::metric), field("value", &Measured::value), field("low", &Measured::low),
                 field("high", &Measured::high),     field("n", &Measured::n),         field("note", &Measured::note)};
};
struct SliceSeen {
  std::string by{}, value{};
  Measured measured{};
  bool judged = true;  // false: too few rows
  static constexpr auto fields =
      std::tuple{field("by", &SliceSeen::by), field("value", &SliceSeen::value),
                 field("measured", &SliceSeen::measured), field("judged", &SliceSeen::judged)};
};
struct VersionSeen {
  std::int64_t version = 0, rows = 0, labelled = 0;
  std::vector<Measured> metrics{};
  static constexpr auto fields =
      std::tuple{field("version", &VersionSeen::version), field("rows", &VersionSeen::rows),
                 field("labelled", &VersionSeen::labelled), field("metrics", &VersionSeen::metrics)};
};
// The watched metric, and how it compares.
struct PerformanceSeen {
  Measured watched{};
  std::optional<double> reference{}, limit{};
  bool worse = false, mature = false;   // mature: enough labels to judge
  std::vector<Measured> metrics{};      // all that the task has, over all labelled rows
  std::vector<VersionSeen> versions{};  // by the version that answered
  std::optional<VersionSeen>
      previous{};  // the version that was live before, scored now on the rows that the live one answered …
  std::optional<Measured> gain{};  // … and how much better the live one did on them
  std::vector<SliceSeen> slices{};
  static constexpr auto fields =
      std::tuple{field("watched", &PerformanceSeen::watched),   field("reference", &PerformanceSeen::reference),
                 field("limit", &PerformanceSeen::limit),       field("worse", &PerformanceSeen::worse),
                 field("mature", &PerformanceSeen::mature),     field("metrics", &PerformanceSeen::metrics),
                 field("versions", &PerformanceSeen::versions), field("previous", &PerformanceSeen::previous),
                 field("gain", &PerformanceSeen::gain),         field("slices", &PerformanceSeen::slices)};
};
enum class WindowState { closed, recomputed };
struct WindowSeen {
  std::string id{}, endpoint{}, model{};
  std::string start{}, end{};  // RFC 3339, [start, end)
  WindowState state{};
  std::string closed{};      // when
  std::int64_t version = 0;  // live when it closed: the reference is its
  std::int64_t rows = 0, labelled = 0, late = 0;
  std::vector<ColumnSeen> columns{}, outputs{};
  std::int64_t tested = 0, drifted = 0;
  double share = 0;  // drifted / tested
  std::string note{};
  std::optional<PerformanceSeen> performance{};
  static constexpr auto fields =
      std::tuple{field("id", &WindowSeen::id),           field("endpoint", &WindowSeen::endpoint),
                 field("model", &WindowSeen::model),     field("start", &WindowSeen::start),
                 field("end", &WindowSeen::end),         field("state", &WindowSeen::state),
                 field("closed", &WindowSeen::closed),   field("version", &WindowSeen::version),
                 field("rows", &WindowSeen::rows),       field("labelled", &WindowSeen::labelled),
                 field("late", &WindowSeen::late),       field("columns", &WindowSeen::columns),
                 field("outputs", &WindowSeen::outputs), field("tested", &WindowSeen::tested),
                 field("drifted", &WindowSeen::drifted), field("share", &WindowSeen::share),
                 field("note", &WindowSeen::note),       field("performance", &WindowSeen::performance)};
};
// Two distributions of one column side by side: shares over the same bins, each adding up to 1.
struct Bin {
  std::string label{};  // a text, or "[low, high)"
  std::optional<double> low{}, high{};
  double reference = 0, current = 0;
  static constexpr auto fields =
      std::tuple{field("label", &Bin::label), field("low", &Bin::low), field("high", &Bin::high),
                 field("reference", &Bin::reference), field("current", &Bin::current)};
};

enum class AlarmKind { column, drift, performance };
struct Alarm {
  std::string id{}, endpoint{}, model{};
  std::int64_t version = 0;
  AlarmKind kind{};
  std::string column{};  // of kind column; of performance: the metric
  AlarmState state{};
  std::optional<double> statistic{}, limit{};  // of the newest window
  std::string opened{}, closed{};              // RFC 3339; closed empty: it is open
  std::string window{}, window_end{};          // the newest window that it looked at
  std::string reason{};                        // why it closed
  std::string acknowledged_by{}, silenced_until{};
  std::string event{};  // of the ledger: alarm.opened
  static constexpr auto fields = std::tuple{field("id", &Alarm::id),
                                            field("endpoint", &Alarm::endpoint),
                                            field("model", &Alarm::model),
                                            field("version", &Alarm::version),
                                            field("kind", &Alarm::kind),
                                            field("column", &Alarm::column),
                                            field("state", &Alarm::state),
                                            field("statistic", &Alarm::statistic),
                                            field("limit", &Alarm::limit),
                                            field("opened", &Alarm::opened),
                                            field("closed", &Alarm::closed),
                                            field("window", &Alarm::window),
                                            field("window_end", &Alarm::window_end),
                                            field("reason", &Alarm::reason),
                                            field("acknowledged_by", &Alarm::acknowledged_by),
                                            field("silenced_until", &Alarm::silenced_until),
                                            field("event", &Alarm::event)};
};
// Data of alarm.opened, alarm.continued (a later window is over the limit too) and alarm.closed: what starts a retraining, and what people are told.
struct AlarmTold {
  std::string endpoint{}, model{}, window{}, window_start{}, window_end{}, column{}, reason{};
  std::int64_t version = 0;
  AlarmKind kind{};
  std::optional<double> statistic{}, limit{};
  std::vector<std::string> columns{};  // of kind drift: which
  std::vector<std::string> alert{};    // destinations that hear of it
  static constexpr auto fields = std::tuple{field("endpoint", &AlarmTold::endpoint),
                                            field("model", &AlarmTold::model),
                                            field("version", &AlarmTold::version),
                                            field("kind", &AlarmTold::kind),
                                            field("window", &AlarmTold::window),
                                            field("window_start", &AlarmTold::window_start),
                                            field("window_end", &AlarmTold::window_end),
                                            field("column", &AlarmTold::column),
                                            field("columns", &AlarmTold::columns),
                                            field("statistic", &AlarmTold::statistic),
                                            field("limit", &AlarmTold::limit),
                                            field("reason", &AlarmTold::reason),
                                            field("alert", &AlarmTold::alert)};
};

}  // namespace pawl::monitoring
template <> inline constexpr auto pawl::words<pawl::monitoring::WindowState> =
    std::to_array<std::string_view>({"closed", "recomputed"});
template <> inline constexpr auto pawl::words<pawl::monitoring::AlarmKind> =
    std::to_array<std::string_view>({"column", "drift", "performance"});
