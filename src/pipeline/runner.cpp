#include "pipeline/runner.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/json.h"
#include "core/log.h"
#include "datasets/cache.h"
#include "store/files.h"

namespace pawl::pipeline {
namespace fs = std::filesystem;
namespace {

constexpr auto renew_every = std::chrono::seconds(4);  // of a lease of 15 s
constexpr auto log_every = std::chrono::milliseconds(500);
constexpr std::size_t log_piece_max = 256 << 10;
constexpr std::size_t log_held_max = 64 << 20;  // while the server is away; past it the middle is left out
constexpr auto retry_first = std::chrono::milliseconds(250), retry_max = std::chrono::milliseconds(5000);
constexpr auto local_waits = std::chrono::seconds(15);  // for a server that restarts
constexpr int depth_max = 32;

std::string target(std::string_view rest) { return "/api/pawl/v1/" + std::string(rest); }
bool connection_lost(const Error& e) {
  return e.code == Code::unavailable || e.code == Code::deadline || e.code == Code::busy;
}

// Waits, or less when asked to stop.
void wait(const std::stop_token& stop, std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock hold(mutex);
  never.wait_for(hold, stop, time, [] { return false; });
}

// Keeps the lease and sends the log while a task runs.
class Keeper {
 public:
  Keeper(std::function<std::unique_ptr<net::Client>()> connect, std::string id, std::int64_t epoch)
      : connect_(std::move(connect)), id_(std::move(id)), epoch_(epoch) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~Keeper() { finish(); }
  void log(std::string_view text) {
    std::lock_guard hold(mutex_);
    if (held_.size() + text.size() <= log_held_max) held_ += text;
  }
  // Sends what is left of the log and ends.
  void finish() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  std::stop_token stopped() const { return lost_.get_token(); }
  void stop_when(std::stop_token outer) {
    outer_.emplace(std::move(outer), [this] { lost_.request_stop(); });
  }

 private:
  void run(const std::stop_token& stop) {
    auto client = connect_();
    auto next_renewal = std::chrono::steady_clock::now() + renew_every;
    while (true) {
      const bool last = stop.stop_requested();
      send_log(client);
      if (last) return;
      if (std::chrono::steady_clock::now() >= next_renewal) {
        auto renewed =
            client->call<LeaseUntil>(net::Method::POST, target("tasks/" + id_ + "/renew"), Held{id_, epoch_});
        if (!renewed && !connection_lost(renewed.error())) {
          log::warn("runner.lease_lost", {{"task", id_}, {"why", renewed.error().message}});
          lost_.request_stop();
          return;
        }
        if (!renewed) client = connect_();  // perhaps the server is somewhere else now
        next_renewal = std::chrono::steady_clock::now() + renew_every;
      }
      wait(stop, log_every);
    }
  }
  void send_log(std::unique_ptr<net::Client>& client) {
    while (true) {
      LogPiece piece{id_, epoch_, sent_, {}};
      {
        std::lock_guard hold(mutex_);
        piece.text = held_.substr(0, log_piece_max);
      }
      if (piece.text.empty()) return;
      auto sent = client->call<Nothing>(net::Method::POST, target("tasks/" + id_ + "/log"), piece);
      if (!sent && connection_lost(sent.error())) return;  // later
      std::lock_guard hold(mutex_);
      held_.erase(0, piece.text.size());
      sent_ += static_cast<std::int64_t>(piece.text.size());
    }
  }

  std::function<std::unique_ptr<net::Client>()> connect_;
  std::string id_;
  std::int64_t epoch_ = 0, sent_ = 0;
  std::mutex mutex_;
  std::string held_;
  std::stop_source lost_;
  std::optional<std::stop_callback<std::function<void()>>> outer_;
  std::jthread thread_;
};

class Runner {
 public:
  Runner(const RunnerSettings& settings, const std::map<TaskKind, TaskCode>& code, std::atomic<int>& busy,
         std::stop_token stop)
      : settings_(settings), code_(code), busy_(busy), stop_(std::move(stop)) {}

  Result<void> run(const std::vector<TaskKind>& kinds) {
    auto client = connect();
    auto delay = retry_first;
    auto answered = std::chrono::steady_clock::now();
    while (!stop_.stop_requested()) {
      auto claimed = client->call<Claimed>(net::Method::POST, target("tasks/claim"),
                                           ClaimAsk{.runner = settings_.name, .kinds = kinds});
      if (!claimed) {
        if (!connection_lost(claimed.error())) return std::unexpected(claimed.error());
        if (settings_.local && busy_ == 0 && std::chrono::steady_clock::now() - answered > local_waits) return {};
        wait(stop_, delay);
        delay = std::min(delay * 2, retry_max);
        client = connect();
        continue;
      }
      delay = retry_first;
      answered = std::chrono::steady_clock::now();
      if (claimed->id.empty()) {
        if (settings_.once || (settings_.local && claimed->closing == true && busy_ == 0)) return {};
        continue;
      }
      ++busy_;
      one(*claimed);
      --busy_;
      answered = std::chrono::steady_clock::now();
      client = connect();
      if (settings_.once) return {};
    }
    return {};
  }

 private:
  // A server that was started again may listen elsewhere: it leaves its address in our folder.
  std::string address() const {
    if (settings_.local)
      if (auto now = store::read_file(settings_.work / "server", 4096); now && now->starts_with("http")) return *now;
    return settings_.server;
  }
  std::unique_ptr<net::Client> connect() const {
    return std::make_unique<net::Client>(net::ClientOptions{.server = address(), .token = settings_.token});
  }

  void one(const Claimed& claimed) {
    const auto start = std::chrono::steady_clock::now();
    const auto kind = claimed.kind.value_or(TaskKind::inspect);
    log::info("runner.task", {{"task", claimed.id}, {"kind", word(kind)}, {"epoch", claimed.epoch}});
    const auto scratch = settings_.work / "tasks" / (claimed.id + "-" + std::to_string(claimed.epoch));
    std::error_code ec;
    fs::remove_all(scratch, ec);
    fs::create_directories(scratch, ec);
    Keeper keeper([this] { return connect(); }, claimed.id, claimed.epoch);
    keeper.stop_when(stop_);
    TaskContext task{.id = claimed.id,
                     .token = claimed.token,
                     .epoch = claimed.epoch,
                     .work = settings_.work,
                     .scratch = scratch,
                     .cache = settings_.cache,
                     .address = [this] { return address(); },
                     .runner_token = settings_.token};
    task.log = [&keeper](std::string_view text) { keeper.log(text); };
    task.stop = keeper.stopped();
    const auto code = code_.find(kind);
    auto result =
        code == code_.end()
            ? Result<std::string>(fail(Code::invalid, "this runner does no " + std::string(word(kind)) + " tasks"))
            : code->second(task, claimed.payload.text);
    if (!result) keeper.log("pawl: " + result.error().message + "\n");
    const bool lost = task.stop.stop_requested();
    FinishAsk done{.id = claimed.id, .epoch = claimed.epoch, .ok = result.has_value()};
    if (result)
      done.result.text = std::move(*result);
    else
      done.error = result.error().message, done.again = false;
    if (lost)
      done = {.id = claimed.id, .epoch = claimed.epoch, .ok = false, .error = "its runner was stopped", .again = true};
    keeper.finish();
    hand_in(done);
    fs::remove_all(scratch, ec);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    log::info("runner.task_done",
              {{"task", claimed.id}, {"ok", done.ok ? "true" : "false"}, {"seconds", took.count()}});
  }

  // Until a server takes it, or says that it is somebody else's.
  void hand_in(const FinishAsk& done) {
    for (auto delay = retry_first;; delay = std::min(delay * 2, retry_max)) {
      auto client = connect();
      auto taken = client->call<Nothing>(net::Method::POST, target("tasks/" + done.id + "/finish"), done);
      if (taken) return;
      if (!connection_lost(taken.error()))
        return log::warn("runner.result_refused", {{"task", done.id}, {"why", taken.error().message}});
      if (stop_.stop_requested()) return;  // the lease runs out, another runner begins again
      wait(stop_, delay);
    }
  }

  const RunnerSettings& settings_;
  const std::map<TaskKind, TaskCode>& code_;
  std::atomic<int>& busy_;  // of all our loops
  std::stop_token stop_;
};

struct FileItem {
  std::string path{};
  bool is_dir = false;
  static constexpr auto fields = std::tuple{field("path", &FileItem::path), field("is_dir", &FileItem::is_dir)};
};
struct FileItems {
  std::vector<FileItem> files{};
  static constexpr auto fields = std::tuple{field("files", &FileItems::files)};
};

Result<void> download_folder(net::Client& server, const std::string& folder, const fs::path& to, int depth) {
  if (depth > depth_max)
    return fail(Code::invalid, "artifacts nested deeper than " + std::to_string(depth_max), folder);
  TRY(list, server.get<FileItems>("/api/2.0/mlflow-artifacts/artifacts?path=" + net::percent_encode(folder)));
  std::error_code ec;
  fs::create_directories(to, ec);
  for (const auto& item : list.files) {
    const auto name = fs::path(item.path).filename().string();
    if (!dvc::stays_inside(name)) return fail(Code::invalid, "an artifact is called '" + name + "'", folder);
    if (item.is_dir)
      TRY_(download_folder(server, dvc::under(folder, name), to / name, depth + 1));
    else
      TRY_(server.download("/api/2.0/mlflow-artifacts/artifacts/" + net::percent_encode(dvc::under(folder, name)),
                           to / name));
  }
  return {};
}

template <class Ask> TaskCode described(auto f) {
  return [f](TaskContext& task, const std::string& payload) -> Result<std::string> {
    TRY(ask, decode<Ask>(payload, {.unknown = UnknownKeys::ignore}));
    TRY(result, f(task, ask));
    return encode(result);
  };
}

}  // namespace

Result<fs::path> TaskContext::object(std::string_view md5) const {
  datasets::Cache known(cache, {datasets::Link::copy});
  TRY(there, known.has(md5));
  if (!there) return fail(Code::missing, "this runner's cache has no object " + std::string(md5), "md5");
  return known.object(md5);
}

Result<void> TaskContext::speak(As as, const std::function<Result<void>(net::Client&)>& talk) const {
  for (auto delay = retry_first;; delay = std::min(delay * 2, retry_max)) {
    net::Client client(
        {.server = address(), .token = as == As::flow ? token : runner_token, .time_max = std::chrono::minutes(10)});
    auto done = talk(client);
    if (done || !connection_lost(done.error()) || stop.stop_requested()) return done;
    wait(stop, delay);
  }
}

Result<void> download_artifacts(net::Client& server, const std::string& folder, const fs::path& to) {
  return download_folder(server, folder, to, 0);
}

Result<void> TaskContext::download(const std::string& folder, const fs::path& to) const {
  return speak(As::runner, [&](net::Client& client) { return download_folder(client, folder, to, 0); });
}

Result<void> TaskContext::upload(const std::string& path, const fs::path& file) const {
  return speak(As::runner, [&](net::Client& client) -> Result<void> {
    TRY(answer, client.upload("/api/2.0/mlflow-artifacts/artifacts/" + net::percent_encode(path), file));
    if (answer.good()) return {};
    return fail(Code::unavailable, "the server does not take '" + path + "'", {}, answer.body);
  });
}

Result<void> run_runner(const RunnerSettings& given, const std::map<TaskKind, TaskCode>& more,
                        const std::stop_token& stop) {
  auto settings = given;
  std::error_code ec;
  settings.work = fs::absolute(settings.work, ec);
  fs::create_directories(settings.work, ec);
  settings.cache = settings.cache.empty() ? settings.work / "cache" : fs::absolute(settings.cache, ec);
  if (settings.name.empty()) {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    settings.name = std::string(host.data()) + ":" + std::to_string(::getpid());
  }
  const auto lock_file = settings.work / "runner.lock";
  const int lock = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (lock < 0) return fail(Code::unavailable, "cannot open '" + lock_file.string() + "'");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    const auto who = store::read_file(lock_file, 32).value_or("");
    return fail(Code::busy,
                "another runner works in '" + settings.work.string() + "'" + (who.empty() ? "" : ": process " + who));
  }
  if (::ftruncate(lock, 0) != 0 || ::dprintf(lock, "%d", ::getpid()) < 0)  // for people who look for it
    log::warn("runner.lock_not_written", {{"file", lock_file.string()}});
  fs::remove_all(settings.work / "tasks", ec);  // what a killed runner left
  ::setenv("GIT_TERMINAL_PROMPT", "0", 1);
  ::setenv("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh", 1);
  ::setenv("PAWL_DVC_CACHE", settings.cache.c_str(), 1);
  auto code = more;
  code[TaskKind::inspect] =
      described<InspectAsk>([](TaskContext& task, const InspectAsk& ask) -> Result<InspectResult> {
        TRY(mirror, Mirror::fetch(task.work, ask.repo, ask.url, ask.commit));
        return inspect(mirror, ask);
      });
  code[TaskKind::pipeline] =
      described<PipelineAsk>([](TaskContext& task, const PipelineAsk& ask) { return run_pipeline(task, ask); });
  std::atomic<int> own = 0;
  auto& busy = settings.busy ? *settings.busy : own;
  log::info("runner.ready", {{"server", settings.server}, {"work", settings.work.string()}});
  Result<void> ran;
  if (settings.once) {
    ran = Runner(settings, code, busy, stop).run({});
  } else {
    // A push is looked at also while something trains: it may replace what waits.
    std::stop_source end;
    const std::stop_callback passed_on(stop, [&end] { end.request_stop(); });
    std::jthread looks([&] {
      if (auto looked = Runner(settings, code, busy, end.get_token()).run({TaskKind::inspect}); !looked)
        log::warn("runner.no_inspections", {{"why", looked.error().message}});
    });
    ran = Runner(settings, code, busy, end.get_token()).run({TaskKind::pipeline, TaskKind::evaluate});
    end.request_stop();
  }
  ::close(lock);
  return ran;
}

}  // namespace pawl::pipeline
