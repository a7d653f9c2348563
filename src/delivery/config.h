// `pawl.yaml`: what a team declares. Read into plain values; whatever is unknown, of the wrong type or impossible is an error with the line and
// column it stands at. `watch` is read and kept: the monitors use it.
#pragma once
#include "core/time.h"
#include "stats/metrics.h"

namespace pawl::delivery {

enum class ModelTask { regression, classification };

struct ModelPart {
  std::string name{};
  ModelTask task{};
  std::string label{}, time{};         // columns; time empty: rows have no order
  std::string score{};                 // the output with the probabilities; empty: the only one there can be
  std::vector<std::string> classes{};  // columns of the scores; empty: the labels, sorted
  std::string positive{};              // empty: the last class
  std::vector<std::string> inputs{};   // columns of a single matrix input
};
enum class WhenKind { push, data, drift, performance };
struct When {
  WhenKind kind{};
  std::string path{};  // data: the path whose digest is watched
};
struct TrainPart {
  std::string pipeline = "dvc.yaml", output{};
  std::string train{}, test{};  // data.train, data.test
  std::vector<When> when{};
  std::map<std::string, std::string, std::less<>> set{};
  std::string cooldown{}, at_most{};  // of retrain, as written: the monitors read them
  std::int64_t stop_after_rejected = 0;
  bool has(WhenKind kind) const {
    return std::any_of(when.begin(), when.end(), [&](const When& w) { return w.kind == kind; });
  }
};
enum class GateKind { metric, better_than, slices, data, approve };
struct GateCheck {
  GateKind kind{};
  stats::Metric metric{};
  std::optional<double> max{}, min{};  // metric
  std::string alias{};                 // better_than
  double confidence = 0.95;
  std::string by{};  // slices: the column; approve: the role
  double max_gap = 0;
  std::string checks{};  // data: the file
  bool not_author = true;
  std::int64_t count = 1;
  std::string name() const;  // "metric mae", "slices origin"
};
enum class NoLabels { hold, promote, rollback };
struct RolloutPart {
  std::vector<double> steps{100};  // percent, rising, the last one 100
  Micros hold_time{std::chrono::minutes(10)};
  std::int64_t hold_predictions = 500;
  std::optional<double> error_rate{}, p99_ms{}, prediction_shift{};
  std::optional<stats::Metric> worse_than_live{};
  double worse_confidence = 0.95;
  std::optional<Micros> no_labels_after{};
  NoLabels no_labels_then{};
};
struct ServePart {
  std::string endpoint{};
  RolloutPart rollout{};
  bool replay = false;
};
struct WatchPart {
  std::string reference = "training+test", window = "28d", from{}, lateness = "1d", idle = "10m";
  std::vector<std::string> features{};  // empty: all
  std::string test = "auto";
  std::optional<double> threshold{};  // absent: calibrated
  double share = 0.2;
  std::optional<stats::Metric> performance{};
  double worse_by = 0;
  std::int64_t for_windows = 1, keep_firing_windows = 2;
  double clear = 0.8;
  std::vector<std::string> alert{};
};
struct Config {
  std::string project{};
  ModelPart model{};
  TrainPart train{};
  std::vector<GateCheck> gate{};
  ServePart serve{};
  std::optional<WatchPart> watch{};
  std::optional<Micros> keep_predictions{}, keep_logs{};
  std::vector<std::string> named_files() const;  // by its gate or watch: in force together with pawl.yaml
  const GateCheck* find(GateKind kind) const;
  std::vector<std::string> not_yet() const;  // what is read and kept, and does nothing so far: said with every plan
};

constexpr std::string_view config_name = "pawl.yaml";
constexpr std::size_t config_bytes_max = 256 << 10;

// Errors read `pawl.yaml:12:5: gate[1].metric.name: …`; with more than one, the first is told and how many follow.
Result<Config> read_config(std::string_view text, std::string_view name = config_name);

}  // namespace pawl::delivery
template <> inline constexpr auto pawl::words<pawl::delivery::ModelTask> =
    std::to_array<std::string_view>({"regression", "classification"});
template <> inline constexpr auto pawl::words<pawl::delivery::WhenKind> =
    std::to_array<std::string_view>({"push", "data", "drift", "performance"});
template <> inline constexpr auto pawl::words<pawl::delivery::GateKind> =
    std::to_array<std::string_view>({"metric", "better_than", "slices", "data", "approve"});
template <> inline constexpr auto pawl::words<pawl::delivery::NoLabels> =
    std::to_array<std::string_view>({"hold", "promote", "rollback"});
