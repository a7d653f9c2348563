#include "jobs/jobs.h"

#include <future>

#include "core/testing.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::jobs;
using namespace std::chrono_literals;

namespace {
struct Bench {
  FakeClock clock;
  SystemRandom random;
  std::unique_ptr<store::Store> store = store::open_or_die();
  template <class F> auto write(F f) {
    using R = std::invoke_result_t<F&, Call&>;
    return store->write_for<typename R::value_type>([&](Tx& tx) -> R {
      Call call(tx, {.who = pawl_itself(), .clock = &clock});
      return f(call);
    });
  }
  JobId add(NewJob n) {
    return write([&](Call& c) { return jobs::add(c, n); }).value();
  }
  std::optional<Job> claim(std::string kind = "k", Micros lease = 60s) {
    const std::vector<std::string> kinds{std::move(kind)};
    return write([&](Call& c) { return jobs::claim(c, kinds, "me", lease); }).value();
  }
  Job find(const JobId& id) {
    return store->read_for<Job>([&](Tx& tx) { return jobs::find(tx, id); }).value();
  }
};
}  // namespace

TEST_CASE("a job is claimed by one, in order, when it is due") {
  Bench b;
  const auto first = b.add({.kind = "k"});
  const auto later = b.add({.kind = "k", .wait = 10s});
  b.add({.kind = "other"});
  CHECK(b.claim()->id == first);
  CHECK_FALSE(b.claim().has_value());
  b.clock.pass(10s);
  CHECK(b.claim()->id == later);
}

TEST_CASE(
    "given a worker that died, when its lease runs out, then another gets the job and the late result is refused") {
  Bench b;
  const auto id = b.add({.kind = "k"});
  const auto lost = b.claim().value();
  b.clock.pass(61s);
  const auto next = b.claim().value();
  CHECK(next.id == id);
  CHECK(next.epoch == lost.epoch + 1);
  auto late = b.write([&](Call& c) { return finish(c, id, lost.epoch, "{}"); });
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code == Code::conflict);
  CHECK(b.write([&](Call& c) { return renew(c, id, next.epoch, 60s); }));
  CHECK(b.write([&](Call& c) { return finish(c, id, next.epoch, R"({"x":1})"); }));
  CHECK_FALSE(b.write([&](Call& c) { return finish(c, id, next.epoch, "{}"); }).has_value());
  CHECK(b.find(id).result == R"({"x":1})");
}

TEST_CASE("a job that fails is tried again later and later, then it is dead and the ledger says so") {
  Bench b;
  const auto id = b.add({.kind = "k", .attempts_max = 3});
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const auto job = b.claim().value();
    CHECK(job.attempts == attempt);
    REQUIRE(b.write([&](Call& c) { return jobs::fail(c, id, job.epoch, {Code::busy, "no luck"}, false); }));
    CHECK_FALSE(b.claim().has_value());
    b.clock.pass(10s);
  }
  CHECK(b.find(id).state == JobState::dead);
  auto events = b.store
                    ->read_for<std::vector<store::LedgerEvent>>(
                        [](Tx& tx) { return store::read_ledger(tx, {.what = "job.dead"}); })
                    .value();
  REQUIRE(events.size() == 1);
  CHECK(events[0].data.text == R"({"kind":"k","error":"no luck"})");
}

TEST_CASE("a job whose worker is lost again and again does not run for ever") {
  Bench b;
  const auto id = b.add({.kind = "k", .attempts_max = 2});
  for (int i = 0; i < 2; ++i) {
    REQUIRE(b.claim().has_value());
    b.clock.pass(61s);
  }
  CHECK_FALSE(b.claim().has_value());
  CHECK(b.find(id).state == JobState::dead);
}

TEST_CASE("a clock that is set back makes no job wait until it has caught up") {
  Bench b;
  const auto waits = b.add({.kind = "k", .wait = 5s});
  const auto failed = b.add({.kind = "other"});
  const auto held = b.claim("other").value();
  REQUIRE(
      b.write([&](Call& c) { return jobs::fail(c, held.id, held.epoch, {Code::unavailable, "no", {}, {}}, false); }));
  CHECK_FALSE(b.claim().has_value());
  b.clock.pass(-1h);
  CHECK(b.claim()->id == waits);
  CHECK(b.claim("other")->id == failed);
}

TEST_CASE("a server that starts on a file goes on at once with what the one before it did when it died") {
  Bench b;
  const auto id = b.add({.kind = "k"});
  const auto others = b.add({.kind = "of a runner"});
  REQUIRE(b.claim().has_value());
  REQUIRE(b.claim("of a runner").has_value());
  std::promise<std::string> ran;
  {
    Worker next(*b.store, b.clock, b.random);
    next.handle("k", [&](const Job& job, const std::stop_token&) -> Result<std::string> {
      ran.set_value(job.id.text);
      return "{}";
    });
    next.start();
    CHECK(ran.get_future().get() == id.text);
  }
  CHECK(b.find(others).state == JobState::running);
  CHECK(b.find(others).lease_until > b.clock.now());
}

TEST_CASE("of one kind and key at most one job waits or runs") {
  Bench b;
  const auto id = b.add({.kind = "k", .key = "m"});
  CHECK(b.add({.kind = "k", .key = "m"}) == id);
  const auto job = b.claim().value();
  CHECK(b.add({.kind = "k", .key = "m"}) == id);
  CHECK(b.add({.kind = "k", .key = "n"}) != id);
  REQUIRE(b.write([&](Call& c) { return finish(c, id, job.epoch, "{}"); }));
  CHECK(b.add({.kind = "k", .key = "m"}) != id);
}

TEST_CASE("a dropped job is not claimed and its holder is refused") {
  Bench b;
  const auto id = b.add({.kind = "k"});
  const auto job = b.claim().value();
  REQUIRE(b.write([&](Call& c) -> Result<int> {
    TRY_(drop(c, id));
    return 0;
  }));
  CHECK(b.write([&](Call& c) { return finish(c, id, job.epoch, "{}"); }).error().code == Code::conflict);
  b.clock.pass(120s);
  CHECK_FALSE(b.claim().has_value());
}

TEST_CASE("a reader takes every event once, in order, also when it fails in between and after a restart") {
  Bench b;
  auto tell = [&](std::string what) {
    REQUIRE(b.write([&](Call& c) -> Result<int> {
      c.tell({.what = what, .subject_kind = "s", .subject = "s"});
      return 0;
    }));
  };
  std::vector<std::string> taken;
  int failures = 2;
  auto start = [&] {
    auto worker = std::make_unique<Worker>(*b.store, b.clock, b.random);
    worker->follow("reader", [&](Call& c, const store::LedgerEvent& e) -> Result<void> {
      if (e.what == "b" && failures-- > 0) return pawl::fail(Code::internal, "not yet");
      taken.push_back(e.what);
      if (e.what == "b") c.tell({.what = "c", .subject_kind = "s", .subject = "s", .cause = e.id});
      return {};
    });
    return worker;
  };
  tell("a");
  tell("b");
  auto worker = start();
  REQUIRE(worker->run_until_idle());
  CHECK(taken == std::vector<std::string>{"a"});
  b.clock.pass(1s);
  REQUIRE(worker->run_until_idle());
  b.clock.pass(1s);
  REQUIRE(worker->run_until_idle());
  CHECK(taken == std::vector<std::string>{"a", "b", "c"});
  worker = start();
  tell("d");
  REQUIRE(worker->run_until_idle());
  CHECK(taken.back() == "d");
  CHECK(taken.size() == 4);
}

TEST_CASE("a worker's jobs are forgotten a week after they ended, those that died and those of others are not") {
  Bench b;
  Worker worker(*b.store, b.clock, b.random);
  worker.handle("k", [](const Job& job, std::stop_token) -> Result<std::string> {
    if (job.payload == "{}") return "{}";
    return pawl::fail(Code::invalid, "no");
  });
  const auto done = b.add({.kind = "k"}), dead = b.add({.kind = "k", .payload = "[]"}),
             other = b.add({.kind = "other"});
  REQUIRE(worker.run_until_idle());
  REQUIRE(b.find(done).state == JobState::done);
  b.clock.pass(24h * 7);
  const auto later = b.add({.kind = "k"});
  b.clock.pass(1s);
  REQUIRE(worker.run_until_idle());
  const auto there = [&](const JobId& id) {
    return b.store->read_for<Job>([&](Tx& tx) { return jobs::find(tx, id); }).has_value();
  };
  CHECK_FALSE(there(done));
  CHECK(there(dead));
  CHECK(there(other));
  CHECK(there(later));
}

TEST_CASE("the worker wakes for a new job, for an event and for a tick, without being asked") {
  Bench b;
  SystemClock clock;
  Worker worker(*b.store, clock, b.random);
  std::promise<std::string> ran;
  std::promise<void> followed, ticked;
  std::once_flag once;
  worker.handle("k", [&](const Job& job, std::stop_token) -> Result<std::string> {
    ran.set_value(job.payload);
    return "{}";
  });
  worker.follow("reader",
                [&](Call&, const store::LedgerEvent&) -> Result<void> { return followed.set_value(), Result<void>{}; });
  worker.every("tick", 50ms, [&](Call&) -> Result<void> {
    return std::call_once(once, [&] { ticked.set_value(); }), Result<void>{};
  });
  worker.start();
  REQUIRE(b.store->write([&](Tx& tx) -> Result<void> {
    Call c(tx, {.who = pawl_itself(), .clock = &clock});
    TRY_(jobs::add(c, {.kind = "k", .payload = R"({"n":1})"}));
    c.tell({.what = "w", .subject_kind = "s", .subject = "s"});
    return {};
  }));
  auto payload = ran.get_future();
  REQUIRE(payload.wait_for(20s) == std::future_status::ready);
  CHECK(payload.get() == R"({"n":1})");
  CHECK(followed.get_future().wait_for(20s) == std::future_status::ready);
  CHECK(ticked.get_future().wait_for(20s) == std::future_status::ready);
}
