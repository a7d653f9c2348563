#include "delivery/rows.h"

#include "core/json.h"
#include "core/log.h"
#include "team/page_key.h"

namespace pawl::delivery::rows {
namespace {

constexpr Sql put_inspection_sql{"delivery.put_inspection", R"(
  INSERT INTO delivery_inspection (task, repo, seq, state, body) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (task) DO UPDATE SET state = excluded.state, body = excluded.body)"};
constexpr Sql inspection_sql{"delivery.inspection", "SELECT body FROM delivery_inspection WHERE task = $1"};
constexpr Sql newest_inspection_sql{"delivery.newest_inspection", R"(
  SELECT body FROM delivery_inspection WHERE repo = $1 AND state = 'done' AND seq < $2 ORDER BY seq DESC LIMIT 1)"};

constexpr Sql put_plan_sql{"delivery.put_plan", R"(
  INSERT INTO delivery_plan (id, repo, model, state, proposed, body) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (id) DO UPDATE SET model = excluded.model, state = excluded.state, body = excluded.body)"};
constexpr Sql plan_sql{"delivery.plan", "SELECT body FROM delivery_plan WHERE id = $1"};
constexpr Sql plan_of_repo_sql{"delivery.plan_of_repo", R"(
  SELECT body FROM delivery_plan WHERE repo = $1 AND state = $2 ORDER BY proposed DESC, id DESC LIMIT 1)"};
constexpr Sql plan_in_force_sql{"delivery.plan_in_force", R"(
  SELECT body FROM delivery_plan WHERE model = $1 AND state = 'in_force' ORDER BY proposed DESC, id DESC LIMIT 1)"};
constexpr Sql models_in_force_sql{"delivery.models_in_force", R"(
  SELECT DISTINCT model FROM delivery_plan WHERE state = 'in_force' ORDER BY model)"};
constexpr Sql plans_sql{"delivery.plans", R"(
  SELECT body FROM delivery_plan
  WHERE ($1 = '' OR repo = $1) AND ($2 = '' OR model = $2) AND ($3 = '' OR state = $3) AND (proposed < $4 OR (proposed = $4 AND id < $5))
  ORDER BY proposed DESC, id DESC LIMIT $6)"};

constexpr Sql put_flow_sql{"delivery.put_flow", R"(
  INSERT INTO delivery_flow (id, model, state, version, commit_id, task, started, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version, commit_id = excluded.commit_id, task = excluded.task, body = excluded.body)"};
constexpr Sql flow_sql{"delivery.flow", "SELECT body FROM delivery_flow WHERE id = $1"};
constexpr Sql flow_of_task_sql{"delivery.flow_of_task", "SELECT body FROM delivery_flow WHERE task = $1 LIMIT 1"};
constexpr Sql flow_of_version_sql{"delivery.flow_of_version", R"(
  SELECT body FROM delivery_flow WHERE model = $1 AND version = $2 ORDER BY started DESC, id DESC LIMIT 1)"};
constexpr Sql unfinished_sql{"delivery.unfinished", R"(
  SELECT body FROM delivery_flow WHERE ($1 = '' OR model = $1) AND state IN ('queued', 'training', 'judging', 'waiting', 'rolling_out')
  ORDER BY started, id)"};
constexpr Sql flows_of_model_sql{"delivery.flows_of_model", R"(
  SELECT body FROM delivery_flow WHERE model = $1 ORDER BY started DESC, id DESC LIMIT 200)"};
constexpr Sql flows_sql{"delivery.flows", R"(
  SELECT body FROM delivery_flow
  WHERE ($1 = '' OR model = $1) AND ($2 = '' OR state = $2) AND ($3 = '' OR commit_id LIKE $3) AND (started < $4 OR (started = $4 AND id < $5))
  ORDER BY started DESC, id DESC LIMIT $6)"};

constexpr Sql put_gate_sql{"delivery.put_gate", R"(
  INSERT INTO delivery_gate (flow, model, version, state, judged, body) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (flow) DO UPDATE SET version = excluded.version, state = excluded.state, judged = excluded.judged, body = excluded.body)"};
constexpr Sql gate_sql{"delivery.gate", "SELECT body FROM delivery_gate WHERE flow = $1"};
constexpr Sql gate_of_version_sql{"delivery.gate_of_version", R"(
  SELECT body FROM delivery_gate WHERE model = $1 AND version = $2 ORDER BY judged DESC LIMIT 1)"};

constexpr Sql put_rollout_sql{"delivery.put_rollout", R"(
  INSERT INTO delivery_rollout (id, endpoint, model, state, started, body) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body)"};
constexpr Sql rollout_sql{"delivery.rollout", "SELECT body FROM delivery_rollout WHERE id = $1"};
constexpr Sql rollouts_sql{"delivery.rollouts", R"(
  SELECT body FROM delivery_rollout WHERE endpoint = $1 ORDER BY started DESC, id DESC LIMIT 200)"};
constexpr Sql first_rollout_sql{"delivery.first_rollout", R"(
  SELECT body FROM delivery_rollout WHERE endpoint = $1 AND state = 'done' ORDER BY started, id LIMIT 1)"};
constexpr Sql rollouts_of_model_sql{"delivery.rollouts_of_model", R"(
  SELECT body FROM delivery_rollout WHERE model = $1 ORDER BY started DESC, id DESC LIMIT 200)"};

// What we wrote ourselves reads back; a later pawl may have written more.
template <class T> T read(const Row& row) {
  auto out = decode<T>(row.view(0), {.unknown = UnknownKeys::ignore});
  if (out) return std::move(*out);
  log::error("delivery.row_unreadable", {{"message", out.error().message}});
  return {};
}
template <class T, class... V> Result<std::optional<T>> one(Tx& tx, const Sql& sql, const V&... values) {
  return tx.one(sql, read<T>, values...);
}

std::int64_t micros(std::string_view rfc3339) {
  const auto t = parse_rfc3339(rfc3339);
  return t ? t->us : 0;
}
std::string next_page(std::size_t got, std::int64_t limit, std::string_view at, std::string_view id) {
  return static_cast<std::int64_t>(got) < limit ? "" : std::to_string(micros(at)) + "." + std::string(id);
}

}  // namespace

Result<void> put(Tx& tx, const InspectionRow& r) {
  TRY_(tx.exec(put_inspection_sql, r.task, r.repo, r.seq, r.state, encode(r)));
  return {};
}
Result<std::optional<InspectionRow>> inspection(Tx& tx, std::string_view task) {
  return one<InspectionRow>(tx, inspection_sql, task);
}
Result<std::optional<InspectionRow>> newest_inspection(Tx& tx, std::string_view repo, std::int64_t below_seq) {
  return one<InspectionRow>(tx, newest_inspection_sql, repo, below_seq);
}

Result<void> put(Tx& tx, const PlanRow& r) {
  TRY_(tx.exec(put_plan_sql, r.plan.id, r.plan.repo, r.plan.model, r.plan.state, micros(r.plan.proposed), encode(r)));
  return {};
}
Result<std::optional<PlanRow>> plan(Tx& tx, const PlanId& id) { return one<PlanRow>(tx, plan_sql, id); }
Result<std::optional<PlanRow>> plan_of_repo(Tx& tx, std::string_view repo, PlanState state) {
  return one<PlanRow>(tx, plan_of_repo_sql, repo, state);
}
Result<std::optional<PlanRow>> plan_in_force(Tx& tx, std::string_view model) {
  return one<PlanRow>(tx, plan_in_force_sql, model);
}
Result<std::vector<std::string>> models_in_force(Tx& tx) {
  return tx.all(models_in_force_sql, [](const Row& r) { return r.text(0); });
}
Result<List<Plan>> plans(Tx& tx, const PlansAsk& ask) {
  TRY(from, team::rows::read_page_key(ask.after));
  const std::int64_t limit = team::rows::page_size(ask.limit);
  TRY(found, tx.all(plans_sql, read<PlanRow>, ask.repo, ask.model, ask.state ? word(*ask.state) : std::string_view{},
                    from.at, from.id, limit));
  List<Plan> out;
  for (PlanRow& row : found) {
    row.plan.files.clear();
    out.items.push_back(std::move(row.plan));
  }
  if (!out.items.empty())
    out.next = next_page(out.items.size(), limit, out.items.back().proposed, out.items.back().id.text);
  return out;
}

Result<void> put(Tx& tx, const FlowRow& r) {
  const Flow& f = r.flow;
  TRY_(tx.exec(put_flow_sql, f.id, f.model, f.state, f.version, f.commit, f.task, micros(f.started), encode(r)));
  return {};
}
Result<std::optional<FlowRow>> flow(Tx& tx, const FlowId& id) { return one<FlowRow>(tx, flow_sql, id); }
Result<std::optional<FlowRow>> flow_of_task(Tx& tx, std::string_view task) {
  return one<FlowRow>(tx, flow_of_task_sql, task);
}
Result<std::optional<FlowRow>> flow_of_version(Tx& tx, std::string_view model, std::int64_t version) {
  return one<FlowRow>(tx, flow_of_version_sql, model, version);
}
Result<std::vector<FlowRow>> unfinished(Tx& tx, std::string_view model) {
  return tx.all(unfinished_sql, read<FlowRow>, model);
}
Result<std::vector<FlowRow>> flows_of_model(Tx& tx, std::string_view model) {
  return tx.all(flows_of_model_sql, read<FlowRow>, model);
}
Result<List<Flow>> flows(Tx& tx, const FlowsAsk& ask) {
  TRY(from, team::rows::read_page_key(ask.after));
  const std::int64_t limit = team::rows::page_size(ask.limit);
  if (ask.commit.find_first_not_of("0123456789abcdef") != std::string::npos)
    return fail(Code::invalid, "commit: expected hex digits", "commit");
  const std::string commit = ask.commit.empty() ? "" : ask.commit + "%";
  TRY(found, tx.all(flows_sql, read<FlowRow>, ask.model, ask.state ? word(*ask.state) : std::string_view{}, commit,
                    from.at, from.id, limit));
  List<Flow> out;
  for (FlowRow& row : found) out.items.push_back(std::move(row.flow));
  if (!out.items.empty())
    out.next = next_page(out.items.size(), limit, out.items.back().started, out.items.back().id.text);
  return out;
}

Result<void> put(Tx& tx, const Gate& g, Time judged) {
  TRY_(tx.exec(put_gate_sql, g.flow, g.model, g.version, g.state, judged, encode(g)));
  return {};
}
Result<std::optional<Gate>> gate(Tx& tx, std::string_view flow) { return one<Gate>(tx, gate_sql, flow); }
Result<std::optional<Gate>> gate_of_version(Tx& tx, std::string_view model, std::int64_t version) {
  return one<Gate>(tx, gate_of_version_sql, model, version);
}

Result<void> put(Tx& tx, const RolloutRow& r) {
  TRY_(tx.exec(put_rollout_sql, r.rollout.id, r.rollout.endpoint, r.rollout.model, r.rollout.state,
               micros(r.rollout.started), encode(r)));
  return {};
}
Result<std::optional<RolloutRow>> rollout(Tx& tx, const RolloutId& id) { return one<RolloutRow>(tx, rollout_sql, id); }
Result<std::vector<RolloutRow>> rollouts(Tx& tx, std::string_view endpoint) {
  return tx.all(rollouts_sql, read<RolloutRow>, endpoint);
}
Result<std::optional<RolloutRow>> first_rollout(Tx& tx, std::string_view endpoint) {
  return one<RolloutRow>(tx, first_rollout_sql, endpoint);
}
Result<std::vector<RolloutRow>> rollouts_of_model(Tx& tx, std::string_view model) {
  return tx.all(rollouts_of_model_sql, read<RolloutRow>, model);
}

}  // namespace pawl::delivery::rows
