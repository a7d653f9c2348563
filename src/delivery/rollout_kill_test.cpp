// A server that is killed anywhere in a rollout: from some write of its database file on every write fails, as for a process that is gone. The next
// server has only the file. Once for every commit of a rollout, before and after its bytes are written.
#include <sqlite3.h>

#include "core/testing.h"
#include "delivery/stand_in.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::delivery;
using namespace std::chrono_literals;

namespace {

// ---- SQLite's own file layer, but for a number of syncs after which it is dead ----

std::atomic<int> syncs_seen{0}, dies_after{-1};
std::atomic<bool> bytes_written{false}, dead{false};
int (*real_open)(sqlite3_vfs*, const char*, sqlite3_file*, int, int*) = nullptr;
int (*real_write)(sqlite3_file*, const void*, int, sqlite3_int64) = nullptr;
int (*real_sync)(sqlite3_file*, int) = nullptr;
// Before: dead once that many commits are durable. After: the next one's bytes are in the file too, but nobody hears of it.
void dies(int after, bool written) {
  syncs_seen = 0, dies_after = after, bytes_written = written;
  dead = after == 0 && !written;
}
int dying_write(sqlite3_file* f, const void* p, int n, sqlite3_int64 at) {
  return dead ? SQLITE_IOERR_WRITE : real_write(f, p, n, at);
}
int dying_sync(sqlite3_file* f, int flags) {
  if (!dead && bytes_written && syncs_seen == dies_after) dead = true;
  if (dead) return SQLITE_IOERR_FSYNC;
  const int rc = real_sync(f, flags);
  if (++syncs_seen == dies_after && !bytes_written) dead = true;
  return rc;
}
int dying_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  static std::mutex mutex;
  static std::map<const sqlite3_io_methods*, std::unique_ptr<sqlite3_io_methods>> wrapped;
  const int rc = real_open(vfs, name, file, flags, out);
  if (rc != SQLITE_OK || file->pMethods == nullptr) return rc;
  const std::scoped_lock lock(mutex);
  auto& mine = wrapped[file->pMethods];
  if (!mine) {
    mine = std::make_unique<sqlite3_io_methods>(*file->pMethods);
    real_write = mine->xWrite, real_sync = mine->xSync;
    mine->xWrite = dying_write, mine->xSync = dying_sync;
  }
  file->pMethods = mine.get();
  return rc;
}
void install() {
  static sqlite3_vfs vfs = *sqlite3_vfs_find(nullptr);
  if (real_open != nullptr) return;
  real_open = vfs.xOpen;
  vfs.xOpen = dying_open;
  vfs.zName = "dying";
  sqlite3_vfs_register(&vfs, 0);
}

// ---- the rollout ----

std::string quick_config() {
  std::string text(whole_config);
  const auto put = [&](std::string_view old, std::string_view in) { text.replace(text.find(old), old.size(), in); };
  put("  replay: true\n", "");
  put("hold: {time: 10m", "hold: {time: 2s");
  return text;
}

// A server on a database file. What the rooms below keep besides it (versions, tasks, traffic) outlives every server.
struct Server : Bench {
  Server(const std::filesystem::path& file, const StandIn& others, Time now, bool dying)
      : Bench({.file = file, .vfs = dying ? "dying" : ""}) {
    static std::size_t starts = 0;
    std::string used(1000 * ++starts, '\0');
    house.random.fill(used);  // no number is drawn twice
    below = others;
    below.keeps = true;
    house.clock.set(now);
    (void)house.store->read([&](Tx& tx) { return below.read_kept(tx); });
  }
  // One turn: what is due, then two seconds. False: it has died.
  bool turn(const Tallied& seen) {
    const auto all = house.read([&](Call& call) { return rows::rollouts(call.tx, "arrival-delay"); });
    if (!all) return false;
    if (!all->empty() && all->front().rollout.state == RolloutState::stepping) traffic(all->front().rollout, seen);
    if (!worker->run_until_idle()) return false;
    house.clock.pass(2s);
    return !dead;
  }
};

struct Story {
  std::string name{};
  Tallied seen{};  // of every step
  RolloutState ends{};
  FlowState flow{};
  std::int64_t live = 0;
  int steps = 0;
};

struct Setting {
  store::ScratchFolder folder;
  StandIn others;
  Time now;
  std::string approval;
  Setting() {
    Server first(folder.path / "before.db", {}, Time{1'385'000'000'000'000}, false);
    first.in_force(quick_config());
    first.go_live();
    first.push();
    first.inspected(quick_config());
    first.trained();
    first.evaluated(first.good());
    approval = first.newest().approval;
    REQUIRE(first.newest().state == FlowState::waiting);
    others = first.below, now = first.house.clock.now();
  }
  std::filesystem::path fresh(const std::string& name) {
    const auto to = folder.path / name;
    std::filesystem::remove(to.string() + "-wal"), std::filesystem::remove(to.string() + "-shm");
    std::filesystem::copy_file(folder.path / "before.db", to, std::filesystem::copy_options::overwrite_existing);
    return to;
  }
};

// What must be true whenever a server starts: the weights are those of the rollout's state.
void check_consistent(Server& server) {
  const auto all = server.house.read([&](Call& call) { return rows::rollouts(call.tx, "arrival-delay"); }).value();
  REQUIRE_FALSE(all.empty());
  const Weights& now = server.below.routing["arrival-delay"];
  const Rollout& r = all.front().rollout;
  if (r.to == 1) return;  // the second rollout has not begun
  if (r.state == RolloutState::stepping) {
    REQUIRE(now.shares.size() == 2);
    CHECK(now.shares[1].share == r.share);
    CHECK(now.rollout == r.id.text);
    CHECK(now.step == r.step);
  } else {
    REQUIRE(now.shares.size() == 1);
    CHECK(now.live() == (r.state == RolloutState::done ? 2 : 1));
  }
  CHECK(server.below.aliases["arrival-delay/champion"] == now.live());
}

// The story with a server that dies after `commits` of its commits; the next one ends it. How many commits there were in all.
int tell(Setting& setting, const Story& story, int commits, bool written) {
  const auto file = setting.fresh("run.db");
  StandIn others;
  Time now;
  {
    Server server(file, setting.others, setting.now, true);
    dies(commits, written);
    server.house.authorizer.who_is = server.olga;
    (void)server.house.write([&](Call& call) {
      return server.team.vote(call, {.id = {setting.approval}, .vote = team::VoteWord::grant, .comment = ""});
    });
    for (int i = 0; i < 40 && server.turn(story.seen); ++i) {}
    others = server.below, now = server.house.clock.now();
  }
  const int seen = syncs_seen;
  CHECK(dead == (commits >= 0));
  dies(-1, false);
  Server next(file, others, now + 1s, false);
  check_consistent(next);
  next.house.authorizer.who_is = next.olga;
  (void)next.house.write([&](Call& call) {  // a vote that was not kept is given again
    return next.team.vote(call, {.id = {setting.approval}, .vote = team::VoteWord::grant, .comment = ""});
  });
  for (int i = 0; i < 40; ++i) next.turn(story.seen);
  check_consistent(next);
  const Rollout r = next.rollout(next.newest().rollout);
  CHECK(r.state == story.ends);
  CHECK(next.newest().state == story.flow);
  CHECK(next.below.routing["arrival-delay"].live() == story.live);
  CHECK(next.below.routing["arrival-delay"].shares.size() == 1);
  CHECK(next.told("rollout.started").size() == 2);
  CHECK(std::ssize(next.told("rollout.stepped")) == story.steps);
  CHECK(next.told("rollout.done").size() == (story.ends == RolloutState::done ? 2 : 1));
  CHECK(next.told("rollout.rolled_back").size() == (story.ends == RolloutState::done ? 0 : 1));
  CHECK(next.house.read([&](Call& call) { return store::verify_ledger(call.tx); }).value().whole);
  return seen;
}

}  // namespace

TEST_CASE("a server that is killed at any commit of a rollout goes on where it was") {
  install();
  Setting setting;
  for (const Story& story :
       {Story{"goes live", {.rows = 600, .requests = 600, .p99_ms = 1}, RolloutState::done, FlowState::done, 2, 2},
        Story{"comes back",
              {.rows = 90, .requests = 120, .errors = 30},
              RolloutState::rolled_back,
              FlowState::rejected,
              1,
              1}}) {
    CAPTURE(story.name);
    const int commits = tell(setting, story, -1, false);
    CHECK(commits > 15);
    for (int n = 0; n <= commits; ++n)
      for (const bool written : {false, true}) {
        if (n == commits && written) continue;  // there is no later one
        CAPTURE(n);
        CAPTURE(written);
        tell(setting, story, n, written);
      }
  }
}
