// Rows of plans, inspections, flows, gates and rollouts. What is looked for has a column of its own; the rest is the described value as JSON.
// All SQL of the room is in rows.cpp.
#pragma once
#include "delivery/below.h"
#include "delivery/evaluate.h"
#include "store/store.h"

namespace pawl::delivery {

// A push that a runner looks at, or has.
struct InspectionRow {
  std::string task{}, repo{}, ref{}, by{}, cause{};
  std::int64_t seq = 0;  // grows with every push: the newest push of a repository is the one with the largest
  std::string state{};   // asked, done, failed
  Inspection found{};
  static constexpr auto fields = std::tuple{
      field("task", &InspectionRow::task),   field("repo", &InspectionRow::repo),   field("ref", &InspectionRow::ref),
      field("by", &InspectionRow::by),       field("cause", &InspectionRow::cause), field("seq", &InspectionRow::seq),
      field("state", &InspectionRow::state), field("found", &InspectionRow::found)};
};
struct PlanRow {
  Plan plan{};
  std::string digest{};  // SHA-256 over the files
  std::string task{};    // of the inspection that its approval starts a flow from
  static constexpr auto fields =
      std::tuple{field("plan", &PlanRow::plan), field("digest", &PlanRow::digest), field("task", &PlanRow::task)};
};
struct FlowRow {
  Flow flow{};
  std::vector<std::string> committers{};  // e-mail addresses: never in the ledger
  Trained trained{};
  std::string digest{};  // SHA-256 of the model file, as the evaluation read it
  Json digests{};        // what the approval is bound to
  std::string basis{};   // champion, live version and plan that the evaluation under way was asked for
  std::string cause{};
  std::string event{};  // the ledger's last one about it: the cause of what comes next
  Baseline baseline{};  // what a monitor has to know about the version
  static constexpr auto fields =
      std::tuple{field("flow", &FlowRow::flow),        field("committers", &FlowRow::committers),
                 field("trained", &FlowRow::trained),  field("digest", &FlowRow::digest),
                 field("digests", &FlowRow::digests),  field("basis", &FlowRow::basis),
                 field("cause", &FlowRow::cause),      field("event", &FlowRow::event),
                 field("baseline", &FlowRow::baseline)};
};
struct RolloutRow {
  Rollout rollout{};
  std::string digest{};  // what the model file must have; empty: not known
  std::string plan{};    // whose rules hold; empty: by hand, without a gate
  std::vector<std::string> approvals{};
  std::string salt{};
  std::string from_rollout{};  // under which rollout and step the version before answered
  std::int64_t from_step = 0;
  std::int64_t looks = 0;  // the next look's number: a look that ran twice counts once
  std::int64_t held_us = 0, looked_us = 0;
  std::string event{};       // the ledger's last one about it: the cause of the next
  double gate_distance = 0;  // of the two versions' answers on the gate's rows: this far they are meant to differ
  // Of the tests between the arms: how many the rollout has seen, and how many rows the smaller arm had at the last one of this step.
  std::int64_t shift_looks = 0, shift_rows = 0, worse_looks = 0, worse_rows = 0;
  static constexpr auto fields = std::tuple{field("rollout", &RolloutRow::rollout),
                                            field("digest", &RolloutRow::digest),
                                            field("plan", &RolloutRow::plan),
                                            field("approvals", &RolloutRow::approvals),
                                            field("salt", &RolloutRow::salt),
                                            field("from_rollout", &RolloutRow::from_rollout),
                                            field("from_step", &RolloutRow::from_step),
                                            field("looks", &RolloutRow::looks),
                                            field("held_us", &RolloutRow::held_us),
                                            field("looked_us", &RolloutRow::looked_us),
                                            field("event", &RolloutRow::event),
                                            field("gate_distance", &RolloutRow::gate_distance),
                                            field("shift_looks", &RolloutRow::shift_looks),
                                            field("shift_rows", &RolloutRow::shift_rows),
                                            field("worse_looks", &RolloutRow::worse_looks),
                                            field("worse_rows", &RolloutRow::worse_rows)};
};

namespace rows {

Result<void> put(Tx& tx, const InspectionRow& row);
Result<std::optional<InspectionRow>> inspection(Tx& tx, std::string_view task);
Result<std::optional<InspectionRow>> newest_inspection(Tx& tx, std::string_view repo,
                                                       std::int64_t below_seq);  // of those that are done

Result<void> put(Tx& tx, const PlanRow& row);
Result<std::optional<PlanRow>> plan(Tx& tx, const PlanId& id);
Result<std::optional<PlanRow>> plan_of_repo(Tx& tx, std::string_view repo, PlanState state);
Result<std::optional<PlanRow>> plan_in_force(Tx& tx, std::string_view model);
Result<std::vector<std::string>> models_in_force(Tx& tx);
Result<List<Plan>> plans(Tx& tx, const PlansAsk& ask);

Result<void> put(Tx& tx, const FlowRow& row);
Result<std::optional<FlowRow>> flow(Tx& tx, const FlowId& id);
Result<std::optional<FlowRow>> flow_of_task(Tx& tx, std::string_view task);
Result<std::optional<FlowRow>> flow_of_version(Tx& tx, std::string_view model,
                                               std::int64_t version);         // the newest that judged it
Result<std::vector<FlowRow>> unfinished(Tx& tx, std::string_view model);      // oldest first; every model's when empty
Result<std::vector<FlowRow>> flows_of_model(Tx& tx, std::string_view model);  // newest first, at most 200
Result<List<Flow>> flows(Tx& tx, const FlowsAsk& ask);

Result<void> put(Tx& tx, const Gate& gate, Time judged);
Result<std::optional<Gate>> gate(Tx& tx, std::string_view flow);
Result<std::optional<Gate>> gate_of_version(Tx& tx, std::string_view model, std::int64_t version);  // the newest

Result<void> put(Tx& tx, const RolloutRow& row);
Result<std::optional<RolloutRow>> rollout(Tx& tx, const RolloutId& id);
Result<std::vector<RolloutRow>> rollouts(Tx& tx, std::string_view endpoint);         // newest first, at most 200
Result<std::optional<RolloutRow>> first_rollout(Tx& tx, std::string_view endpoint);  // of those that came to 100 %
Result<std::vector<RolloutRow>> rollouts_of_model(Tx& tx, std::string_view model);

}  // namespace rows
}  // namespace pawl::delivery
