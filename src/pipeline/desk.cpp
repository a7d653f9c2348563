#include "pipeline/desk.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "core/log.h"
#include "store/files.h"

extern char** environ;

namespace pawl::pipeline {
namespace {

constexpr auto hold_max = std::chrono::seconds(20);
// Leases run out without a word: waiting runners and the lost runner are looked at this often.
constexpr auto look_every = std::chrono::seconds(5);
constexpr Micros runner_lost_after = std::chrono::seconds(22);  // longer than an ask may wait

int not_started(const std::string& why) {
  log::error("runner.not_started", {{"why", why}});
  return -1;
}

net::Response answer(const Claimed& claimed) { return net::json_response(shape<Claimed>, &claimed); }
net::Response closing() { return answer({.closing = true}); }

}  // namespace

Desk::Desk(store::Store& store, Service& service, const Clock& clock, std::function<int()> start_runner)
    : store_(store), service_(service), clock_(clock), start_runner_(std::move(start_runner)) {}

void Desk::start() {
  store_.on_notice([this](std::string_view topic) {
    if (topic == "jobs") wake();
  });
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Desk::~Desk() { close(); }

void Desk::close() {
  thread_.request_stop();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::unique_lock hold(mutex_);
  closed_ = true;
  changed_.wait(hold, [this] { return trying_ == 0; });
  auto left = std::move(waiting_);
  waiting_.clear();
  hold.unlock();
  for (auto& one : left) one->reply(closing());
}

void Desk::wake() {
  {
    std::lock_guard hold(mutex_);
    work_ = true;
  }
  changed_.notify_all();
}

void Desk::take(Ask ask, const std::shared_ptr<const net::Request>& request, net::Reply reply) {
  auto in = decode<ClaimAsk>(request->body);
  if (!in) return reply(std::unexpected(in.error()));
  auto one = std::make_shared<Waiting>(
      Waiting{std::move(ask), std::move(*in), std::move(reply), std::chrono::steady_clock::now() + hold_max});
  {
    std::lock_guard hold(mutex_);
    if (closed_) return one->reply(closing());
    ++trying_;
  }
  try_claim(one);
}

// Ends on the store's thread: with a task, with none and no wish to wait, or back at the desk.
void Desk::try_claim(const std::shared_ptr<Waiting>& one) {
  auto found = std::make_shared<Claimed>();
  store_.write_async(
      [this, one, found](Tx& tx) -> Result<void> {
        Call call(tx, one->ask);
        TRY(claimed, service_.claim(call, one->in));
        *found = std::move(claimed);
        return {};
      },
      [this, one, found](Result<void> done) {
        const bool leave =
            !done || !found->id.empty() || !one->in.wait || std::chrono::steady_clock::now() >= one->until;
        if (leave) {
          if (!done)
            one->reply(std::unexpected(done.error()));
          else
            one->reply(answer(*found));
        }
        // Under the lock until the end: the destructor waits for trying_ and then takes everything away.
        std::lock_guard hold(mutex_);
        --trying_;
        if (!leave) waiting_.push_back(one);
        changed_.notify_all();
      });
}

void Desk::run(const std::stop_token& stop) {
  look_after_runner();
  auto next_look = std::chrono::steady_clock::now() + look_every;
  while (!stop.stop_requested()) {
    std::vector<std::shared_ptr<Waiting>> now;
    {
      std::unique_lock hold(mutex_);
      changed_.wait_until(hold, stop, next_look, [this] { return work_; });
      if (stop.stop_requested()) return;
      work_ = false;
      now.swap(waiting_);
      trying_ += static_cast<int>(now.size());
    }
    for (auto& one : now) try_claim(one);
    next_look = std::chrono::steady_clock::now() + look_every;
    look_after_runner();
  }
}

void Desk::look_after_runner() {
  if (!start_runner_) return;
  bool lost = false;  // it ends well when another one has the work folder
  if (int status = 0; runner_ > 0 && ::waitpid(runner_, &status, WNOHANG) == runner_) {
    runner_ = -1;
    lost = status != 0;
  }
  if (!lost && service_.runner_seen_since(clock_.now() - runner_lost_after)) return;
  auto waits = store_.read_for<bool>([this](Tx& tx) { return service_.work_waits(tx); });
  if (!waits || !*waits || runner_ > 0) return;
  runner_ = start_runner_();
}

int start_local_runner(const LocalRunner& runner) {
  std::error_code ec;
  const auto work = runner.data / "runner", logs = runner.data / "logs", token = runner.data / "keys" / "runner.token";
  std::filesystem::create_directories(work, ec);
  std::filesystem::create_directories(logs, ec);
  if (auto known = store::read_file(token); !known || *known != runner.token)
    if (auto written = store::write_file(token, runner.token); !written) return not_started(written.error().message);
  ::chmod(token.c_str(), 0600);
  // A runner that is there already learns from this file where its server is now.
  if (auto written = store::write_file(work / "server", runner.server); !written)
    return not_started(written.error().message);

  std::vector<std::string> argv{"pawl",        "runner",      "--local",
                                "--server",    runner.server, "--work",
                                work.string(), "--cache",     (runner.data / "cache").string()};
  std::vector<std::string> environment;
  for (char** e = environ; *e; ++e)
    if (const std::string_view text = *e; !text.starts_with("PAWL_TOKEN")) environment.emplace_back(text);
  environment.push_back("PAWL_TOKEN_FILE=" + token.string());
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (auto& t : texts) out.push_back(t.data());
    out.push_back(nullptr);
    return out;
  };
  auto args = pointers(argv), env = pointers(environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, (logs / "runner.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0640);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);  // it outlives us and must not keep our port
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigfillset(&defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes,
                           static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, args.data(), env.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed) return not_started(std::strerror(failed));
  log::info("runner.started", {{"pid", pid}});
  return pid;
}

}  // namespace pawl::pipeline
