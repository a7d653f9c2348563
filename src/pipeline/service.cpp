#include "pipeline/service.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "core/json.h"
#include "pipeline/rows.h"

namespace pawl::pipeline {
namespace {

constexpr int attempts_max = 5;                    // runners that may be lost over one task
constexpr std::int64_t log_bytes_max = 256 << 20;  // of one task; past it pieces are taken and dropped
constexpr std::int64_t finished_looked_at =
    50;  // pipelines of any model, newest first, to find this model's last output in
constexpr std::size_t log_piece_max = 1 << 20;  // of one answer

bool good_name(std::string_view name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !name.empty() && name.front() != '.' && name.front() != '-' && name.find_first_not_of(allowed) == name.npos;
}
bool good_commit(std::string_view id) {
  return (id.size() == 40 || id.size() == 64) && id.find_first_not_of("0123456789abcdef") == id.npos;
}
bool good_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && id.find_first_not_of("0123456789abcdef") == id.npos;
}

}  // namespace

Service::Service(store::Store& store, access::Service& access, datasets::Service& datasets, registry::Service& registry,
                 std::filesystem::path logs)
    : store_(store), access_(access), datasets_(datasets), registry_(registry), logs_(std::move(logs)) {}

Result<void> Service::prepare() {
  TRY(running, store_.read_for<std::vector<rows::Holding>>([](Tx& tx) { return rows::running_pipelines(tx); }));
  std::lock_guard hold(mutex_);
  for (const auto& r : running) holding_[r.flow] = r.epoch;
  return {};
}

bool Service::alive(std::string_view flow, std::int64_t epoch) const {
  std::lock_guard hold(mutex_);
  const auto at = holding_.find(flow);
  return at != holding_.end() && at->second == epoch;
}

void Service::holds(Tx& tx, const jobs::Job& job, bool held) {
  if (job.kind != word(TaskKind::pipeline)) return;
  tx.after_commit([this, flow = job.flow, epoch = job.epoch, held] {
    std::lock_guard hold(mutex_);
    if (held)
      holding_[flow] = epoch;
    else if (const auto at = holding_.find(flow); at != holding_.end() && at->second <= epoch)
      holding_.erase(at);
  });
}

Result<Repository> Service::add_repository(Call& call, const NewRepository& in) {
  if (!good_name(in.name))
    return fail(Code::invalid, "name: letters, digits, '-', '_' and '.', got '" + in.name + "'", "name");
  // A url is handed to git, which takes `ext::sh -c …` for a command and a leading dash for an option.
  if (in.url.starts_with('-') || in.url.contains("::") || in.url.find_first_of("\n\r") != in.url.npos)
    return fail(Code::invalid, "url: a path, or https://, ssh:// or file://, got '" + in.url + "'", "url");
  if (in.branch.empty() || in.branch.starts_with('-') || in.branch.find_first_of(" ~^:?*[\\\n") != in.branch.npos ||
      in.branch.contains(".."))
    return fail(Code::invalid, "branch: '" + in.branch + "' is no name of a branch", "branch");
  TRY(made, rows::insert_repository(call.tx, in, call.project, call.now()));
  if (!made) return fail(Code::exists, "there is a repository '" + in.name + "' already", "name");
  call.tell({.what = "repo.added", .subject_kind = "repo", .subject = in.name});
  return find_repository(call.tx, in.name);
}

Result<RepositoryList> Service::repositories(Tx& tx) {
  TRY(items, rows::repositories(tx));
  return RepositoryList{std::move(items)};
}

Result<Repository> Service::find_repository(Tx& tx, const std::string& name) {
  TRY(found, rows::find_repository(tx, name));
  if (!found)
    return fail(Code::missing, "there is no repository '" + name + "': `pawl repo add URL` declares one", "name");
  return std::move(*found);
}

Result<HookToken> Service::hook_token(Call& call, const std::string& name) {
  TRY_(find_repository(call.tx, name));
  TRY(made, access_.make_token(call, access::TokenKind::repo, {}, name, "hook of " + name));
  return HookToken{made.id, made.token};
}

Result<PushTaken> Service::push(Call& call, const Push& in) {
  TRY_(find_repository(call.tx, in.name));
  if (in.ref.starts_with("refs/pawl/")) return PushTaken{};  // a runner has pinned the commit of a version
  if (!in.ref.starts_with("refs/")) return fail(Code::invalid, "ref: expected refs/…, got '" + in.ref + "'", "ref");
  if (!good_commit(in.after))
    return fail(Code::invalid, "after: expected a commit id of 40 hex digits, got '" + in.after + "'", "after");
  if (!in.before.empty() && !good_commit(in.before))
    return fail(Code::invalid, "before: expected a commit id of 40 hex digits, got '" + in.before + "'", "before");
  std::string data =
      "{\"ref\":" + encode(in.ref) + ",\"before\":" + encode(in.before) + ",\"after\":" + encode(in.after) + "}";
  return PushTaken{
      call.tell({.what = "repo.pushed", .subject_kind = "repo", .subject = in.name, .data = std::move(data)})};
}

Result<jobs::JobId> Service::ask(Call& call, TaskKind kind, const std::string& flow, std::string payload,
                                 const std::string& key) {
  return jobs::add(call, {.kind = std::string(word(kind)),
                          .payload = std::move(payload),
                          .flow = flow,
                          .attempts_max = attempts_max,
                          .key = key});
}
Result<jobs::JobId> Service::ask_inspect(Call& call, const InspectAsk& in, const std::string& flow) {
  return ask(call, TaskKind::inspect, flow, encode(in), in.repo + " " + in.ref + " " + in.commit);
}
Result<jobs::JobId> Service::ask_pipeline(Call& call, const PipelineAsk& in) {
  return ask(call, TaskKind::pipeline, in.flow, encode(in), in.flow);
}
Result<jobs::JobId> Service::ask_evaluate(Call& call, const std::string& flow, Json payload) {
  return ask(call, TaskKind::evaluate, flow, std::move(payload.text), flow);
}

Result<TaskResult> Service::result(Tx& tx, const jobs::JobId& id) {
  TRY(job, jobs::find(tx, id));
  const auto kind = from_word<TaskKind>(job.kind);
  if (!kind) return fail(Code::missing, "job " + id.text + " is no task of a runner");
  if (job.state == jobs::JobState::waiting || job.state == jobs::JobState::running)
    return fail(Code::busy, "task " + id.text + " has not ended yet");
  return TaskResult{
      *kind, job.state == jobs::JobState::done, {job.result.empty() ? "null" : job.result}, job.error, job.flow};
}

Result<void> Service::drop_tasks(Call& call, const std::string& flow) {
  TRY(all, jobs::of_flow(call.tx, flow));
  for (const auto& job : all) {
    if (!from_word<TaskKind>(job.kind)) continue;
    TRY_(jobs::drop(call, job.id));
    holds(call.tx, job, false);
  }
  return {};
}

Result<Claimed> Service::claim(Call& call, const ClaimAsk& in) {
  seen_us_ = call.now().us;
  std::vector<std::string> kinds;
  for (const auto kind :
       in.kinds.empty() ? std::vector{TaskKind::inspect, TaskKind::pipeline, TaskKind::evaluate} : in.kinds)
    kinds.emplace_back(word(kind));
  TRY(job, jobs::claim(call, kinds, in.runner, lease_time));
  if (!job) return Claimed{};
  Claimed out{.id = job->id.text,
              .epoch = job->epoch,
              .kind = from_word<TaskKind>(job->kind),
              .payload = {job->payload},
              .lease_seconds = std::chrono::duration_cast<std::chrono::seconds>(lease_time).count()};
  if (out.kind == TaskKind::pipeline) {
    out.token = access_.flow_token(job->flow, job->epoch);
    holds(call.tx, *job, true);
  }
  return out;
}

Result<LeaseUntil> Service::renew(Call& call, const Held& in) {
  seen_us_ = call.now().us;
  TRY(until, jobs::renew(call, {in.id}, in.epoch, lease_time));
  return LeaseUntil{to_rfc3339(until)};
}

void Service::ended(Call& call, const jobs::Job& job, bool ok) {
  holds(call.tx, job, false);
  call.tell({.what = "task.ended",
             .subject_kind = "task",
             .subject = job.id.text,
             .flow = job.flow,
             .data = "{\"kind\":" + encode(job.kind) + ",\"ok\":" + (ok ? "true" : "false") + "}"});
}

Result<Nothing> Service::finish(Call& call, const FinishAsk& in) {
  seen_us_ = call.now().us;
  if (!in.ok) {
    TRY(job, jobs::fail(call, {in.id}, in.epoch,
                        Error{Code::unavailable, in.error.empty() ? "no reason given" : in.error, {}, {}}, !in.again));
    holds(call.tx, job, false);
    return Nothing{};  // when it is dead, take_event() says that it ended
  }
  TRY(job, jobs::finish(call, {in.id}, in.epoch, in.result.text));
  if (job.kind == word(TaskKind::pipeline)) {
    TRY(asked, decode<PipelineAsk>(job.payload, {.unknown = UnknownKeys::ignore}));
    TRY(result, decode<PipelineResult>(in.result.text, {.unknown = UnknownKeys::ignore}));
    for (const auto& seen : result.datasets) TRY_(datasets_.record(call, asked.repo, asked.flow, seen));
  }
  ended(call, job, true);
  return Nothing{};
}

Result<void> Service::take_event(Call& call, const store::LedgerEvent& event) {
  if (event.what != "job.dead") return {};
  TRY(job, jobs::find(call.tx, {event.subject.id}));
  if (from_word<TaskKind>(job.kind)) ended(call, job, false);
  return {};
}

Result<Registered> Service::registered(Call& call, const Held& in) {
  TRY(job, jobs::find(call.tx, {in.id}));
  if (job.state != jobs::JobState::running || job.epoch != in.epoch)
    return fail(Code::conflict, "task " + in.id + " is no longer held by epoch " + std::to_string(in.epoch), "epoch");
  TRY(asked, decode<PipelineAsk>(job.payload, {.unknown = UnknownKeys::ignore}));
  Registered out;
  TRY(versions, registry_.by_flow(call.tx, job.flow));
  for (const auto& v : versions)
    if (v.flow_epoch == in.epoch && (!out.version || v.number >= out.version->version))
      out.version = VersionRef{v.name, v.number};
  TRY(done, rows::finished_pipelines(call.tx, finished_looked_at));
  for (const auto& one : done) {
    auto before = decode<PipelineAsk>(one.payload, {.unknown = UnknownKeys::ignore});
    auto result = decode<PipelineResult>(one.result, {.unknown = UnknownKeys::ignore});
    if (!before || !result || before->model != asked.model || !result->version || !result->output) continue;
    out.newest_output = result->output->sha256;
    break;
  }
  return out;
}

Result<Nothing> Service::log(Ask& ask, const LogPiece& in) {
  if (!good_id(in.id)) return fail(Code::missing, "there is no task '" + in.id + "'", "id");
  if (in.offset < 0) return fail(Code::invalid, "offset: expected a count of bytes", "offset");
  seen_us_ = ask.now().us;
  TRY_(store_.read([&](Tx& tx) -> Result<void> {
    TRY(job, jobs::find(tx, {in.id}));
    if (job.epoch != in.epoch)
      return fail(Code::conflict, "task " + in.id + " is in epoch " + std::to_string(job.epoch), "epoch");
    return {};
  }));
  if (in.offset + static_cast<std::int64_t>(in.text.size()) > log_bytes_max) return Nothing{};
  std::error_code ec;
  std::filesystem::create_directories(logs_, ec);
  const auto path = logs_ / (in.id + ".log");
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (in.offset == 0 ? O_TRUNC : 0), 0640);
  if (fd < 0) return fail(Code::unavailable, "the log cannot be written", {}, std::strerror(errno));
  std::size_t done = 0;
  while (done < in.text.size()) {
    const auto n =
        ::pwrite(fd, in.text.data() + done, in.text.size() - done, in.offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      ::close(fd);
      return fail(Code::unavailable, "the log cannot be written", {}, std::strerror(errno));
    }
    done += static_cast<std::size_t>(n);
  }
  ::close(fd);
  return Nothing{};
}

Result<LogText> Service::read_log(const LogAsk& in) {
  if (!good_id(in.id)) return fail(Code::missing, "there is no task '" + in.id + "'", "id");
  LogText out{.text = {}, .next = std::max<std::int64_t>(in.from, 0)};
  const int fd = ::open((logs_ / (in.id + ".log")).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return out;  // nothing was printed yet
  out.text.resize(log_piece_max);
  const auto n = ::pread(fd, out.text.data(), out.text.size(), out.next);
  ::close(fd);
  out.text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  out.next += static_cast<std::int64_t>(out.text.size());
  return out;
}

Result<TaskList> Service::tasks(Tx& tx, const std::string& flow) {
  TaskList out;
  if (flow.empty()) {
    TRY(items, rows::newest_tasks(tx, 200));
    out.items = std::move(items);
    return out;
  }
  TRY(all, jobs::of_flow(tx, flow));
  for (const auto& job : all)
    if (from_word<TaskKind>(job.kind))
      out.items.push_back({.id = job.id.text,
                           .kind = job.kind,
                           .flow = job.flow,
                           .state = std::string(word(job.state)),
                           .runner = job.holder,
                           .created = to_rfc3339(job.created),
                           .error = job.error,
                           .epoch = job.epoch,
                           .attempts = job.attempts});
  return out;
}

Result<bool> Service::work_waits(Tx& tx) { return rows::unfinished(tx); }

}  // namespace pawl::pipeline
