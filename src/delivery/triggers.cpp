// An alarm of the whole endpoint starts a flow, unless the breaker holds it back: then the ledger says why, and a later window tries again.
#include "delivery/triggers.h"

#include <fmt/format.h>

#include "delivery/service.h"
#include "monitoring/types.h"
#include "monitoring/window.h"

namespace pawl::delivery {
namespace {

constexpr std::string_view event_time_mark = "{event_time}";
constexpr std::size_t columns_named_max = 3;

// "drift of temp, dewp, humid and 2 more in the window until 2013-04-26T00:00:00Z"
std::string what_of(const monitoring::AlarmTold& told) {
  std::string what;
  if (told.kind == monitoring::AlarmKind::performance) {
    what = told.column.empty() ? "performance" : told.column;
    if (told.statistic && told.limit)
      what += fmt::format(" {:.5g}, the limit is {:.5g},", *told.statistic, *told.limit);
  } else {
    what = "drift";
    const std::size_t named = std::min(told.columns.size(), columns_named_max);
    for (std::size_t i = 0; i < named; ++i) what += (i == 0 ? " of " : ", ") + told.columns[i];
    if (told.columns.size() > named) what += fmt::format(" and {} more", told.columns.size() - named);
  }
  return what + " in the window until " + told.window_end;
}

// It waits, and no person is asked: its checks could not tell.
Result<bool> is_inconclusive(Tx& tx, const FlowRow& row) {
  if (row.flow.state != FlowState::waiting || !row.flow.approval.empty()) return false;
  TRY(gate, rows::gate(tx, row.flow.id.text));
  if (!gate) return false;
  std::erase_if(gate->checks, [](const Check& c) { return c.kind == "approve"; });
  const CheckState state = overall(gate->checks);
  return state == CheckState::inconclusive || state == CheckState::empty;
}

}  // namespace

Result<Breaker> breaker_of(const Config& config) {
  Breaker out{.stop_after_rejected = config.train.stop_after_rejected};
  if (const std::string& text = config.train.cooldown; !text.empty()) {
    if (const auto time = parse_duration(text)) {
      out.cooldown = *time;
    } else {
      TRY(grid, monitoring::Grid::parse(config.watch ? config.watch->window : WatchPart{}.window, Time{}));
      out.cooldown = grid.length() * std::strtoll(text.c_str(), nullptr, 10);
    }
  }
  if (const auto per = config.train.at_most.find(" per "); per != std::string::npos) {
    out.at_most = std::strtoll(config.train.at_most.c_str(), nullptr, 10);
    TRY(time, parse_duration(std::string_view(config.train.at_most).substr(per + 5)));
    out.per = time;
  }
  return out;
}

std::optional<Held> held_back(const Breaker& rule, const std::vector<Past>& past, const std::string& commit,
                              Time window_end) {
  std::vector<Time> started;  // by alarms, newest first
  for (const Past& p : past)
    if (by_alarm(p.kind)) started.push_back(p.at);
  std::sort(started.rbegin(), started.rend());

  std::int64_t rejected = 0;
  for (const Past& p : past) {
    if (p.kind == TriggerKind::version) continue;
    if (!by_alarm(p.kind) || p.commit != commit || p.state == FlowState::done) break;
    rejected += p.state == FlowState::rejected ? 1 : 0;
  }
  if (rule.stop_after_rejected > 0 && rejected >= rule.stop_after_rejected)
    return Held{fmt::format("the last {} challengers were rejected: a push or `pawl flow start` lifts it", rejected),
                {}};
  if (!started.empty() && rule.cooldown.count() > 0 && window_end < started.front() + rule.cooldown)
    return Held{fmt::format("cooldown: the last retraining was for {}, the next one may come {} later",
                            to_rfc3339(started.front()), to_text(rule.cooldown)),
                started.front() + rule.cooldown};
  if (rule.at_most > 0 && std::ssize(started) >= rule.at_most) {
    const Time nth = started[static_cast<std::size_t>(rule.at_most - 1)];
    if (window_end < nth + rule.per)
      return Held{fmt::format("at most {} in {}: so many retrainings there were since {}", rule.at_most,
                              to_text(rule.per), to_rfc3339(nth)),
                  nth + rule.per};
  }
  return std::nullopt;
}

Texts parameters_at(const Texts& set, Time event_time) {
  Texts out = set;
  for (auto& [name, value] : out)
    for (std::size_t at = 0; (at = value.find(event_time_mark, at)) != std::string::npos;)
      value.replace(at, event_time_mark.size(), to_rfc3339(event_time));
  return out;
}

Result<void> Service::alarmed(Call& call, const store::LedgerEvent& event) {
  TRY(told, decode<monitoring::AlarmTold>(event.data.text, {.unknown = UnknownKeys::ignore}));
  if (told.kind == monitoring::AlarmKind::column) return {};  // people are told; only the whole starts something
  const bool drift = told.kind == monitoring::AlarmKind::drift;
  TRY(plan, rows::plan_in_force(call.tx, told.model));
  if (!plan) return {};
  TRY(config, config_of(*plan));
  if (!config.train.has(drift ? WhenKind::drift : WhenKind::performance) || config.serve.endpoint != told.endpoint)
    return {};
  TRY(window_end, parse_rfc3339(told.window_end));
  const auto hold = [&](const Held& held) -> Result<void> {
    call.tell({.what = "retrain.held",
               .subject_kind = "model",
               .subject = told.model,
               .cause = event.id,
               .data = encode(RetrainHeld{.model = told.model,
                                          .endpoint = told.endpoint,
                                          .kind = std::string(word(told.kind)),
                                          .window_end = told.window_end,
                                          .reason = held.reason,
                                          .until = held.until ? to_rfc3339(*held.until) : ""})});
    return {};
  };
  TRY(seen, rows::newest_inspection(call.tx, plan->plan.repo, std::numeric_limits<std::int64_t>::max()));
  if (!seen) return hold({"nothing was pushed to " + plan->plan.repo + " yet", {}});
  TRY(open, rows::unfinished(call.tx, told.model));
  FlowRow* stuck = nullptr;
  for (FlowRow& row : open) {
    if (!by_alarm(row.flow.trigger.kind)) continue;
    TRY(cannot_tell, is_inconclusive(call.tx, row));
    if (cannot_tell)
      stuck = &row;
    else
      return hold({"flow " + row.flow.id.text + ", started by an alarm too, is " +
                       std::string(row.flow.state == FlowState::rolling_out ? "rolling out" : word(row.flow.state)),
                   {}});
  }
  TRY(breaker, breaker_of(config));
  TRY(flows, rows::flows_of_model(call.tx, told.model));
  std::vector<Past> past;
  past.reserve(flows.size());
  for (const FlowRow& row : flows)
    past.push_back(
        {row.flow.trigger.kind, row.flow.state, row.flow.commit, parse_rfc3339(row.flow.trigger.at).value_or(Time{})});
  if (const auto held = held_back(breaker, past, seen->found.commit, window_end)) return hold(*held);

  FlowRow row{.flow = {.model = told.model,
                       .repo = plan->plan.repo,
                       .commit = seen->found.commit,
                       .message = seen->found.message,
                       .set = parameters_at(config.train.set, window_end)},
              .committers = seen->found.committers};
  row.flow.trigger = {.kind = drift ? TriggerKind::drift : TriggerKind::performance,
                      .event = event.id,
                      .what = what_of(told),
                      .at = told.window_end};
  if (stuck != nullptr)
    TRY_(move(call, *stuck, FlowState::superseded, "it was inconclusive; a later window tries again", event.id));
  TRY_(new_flow(call, std::move(row), event.id));
  return {};
}

}  // namespace pawl::delivery
