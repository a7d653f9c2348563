#include "store/ledger.h"

#include "core/testing.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::store;

namespace {
FakeClock test_clock;
Ask someone() { return {.who = {Who::Kind::person, "ana", Role::scientist, {}}, .clock = &test_clock}; }
Result<void> tell(Store& store, std::string what, std::string subject, bool then_fail = false) {
  return store.write([&](Tx& tx) -> Result<void> {
    Call call(tx, someone());
    call.tell({.what = what, .subject_kind = "thing", .subject = subject, .data = R"({"b": 1, "a": [1.5, "x"]})"});
    if (then_fail) return pawl::fail(Code::invalid, "no");
    return {};
  });
}
std::vector<LedgerEvent> read(Store& store, LedgerFilter f = {}) {
  return store.read_for<std::vector<LedgerEvent>>([&](Tx& tx) { return read_ledger(tx, f); }).value();
}
ChainState verify(Store& store) {
  return store.read_for<ChainState>([](Tx& tx) { return verify_ledger(tx); }).value();
}
}  // namespace

TEST_CASE("events stand in the ledger in order, chained, with who and when, and only those of works that succeeded") {
  on_each_engine([](Store& store) {
    std::int64_t heard = 0;
    store.on_events([&](std::int64_t seq) { heard = seq; });
    REQUIRE(tell(store, "version.made", "m@1"));
    CHECK_FALSE(tell(store, "version.made", "m@2", true).has_value());
    REQUIRE(tell(store, "alias.moved", "m"));
    auto events = read(store);
    REQUIRE(events.size() == 2);
    CHECK(events[0].seq == 1);
    CHECK(events[0].by == "ana");
    CHECK(events[0].at == "2013-01-01T00:00:00Z");
    CHECK(events[1].prev == events[0].hash);
    CHECK(events[1].what == "alias.moved");
    CHECK(heard == 2);
    CHECK(verify(store).whole);
    CHECK(verify(store).head == events[1].hash);
  });
}

TEST_CASE("the ledger is read by kind, subject, from either end") {
  auto store = open_or_die();
  for (int i = 0; i < 5; ++i) REQUIRE(tell(*store, i % 2 ? "flow.done" : "flow.begun", "f" + std::to_string(i)));
  REQUIRE(tell(*store, "flows", "x"));
  CHECK(read(*store, {.what = "flow."}).size() == 5);
  CHECK(read(*store, {.what = "flow.done"}).size() == 2);
  CHECK(read(*store, {.subject = "f3"}).size() == 1);
  CHECK(read(*store, {.after = 4}).size() == 2);
  CHECK(read(*store, {.limit = 2, .newest_first = true}).front().seq == 6);
  CHECK(read(*store, {.after = 3, .newest_first = true}).size() == 2);
}

TEST_CASE("the ledger is read by who did it and by the model or endpoint that it is about") {
  auto store = open_or_die();
  auto add = [&](std::string subject, std::string by, std::string data) {
    REQUIRE(store->write([&](Tx& tx) -> Result<void> {
      stage_event(tx, {.what = "w", .subject_kind = "k", .subject = subject, .data = data, .by = by});
      return {};
    }));
  };
  add("a_b", "ada", "{}");
  add("a_b@2", "olga", "{}");
  add("axb@2", "olga", R"({"model":"axb"})");
  add("f1", "flow:f1", R"({"model":"a_b"})");
  add("w1", "pawl", R"({"endpoint":"a_b"})");
  add("w2", "pawl", R"({"endpoint":"a_b2"})");
  auto seqs = [&](const LedgerFilter& f) {
    std::vector<std::int64_t> out;
    for (const auto& e : read(*store, f)) out.push_back(e.seq);
    return out;
  };
  CHECK(seqs({.by = "olga"}) == std::vector<std::int64_t>{2, 3});
  CHECK(seqs({.about = "a_b"}) == std::vector<std::int64_t>{1, 2, 4, 5});
  CHECK(seqs({.by = "pawl", .about = "a_b"}) == std::vector<std::int64_t>{5});
  CHECK(seqs({.about = "a"}).empty());
}

TEST_CASE("an event's story is what led to it and what came of it, no other's") {
  auto store = open_or_die();
  auto add = [&](std::string id, std::string cause) {
    REQUIRE(store->write([&](Tx& tx) -> Result<void> {
      stage_event(tx, {.what = "w", .subject_kind = "k", .subject = "s", .cause = cause, .id = id});
      return {};
    }));
  };
  for (auto [id, cause] : {std::pair{"window", ""},
                           {"other", ""},
                           {"alarm", "window"},
                           {"beside", "window"},
                           {"flow", "alarm"},
                           {"apart", "other"}})
    add(id, cause);
  auto story = [&](std::string_view id) {
    return store->read_for<std::optional<Story>>([&](Tx& tx) { return read_story(tx, id); }).value();
  };
  std::string ids;
  for (const auto& e : story("alarm")->events) ids += e.id + " ";
  CHECK(ids == "window alarm beside flow ");
  CHECK(story("alarm")->whole);
  CHECK(story("apart")->events.size() == 2);
  CHECK_FALSE(story("nothing").has_value());
  for (int i = 0; i < 400; ++i) add("many" + std::to_string(i), "flow");
  CHECK(story("window")->events.size() == 300);
  CHECK_FALSE(story("window")->whole);
}

TEST_CASE("given a ledger of which a row was changed, removed or put between, then verifying names the first place") {
  const std::string_view changes[] = {"UPDATE ledger SET by_whom = 'bob' WHERE seq = 3",
                                      "DELETE FROM ledger WHERE seq = 3", "UPDATE ledger SET prev = 'x' WHERE seq = 3",
                                      R"(UPDATE ledger SET data = '{"a": 2}' WHERE seq = 3)"};
  for (auto change : changes) {
    CAPTURE(change);
    auto store = open_or_die();
    for (int i = 0; i < 6; ++i) REQUIRE(tell(*store, "w", "s"));
    REQUIRE(store->write([&](Tx& tx) -> Result<void> {
      TRY_(tx.exec({"t.change", change}));
      return {};
    }));
    const auto state = verify(*store);
    CHECK_FALSE(state.whole);
    CHECK(state.broken_at >= 3);
    CHECK(state.broken_at <= 4);
  }
}
