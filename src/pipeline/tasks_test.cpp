// A whole server in this process, a real runner against it, real Git repositories in a scratch folder.
#include <fstream>

#include "core/hash.h"
#include "core/json.h"
#include "core/testing.h"
#include "datasets/process.h"
#include "datasets/routes.h"
#include "net/server.h"
#include "pipeline/routes.h"
#include "pipeline/rows.h"
#include "pipeline/runner.h"
#include "registry/routes.h"
#include "store/testing.h"
#include "tracking/routes.h"

namespace pawl::pipeline {
namespace {

namespace fs = std::filesystem;

struct Served {
  store::ScratchFolder folder;
  FakeClock clock;
  SystemRandom random;
  std::unique_ptr<store::Store> store = store::open_or_die();
  std::unique_ptr<access::Service> access =
      std::move(*access::Service::open(*store, folder.path / "keys", clock, random));
  store::Artifacts artifacts{folder.path / "artifacts"};
  tracking::Service runs{*store, random, tracking::Settings{.working_folder = folder.path.string()}};
  datasets::Service datasets;
  registry::Service registry{runs};
  Service service{*store, *access, datasets, registry, folder.path / "logs"};
  Desk desk{*store, service, clock, {}};
  jobs::Worker worker{*store, clock, random};
  net::Router router;
  std::unique_ptr<net::Server> server;
  std::thread thread;

  Served() {
    REQUIRE(runs.prepare(clock));
    access->flows_alive_by([this](std::string_view flow, std::int64_t epoch) { return service.alive(flow, epoch); });
    worker.follow("pipeline.tasks",
                  [this](Call& call, const store::LedgerEvent& event) { return service.take_event(call, event); });
    tracking::mount(router, runs);
    tracking::mount_artifacts(router, runs, *store, artifacts);
    registry::mount(router, registry, *store, artifacts);
    datasets::mount(router, datasets);
    mount(router, service, desk);
    auto listening = net::Server::listen({}, router, *store, *access, clock);
    REQUIRE_MESSAGE(listening, listening.error().message);
    server = std::move(*listening);
    desk.start();
    thread = std::thread([this] { server->run(); });
  }
  ~Served() {
    desk.close();
    server->stop();
    thread.join();
  }

  template <class T, class F> T write(F f) {
    auto got = store->write_for<T>([&](Tx& tx) -> Result<T> {
      Call call(tx, {.who = pawl_itself(), .clock = &clock});
      return f(call);
    });
    REQUIRE_MESSAGE(got, got.error().message);
    return *got;
  }
  void git(std::vector<std::string> arguments) {
    std::vector<std::string> argv{"git",
                                  "-C",
                                  (folder.path / "team").string(),
                                  "-c",
                                  "user.name=Ada",
                                  "-c",
                                  "user.email=ada@example.org",
                                  "-c",
                                  "init.defaultBranch=main"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto ran = datasets::output_of(argv);
    REQUIRE_MESSAGE(ran, ran.error().message);
  }
  void file(const std::string& name, const std::string& text) {
    fs::create_directories((folder.path / "team" / name).parent_path());
    std::ofstream(folder.path / "team" / name) << text;
  }
  std::string url() const { return (folder.path / "team.git").string(); }
  std::string commit(const std::string& message) {
    git({"add", "-A"});
    git({"commit", "-q", "-m", message});
    git({"push", "-q", url(), "HEAD:refs/heads/main"});
    auto id = datasets::output_of({"git", "-C", (folder.path / "team").string(), "rev-parse", "HEAD"});
    return id->substr(0, 40);
  }
  // A team's repository with a pipeline of two stages.
  std::string team(
      const std::string& train = "cat data/train.csv params.yaml > model.onnx && echo '{\"acc\": 1}' > m.json") {
    fs::create_directories(folder.path / "team");
    REQUIRE(datasets::output_of({"git", "init", "-q", "--bare", url()}));
    git({"init", "-q"});
    REQUIRE(datasets::init_repo(folder.path / "team", false, false));
    file("pawl.yaml", "pawl: 1\ngate:\n  - data: {checks: checks.yaml}\n");
    file("checks.yaml", "checks:\n- for: [training]\n  columns: {x: {max: 1}}\n");
    file("params.yaml", "collect: {until: never}\n");
    file(
        "dvc.yaml",
        "stages:\n  data:\n    cmd: mkdir -p data && printf 'when,x\\n2013-01-01,1\\n2013-01-02,2\\n' > data/train.csv "
        "&& echo ready\n    params: [collect.until]\n    outs: [data/train.csv]\n  train:\n    cmd:\n    - " +
            train + "\n    deps: [data/train.csv]\n    outs: [model.onnx]\n    metrics: [m.json: {cache: false}]\n");
    return commit("first");
  }
  PipelineAsk ask(const std::string& flow, const std::string& commit_id) {
    return {.flow = flow,
            .model = "delay",
            .repo = "team",
            .url = url(),
            .commit = commit_id,
            .set = {{"collect.until", {"\"2013-03-01T00:00:00Z\""}}},
            .output = "model.onnx",
            .data = {.train = "data/train.csv", .test = {}},
            .time = "when",
            .checks = "checks:\n- for: [training]\n  columns: {x: {max: 1}}\n",
            .checks_path = "checks.yaml"};
  }
  void run_once(const std::map<TaskKind, TaskCode>& more = {}) {
    auto ran = run_runner({.server = "http://127.0.0.1:" + std::to_string(server->port()),
                           .work = folder.path / "work",
                           .name = "r",
                           .once = true},
                          more, {});
    REQUIRE_MESSAGE(ran, ran.error().message);
    REQUIRE(worker.run_until_idle());
  }
  TaskResult result(const jobs::JobId& id) {
    auto got = store->read_for<TaskResult>([&](Tx& tx) { return service.result(tx, id); });
    REQUIRE_MESSAGE(got, got.error().message);
    return *got;
  }
  std::vector<store::LedgerEvent> events(const std::string& what) {
    return *store->read_for<std::vector<store::LedgerEvent>>(
        [&](Tx& tx) { return store::read_ledger(tx, {.what = what}); });
  }
  std::string log(const jobs::JobId& id) { return service.read_log({.id = id.text})->text; }
};

TEST_CASE("given a pushed commit, when it is inspected, then its declaration, its people and its data are told") {
  Served s;
  const auto first = s.team();
  s.file("data/raw.bin", "x");
  s.file("data/raw.bin.dvc",
         "outs:\n- md5: b1946ac92492d2347c6235b4d2611184\n  size: 6\n  hash: md5\n  path: raw.bin\n");
  const auto second = s.commit("second");
  const auto id = s.write<jobs::JobId>([&](Call& call) {
    return s.service.ask_inspect(call, {.repo = "team",
                                        .url = s.url(),
                                        .commit = second,
                                        .ref = "refs/heads/main",
                                        .since = first,
                                        .data_paths = {"data/raw.bin", "params.yaml", "none"}});
  });
  s.run_once();
  const auto got = s.result(id);
  REQUIRE_MESSAGE(got.ok, got.error);
  auto seen = decode<InspectResult>(got.result.text);
  REQUIRE(seen);
  CHECK(seen->parent == first);
  CHECK(seen->message == "second");
  CHECK(seen->committers == std::vector<std::string>{"ada@example.org"});
  CHECK(seen->files.size() == 2);
  CHECK(seen->files["checks.yaml"].contains("max: 1"));
  CHECK(seen->data_digests["data/raw.bin"] == "b1946ac92492d2347c6235b4d2611184");
  CHECK(seen->data_digests.contains("params.yaml"));
  CHECK(!seen->data_digests.contains("none"));
  REQUIRE(s.events("task.ended").size() == 1);
  CHECK(s.events("task.ended")[0].data.text.contains("\"ok\":true"));
}

TEST_CASE("given a pipeline, when a runner takes it, then its version, its datasets and its lock come back once") {
  ::setenv("MY_API_KEY", "very secret", 1);
  ::setenv("PLAIN_SETTING", "seen", 1);
  Served s;
  const auto commit = s.team("cat data/train.csv params.yaml > model.onnx && echo '[]' > m.json; env");
  const auto id = s.write<jobs::JobId>([&](Call& call) { return s.service.ask_pipeline(call, s.ask("f1", commit)); });
  s.run_once();
  const auto got = s.result(id);
  REQUIRE_MESSAGE(got.ok, got.error);
  auto seen = decode<PipelineResult>(got.result.text);
  REQUIRE_MESSAGE(seen, seen.error().message);
  REQUIRE(seen->stages.size() == 2);
  CHECK(seen->stages[0].outcome == Outcome::ran);
  CHECK(seen->lock.contains("collect.until: '2013-03-01T00:00:00Z'"));
  CHECK(seen->params["params.yaml"].text == R"({"collect":{"until":"2013-03-01T00:00:00Z"}})");
  CHECK(seen->metrics["m.json"].text == "[]");
  CHECK(!seen->nothing_new);
  CHECK(seen->warnings.empty());
  REQUIRE(seen->output);
  CHECK(seen->output->sha256 ==
        sha256_hex("when,x\n2013-01-01,1\n2013-01-02,2\ncollect:\n  until: '2013-03-01T00:00:00Z'\n"));
  // The script registered nothing, so the runner did, as the flow.
  REQUIRE(seen->version);
  CHECK(seen->version->name == "delay");
  auto versions =
      s.store->read_for<std::vector<registry::Version>>([&](Tx& tx) { return s.registry.by_flow(tx, "f1"); });
  REQUIRE(versions);
  REQUIRE(versions->size() == 1);
  CHECK(versions->at(0).flow_epoch == 1);
  CHECK(datasets::output_of({"git", "-C", s.url(), "rev-parse", "refs/pawl/delay/1"})->substr(0, 40) == commit);
  REQUIRE(seen->datasets.size() == 1);
  CHECK(seen->datasets[0].time_max == "2013-01-02T00:00:00Z");
  CHECK(seen->datasets[0].findings ==
        std::vector<datasets::Finding>{{"x", "max", "at most 1", "2; beyond it 50 % (1 of 2 rows)"}});
  auto used =
      s.store->read_for<std::vector<datasets::DatasetUse>>([&](Tx& tx) { return s.datasets.of_flow(tx, "f1"); });
  REQUIRE(used->size() == 1);
  CHECK(used->at(0).role == "train");
  const auto log = s.log(id);
  CHECK(log.contains("Running stage 'train'"));
  CHECK(log.contains("MLFLOW_TRACKING_TOKEN="));
  CHECK(log.contains("PLAIN_SETTING=seen"));
  CHECK(!log.contains("very secret"));
  CHECK(s.events("task.ended").size() == 1);

  // The same commit again: nothing runs, the output is known.
  const auto again =
      s.write<jobs::JobId>([&](Call& call) { return s.service.ask_pipeline(call, s.ask("f2", commit)); });
  s.run_once();
  auto second = decode<PipelineResult>(s.result(again).result.text);
  REQUIRE(second);
  CHECK(second->nothing_new);
  CHECK(!second->version);
  CHECK(second->stages[0].outcome == Outcome::cached);
  ::unsetenv("MY_API_KEY");
  ::unsetenv("PLAIN_SETTING");
}

TEST_CASE("given a stage that fails, when its task ends, then it is not tried again and its reason is told") {
  Served s;
  const auto commit = s.team("exit 3");
  const auto id = s.write<jobs::JobId>([&](Call& call) { return s.service.ask_pipeline(call, s.ask("f1", commit)); });
  s.run_once();
  const auto got = s.result(id);
  CHECK(!got.ok);
  CHECK(got.error == "failed to reproduce 'train': failed to run: exit 3, exited with 3");
  REQUIRE(s.events("task.ended").size() == 1);
  CHECK(s.events("task.ended")[0].data.text.contains("\"ok\":false"));
  CHECK(s.log(id).contains("exited with 3"));
  CHECK(!s.service.alive("f1", 1));
}

TEST_CASE(
    "given a runner that is lost, when its lease runs out, then another takes over and the late result is refused") {
  Served s;
  const auto id = s.write<jobs::JobId>(
      [&](Call& call) { return s.service.ask_pipeline(call, {.flow = "f1", .model = "delay", .commit = "c"}); });
  const auto first = s.write<Claimed>([&](Call& call) { return s.service.claim(call, {.runner = "a"}); });
  CHECK(first.id == id.text);
  CHECK(s.service.alive("f1", 1));
  CHECK(s.write<Claimed>([&](Call& call) { return s.service.claim(call, {.runner = "b"}); }).id.empty());
  s.clock.pass(lease_time + std::chrono::seconds(1));
  const auto second = s.write<Claimed>([&](Call& call) { return s.service.claim(call, {.runner = "b"}); });
  CHECK(second.epoch == 2);
  CHECK(first.token != second.token);
  CHECK(!s.service.alive("f1", 1));
  CHECK(s.service.alive("f1", 2));
  net::Client client({.server = "http://127.0.0.1:" + std::to_string(s.server->port())});
  const auto finish = [&](std::int64_t epoch) {
    return client.call<Nothing>(
        net::Method::POST, "/api/pawl/v1/tasks/" + id.text + "/finish",
        FinishAsk{.id = id.text, .epoch = epoch, .ok = true, .result = {encode(PipelineResult{})}});
  };
  auto late = finish(1);
  REQUIRE(!late);
  CHECK(late.error().code == Code::conflict);
  CHECK(client.call<LeaseUntil>(net::Method::POST, "/api/pawl/v1/tasks/" + id.text + "/renew", Held{id.text, 1})
            .error()
            .code == Code::conflict);
  CHECK(finish(2));
  CHECK(finish(2).error().code == Code::conflict);
  CHECK(s.events("task.ended").size() == 1);
}

TEST_CASE("given a task that lost every runner, when it is given up, then it has ended as failed") {
  Served s;
  const auto id =
      s.write<jobs::JobId>([&](Call& call) { return s.service.ask_inspect(call, {.repo = "r", .commit = "c"}); });
  for (int i = 0; i < 6; ++i) {
    s.write<Claimed>([&](Call& call) { return s.service.claim(call, {.runner = "a"}); });
    s.clock.pass(lease_time + std::chrono::seconds(1));
  }
  REQUIRE(s.worker.run_until_idle());
  CHECK(!s.result(id).ok);
  REQUIRE(s.events("task.ended").size() == 1);
}

TEST_CASE("given a flow that is stopped, when its runner renews, then it is told and its token is void") {
  Served s;
  const auto id = s.write<jobs::JobId>(
      [&](Call& call) { return s.service.ask_pipeline(call, {.flow = "f1", .model = "delay", .commit = "c"}); });
  s.write<Claimed>([&](Call& call) { return s.service.claim(call, {.runner = "a"}); });
  s.write<Nothing>([&](Call& call) -> Result<Nothing> {
    TRY_(s.service.drop_tasks(call, "f1"));
    return Nothing{};
  });
  CHECK(!s.service.alive("f1", 1));
  auto renewed = s.store->write_for<LeaseUntil>([&](Tx& tx) {
    Call call(tx, {.who = pawl_itself(), .clock = &s.clock});
    return s.service.renew(call, {id.text, 1});
  });
  CHECK(renewed.error().code == Code::conflict);
}

TEST_CASE("an ask for work waits until there is some") {
  Served s;
  net::Client client({.server = "http://127.0.0.1:" + std::to_string(s.server->port())});
  CHECK(client.call<Claimed>(net::Method::POST, "/api/pawl/v1/tasks/claim", ClaimAsk{.runner = "a", .wait = false})
            ->id.empty());
  std::optional<Result<Claimed>> got;
  std::thread waiting([&] {
    got = client.call<Claimed>(net::Method::POST, "/api/pawl/v1/tasks/claim",
                               ClaimAsk{.runner = "a", .kinds = {TaskKind::evaluate}});
  });
  const auto id = s.write<jobs::JobId>([&](Call& call) { return s.service.ask_evaluate(call, "f1", {R"({"x": 1})"}); });
  waiting.join();
  REQUIRE(got->has_value());
  CHECK((*got)->id == id.text);
  CHECK((*got)->payload.text == R"({"x":1})");
}

TEST_CASE("a kind of task that a room above brings is handed its payload and hands back its result unchanged") {
  Served s;
  const auto id = s.write<jobs::JobId>([&](Call& call) { return s.service.ask_evaluate(call, "f1", {R"({"x":1})"}); });
  s.run_once({{TaskKind::evaluate, [](TaskContext& task, const std::string& payload) -> Result<std::string> {
                 CHECK(fs::is_directory(task.scratch));
                 return R"({"got":)" + payload + "}";
               }}});
  CHECK(s.result(id).result.text == R"({"got":{"x":1}})");
}

TEST_CASE("the rows of repositories and tasks mean the same to both engines") {
  store::on_each_engine([](store::Store& store) {
    FakeClock clock;
    REQUIRE(store.write([&](Tx& tx) -> Result<void> {
      Call call(tx, {.who = pawl_itself(), .clock = &clock});
      CHECK(rows::insert_repository(tx, {.name = "b", .url = "u"}, "default", clock.now()) == true);
      CHECK(rows::insert_repository(tx, {.name = "a", .url = "u"}, "default", clock.now()) == true);
      CHECK(rows::insert_repository(tx, {.name = "a", .url = "v"}, "default", clock.now()) == false);
      TRY(all, rows::repositories(tx));
      REQUIRE(all.size() == 2);
      CHECK(all[0].name == "a");
      CHECK(all[0].branch == "main");
      CHECK(!(*rows::find_repository(tx, "none")).has_value());
      CHECK(rows::unfinished(tx) == false);
      TRY(id, jobs::add(call, {.kind = "pipeline", .payload = "{}", .flow = "f"}));
      CHECK(rows::unfinished(tx) == true);
      const std::array<std::string, 1> kinds{"pipeline"};
      TRY_(jobs::claim(call, kinds, "r", lease_time));
      TRY(running, rows::running_pipelines(tx));
      REQUIRE(running.size() == 1);
      CHECK(running[0].flow == "f");
      CHECK(running[0].epoch == 1);
      TRY_(jobs::finish(call, id, 1, "{\"x\":1}"));
      TRY(finished, rows::finished_pipelines(tx, 10));
      REQUIRE(finished.size() == 1);
      CHECK(finished[0].result == "{\"x\":1}");
      TRY(newest, rows::newest_tasks(tx, 10));
      REQUIRE(newest.size() == 1);
      CHECK(newest[0].state == "done");
      return {};
    }));
  });
}

TEST_CASE("repositories are declared once, and a push is an event") {
  Served s;
  const auto refused = [&](NewRepository in) {
    auto got = s.store->write_for<Repository>([&](Tx& tx) {
      Call call(tx, {.who = pawl_itself(), .clock = &s.clock});
      return s.service.add_repository(call, in);
    });
    return got ? std::string("accepted") : got.error().field;
  };
  CHECK(refused({.name = "team", .url = "/srv/team.git"}) == "accepted");
  CHECK(refused({.name = "team", .url = "/srv/team.git"}) == "name");
  CHECK(refused({.name = "../x", .url = "/srv/team.git"}) == "name");
  CHECK(refused({.name = "x", .url = "ext::sh -c id"}) == "url");
  CHECK(refused({.name = "x", .url = "--upload-pack=id"}) == "url");
  CHECK(refused({.name = "x", .url = "/srv/x.git", .branch = "-x"}) == "branch");
  net::Client client({.server = "http://127.0.0.1:" + std::to_string(s.server->port())});
  const std::string commit(40, 'a');
  CHECK(client.call<PushTaken>(net::Method::POST, "/api/pawl/v1/repos/team/pushes",
                               Push{.name = "team", .ref = "refs/heads/main", .after = commit}));
  CHECK(client
            .call<PushTaken>(net::Method::POST, "/api/pawl/v1/repos/team/pushes",
                             Push{.name = "team", .ref = "refs/heads/main", .after = "abc"})
            .error()
            .field == "after");
  CHECK(client
            .call<PushTaken>(net::Method::POST, "/api/pawl/v1/repos/none/pushes",
                             Push{.name = "none", .ref = "refs/heads/main", .after = commit})
            .error()
            .code == Code::missing);
  REQUIRE(s.events("repo.pushed").size() == 1);
  CHECK(s.events("repo.pushed")[0].data.text.contains(commit));
}

TEST_CASE("one runner works in a folder at a time") {
  Served s;
  fs::create_directories(s.folder.path / "work");
  const RunnerSettings settings{.server = "http://127.0.0.1:" + std::to_string(s.server->port()),
                                .work = s.folder.path / "work"};
  std::stop_source stop;
  std::jthread first([&] { (void)run_runner(settings, {}, stop.get_token()); });
  // The first has the lock when it is known to the server.
  while (!s.service.runner_seen_since(s.clock.now())) std::this_thread::yield();
  auto second = run_runner(settings, {}, {});
  REQUIRE(!second);
  CHECK(second.error().code == Code::busy);
  CHECK(second.error().message.ends_with("process " + std::to_string(::getpid())));
  stop.request_stop();
  s.desk.close();  // its ask is answered, so it looks at the stop
}

TEST_CASE("a server that ends in order takes its own runner along when that has nothing to do") {
  Served s;
  std::stop_source never;
  const RunnerSettings settings{
      .server = "http://127.0.0.1:" + std::to_string(s.server->port()), .work = s.folder.path / "work", .local = true};
  Result<void> ran = fail(Code::busy, "it never ended");
  std::jthread runner([&] { ran = run_runner(settings, {}, never.get_token()); });
  while (!s.service.runner_seen_since(s.clock.now())) std::this_thread::yield();
  s.desk.close();
  runner.join();
  CHECK(ran);
}

}  // namespace
}  // namespace pawl::pipeline
