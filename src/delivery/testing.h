// What delivery's tests have in common.
#pragma once
#include <string_view>

namespace pawl::delivery {

// The example of the contract.
constexpr std::string_view whole_config = R"(pawl: 1
project: flights
model:
  name: arrival-delay
  task: regression
  label: arr_delay
  time: time_hour
train:
  pipeline: dvc.yaml
  output: model.onnx
  data: {train: data/train.parquet, test: data/test.parquet}
  when: [push, {data: data/raw}, drift, performance]
  set: {collect.until: "{event_time}"}
  retrain: {cooldown: 1 window, at_most: 3 per 90d, stop_after_rejected: 2}
gate:
  - metric: {name: mae, max: 18}
  - better_than: {alias: champion, metric: mae, confidence: 0.95}
  - slices: {by: origin, metric: mae, max_gap: 5}
  - data: {checks: checks.yaml}
  - approve: {by: operator, not: author, count: 1}
serve:
  endpoint: arrival-delay
  rollout:
    steps: [5%, 25%, 100%]
    hold: {time: 10m, predictions: 500}
    rollback_when: {error_rate: 0.01, p99_ms: 50, prediction_shift: 0.2, worse_than_live: {metric: mae, confidence: 0.95}}
    no_labels_after: {time: 2d, then: hold}
  replay: true
watch:
  reference: training+test
  window: 28d
  from: 2013-03-01
  lateness: 1d
  idle: 10m
  drift: {features: all, test: auto, threshold: calibrated, share: 0.2}
  performance: {metric: mae, worse_by: 25%}
  for: 1 window
  keep_firing_for: 2 windows
  clear: 0.8
  alert: [ops]
keep: {predictions: 90d, logs: 30d}
)";

constexpr std::string_view small_config = R"(pawl: 1
project: iris
model:
  name: iris
  task: classification
  label: kind
train:
  data: {train: train.csv, test: test.csv}
gate:
  - metric: {name: accuracy, min: 0.8}
)";

}  // namespace pawl::delivery
