// A server that is killed anywhere in a rollout: from some write of its database file on every write fails, as for a process that is gone. The next
// server has only the file. Once for every commit of a rollout, before and after its bytes are written.
#include "core/testing.h"
#include "delivery/stand_in.h"
#include "store/dying.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::delivery;
using namespace std::chrono_literals;

namespace {

// ---- what the stand-in keeps in the store ----

Result<void> keep(Tx& tx, const std::string& name, const std::string& value) {
  TRY_(tx.exec(
      Sql{"stand_in.make", "CREATE TABLE IF NOT EXISTS stand_in (name TEXT PRIMARY KEY, value TEXT NOT NULL)"}));
  TRY_(tx.exec(Sql{"stand_in.put",
                   "INSERT INTO stand_in (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = "
                   "excluded.value"},
               name, value));
  return {};
}
Result<void> read_kept(Tx& tx, StandIn& to) {
  to.routing.clear(), to.aliases.clear();
  return tx.each(Sql{"stand_in.all", "SELECT name, value FROM stand_in"}, [&](const Row& row) {
    const std::string name = row.text(0), value = row.text(1);
    if (name.starts_with("alias "))
      to.aliases[name.substr(6)] = std::stoll(value);
    else
      to.routing[name.substr(8)] = *decode<Weights>(value);
  });
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
      : Bench({.file = file, .vfs = dying ? store::dying::install() : ""}) {
    static std::size_t starts = 0;
    std::string used(1000 * ++starts, '\0');
    house.random.fill(used);  // no number is drawn twice
    below = others;
    below.keep = keep;
    house.clock.set(now);
    (void)house.store->read([&](Tx& tx) { return read_kept(tx, below); });
  }
  // One turn: what is due, then two seconds. False: it has died.
  bool turn(const Tallied& seen) {
    const auto all = house.read([&](Call& call) { return rows::rollouts(call.tx, "arrival-delay"); });
    if (!all) return false;
    if (!all->empty() && all->front().rollout.state == RolloutState::stepping) traffic(all->front().rollout, seen);
    if (!worker->run_until_idle()) return false;
    house.clock.pass(2s);
    return !store::dying::dead();
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
    store::dying::die_after(commits, written);
    server.house.authorizer.who_is = server.olga;
    (void)server.house.write([&](Call& call) {
      return server.team.vote(call, {.id = {setting.approval}, .vote = team::VoteWord::grant, .comment = ""});
    });
    for (int i = 0; i < 40 && server.turn(story.seen); ++i) {}
    others = server.below, now = server.house.clock.now();
  }
  const int seen = store::dying::commits();
  CHECK(store::dying::dead() == (commits >= 0));
  store::dying::live_on();
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
