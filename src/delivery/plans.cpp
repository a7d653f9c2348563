// Plans: what a team declares becomes the law only when an operator says so. The whole pawl.yaml and each file its gate names are in force
// together; a commit that differs waits as a plan and trains nothing.
#include "core/json.h"
#include "delivery/diff.h"
#include "delivery/service.h"

namespace pawl::delivery {
namespace {

std::string digest_of(const Files& files) {
  std::string all;
  for (const auto& [path, text] : files) all += path + '\0' + sha256_hex(text) + '\n';
  return sha256_hex(all);
}

// The files of `found` that are in force together, or which one is missing.
Result<Files> declared(const Config& config, const Files& found) {
  Files out;
  std::vector<std::string> names = config.named_files();
  names.emplace_back(config_name);
  for (const std::string& name : names) {
    const auto file = found.find(name);
    if (file == found.end())
      return fail(Code::invalid, std::string(config_name) + ": the gate names " + name + ", but there is no such file",
                  name);
    out[name] = file->second;
  }
  return out;
}

bool data_changed(const Config& config, const Inspection& now, const Inspection* before, std::string& what) {
  for (const When& when : config.train.when) {
    if (when.kind != WhenKind::data) continue;
    const auto is = now.data_digests.find(when.path);
    if (is == now.data_digests.end()) continue;
    if (before != nullptr)
      if (const auto was = before->data_digests.find(when.path);
          was != before->data_digests.end() && was->second == is->second)
        continue;
    what = when.path;
    return true;
  }
  return false;
}

struct PushData {
  std::string ref{}, before{}, after{};
  static constexpr auto fields =
      std::tuple{field("ref", &PushData::ref), field("before", &PushData::before), field("after", &PushData::after)};
};

}  // namespace

std::string without_secrets(std::string text) {
  for (std::size_t at = 0; (at = text.find("://", at)) != std::string::npos; at += 3) {
    const auto end = text.find_first_of("/ \t\n'\"", at + 3);
    const auto sign = text.substr(0, end).rfind('@');
    if (sign != std::string::npos && sign > at + 2) text.erase(at + 3, sign - at - 2);
  }
  return text;
}

Result<Config> Service::config_of(const PlanRow& plan) const {
  const auto file = plan.plan.files.find(config_name);
  return read_config(file == plan.plan.files.end() ? "" : std::string_view(file->second));
}

Result<std::int64_t> Service::live_version(Tx& tx, const Config& config) {
  TRY(weights, below_.weights(tx, config.serve.endpoint));
  return weights ? weights->live() : 0;
}

Result<void> Service::pushed(Call& call, const store::LedgerEvent& event) {
  TRY(push, decode<PushData>(event.data.text, {.unknown = UnknownKeys::ignore}));
  TRY(repo, below_.repo(call.tx, event.subject.id));
  if (push.ref != "refs/heads/" + repo.branch || push.after.find_first_not_of('0') == std::string::npos) return {};
  return look_at(call, {.repo = repo.name, .ref = push.ref, .by = {}, .cause = event.id, .seq = event.seq}, push.after);
}

Result<void> Service::look_at(Call& call, InspectionRow row, const std::string& commit) {
  InspectAsk ask{.repo = row.repo, .commit = commit, .ref = row.ref};
  TRY(in_force, rows::plan_of_repo(call.tx, row.repo, PlanState::in_force));
  if (in_force) {
    TRY(config, config_of(*in_force));
    for (const When& when : config.train.when)
      if (when.kind == WhenKind::data) ask.data_paths.push_back(when.path);
    TRY(live, live_version(call.tx, config));
    if (live != 0) {
      TRY(made_by, rows::flow_of_version(call.tx, config.model.name, live));
      if (made_by) ask.since = made_by->flow.commit;
    }
  }
  TRY(task, below_.inspect(call, ask));
  row.task = task;
  row.state = "asked";
  row.found.commit = commit;
  return rows::put(call.tx, row);
}

Result<void> Service::inspected(Call& call, const std::string& task, const Ended& ended, const std::string& cause) {
  TRY(found, rows::inspection(call.tx, task));
  if (!found || found->state != "asked") return {};
  InspectionRow& row = *found;
  if (!ended.ok) {
    row.state = "failed";
    TRY_(rows::put(call.tx, row));
    call.tell({.what = "push.unread",
               .subject_kind = "repo",
               .subject = row.repo,
               .cause = cause,
               .data = encode(Told{.commit = row.found.commit, .reason = without_secrets(ended.error)})});
    return {};
  }
  row.state = "done";
  row.found = ended.inspection;
  TRY_(rows::put(call.tx, row));
  TRY(newest, rows::newest_inspection(call.tx, row.repo, std::numeric_limits<std::int64_t>::max()));
  if (newest && newest->seq > row.seq) return {};  // a newer push was looked at already

  const auto text = row.found.files.find(config_name);
  if (text == row.found.files.end()) {
    call.tell({.what = "push.ignored",
               .subject_kind = "repo",
               .subject = row.repo,
               .cause = cause,
               .data = encode(Told{.commit = row.found.commit, .reason = "no pawl.yaml"})});
    return {};
  }
  PlanRow plan{.plan = {.id = {new_id()},
                        .repo = row.repo,
                        .commit = row.found.commit,
                        .by = row.by.empty() ? "repo:" + row.repo : row.by,
                        .proposed = to_rfc3339(call.now())},
               .task = task};
  const auto config = read_config(text->second);
  if (!config) return reject_plan(call, std::move(plan), config.error().message, cause);
  plan.plan.model = config->model.name;
  plan.plan.not_yet = config->not_yet();
  auto files = declared(*config, row.found.files);
  if (!files) return reject_plan(call, std::move(plan), files.error().message, cause);
  plan.plan.files = std::move(*files);
  plan.digest = digest_of(plan.plan.files);
  TRY(owner, rows::plan_in_force(call.tx, config->model.name));
  if (owner && owner->plan.repo != row.repo)
    return reject_plan(call, std::move(plan),
                       "the model " + config->model.name + " belongs to the repository " + owner->plan.repo, cause);

  TRY(in_force, rows::plan_of_repo(call.tx, row.repo, PlanState::in_force));
  if (!in_force || in_force->digest != plan.digest) return propose_plan(call, std::move(plan), cause);
  // Back to what is in force: a plan that waited is no longer wanted.
  TRY(waiting, rows::plan_of_repo(call.tx, row.repo, PlanState::proposed));
  if (waiting) {
    waiting->plan.state = PlanState::replaced, waiting->plan.reason = "a newer push declares what is in force";
    TRY_(rows::put(call.tx, *waiting));
    TRY_(team_.make_void(call, {waiting->plan.approval}, waiting->plan.reason, cause));
  }
  return start_by_push(call, *in_force, *config, row, false, cause);
}

Result<void> Service::reject_plan(Call& call, PlanRow plan, std::string reason, const std::string& cause) {
  plan.plan.state = PlanState::rejected;
  plan.plan.reason = std::move(reason);
  plan.plan.decided = to_rfc3339(call.now());
  TRY_(rows::put(call.tx, plan));
  call.tell(
      {.what = "plan.rejected",
       .subject_kind = "plan",
       .subject = plan.plan.id.text,
       .cause = cause,
       .data = encode(Told{
           .model = plan.plan.model, .repo = plan.plan.repo, .commit = plan.plan.commit, .reason = plan.plan.reason})});
  return {};
}

Result<void> Service::propose_plan(Call& call, PlanRow plan, const std::string& cause) {
  TRY(waiting, rows::plan_of_repo(call.tx, plan.plan.repo, PlanState::proposed));
  if (waiting && waiting->digest == plan.digest) {  // the same declaration by a newer commit: its approval stands
    waiting->plan.commit = plan.plan.commit;
    waiting->task = plan.task;
    return rows::put(call.tx, *waiting);
  }
  if (waiting) {
    waiting->plan.state = PlanState::replaced, waiting->plan.reason = "a newer push declares something else";
    TRY_(rows::put(call.tx, *waiting));
    TRY_(team_.make_void(call, {waiting->plan.approval}, waiting->plan.reason, cause));
  }
  TRY(in_force, rows::plan_of_repo(call.tx, plan.plan.repo, PlanState::in_force));
  plan.plan.changes = changes_between(in_force ? in_force->plan.files : Files{}, plan.plan.files);
  const Told told{.model = plan.plan.model, .repo = plan.plan.repo, .commit = plan.plan.commit};
  const std::string digests = R"({"files":")" + plan.digest + R"("})";
  const std::string event = call.tell({.what = "plan.proposed",
                                       .subject_kind = "plan",
                                       .subject = plan.plan.id.text,
                                       .cause = cause,
                                       .digests = digests,
                                       .data = encode(told)});
  TRY(approval, team_.open(call, {.what = "put the declaration of " + plan.plan.repo + " at " +
                                          plan.plan.commit.substr(0, 8) + " in force",
                                  .subject_kind = "plan",
                                  .subject = plan.plan.id.text,
                                  .model = plan.plan.model,
                                  .digests = digests,
                                  .rule = {.by = "operator"},
                                  .cause = event}));
  plan.plan.approval = approval.text;
  return rows::put(call.tx, plan);
}

Result<void> Service::plan_decided(Call& call, const PlanId& id, bool granted, const std::string& cause) {
  TRY(found, rows::plan(call.tx, id));
  if (!found || found->plan.state != PlanState::proposed) return {};
  if (!granted) return reject_plan(call, std::move(*found), "refused", cause);
  TRY(before, rows::plan_of_repo(call.tx, found->plan.repo, PlanState::in_force));
  TRY(config, config_of(*found));
  if (before) {
    before->plan.state = PlanState::replaced;
    TRY_(rows::put(call.tx, *before));
  }
  found->plan.state = PlanState::in_force;
  found->plan.decided = to_rfc3339(call.now());
  TRY_(rows::put(call.tx, *found));
  const std::string event = call.tell(
      {.what = "plan.applied",
       .subject_kind = "plan",
       .subject = id.text,
       .cause = cause,
       .digests = R"({"files":")" + found->digest + R"("})",
       .data = encode(Told{.model = found->plan.model, .repo = found->plan.repo, .commit = found->plan.commit})});
  TRY_(recheck(call, found->plan.model, event));
  if (before) {
    TRY(was, config_of(*before));
    if (was.model.name != config.model.name) TRY_(recheck(call, was.model.name, event));
    if (was.serve.endpoint != config.serve.endpoint) TRY_(below_.drop_monitor(call, was.serve.endpoint, event));
  }
  TRY_(watch_live(call, found->plan.model, event));
  TRY(seen, rows::inspection(call.tx, found->task));
  if (!seen) return {};
  return start_by_push(call, *found, config, *seen, !before, event);
}

Result<void> Service::start_by_push(Call& call, const PlanRow& plan, const Config& config, const InspectionRow& seen,
                                    bool first, const std::string& cause) {
  FlowRow row{.flow = {.model = config.model.name,
                       .repo = plan.plan.repo,
                       .commit = seen.found.commit,
                       .message = seen.found.message},
              .committers = seen.found.committers};
  row.flow.trigger = {
      .kind = TriggerKind::push, .by = seen.by, .event = cause, .what = "push of " + seen.found.commit.substr(0, 8)};
  if (!first && !config.train.has(WhenKind::push)) {
    TRY(before, rows::newest_inspection(call.tx, seen.repo, seen.seq));
    std::string what;
    if (!data_changed(config, seen.found, before ? &before->found : nullptr, what)) return {};
    row.flow.trigger.kind = TriggerKind::data;
    row.flow.trigger.what = what + " changed";
    // Now, in event time: of an endpoint that replays the past, as far as its windows have come.
    Time now = call.now();
    if (config.serve.replay)
      if (const auto newest = below_.window_end(call.tx, config.serve.endpoint); newest && *newest) now = **newest;
    row.flow.set = parameters_at(config.train.set, now);
  }
  TRY_(new_flow(call, std::move(row), cause));
  return {};
}

Result<Plan> Service::plan(Tx& tx, const PlanId& id) {
  TRY(found, rows::plan(tx, id));
  if (!found) return fail(Code::missing, "there is no plan " + id.text, "id");
  return std::move(found->plan);
}

Result<PlanDiff> Service::propose(Call& call, const ProposeAsk& ask) {
  TRY(repo, below_.repo(call.tx, ask.repo));
  TRY(in_force, rows::plan_of_repo(call.tx, repo.name, PlanState::in_force));
  PlanDiff out;
  if (in_force) out.in_force = in_force->plan.id.text, out.model = in_force->plan.model;
  if (!ask.files.empty()) {
    const auto text = ask.files.find(config_name);
    if (text == ask.files.end()) return fail(Code::invalid, "there is no pawl.yaml", "files");
    TRY(config, read_config(text->second));
    TRY(files, declared(config, ask.files));
    out.model = config.model.name;
    out.not_yet = config.not_yet();
    out.changes = changes_between(in_force ? in_force->plan.files : Files{}, files);
    out.differs = !out.changes.empty();
  }
  if (ask.dry) return out;
  if (ask.commit.size() < 7 || ask.commit.find_first_not_of("0123456789abcdef") != std::string::npos)
    return fail(Code::invalid, "commit: expected the hex digits of a commit", "commit");
  // The ledger gives the proposal its place among the pushes; the rest happens as for a push.
  call.tell({.what = "plan.asked",
             .subject_kind = "repo",
             .subject = repo.name,
             .data = encode(PushData{.ref = "refs/heads/" + repo.branch, .before = {}, .after = ask.commit})});
  return out;
}

}  // namespace pawl::delivery
