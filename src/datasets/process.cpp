#include "datasets/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

extern char** environ;

namespace pawl::datasets {
namespace {

constexpr auto kill_after = std::chrono::seconds(5);

struct Fd {
  int fd = -1;
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
  void reset() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& t : texts) out.push_back(const_cast<char*>(t.c_str()));
  out.push_back(nullptr);
  return out;
}

// What is the child's stdin, stdout and stderr; -1: ours.
Result<pid_t> start(const std::vector<std::string>& argv, const std::filesystem::path& dir,
                    const std::optional<std::vector<std::string>>& environment, int in, int out, int err,
                    bool own_group) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, static_cast<short>((own_group ? POSIX_SPAWN_SETPGROUP : 0) |
                                                           POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (int s : {SIGPIPE, SIGTERM, SIGINT, SIGHUP}) sigaddset(&defaults, s);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  if (in >= 0)
    posix_spawn_file_actions_adddup2(&actions, in, 0);
  else
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (out >= 0) posix_spawn_file_actions_adddup2(&actions, out, 1);
  if (err >= 0) posix_spawn_file_actions_adddup2(&actions, err, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (!dir.empty()) posix_spawn_file_actions_addchdir_np(&actions, dir.c_str());
  auto args = pointers(argv);
  auto env = environment ? pointers(*environment) : std::vector<char*>{};
  pid_t pid = -1;
  const int failed =
      posix_spawnp(&pid, args[0], &actions, &attributes, args.data(), environment ? env.data() : environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed) return fail(Code::unavailable, "cannot start '" + argv[0] + "': " + std::strerror(failed));
  return pid;
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

}  // namespace

Result<Ended> run(const Spawn& spawn) {
  Fd read_end, write_end;
  if (spawn.on_output) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Code::unavailable, "no pipe", {}, std::strerror(errno));
    read_end.fd = ends[0];
    write_end.fd = ends[1];
  }
  TRY(pid, start(spawn.argv, spawn.dir, spawn.environment, -1, write_end.fd, write_end.fd, spawn.stop.stop_possible()));
  write_end.reset();
  const pid_t child = pid;
  Ended out;
  std::mutex mutex;
  std::condition_variable_any done;
  bool ended = false;
  // The watcher sleeps until the program ends or somebody asks to stop.
  std::jthread watcher;
  if (spawn.stop.stop_possible())
    watcher = std::jthread([&] {
      std::unique_lock hold(mutex);
      done.wait(hold, spawn.stop, [&] { return ended; });
      if (ended) return;
      out.stopped = true;
      ::kill(-child, SIGTERM);
      if (!done.wait_for(hold, kill_after, [&] { return ended; })) ::kill(-child, SIGKILL);
    });
  std::array<char, 1 << 16> buffer;
  while (read_end.fd >= 0) {
    const auto n = ::read(read_end.fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    spawn.on_output(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  }
  int status = 0;
  // Waits without reaping, so that the group's number cannot be somebody else's while the watcher may still signal it.
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
  {
    std::lock_guard hold(mutex);
    ended = true;
  }
  done.notify_all();
  if (watcher.joinable()) watcher.join();
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  out.exit_code = exit_code(status);
  return out;
}

Result<std::string> output_of(const std::vector<std::string>& argv, const std::filesystem::path& dir,
                              std::string_view input) {
  std::array<Fd, 6> ends;
  for (std::size_t i = 0; i < 6; i += 2) {
    int pair[2];
    if (::pipe2(pair, O_CLOEXEC) != 0) return fail(Code::unavailable, "no pipe", {}, std::strerror(errno));
    ends[i].fd = pair[0];
    ends[i + 1].fd = pair[1];
  }
  TRY(pid, start(argv, dir, std::nullopt, ends[0].fd, ends[3].fd, ends[5].fd, false));
  const pid_t child = pid;
  ends[0].reset();
  ends[3].reset();
  ends[5].reset();
  std::string out, err;
  std::size_t sent = 0;
  if (input.empty()) ends[1].reset();
  while (ends[2].fd >= 0 || ends[4].fd >= 0) {
    std::array<pollfd, 3> polls{{{ends[2].fd, POLLIN, 0}, {ends[4].fd, POLLIN, 0}, {ends[1].fd, POLLOUT, 0}}};
    if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) break;
    for (std::size_t i = 0; i < 2; ++i) {
      if (!(polls[i].revents & (POLLIN | POLLHUP | POLLERR))) continue;
      std::array<char, 1 << 16> buffer;
      const auto n = ::read(polls[i].fd, buffer.data(), buffer.size());
      if (n > 0)
        (i == 0 ? out : err).append(buffer.data(), static_cast<std::size_t>(n));
      else
        ends[2 + 2 * i].reset();
    }
    if (polls[2].revents & (POLLOUT | POLLERR)) {
      const auto n = ::write(ends[1].fd, input.data() + sent, std::min<std::size_t>(input.size() - sent, 4096));
      if (n > 0) sent += static_cast<std::size_t>(n);
      if (n <= 0 || sent == input.size()) ends[1].reset();
    }
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (const int code = exit_code(status); code != 0) {
    while (err.ends_with('\n')) err.pop_back();
    std::string command;
    for (std::size_t i = 0; i < std::min<std::size_t>(argv.size(), 4); ++i) command += (i ? " " : "") + argv[i];
    return fail(Code::unavailable,
                "`" + command + "` ended with " + std::to_string(code) + (err.empty() ? "" : ": " + err));
  }
  return out;
}

}  // namespace pawl::datasets
