// What is watched: `watch` of the plan in force, made whole with what the live version's evaluation left. Declared anew when a plan comes into
// force and when another version is live, in that transaction. And how long predictions are kept.
#include "core/log.h"
#include "delivery/service.h"
#include "monitoring/types.h"

namespace pawl::delivery {
namespace {

constexpr Micros day = std::chrono::hours(24);
constexpr Micros forget_every = std::chrono::hours(1);
constexpr const char* forget_kind = "delivery.forget";

}  // namespace

Result<void> Service::watch_live(Call& call, const std::string& model, const std::string& cause) {
  TRY(plan, rows::plan_in_force(call.tx, model));
  if (!plan) return {};
  TRY(config, config_of(*plan));
  const std::string& endpoint = config.serve.endpoint;
  if (!config.watch) return below_.drop_monitor(call, endpoint, cause);
  TRY(live, live_version(call.tx, config));
  if (live == 0) return {};
  const WatchPart& watch = *config.watch;
  TRY(judged, rows::flow_of_version(call.tx, model, live));
  const Baseline known = judged ? judged->baseline : Baseline{};
  monitoring::Monitor monitor{.endpoint = endpoint,
                              .model = model,
                              .version = live,
                              .task = std::string(word(config.model.task)),
                              .score = known.score.empty() ? config.model.score : known.score,
                              .positive = known.positive.empty() ? config.model.positive : known.positive,
                              .classes = known.classes.empty() ? config.model.classes : known.classes,
                              .reference = known.reference.path,
                              .time = known.reference.time,
                              .reference_ends = known.reference.ends,
                              .window = watch.window,
                              .from = watch.from,
                              .lateness = watch.lateness,
                              .idle = watch.idle,
                              .features = watch.features,
                              .test = watch.test,
                              .threshold = watch.threshold,
                              .share = watch.share,
                              .metric = watch.performance,
                              .worse_by = watch.worse_by,
                              .for_windows = watch.for_windows,
                              .keep_firing_windows = watch.keep_firing_windows,
                              .clear = watch.clear,
                              .alert = watch.alert};
  if (watch.performance)
    if (const auto value = known.values.find(word(*watch.performance)); value != known.values.end())
      monitor.reference_value = value->second;
  for (const GateCheck& check : config.gate)
    if (check.kind == GateKind::slices) monitor.slices.push_back({check.by, check.metric});
  // The grid stands still: it begins the day after the reference of the endpoint's first version, whichever is live now.
  TRY(first, rows::first_rollout(call.tx, endpoint));
  if (monitor.from.empty() && first) {
    TRY(of_first, rows::flow_of_version(call.tx, model, first->rollout.to));
    if (of_first)
      if (const auto ends = parse_rfc3339(of_first->baseline.reference.ends))
        monitor.from = to_rfc3339(*ends + day).substr(0, 10);
  }
  TRY(all, rows::rollouts(call.tx, endpoint));
  for (const RolloutRow& row : all)
    if (row.rollout.state == RolloutState::done && row.rollout.to == live) {
      monitor.previous = row.rollout.from;
      break;
    }
  return below_.put_monitor(call, monitor, cause);
}

// Hourly: `keep.predictions` of every plan in force, by the clock (an endpoint that replays a year has event times long past).
void Service::forget_old(jobs::Worker& worker) {
  worker.every(forget_kind, forget_every, [](Call& call) -> Result<void> {
    TRY_(jobs::add(call, {.kind = forget_kind, .key = forget_kind}));
    return {};
  });
  worker.handle(forget_kind, [this](const jobs::Job&, const std::stop_token& stop) -> Result<std::string> {
    struct Kept {
      std::string endpoint{};
      Micros time{};
    };
    TRY(endpoints, store_.read_for<std::vector<Kept>>([&](Tx& tx) -> Result<std::vector<Kept>> {
      std::vector<Kept> out;
      TRY(models, rows::models_in_force(tx));
      for (const std::string& model : models) {
        TRY(plan, rows::plan_in_force(tx, model));
        TRY(config, config_of(plan.value_or(PlanRow{})));
        if (config.keep_predictions) out.push_back({config.serve.endpoint, *config.keep_predictions});
      }
      return out;
    }));
    std::int64_t segments = 0;
    for (const Kept& kept : endpoints) {
      if (stop.stop_requested()) return fail(Code::busy, "the server stops");
      const auto gone = below_.forget(kept.endpoint, clock_.now() - kept.time);
      if (!gone && gone.error().code == Code::missing) continue;  // nothing was served there yet
      if (!gone) return std::unexpected(gone.error());
      segments += *gone;
    }
    if (segments > 0) log::info("delivery.predictions_forgotten", {{"segments", segments}});
    return "{\"segments\":" + std::to_string(segments) + "}";
  });
}

}  // namespace pawl::delivery
