// pawl flow, gate, model, deploy, rollback, why. plan and apply are in verbs_plan.cpp, restore in verbs_restore.cpp.
#include "delivery/verbs.h"

#include <CLI/CLI.hpp>
#include <thread>

#include "core/time.h"
#include "delivery/junit.h"
#include "delivery/routes.h"
#include "pipeline/types.h"

namespace pawl::delivery {

Result<VersionAsk> read_version_name(const std::string& text) {
  const auto at = text.rfind('@');
  VersionAsk out;
  if (at != std::string::npos) {
    char* end = nullptr;
    out.name = text.substr(0, at);
    out.version = std::strtoll(text.c_str() + at + 1, &end, 10);
    if (!out.name.empty() && out.version > 0 && *end == 0) return out;
  }
  return fail(Code::invalid, "expected a version as arrival-delay@3, got " + text, "MODEL@VERSION");
}

namespace {

using net::Command;
using net::Method;

std::string short_commit(const std::string& commit) { return commit.substr(0, 8); }
std::string number(const std::optional<double>& x) {
  if (!x) return "";
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.5g", *x);
  return text.data();
}

std::string lines(const Gate& gate) {
  std::string out = version_name(gate.model, gate.version) + ": " + std::string(word(gate.state)) + "\n";
  std::vector<std::vector<std::string>> rows{{"check", "state", "estimate", "low", "high", "n", "expected", "seen"}};
  for (const Check& c : gate.checks)
    rows.push_back({c.name, std::string(word(c.state)), number(c.estimate), number(c.low), number(c.high),
                    c.n == 0 ? "" : std::to_string(c.n), c.expected, c.seen});
  out += net::table(rows);
  for (const Check& c : gate.checks)
    if (!c.reason.empty() && c.state != CheckState::pass) out += c.name + ": " + c.reason + "\n";
  return out;
}
std::string lines(const Rollout& r) {
  std::string out = "rollout " + r.id.text + " of " + r.endpoint + ": " +
                    (r.from == 0 ? "" : version_name(r.model, r.from) + " -> ") + version_name(r.model, r.to) + ", " +
                    std::string(word(r.state));
  if (r.state == RolloutState::stepping)
    out += ", " + number(r.share) + "% of traffic, " + std::to_string(r.rows) + " of " + std::to_string(r.rows_needed) +
           " predictions";
  out += (r.reason.empty() ? "" : "\n  " + r.reason) + "\n";
  if (r.evidence.empty()) return out;
  std::vector<std::vector<std::string>> rows{{"rule", "state", "seen", "limit", "p", "at most", "new", "live", "note"}};
  for (const RuleSeen& e : r.evidence)
    rows.push_back({e.rule, std::string(word(e.state)), number(e.seen), number(e.limit), number(e.p), number(e.level),
                    std::to_string(e.n), e.n_live == 0 ? "" : std::to_string(e.n_live), e.note});
  return out + net::table(rows);
}
std::string lines(const Flow& f) {
  std::string out = "flow " + f.id.text + " of " + f.model + ": " + std::string(word(f.state));
  if (f.version != 0) out += ", version " + std::to_string(f.version);
  out += "\n  " + f.trigger.what + (f.commit.empty() ? "" : ", commit " + short_commit(f.commit)) + "\n";
  for (const auto& [name, value] : f.set) out.append("  set ").append(name).append(" = ").append(value) += '\n';
  if (!f.reason.empty()) out += "  " + f.reason + "\n";
  if (f.state == FlowState::failed) out += "  what its stages printed: pawl flow " + f.id.text + " --log\n";
  for (const StageRun& s : f.stages) out += "  stage " + s.name + ": " + s.outcome + ", " + number(s.seconds) + " s\n";
  for (const auto& w : f.warnings) out += "  warning: " + w + "\n";
  if (!f.approval.empty() && f.state == FlowState::waiting)
    out += "  an operator says: pawl approve " + f.approval + "\n";
  if (f.gate) out += lines(*f.gate);
  return out;
}
std::string lines(const List<Flow>& list) {
  std::vector<std::vector<std::string>> rows{
      {"flow", "model", "state", "version", "commit", "trigger", "started", "reason"}};
  for (const Flow& f : list.items)
    rows.push_back({f.id.text, f.model, std::string(word(f.state)), f.version == 0 ? "" : std::to_string(f.version),
                    short_commit(f.commit), std::string(word(f.trigger.kind)), f.started, f.reason.substr(0, 80)});
  return net::table(rows);
}
std::string lines(const List<ModelLine>& list) {
  std::vector<std::vector<std::string>> rows{{"model", "endpoint", "live", "newest", "approvals", "flow"}};
  for (const ModelLine& m : list.items)
    rows.push_back({m.name, m.endpoint, m.live == 0 ? "" : std::to_string(m.live),
                    m.newest == 0 ? "" : std::to_string(m.newest),
                    m.approvals_open == 0 ? "" : std::to_string(m.approvals_open),
                    m.flow ? std::string(word(m.flow->state)) : ""});
  return net::table(rows);
}
std::string lines(const ModelPage& page) {
  std::vector<std::vector<std::string>> rows{
      {"version", "state", "share", "gate", "aliases", "commit", "run", "created"}};
  for (const VersionLine& v : page.versions) {
    std::string aliases;
    for (const auto& a : v.aliases) aliases += (aliases.empty() ? "" : ",") + a;
    rows.push_back({version_name(v.name, v.version), v.state, v.share == 0 ? "" : number(v.share) + "%",
                    v.gate ? std::string(word(v.gate->state)) : "", aliases, short_commit(v.commit), v.run_id,
                    v.created});
  }
  return net::table(rows) + (page.model.rollout ? lines(*page.model.rollout) : "");
}
std::string lines(const Why& w) {
  const PredictionSeen& p = w.prediction;
  std::string out = "prediction " + p.id + "\n  " + p.received + " by " + p.endpoint + ", " +
                    version_name(w.model, p.version) + ", arm " + p.arm + "\n  features " + p.features.text +
                    "\n  outputs  " + p.outputs.text + "\n";
  for (const auto& l : p.labels) out += "  label    " + l.value.text + ", told by " + l.by + " at " + l.at + "\n";
  if (w.rollout)
    out += "rollout " + w.rollout->id.text + ", step " + std::to_string(p.step + 1) + " of " +
           std::to_string(w.rollout->steps.size()) + ", " + std::string(word(w.rollout->state)) + "\n";
  if (w.gate) out += "gate " + lines(*w.gate);
  for (const auto& a : w.approvals)
    for (const auto& v : a.votes)
      out += "approved by " + v.by + " at " + v.at + (v.comment.empty() ? "" : ": " + v.comment) + "\n";
  const Origin& o = w.origin;
  out +=
      "run " + o.run_id + ", registered by " + o.registered_by + " at " + o.created + ", model file " + o.digest + "\n";
  if (!o.flow.empty()) out += "flow " + o.flow + ": " + o.trigger + "\n";
  if (!o.commit.empty())
    out += "commit " + o.commit + " of " + o.url +
           (o.message.empty() ? "" : ": " + o.message.substr(0, o.message.find('\n'))) + "\n";
  for (const auto& [name, value] : o.set) out.append("set ").append(name).append(" = ").append(value) += '\n';
  for (const auto& [name, value] : o.params) out.append("param ").append(name).append(" = ").append(value) += '\n';
  for (const auto& d : o.datasets)
    out += "data " + d.role + " " + d.path + " " + d.digest +
           (d.rows == 0 ? "" : ", " + std::to_string(d.rows) + " rows") +
           (d.time_min.empty() ? "" : ", " + d.time_min + " to " + d.time_max) + "\n";
  for (const auto& s : o.stages) {
    out += "stage " + s.name + ": " + s.cmd + "\n";
    for (const auto& f : s.deps) out += "  in  " + f.path + " " + f.md5 + "\n";
    for (const auto& f : s.outs) out += "  out " + f.path + " " + f.md5 + "\n";
  }
  return out;
}

std::string lines(const WhyThen& w) {
  std::string out = w.endpoint + " at " + w.at + ": ";
  if (w.arms.empty()) return out + "nothing was live yet\n";
  out += "model " + w.model + "\n";
  for (const AnsweredBy& a : w.arms) {
    out += "  " + version_name(w.model, a.version) + " answered " + number(a.share) + "% (" + a.arm + ") since " +
           a.since + (a.reason.empty() ? "" : ", after a rollback: " + a.reason) + "\n";
    if (a.rollout) out += "    rollout " + a.rollout->id.text + " by " + a.rollout->by + "\n";
    for (const auto& approval : a.approvals)
      for (const auto& v : approval.votes)
        out += "    " + v.by + ": " + std::string(word(v.vote)) + " at " + v.at + "\n";
    if (!a.flow.empty()) out += "    flow " + a.flow + ": " + a.trigger + ", commit " + short_commit(a.commit) + "\n";
    if (!a.run_id.empty()) out += "    run " + a.run_id + ", registered by " + a.registered_by + "\n";
  }
  for (const auto& [alias, version] : w.aliases)
    out += "  alias " + alias + " was version " + std::to_string(version) + "\n";
  return out;
}

// ---- flow ----

struct FlowIn {
  std::string id{}, commit{}, model{}, timeout = "60m", reason{};
  bool wait = false, log = false;
  std::vector<std::string> set{};
};
constexpr auto look_every = std::chrono::milliseconds(300);

// The flow that is meant, or nothing yet.
Result<std::optional<Flow>> find_flow(net::Client& client, const FlowIn& in) {
  if (!in.id.empty()) {
    TRY(flow, client.get<Flow>(api("/flows/" + net::percent_encode(in.id))));
    return std::optional(std::move(flow));
  }
  TRY(list, client.get<List<Flow>>(api("/flows?limit=1&model=" + net::percent_encode(in.model) +
                                       "&commit=" + net::percent_encode(in.commit))));
  if (list.items.empty()) return std::optional<Flow>{};
  TRY(flow, client.get<Flow>(api("/flows/" + list.items.front().id.text)));
  return std::optional(std::move(flow));
}
// Whether people have to act, or nothing more will happen.
Result<bool> rests(net::Client& client, const Flow& flow) {
  if (ended(flow.state)) return true;
  if (flow.state != FlowState::waiting) return false;
  if (flow.approval.empty()) return true;
  TRY(approval, client.get<team::Approval>(api("/approvals/" + flow.approval)));
  return approval.state == team::ApprovalState::open;
}
// A plan that was approved a moment ago is put in force by whoever follows the ledger: until then it looks as if it still waited.
Result<bool> rests(net::Client& client, const Plan& plan) {
  if (plan.state == PlanState::rejected) return true;
  if (plan.state != PlanState::proposed) return false;
  TRY(approval, client.get<team::Approval>(api("/approvals/" + plan.approval)));
  return approval.state == team::ApprovalState::open;
}
Result<std::optional<Plan>> plan_of_commit(net::Client& client, const std::string& commit) {
  TRY(list, client.get<List<Plan>>(api("/plans?limit=50")));
  for (Plan& plan : list.items)
    if (!commit.empty() && plan.commit.starts_with(commit)) return std::optional(std::move(plan));
  return std::optional<Plan>{};
}

Result<void> show_log(net::Client& client, const Command& command, const std::string& flow) {
  TRY(tasks, client.get<pipeline::TaskList>(api("/tasks?flow=" + flow)));
  for (const auto& task : tasks.items) {
    std::int64_t from = 0;
    for (;;) {
      TRY(piece, client.get<pipeline::LogText>(api("/tasks/" + task.id + "/log?from=" + std::to_string(from))));
      if (piece.text.empty()) break;
      command.print_text(piece.text);
      from = piece.next;
    }
  }
  return {};
}

void flow_verb(Command& command, const FlowIn& in) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  const auto limit = parse_duration(in.timeout);
  if (!limit) return command.failed(limit.error());
  if (in.id.empty() && in.commit.empty() && !in.wait)
    return command.finish(client->get<List<Flow>>(api("/flows?model=" + net::percent_encode(in.model))),
                          [&](const auto& list) { command.print(list, [](const auto& l) { return lines(l); }); });
  const auto until = std::chrono::steady_clock::now() + *limit;
  for (;;) {
    auto found = find_flow(*client, in);
    if (!found) return command.failed(found.error());
    if (*found) {
      auto at_rest = in.wait ? rests(*client, **found) : Result<bool>(true);
      if (!at_rest) return command.failed(at_rest.error());
      if (*at_rest) {
        const Flow& flow = **found;
        if (in.log)
          if (auto shown = show_log(*client, command, flow.id.text); !shown) return command.failed(shown.error());
        command.print(flow, [](const Flow& f) { return lines(f); });
        if (flow.state == FlowState::rejected || flow.state == FlowState::failed) command.said_no();
        return;
      }
    } else {
      auto plan = plan_of_commit(*client, in.commit);
      if (!plan) return command.failed(plan.error());
      auto at_rest = *plan ? rests(*client, **plan) : Result<bool>(false);
      if (!at_rest) return command.failed(at_rest.error());
      if (*at_rest) {
        command.print(**plan, [](const Plan& p) {
          return p.state == PlanState::proposed
                     ? "plan " + p.id.text + " waits for an operator: pawl approve " + p.approval + "\n"
                     : "plan " + p.id.text + " was rejected: " + p.reason + "\n";
        });
        if ((*plan)->state == PlanState::rejected) command.said_no();
        return;
      }
      if (!in.wait) return command.failed({Code::missing, "there is no such flow", {}, {}});
    }
    if (std::chrono::steady_clock::now() >= until)
      return command.failed({Code::deadline, "nothing has come of it within " + in.timeout, {}, {}});
    std::this_thread::sleep_for(look_every);
  }
}

void start_verb(Command& command, const FlowIn& in) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  FlowStart ask{.model = in.model};
  for (const auto& pair : in.set) {
    const auto at = pair.find('=');
    if (at == std::string::npos || at == 0)
      return command.failed({Code::invalid, pair + ": expected NAME=VALUE", "--set", {}});
    ask.set[pair.substr(0, at)] = pair.substr(at + 1);
  }
  command.finish(client->call<Flow>(Method::POST, api("/flows"), ask),
                 [&](const Flow& flow) { command.print(flow, [](const Flow& f) { return lines(f); }); });
}

void gate_verb(Command& command, const std::string& name, const std::string& junit) {
  const auto version = read_version_name(name);
  if (!version) return command.failed(version.error());
  auto client = command.client();
  if (!client) return command.failed(client.error());
  auto line = client->get<VersionLine>(
      api("/models/" + net::percent_encode(version->name) + "/versions/" + std::to_string(version->version)));
  if (!line) return command.failed(line.error());
  if (!line->gate) return command.failed({Code::missing, name + " was judged by no gate", {}, {}});
  if (!junit.empty())
    if (auto written = write_junit(junit, *line->gate); !written) return command.failed(written.error());
  command.print(*line->gate, [](const Gate& g) { return lines(g); });
  if (line->gate->state != CheckState::pass) command.said_no();
}

}  // namespace

void verbs(CLI::App& app, Command& command) {
  auto in = std::make_shared<FlowIn>();
  auto* flow = app.add_subcommand("flow", "What pushes, data and people have started, newest first");
  flow->add_option("id", in->id, "One flow");
  flow->add_option("--commit", in->commit, "The flow of this pushed commit (or its first digits)");
  flow->add_option("--model", in->model, "Only flows of this model");
  flow->add_flag("--wait", in->wait,
                 "Wait until it has ended or people have to act; exit code 1 when rejected or failed");
  flow->add_option("--timeout", in->timeout, "Wait at most so long");
  flow->add_flag("--log", in->log, "Print what its stages printed");
  flow->callback([flow, in, &command] {
    if (flow->get_subcommands().empty()) flow_verb(command, *in);
  });
  auto started = std::make_shared<FlowIn>();
  auto* start = flow->add_subcommand("start", "Start a flow at the newest pushed commit");
  start->add_option("model", started->model, "The model")->required();
  start->add_option("--set", started->set, "NAME=VALUE: a parameter, overridden");
  start->callback([started, &command] { start_verb(command, *started); });
  auto stopped = std::make_shared<FlowStop>();
  auto* stop = flow->add_subcommand("stop", "Stop a flow");
  stop->add_option("id", stopped->id.text, "The flow")->required();
  stop->add_option("--reason", stopped->reason, "Why");
  stop->callback([stopped, &command] {
    auto client = command.client();
    if (!client) return command.failed(client.error());
    command.finish(
        client->call<Flow>(Method::POST, api("/flows/" + net::percent_encode(stopped->id.text) + "/stop"), *stopped),
        [&](const Flow& f) { command.print(f, [](const Flow& x) { return lines(x); }); });
  });

  auto judged = std::make_shared<std::pair<std::string, std::string>>();
  auto* gate = app.add_subcommand("gate", "What the gate saw of a version; exit code 1 unless it passed");
  gate->add_option("version", judged->first, "MODEL@VERSION")->required();
  gate->add_option("--junit", judged->second, "Also write it as JUnit XML");
  gate->callback([judged, &command] { gate_verb(command, judged->first, judged->second); });

  auto shown = std::make_shared<std::string>();
  auto* model = app.add_subcommand("model", "The models, or the versions of one");
  model->add_option("name", *shown, "One model");
  model->callback([shown, &command] {
    auto client = command.client();
    if (!client) return command.failed(client.error());
    if (shown->empty())
      return command.finish(client->get<List<ModelLine>>(api("/models")),
                            [&](const auto& list) { command.print(list, [](const auto& l) { return lines(l); }); });
    command.finish(client->get<ModelPage>(api("/models/" + net::percent_encode(*shown))),
                   [&](const auto& page) { command.print(page, [](const auto& p) { return lines(p); }); });
  });

  auto deployed = std::make_shared<std::pair<std::string, std::string>>();
  auto* deploy = app.add_subcommand("deploy", "Roll out a version that its gate let through");
  deploy->add_option("version", deployed->first, "MODEL@VERSION")->required();
  deploy->add_option("--endpoint", deployed->second,
                     "The endpoint (default: that of pawl.yaml, else the model's name)");
  deploy->callback([deployed, &command] {
    const auto version = read_version_name(deployed->first);
    if (!version) return command.failed(version.error());
    auto client = command.client();
    if (!client) return command.failed(client.error());
    const DeployAsk ask{.model = version->name, .endpoint = deployed->second, .version = version->version};
    command.finish(client->call<Rollout>(Method::POST, api("/deployments"), ask),
                   [&](const Rollout& r) { command.print(r, [](const Rollout& x) { return lines(x); }); });
  });

  auto back = std::make_shared<RollbackAsk>();
  auto* rollback = app.add_subcommand("rollback", "Bring the version before back to an endpoint");
  rollback->add_option("endpoint", back->name, "The endpoint")->required();
  rollback->add_option("--reason", back->reason, "Why");
  rollback->callback([back, &command] {
    auto client = command.client();
    if (!client) return command.failed(client.error());
    command.finish(
        client->call<Rollout>(Method::POST, api("/endpoints/" + net::percent_encode(back->name) + "/rollback"), *back),
        [&](const Rollout& r) {
          command.print(r, [](const Rollout& x) {
            return lines(x) + "  " + version_name(x.model, x.from) + " answers everything again and is the champion\n";
          });
        });
  });

  auto next = std::make_shared<PromoteAsk>();
  auto* promote =
      app.add_subcommand("promote", "The next step of an endpoint's rollout now, whatever this one waits for");
  promote->add_option("endpoint", next->name, "The endpoint")->required();
  promote->add_option("--reason", next->reason, "Why")->required();
  promote->callback([next, &command] {
    auto client = command.client();
    if (!client) return command.failed(client.error());
    command.finish(
        client->call<Rollout>(Method::POST, api("/endpoints/" + net::percent_encode(next->name) + "/promote"), *next),
        [&](const Rollout& r) { command.print(r, [](const Rollout& x) { return lines(x); }); });
  });

  auto asked = std::make_shared<WhyThenAsk>();
  auto* why = app.add_subcommand("why",
                                 "From one prediction back to the version, its gate and approver, run, commit, data "
                                 "and files; or what answered when");
  why->add_option("what", asked->name, "A prediction's id; with --at an endpoint")->required();
  auto* when = why->add_option("--at", asked->at, "Which versions of this endpoint answered at that time (RFC 3339)");
  why->callback([asked, when, &command] {
    auto client = command.client();
    if (!client) return command.failed(client.error());
    if (when->count() > 0)
      return command.finish(client->get<WhyThen>(api("/endpoints/" + net::percent_encode(asked->name) +
                                                     "/why?at=" + net::percent_encode(asked->at))),
                            [&](const auto& w) { command.print(w, [](const WhyThen& x) { return lines(x); }); });
    command.finish(client->get<Why>(api("/why/" + net::percent_encode(asked->name))),
                   [&](const Why& w) { command.print(w, [](const Why& x) { return lines(x); }); });
  });

  plan_verbs(app, command);
  restore_verb(app, command);
}

}  // namespace pawl::delivery
