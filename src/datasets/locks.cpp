#include "datasets/locks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>

#include "core/json.h"
#include "store/files.h"

namespace pawl::datasets {
namespace fs = std::filesystem;
namespace {

constexpr int tries_max = 6;
constexpr auto between_tries = std::chrono::milliseconds(500);

struct Holder {
  std::int64_t pid = 0;
  std::string cmd{};
  bool operator==(const Holder&) const = default;
  static constexpr auto fields = std::tuple{field("pid", &Holder::pid), field("cmd", &Holder::cmd)};
};
struct Table {
  std::map<std::string, std::vector<Holder>, std::less<>> read{};
  std::map<std::string, Holder, std::less<>> write{};
  static constexpr auto fields = std::tuple{field("read", &Table::read, {.empty = Empty::hide}),
                                            field("write", &Table::write, {.empty = Empty::hide})};
};

bool alive(std::int64_t pid) { return pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM); }
bool overlap(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && (a.size() == b.size() || b[a.size()] == '/');
}

// flock on rwlock.lock around one edit of the table.
template <class F> Result<void> edit(const fs::path& tmp, F change) {
  std::error_code ec;
  fs::create_directories(tmp, ec);
  const int fd = ::open((tmp / "rwlock.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 || ::flock(fd, LOCK_EX) != 0) {
    if (fd >= 0) ::close(fd);
    return fail(Code::unavailable, "cannot lock '" + (tmp / "rwlock.lock").string() + "': " + std::strerror(errno));
  }
  const auto run = [&]() -> Result<void> {
    Table table;
    if (auto text = store::read_file(tmp / "rwlock"); text && !text->empty()) {
      auto read = decode<Table>(*text, {.unknown = UnknownKeys::ignore});
      if (!read)
        return fail(Code::unavailable,
                    "Unable to read RWLock-file '" + (tmp / "rwlock").string() + "': " + read.error().message);
      table = std::move(*read);
    }
    for (auto at = table.read.begin(); at != table.read.end();) {
      std::erase_if(at->second, [](const Holder& h) { return !alive(h.pid); });
      at = at->second.empty() ? table.read.erase(at) : std::next(at);
    }
    std::erase_if(table.write, [](const auto& entry) { return !alive(entry.second.pid); });
    TRY_(change(table));
    return store::write_file(tmp / "rwlock", encode(table));
  };
  auto done = run();
  ::close(fd);
  return done;
}

}  // namespace

Result<RepoLock> RepoLock::take(const Repo& repo) {
  std::error_code ec;
  fs::create_directories(repo.tmp(), ec);
  const auto path = repo.tmp() / "lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return fail(Code::unavailable, "cannot open '" + path.string() + "': " + std::strerror(errno));
  RepoLock out(fd);
  for (int i = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == tries_max)
      return fail(Code::busy,
                  "Unable to acquire lock. Most likely another DVC process is running or was terminated abruptly. Lock "
                  "file: '" +
                      path.string() + "'");
    std::this_thread::sleep_for(between_tries);  // flock tells nobody when it is free, short of waiting without end
  }
  const auto pid = " " + std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) < 0)
    return fail(Code::unavailable, "cannot write '" + path.string() + "'");
  return out;
}
RepoLock& RepoLock::operator=(RepoLock&& other) noexcept {
  release();
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}
RepoLock::~RepoLock() { release(); }
void RepoLock::release() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<PathLocks> PathLocks::take(const Repo& repo, std::vector<fs::path> reads, std::vector<fs::path> writes,
                                  std::string cmd) {
  const Holder us{::getpid(), std::move(cmd)};
  TRY_(edit(repo.tmp(), [&](Table& table) -> Result<void> {
    const auto busy = [&](const std::string& path, const Holder& by) {
      return fail(Code::busy,
                  "'" + path + "' is busy, it is being blocked by:\n  (PID " + std::to_string(by.pid) + "): " + by.cmd +
                      "\n\nIf there are no processes with such PIDs, you can manually remove '" +
                      (repo.tmp() / "rwlock").string() + "' and try again.",
                  path);
    };
    for (const auto& [list, writing] : {std::pair{&reads, false}, std::pair{&writes, true}})
      for (const auto& p : *list) {
        const auto path = p.string();
        for (const auto& [other, by] : table.write)
          if (by.pid != us.pid && overlap(path, other)) return busy(path, by);
        if (!writing) continue;
        for (const auto& [other, readers] : table.read)
          for (const auto& by : readers)
            if (by.pid != us.pid && overlap(path, other)) return busy(path, by);
      }
    for (const auto& p : reads) table.read[p.string()].push_back(us);
    for (const auto& p : writes) table.write[p.string()] = us;
    return {};
  }));
  PathLocks out;
  out.tmp_ = repo.tmp();
  out.reads_ = std::move(reads);
  out.writes_ = std::move(writes);
  return out;
}

PathLocks::~PathLocks() {
  if (tmp_.empty()) return;
  (void)edit(tmp_, [&](Table& table) -> Result<void> {
    const auto pid = static_cast<std::int64_t>(::getpid());
    for (const auto& p : reads_) {
      const auto at = table.read.find(p.string());
      if (at == table.read.end()) continue;
      if (auto own = std::ranges::find(at->second, pid, &Holder::pid); own != at->second.end()) at->second.erase(own);
      if (at->second.empty()) table.read.erase(at);
    }
    for (const auto& p : writes_)
      if (auto at = table.write.find(p.string()); at != table.write.end() && at->second.pid == pid)
        table.write.erase(at);
    return {};
  });
}

}  // namespace pawl::datasets
