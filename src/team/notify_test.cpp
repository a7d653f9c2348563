#include "team/notify.h"

#include "core/testing.h"
#include "net/receiver.h"
#include "net/testing.h"
#include "store/testing.h"
#include "team/mention.h"
#include "team/routes.h"
#include "team/sentence.h"
#include "team/service.h"

using namespace pawl;
using namespace pawl::team;
using pawl::testing::Receiver;

namespace {
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const std::string broken = "HTTP/1.1 500 Oh\r\nContent-Length: 6\r\n\r\nbroken";

struct Bench {
  pawl::testing::House house;
  Service team{house.random};
  Notifier notifier{*house.store, house.clock, house.random};
  jobs::Worker worker{*house.store, house.clock, house.random};
  net::Live live;
  Bench() {
    mount(house.router, team, live);
    mount_notify(house.router, notifier);
    notifier.attach(worker);
    house.authorizer.who_is = {Who::Kind::person, "olga", Role::operator_, {}};
  }
  net::Response add(const std::string& name, const std::string& url, const std::string& more = {}) {
    return house.post("/api/pawl/v1/destinations", R"({"name":")" + name + R"(","url":")" + url + "\"" + more + "}");
  }
  void add_local(const std::string& name, const Receiver& receiver, const std::string& more = {}) {
    REQUIRE(add(name, receiver.url("/hook"), R"(,"allow_private":true,"secret":"a good secret")" + more).status == 200);
  }
  std::string tell(std::string what, std::string data = "{}", std::string kind = "flow", std::string subject = "f1") {
    return house
        .write([&](Call& call) -> Result<std::string> {
          return call.tell({.what = what, .subject_kind = kind, .subject = subject, .data = data});
        })
        .value();
  }
  void run() { REQUIRE(worker.run_until_idle()); }
  std::vector<Delivery> deliveries(const std::string& query = {}) {
    return house.as<List<Delivery>>(house.get("/api/pawl/v1/deliveries?" + query)).items;
  }
};
std::string header(const std::string& request, const std::string& name) {
  const auto at = request.find("\r\n" + name + ": ");
  if (at == request.npos) return {};
  const auto from = at + name.size() + 4;
  return request.substr(from, request.find("\r\n", from) - from);
}
std::string body(const std::string& request) { return request.substr(request.find("\r\n\r\n") + 4); }
}  // namespace

TEST_CASE("an event becomes one signed message for each destination that wants it") {
  Bench b;
  Receiver ops({ok}), others({ok});
  b.add_local("ops", ops);
  b.add_local("alarms", others, R"(,"events":["alarm.opened"])");
  const auto event = b.tell("flow.rejected", R"({"model":"m","reason":"m@2 does not win"})");
  b.tell("alarm.closed");
  b.tell("version.made");
  b.run();
  CHECK(others.heard().empty());
  REQUIRE(ops.heard().size() == 2);
  const auto first = ops.heard()[0];
  const auto sent = b.deliveries("state=done");
  REQUIRE(sent.size() == 2);
  CHECK(sent[1].what == "flow.rejected");
  CHECK(sent[1].status == 200);
  CHECK(sent[1].answer == "ok");
  CHECK(header(first, "X-Pawl-Delivery") == sent[1].id.text);
  const auto signed_text = sent[1].id.text + "." + header(first, "X-Pawl-Timestamp") + "." + body(first);
  CHECK(header(first, "X-Pawl-Signature") == "v1," + base64(hmac_sha256("a good secret", signed_text)));
  CHECK(json_at(body(first), "id") == "\"" + sent[1].id.text + "\"");
  CHECK(json_at(body(first), "event.id") == "\"" + event + "\"");
  CHECK(json_at(body(first), "text") == "\"Flow f1 of m is rejected: m@2 does not win.\"");
}
TEST_CASE("an alarm that names its destinations goes to those only") {
  Bench b;
  Receiver ops({ok}), others({ok});
  b.add_local("ops", ops);
  b.add_local("others", others);
  b.tell("alarm.opened", R"({"endpoint":"e","alert":["ops"]})", "alarm", "a1");
  b.tell("alarm.opened", R"({"endpoint":"e"})", "alarm", "a2");
  b.run();
  CHECK(ops.heard().size() == 2);
  CHECK(others.heard().size() == 1);
}
TEST_CASE("an event as one sentence") {
  Bench b;
  auto said = [&](const std::string& event) {
    return b.house
        .read([&](Call& call) -> Result<std::string> {
          TRY(found, store::find_event(call.tx, event));
          return sentence(call.tx, found.value());
        })
        .value();
  };
  CHECK(
      said(b.tell(
          "alarm.opened",
          R"({"endpoint":"delays","kind":"column","column":"temp","statistic":1.83,"limit":1.07,"window_end":"2013-04-26T00:00:00Z"})",
          "alarm", "a1")) ==
      "Alarm opened on endpoint delays: column temp, 1.83 against a limit of 1.07, window until "
      "2013-04-26T00:00:00Z.");
  CHECK(said(b.tell("alarm.closed", R"({"endpoint":"delays","kind":"performance"})", "alarm", "a1")) ==
        "Alarm closed on endpoint delays: performance.");
  CHECK(
      said(b.tell(
          "alarm.opened",
          R"({"endpoint":"delays","kind":"drift","column":"","columns":["temp","wind"],"statistic":0.25,"limit":0.2,"window_end":"2013-04-26T00:00:00Z","reason":""})",
          "alarm", "a1")) ==
      "Alarm opened on endpoint delays: drift of temp, wind, 0.25 against a limit of 0.2, window until "
      "2013-04-26T00:00:00Z.");
  CHECK(
      said(b.tell(
          "alarm.closed",
          R"({"endpoint":"delays","kind":"drift","columns":["temp"],"reason":"the reference changed: version 4 is live"})",
          "alarm", "a1")) ==
      "Alarm closed on endpoint delays: drift, because: the reference changed: version 4 is live.");
  CHECK(said(b.tell("alarm.silenced", R"({"endpoint":"delays","kind":"drift","reason":"until 2014-01-01T00:00:00Z"})",
                    "alarm", "a1")) == "Alarm silenced by olga on endpoint delays: drift, until 2014-01-01T00:00:00Z.");
  CHECK(
      said(b.tell(
          "window.closed",
          R"({"endpoint":"delays","start":"2013-03-01T00:00:00Z","end":"2013-03-29T00:00:00Z","rows":400,"labelled":300,"tested":16,"drifted":4})",
          "window", "w1")) ==
      "Window 2013-03-01T00:00:00Z to 2013-03-29T00:00:00Z of endpoint delays is closed: 400 rows, 300 labelled, 4 of "
      "16 columns drifted.");
  CHECK(
      said(b.tell(
          "retrain.held",
          R"({"model":"m","endpoint":"delays","kind":"drift","window_end":"2013-04-26T00:00:00Z","reason":"at most 3 in 90d"})",
          "model", "m")) ==
      "Model m is not retrained for drift on endpoint delays, window until 2013-04-26T00:00:00Z: at most 3 in 90d.");
  CHECK(said(b.tell("rollout.rolled_back", R"({"endpoint":"delays","to":"m@2","reason":"predictions shifted"})",
                    "rollout", "r1")) == "Rollout of m@2 on endpoint delays is rolled back: predictions shifted.");
  CHECK(said(b.tell("repo.added", "{}", "repo", "flights")) == "repo.added: repo flights, by olga.");
  const auto id =
      b.house
          .write([&](Call& call) {
            return b.team.open(call, {.what = "let m@2 go live", .subject_kind = "version", .subject = "m@2"});
          })
          .value();
  b.house.post("/api/pawl/v1/approvals/" + id.text + "/votes", R"({"vote":"grant"})");
  const auto told =
      b.house.read([&](Call& call) { return store::read_ledger(call.tx, {.what = "approval."}); }).value();
  REQUIRE(told.size() == 2);
  CHECK(said(told[0].id) ==
        "An approval is asked for: let m@2 go live (by the role operator). Its id is " + id.text + ".");
  CHECK(said(told[1].id) == "olga granted the approval: let m@2 go live.");
}
TEST_CASE("a chat gets one text, in which nothing can call everybody") {
  Bench b;
  Receiver chat({ok});
  b.add_local("chat", chat, R"(,"kind":"slack","events":["flow."])");
  b.tell("flow.rejected", R"({"model":"m","reason":"<!channel> & more"})");
  b.run();
  REQUIRE(chat.heard().size() == 1);
  CHECK(body(chat.heard()[0]) == R"({"text":"Flow f1 of m is rejected: &lt;!channel&gt; &amp; more."})");
}
TEST_CASE("what happened before a destination was added is not sent to it") {
  Bench b;
  Receiver ops({ok});
  b.tell("flow.done");
  b.house.clock.pass(Micros{1});
  b.add_local("ops", ops);
  b.run();
  CHECK(ops.heard().empty());
}
TEST_CASE("a receiver that fails is tried again with growing waits, then the message is dead and can be sent anew") {
  Bench b;
  Receiver ops({broken});
  b.add_local("ops", ops);
  b.tell("flow.done");
  b.run();
  auto one = b.deliveries().at(0);
  CHECK(one.state == DeliveryState::waiting);
  CHECK(one.attempts == 1);
  CHECK(one.error == ops.url("") + " answered with status 500");
  CHECK(one.answer == "broken");
  std::vector<Micros> waits;
  while (one.state == DeliveryState::waiting && waits.size() < 20) {
    const Time due = parse_rfc3339(one.next).value();
    waits.push_back(due - b.house.clock.now());
    b.house.clock.set(due - Micros{1});
    b.run();
    CHECK(b.deliveries().at(0).attempts == one.attempts);
    b.house.clock.set(due);
    b.run();
    one = b.deliveries().at(0);
  }
  CHECK(one.state == DeliveryState::dead);
  CHECK(std::ranges::is_sorted(waits));
  CHECK(waits.size() == 8);
  const auto heard = ops.heard();
  CHECK(heard.size() == 9);
  for (const auto& request : heard) CHECK(header(request, "X-Pawl-Delivery") == one.id.text);

  const auto path = "/api/pawl/v1/deliveries/" + one.id.text + "/redeliver";
  CHECK(b.house.post(path).status == 200);
  CHECK(b.house.post(path).status == 409);
  b.run();
  CHECK(b.deliveries().at(0).attempts == 1);
  CHECK(ops.heard().size() == 10);
  CHECK(b.house.post("/api/pawl/v1/deliveries/none/redeliver").status == 404);
  CHECK(b.house.get("/api/pawl/v1/deliveries?destination=none").status == 404);
  CHECK(b.house.get("/api/pawl/v1/deliveries?destination=ops").status == 200);
}
TEST_CASE("a dead receiver delays neither others nor what comes later") {
  Bench b;
  Receiver ops({broken, ok}), others({ok});
  b.add_local("ops", ops);
  b.add_local("others", others);
  b.tell("flow.training");
  b.run();
  CHECK(b.deliveries("destination=ops").at(0).state == DeliveryState::waiting);
  b.tell("flow.done");
  b.run();
  CHECK(others.heard().size() == 2);
  const auto sent = b.deliveries("destination=ops");
  REQUIRE(sent.size() == 2);
  for (const auto& d : sent) CHECK((d.state == DeliveryState::done) == (d.what == "flow.done"));
  b.house.clock.pass(std::chrono::seconds(1));
  b.run();
  CHECK(b.deliveries("destination=ops&state=done").size() == 2);
  CHECK(ops.heard().size() == 3);
}
TEST_CASE("an address that is not public is refused, spelled out at once and behind a name when it is connected") {
  Bench b;
  Receiver inside({ok});
  const auto refused = b.add("ops", inside.url("/"));
  CHECK(refused.status == 400);
  CHECK(refused.body.contains("--allow-private"));
  // A name that says nothing by itself: the destination is there, its messages are not sent.
  REQUIRE(b.house.write([&](Call& call) -> Result<bool> {
    return rows::insert(
        call.tx,
        {.shown = {.id = "d1", .name = "named", .address = "http://named", .events = {"flow."}, .made_by = "olga"},
         .url = inside.url("/"),
         .created = call.now()},
        "default");
  }));
  b.tell("flow.done");
  b.run();
  const auto one = b.deliveries().at(0);
  CHECK(one.state == DeliveryState::dead);
  CHECK(one.attempts == 1);
  CHECK(one.error.contains("not public"));
  CHECK(inside.heard().empty());
}
TEST_CASE("a redirect is no arrival and is not followed") {
  Bench b;
  Receiver inside({ok});
  Receiver ops({"HTTP/1.1 302 Found\r\nLocation: " + inside.url("/") + "\r\nContent-Length: 0\r\n\r\n"});
  b.add_local("ops", ops);
  b.tell("flow.done");
  b.run();
  CHECK(b.deliveries().at(0).state == DeliveryState::waiting);
  CHECK(b.deliveries().at(0).status == 302);
  CHECK(inside.heard().empty());
}
TEST_CASE("a test is sent at once, once, and says what became of it") {
  Bench b;
  Receiver good({ok}), bad({broken});
  b.add_local("good", good, R"(,"events":["destination."])");
  b.add_local("bad", bad);
  CHECK(b.house.as<Delivery>(b.house.post("/api/pawl/v1/destinations/good/test")).state == DeliveryState::done);
  CHECK(b.house.as<Delivery>(b.house.post("/api/pawl/v1/destinations/bad/test")).state == DeliveryState::dead);
  CHECK(b.house.post("/api/pawl/v1/destinations/none/test").status == 404);
  b.house.clock.pass(std::chrono::hours(1));
  b.run();
  CHECK(bad.heard().size() == 1);
  CHECK(b.deliveries("destination=bad").size() == 1);
  CHECK(body(good.heard().at(0)).contains("olga asked for a test"));
}
TEST_CASE("a destination shows neither its secret nor the path of its address, and is told nothing once removed") {
  Bench b;
  Receiver ops({broken});
  b.add_local("ops", ops);
  for (const auto& got : {b.add("ops", "https://example.org/"), b.house.get("/api/pawl/v1/destinations"),
                          b.house.get("/api/pawl/v1/ledger")}) {
    CHECK_FALSE(got.body.contains("good secret"));
    CHECK_FALSE(got.body.contains("/hook"));
  }
  CHECK(b.add("ops", "https://example.org/").status == 409);
  b.tell("flow.done");
  b.run();
  CHECK(b.house.del("/api/pawl/v1/destinations/ops").status == 200);
  CHECK(b.house.del("/api/pawl/v1/destinations/ops").status == 404);
  b.tell("flow.done");
  b.house.clock.pass(std::chrono::hours(1));
  b.run();
  CHECK(ops.heard().size() == 1);
  const auto left = b.deliveries();
  REQUIRE(left.size() == 1);
  CHECK(left[0].state == DeliveryState::dropped);
  CHECK(b.house.post("/api/pawl/v1/deliveries/" + left[0].id.text + "/redeliver").status == 404);
}
TEST_CASE("a destination that cannot be is refused by the field that is to blame") {
  Bench b;
  each_of<std::string, std::string>({{R"({"url":"https://a.org/"})", "name"},
                                     {R"({"name":"Ops!","url":"https://a.org/"})", "name"},
                                     {R"({"name":"ops"})", "url"},
                                     {R"({"name":"ops","url":"ftp://a.org/"})", "url"},
                                     {R"({"name":"ops","url":"https://a.org/","secret":"short"})", "secret"},
                                     {R"({"name":"ops","url":"https://a.org/","events":["Flow *"]})", "events"},
                                     {R"({"name":"ops","url":"https://a.org/","kind":"pigeon"})", "kind"}},
                                    [&](const std::string& in, const std::string& field) {
                                      const auto got = b.house.post("/api/pawl/v1/destinations", in);
                                      CHECK(got.status == 400);
                                      CHECK(json_at(got.body, "field") == "\"" + field + "\"");
                                    });
}
TEST_CASE("who is mentioned in a text") {
  each_of<std::string, std::vector<std::string>>(
      {{"@ada look", {"ada"}},
       {"ask @ada, @bob-2 and @ada.", {"ada", "bob-2"}},
       {"(@a.b)", {"a.b"}},
       {"m@2 and ada@example.org", {}},
       {"@", {}},
       {"@@ada", {}},
       {"@...", {}},
       {"", {}}},
      [](const std::string& text, const std::vector<std::string>& users) { CHECK(mentioned(text) == users); });
}
TEST_CASE("a mention of a user reaches the destination that waits for it, an unknown name mentions nobody") {
  Bench b;
  b.team.users_known_by([](Tx&, std::string_view name) -> Result<bool> { return name == "ada" || name == "bob"; });
  Receiver ada({ok});
  b.add_local("ada", ada, R"(,"mentions":"ada")");
  const auto made = b.house.as<Comment>(
      b.house.post("/api/pawl/v1/comments", R"({"subject":"m@2","text":"@ada @nobody why so slow?"})"));
  CHECK(made.mentions == std::vector<std::string>{"ada"});
  b.house.post("/api/pawl/v1/comments", R"({"subject":"m@2","text":"@bob too"})");
  b.tell("flow.done");
  b.run();
  REQUIRE(ada.heard().size() == 1);
  CHECK(json_at(body(ada.heard()[0]), "text") == "\"olga on version m@2: @ada @nobody why so slow?\"");
  CHECK(json_at(body(ada.heard()[0]), "event.data.mentions") == R"(["ada"])");
  CHECK(b.house.as<List<Comment>>(b.house.get("/api/pawl/v1/comments?subject=m@2")).items.at(1).mentions ==
        made.mentions);
}
TEST_CASE("deliveries page to the end, and old ones are forgotten") {
  Bench b;
  Receiver ops({ok});
  b.add_local("ops", ops);
  for (int i = 0; i < 5; ++i) b.tell("flow.done");
  b.run();
  std::set<std::string> seen;
  std::string after;
  do {
    const auto page = b.house.as<List<Delivery>>(b.house.get("/api/pawl/v1/deliveries?limit=2&after=" + after));
    for (const auto& d : page.items) seen.insert(d.id.text);
    after = page.next;
  } while (!after.empty());
  CHECK(seen.size() == 5);
  b.house.clock.pass(std::chrono::days(31));
  b.run();
  CHECK(b.deliveries().empty());
}
TEST_CASE("a slow receiver holds up one message of its own and nobody else") {
  Bench b;
  Receiver silent({""}), others({ok});
  b.add_local("silent", silent);
  b.add_local("others", others);
  b.worker.start(2);
  for (int i = 0; i < 5; ++i) b.tell("flow.done");
  CHECK(silent.wait_for(1));
  CHECK(others.wait_for(5));
  CHECK(silent.heard().size() == 1);
  b.worker.stop();  // does not wait for the silent one
  const auto waiting = b.deliveries("destination=silent");
  REQUIRE(waiting.size() == 5);
  for (const auto& d : waiting) CHECK(d.state == DeliveryState::waiting);
}
TEST_CASE("rows of destinations and deliveries are the same on both engines") {
  store::on_each_engine([](store::Store& store) {
    FakeClock clock;
    pawl::testing::CountingRandom random;
    Notifier notifier(store, clock, random);
    jobs::Worker worker(store, clock, random);
    notifier.attach(worker);
    Receiver ops({broken, ok});
    auto write = [&](auto work) {
      const auto done = store.write([&](Tx& tx) -> Result<void> {
        Call call(tx, {.who = {Who::Kind::person, "olga", Role::operator_, {}}, .clock = &clock});
        return work(call);
      });
      CHECK_MESSAGE(done.has_value(), (done ? "" : done.error().message + done.error().detail));
    };
    write([&](Call& call) -> Result<void> {
      TRY_(notifier.add(call, {.name = "ops", .url = ops.url("/"), .secret = "a good secret", .allow_private = true}));
      call.tell({.what = "flow.done", .subject_kind = "flow", .subject = "f"});
      return {};
    });
    REQUIRE(worker.run_until_idle());
    clock.pass(std::chrono::seconds(1));
    REQUIRE(worker.run_until_idle());
    write([&](Call& call) -> Result<void> {
      TRY(list, notifier.deliveries(call, {.destination = "ops"}));
      REQUIRE(list.items.size() == 1);
      CHECK(list.items[0].state == DeliveryState::done);
      CHECK(list.items[0].attempts == 2);
      TRY_(notifier.redeliver(call, {list.items[0].id}));
      TRY_(notifier.remove(call, {"ops"}));
      TRY(after, notifier.deliveries(call, {.state = DeliveryState::dropped}));
      CHECK(after.items.size() == 1);
      return {};
    });
    clock.pass(std::chrono::days(31));
    REQUIRE(worker.run_until_idle());
    write([&](Call& call) -> Result<void> {
      TRY(none, notifier.deliveries(call, {}));
      CHECK(none.items.empty());
      return {};
    });
  });
}
