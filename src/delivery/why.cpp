// What answered at a time, and why this answer: from one prediction back to its rollout step, version, gate, approver, run, commit, parameters, datasets and files. And what
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
  out.reserve(entries.size());
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
  out.trigger = made_by->flow.trigger.what;
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

namespace {

struct Moved {
  std::string alias{};
  std::optional<std::int64_t> to{};
  static constexpr auto fields = std::tuple{field("alias", &Moved::alias), field("to", &Moved::to)};
};
// An endpoint's arms, as the ledger's rollout events made them one after another.
struct ArmsThen {
  std::string model{};
  std::vector<AnsweredBy> arms{};
  std::map<std::int64_t, std::string> brought{};  // version -> the rollout that made it live

  void take(const store::LedgerEvent& event, const Told& told) {
    const auto version = [](const std::string& name) -> std::int64_t {
      const auto at = name.rfind('@');
      return at == std::string::npos ? 0 : std::strtoll(name.c_str() + at + 1, nullptr, 10);
    };
    const std::int64_t from = version(told.from), to = version(told.to);
    const std::string what = event.what.substr(event.what.find('.') + 1);
    model = told.model;
    const auto by = [&](std::int64_t number, double share, std::string arm) {
      return AnsweredBy{.version = number, .share = share, .arm = std::move(arm), .since = event.at, .event = event.id};
    };
    // The one that was live and stays so: since when does not change.
    const auto still = [&](std::int64_t number, double share) {
      AnsweredBy out = by(number, share, "live");
      for (const AnsweredBy& a : arms)
        if (a.version == number && a.arm == "live") out = a, out.share = share;
      return out;
    };
    if (what == "stepped") {
      const double share = told.share.value_or(0);
      AnsweredBy canary = by(to, share, "canary");
      canary.rollout = Rollout{.id = {event.subject.id}};
      arms = {still(from, 100 - share), std::move(canary)};
    } else if (what == "done") {
      brought[to] = event.subject.id;
      arms = {by(to, 100, "live")};
    } else if ((what == "rolled_back" || what == "failed") && from != 0) {
      arms = {still(from, 100)};
      if (arms.front().event == event.id) arms.front().reason = told.reason;
    }
  }
};

}  // namespace

Result<WhyThen> Service::why_then(Tx& tx, const WhyThenAsk& ask) {
  constexpr std::int64_t page = 500;
  Time at = clock_.now();
  if (!ask.at.empty()) {
    const auto time = parse_rfc3339(ask.at);
    if (!time) return fail(Code::invalid, "at: expected a time as 2013-04-26T12:00:00Z", "at");
    at = *time;
  }
  // Each event up to then, in the ledger's order.
  const auto replay = [&](const std::string& what, const auto& take) -> Result<void> {
    for (std::int64_t after = 0;;) {
      TRY(events, store::read_ledger(tx, {.after = after, .limit = page, .what = what}));
      for (const store::LedgerEvent& event : events) {
        after = event.seq;
        if (const auto time = parse_rfc3339(event.at); !time || *time > at) return {};
        TRY_(take(event));
      }
      if (std::ssize(events) < page) return {};
    }
  };
  ArmsThen then;
  TRY_(replay("rollout.", [&](const store::LedgerEvent& event) -> Result<void> {
    TRY(told, decode<Told>(event.data.text, {.unknown = UnknownKeys::ignore}));
    if (told.endpoint == ask.name) then.take(event, told);
    return {};
  }));
  WhyThen out{.endpoint = ask.name, .model = then.model, .at = to_rfc3339(at)};
  if (then.model.empty()) {
    TRY(ever, rows::rollouts(tx, ask.name));
    if (ever.empty()) return fail(Code::missing, "nothing was ever rolled out to an endpoint " + ask.name, "name");
    return out;
  }
  TRY_(replay("alias.moved", [&](const store::LedgerEvent& event) -> Result<void> {
    if (event.subject.id != then.model) return {};
    TRY(moved, decode<Moved>(event.data.text, {.unknown = UnknownKeys::ignore}));
    if (moved.to)
      out.aliases[moved.alias] = *moved.to;
    else
      out.aliases.erase(moved.alias);
    return {};
  }));
  for (AnsweredBy& arm : then.arms) {
    const RolloutId rollout = arm.rollout ? arm.rollout->id : RolloutId{then.brought[arm.version]};
    arm.rollout.reset();
    TRY(row, rows::rollout(tx, rollout));
    if (row) {
      arm.rollout = row->rollout;
      for (const std::string& id : row->approvals) {
        TRY(approval, team_.find(tx, {id}));
        arm.approvals.push_back(std::move(approval));
      }
    }
    TRY(version, below_.version(tx, then.model, arm.version));
    if (version) {
      arm.run_id = version->run_id, arm.registered_by = version->by, arm.flow = version->flow;
      TRY(made_by, rows::flow(tx, {version->flow}));
      if (made_by) arm.commit = made_by->flow.commit, arm.trigger = made_by->flow.trigger.what;
    }
    out.arms.push_back(std::move(arm));
  }
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
