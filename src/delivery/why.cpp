// Why this answer: from one prediction back to its rollout step, version, gate, approver, run, commit, parameters, datasets and files. And what
// `restore` needs to bring a version back.
#include "delivery/service.h"
#include "wire/dvc/lock.h"

namespace pawl::delivery {
namespace {

std::string command_text(const yaml::Value& cmd) {
  if (cmd.scalar()) return cmd.text;
  std::string out;
  for (const auto& item : cmd.items) out += (out.empty() ? "" : " && ") + item.text;
  return out;
}
std::vector<StageFile> files_of(const std::vector<dvc::Entry>& entries) {
  std::vector<StageFile> out;
  for (const auto& e : entries) out.push_back({e.path, e.digest, e.size.value_or(0)});
  return out;
}
// The stages of a dvc.lock, in its order.
Result<std::vector<StageLock>> stages_of(const std::string& text) {
  std::vector<StageLock> out;
  if (text.empty()) return out;
  TRY(lock, dvc::Lock::read(text, "dvc.lock"));
  TRY(document, yaml::read(text, "dvc.lock"));
  const yaml::Value* stages = document.find("stages");
  if (stages == nullptr) return out;
  for (const auto& member : stages->members) {
    const auto* stage = lock.find(member.key);
    if (stage == nullptr) continue;
    out.push_back({member.key, command_text(stage->cmd), files_of(stage->deps), files_of(stage->outs)});
  }
  return out;
}

}  // namespace

Result<Origin> Service::origin(Tx& tx, const std::string& model, std::int64_t number) {
  TRY(version, below_.version(tx, model, number));
  if (!version) return fail(Code::missing, "there is no version " + version_name(model, number), "version");
  Origin out{.model = model,
             .version = number,
             .run_id = version->run_id,
             .registered_by = version->by,
             .created = to_rfc3339(version->created),
             .source = version->source,
             .artifact = version->artifact};
  if (!version->run_id.empty())
    if (auto run = below_.run(tx, version->run_id))
      out.params = std::move(run->params), out.metrics = std::move(run->metrics);
  // The flow that made it, not one that judged it again.
  TRY(made_by, rows::flow(tx, {version->flow}));
  if (!made_by) return out;
  out.flow = made_by->flow.id.text;
  out.repo = made_by->flow.repo;
  out.commit = made_by->flow.commit;
  out.message = made_by->flow.message;
  out.set = made_by->flow.set;
  out.digest = made_by->digest;
  out.lock = made_by->trained.lock;
  out.datasets = made_by->trained.datasets;
  out.environment = made_by->trained.environment;
  if (auto repo = below_.repo(tx, out.repo)) out.url = without_secrets(repo->url);
  out.cache = cache_;
  out.pipeline = "dvc.yaml";
  TRY(plan, rows::plan_in_force(tx, model));
  if (plan)
    if (const auto config = config_of(*plan)) out.pipeline = config->train.pipeline;
  TRY(stages, stages_of(out.lock));
  out.stages = std::move(stages);
  return out;
}

Result<Why> Service::why(const std::string& prediction_id) {
  Why out;
  TRY(seen, below_.prediction(prediction_id, out.model));
  out.prediction = std::move(seen);
  TRY_(store_.read([&](Tx& tx) -> Result<void> {
    std::vector<std::string> approvals;
    if (!out.prediction.rollout.empty()) {
      TRY(rollout, rows::rollout(tx, {out.prediction.rollout}));
      if (rollout) out.rollout = rollout->rollout;
    }
    // The rollout that brought the version that answered; of a live arm beside a canary, an earlier one.
    TRY(all, rows::rollouts_of_model(tx, out.model));
    for (const RolloutRow& row : all)
      if (row.rollout.to == out.prediction.version) {
        approvals = row.approvals;
        if (!out.rollout) out.rollout = row.rollout;
        break;
      }
    TRY(gate, rows::gate_of_version(tx, out.model, out.prediction.version));
    out.gate = std::move(gate);
    for (const std::string& id : approvals) {
      TRY(approval, team_.find(tx, {id}));
      out.approvals.push_back(std::move(approval));
    }
    TRY(from, origin(tx, out.model, out.prediction.version));
    out.origin = std::move(from);
    return {};
  }));
  return out;
}

}  // namespace pawl::delivery
