#include "core/testing.h"
#include "net/testing.h"
#include "store/ledger.h"
#include "store/testing.h"
#include "team/feed.h"
#include "team/routes.h"

using namespace pawl;
using namespace pawl::team;

namespace {
Who person(std::string name, Role role) { return {Who::Kind::person, std::move(name), role, {}}; }
struct Bench {
  pawl::testing::House house;
  net::Live live;
  Service team{house.random};
  Bench() { mount(house.router, team, live); }
  ApprovalId open(Rule rule = {.by = "operator", .not_by = {"ada"}, .count = 1}) {
    return house
        .write([&](Call& call) {
          return team.open(call, {.what = "let m@2 go live",
                                  .subject_kind = "version",
                                  .subject = "m@2",
                                  .model = "m",
                                  .flow = "f1",
                                  .digests = R"({"model":"abc"})",
                                  .rule = std::move(rule)});
        })
        .value();
  }
  net::Response vote(const ApprovalId& id, const Who& who, std::string_view word = "grant") {
    house.authorizer.who_is = who;
    return house.post("/api/pawl/v1/approvals/" + id.text + "/votes",
                      R"({"vote":")" + std::string(word) + R"(","comment":"seen"})");
  }
  Approval find(const ApprovalId& id) { return house.as<Approval>(house.get("/api/pawl/v1/approvals/" + id.text)); }
  std::vector<store::LedgerEvent> told(std::string what) {
    return house.read([&](Call& call) { return store::read_ledger(call.tx, {.what = what}); }).value();
  }
};
}  // namespace

TEST_CASE("whose vote counts is said by the approval's rule") {
  Bench b;
  const Who flow{Who::Kind::flow, "flow:f1", Role::operator_, "f1"};
  each_of<Who, int, std::string>(
      {{person("ada", Role::operator_), 403, "ada is an author of it"},
       {person("bob", Role::scientist), 403, "its rule asks for the role operator, bob is scientist"},
       {flow, 403, "only a person may vote"},
       {person("eve", Role::operator_), 200, ""},
       {person("max", Role::admin), 200, ""}},
      [&](const Who& who, int status, const std::string& reason) {
        const auto id = b.open();
        const auto got = b.vote(id, who);
        CHECK(got.status == status);
        CHECK(got.body.find(reason) != std::string::npos);
        CHECK((b.find(id).state == ApprovalState::granted) == (status == 200));
      });
  CHECK(b.told("approval.decided").size() == 2);
}
TEST_CASE("an approval that asks for two is granted by two different people and refused by one") {
  Bench b;
  const auto id = b.open({.by = "operator", .count = 2});
  CHECK(b.vote(id, person("eve", Role::operator_)).status == 200);
  CHECK(b.vote(id, person("eve", Role::operator_)).status == 200);
  CHECK(b.find(id).state == ApprovalState::open);
  CHECK(b.find(id).votes.size() == 1);
  CHECK(b.vote(id, person("max", Role::operator_)).status == 200);
  CHECK(b.find(id).state == ApprovalState::granted);
  const auto other = b.open({.by = "operator", .count = 2});
  CHECK(b.vote(other, person("eve", Role::operator_)).status == 200);
  CHECK(b.vote(other, person("max", Role::operator_), "refuse").status == 200);
  CHECK(b.find(other).state == ApprovalState::refused);
}
TEST_CASE("what is decided or void takes no more votes") {
  Bench b;
  const auto id = b.open();
  REQUIRE(b.house.write([&](Call& call) { return b.team.make_void(call, id, "the champion changed"); }));
  const auto got = b.vote(id, person("eve", Role::operator_));
  CHECK(got.status == 409);
  CHECK(got.body.find("it is void already: the champion changed") != std::string::npos);
  CHECK(b.find(id).reason == "the champion changed");
  REQUIRE(b.told("approval.void").size() == 1);
  CHECK(b.told("approval.void")[0].flow == "f1");
  CHECK(b.house.get("/api/pawl/v1/approvals/nothing").status == 404);
}
TEST_CASE("a list says to each caller whether their vote would count") {
  Bench b;
  b.open();
  b.house.authorizer.who_is = person("ada", Role::operator_);
  auto list = b.house.as<List<Approval>>(b.house.get("/api/pawl/v1/approvals?state=open"));
  REQUIRE(list.items.size() == 1);
  CHECK_FALSE(list.items[0].may_vote);
  b.house.authorizer.who_is = person("eve", Role::operator_);
  CHECK(b.house.as<List<Approval>>(b.house.get("/api/pawl/v1/approvals?state=open")).items[0].may_vote);
  CHECK(b.house.as<List<Approval>>(b.house.get("/api/pawl/v1/approvals?state=granted")).items.empty());
  CHECK(b.house.as<List<Approval>>(b.house.get("/api/pawl/v1/approvals?model=other")).items.empty());
}
TEST_CASE("approvals and comments page to the end, each once") {
  Bench b;
  for (int i = 0; i < 5; ++i) {
    b.open();
    b.house.post("/api/pawl/v1/comments", R"({"subject":"m@2","text":"n"})");
    if (i != 2) b.house.clock.pass(Micros{1});
  }
  for (const std::string path : {"/api/pawl/v1/approvals?limit=2", "/api/pawl/v1/comments?subject=m@2&limit=2"}) {
    std::set<std::string> seen;
    std::string after;
    int pages = 0;
    do {
      const auto got = b.house.get(path + "&after=" + after);
      REQUIRE(got.status == 200);
      const auto items = json_at(got.body, "items").value();
      for (int i = 0; json_at(items, std::to_string(i)); ++i) seen.insert(*json_at(items, std::to_string(i) + ".id"));
      after = decode<std::string>(json_at(got.body, "next").value()).value_or("");
      ++pages;
    } while (!after.empty() && pages < 10);
    CHECK(seen.size() == 5);
    CHECK(pages == 3);
  }
  CHECK(b.house.get("/api/pawl/v1/approvals?after=x").status == 400);
}
TEST_CASE("a comment names its subject and makes an event without its text") {
  Bench b;
  CHECK(b.house.as<Comment>(b.house.post("/api/pawl/v1/comments", R"({"subject":"m@2","text":"why so slow?"})"))
            .subject_kind == "version");
  CHECK(b.house.post("/api/pawl/v1/comments", R"({"subject":"m@2"})").status == 400);
  REQUIRE(b.told("comment.made").size() == 1);
  CHECK(b.told("comment.made")[0].subject.id == "m@2");
  CHECK(b.told("comment.made")[0].data.text.find("slow") == std::string::npos);
}
TEST_CASE("the ledger is read in pages and its chain verified") {
  Bench b;
  for (int i = 0; i < 5; ++i) b.open();
  const auto page = b.house.as<List<store::LedgerEvent>>(b.house.get("/api/pawl/v1/ledger?limit=2&order=newest"));
  REQUIRE(page.items.size() == 2);
  CHECK(page.items[0].seq > page.items[1].seq);
  CHECK(b.house.as<List<store::LedgerEvent>>(b.house.get("/api/pawl/v1/ledger?what=approval.&flow=f1")).items.size() ==
        5);
  CHECK(b.house.as<store::ChainState>(b.house.get("/api/pawl/v1/ledger/verify")).whole);
}
TEST_CASE("every event reaches a listener once and in order") {
  Bench b;
  Feed feed(*b.house.store, b.live);
  std::mutex mutex;
  std::condition_variable came;
  std::vector<std::string> frames;
  const auto listener = b.live.listen([&](const std::string& frame) {
    std::lock_guard hold(mutex);
    frames.push_back(frame);
    came.notify_all();
  });
  std::vector<ApprovalId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(b.open());
  std::unique_lock hold(mutex);
  REQUIRE(came.wait_for(hold, std::chrono::seconds(20), [&] { return frames.size() >= 20; }));
  b.live.leave(listener);
  REQUIRE(frames.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(frames[i].find("event: ledger") != std::string::npos);
    CHECK(frames[i].find(ids[i].text) != std::string::npos);
  }
}
TEST_CASE("rows of approvals and comments are the same on both engines") {
  store::on_each_engine([](store::Store& store) {
    FakeClock clock;
    pawl::testing::CountingRandom random;
    Service team(random);
    const auto done = store.write([&](Tx& tx) -> Result<void> {
      Call call(tx, {.who = person("eve", Role::operator_), .clock = &clock});
      TRY(id, team.open(call, {.what = "w", .subject_kind = "plan", .subject = "p"}));
      TRY_(team.vote(call, {.id = id, .vote = VoteWord::grant, .comment = "c"}));
      TRY(list, team.list(tx, {.subject = "p"}));
      CHECK(list.items.size() == 1);
      CHECK(list.items[0].state == ApprovalState::granted);
      CHECK(list.items[0].votes.size() == 1);
      TRY_(team.comment(call, {.subject = "m", .text = "t"}));
      TRY(comments, team.comments(tx, {.subject = "m"}));
      CHECK(comments.items.size() == 1);
      return {};
    });
    CHECK_MESSAGE(done.has_value(), (done ? "" : done.error().message + done.error().detail));
  });
}
