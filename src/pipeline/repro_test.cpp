#include "pipeline/repro.h"

#include <unistd.h>

#include <fstream>

#include "core/json.h"
#include "core/testing.h"
#include "store/files.h"
#include "store/testing.h"

namespace pawl::pipeline {
namespace {

namespace fs = std::filesystem;

struct Work {
  store::ScratchFolder folder;
  fs::path root = folder.path;
  std::unique_ptr<datasets::Repo> repo;
  std::string said, printed;
  Work() {
    REQUIRE(datasets::init_repo(root, true, false));
    repo = std::move(*datasets::Repo::find(root));
  }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) { return store::read_file(root / name).value_or("(no file)"); }
  Result<Repro> repro(ReproAsk ask = {}) {
    said.clear();
    printed.clear();
    ask.say = [this](std::string_view line) { said += std::string(line) + "\n"; };
    ask.output = [this](std::string_view text) { printed += text; };
    return reproduce(*repo, ask);
  }
  // "prep:ran train:cached"
  std::string outcome(ReproAsk ask = {}) {
    auto done = repro(std::move(ask));
    if (!done) return done.error().message;
    std::string out;
    for (const auto& s : done->stages) out += (out.empty() ? "" : " ") + s.name + ":" + std::string(word(s.outcome));
    return out;
  }
  std::string status() {
    auto project = Project::load(*repo);
    REQUIRE_MESSAGE(project, project.error().message);
    std::vector<std::pair<std::string, Changes>> all;
    for (const auto& s : project->stages()) {
      auto changes = changes_of(*project, s);
      REQUIRE_MESSAGE(changes, changes.error().message);
      all.emplace_back(s.address, *changes);
    }
    return status_json(all);
  }
};

constexpr std::string_view two_stages = R"(stages:
  prep:
    cmd: cp raw.txt mid.txt
    deps: [raw.txt]
    params: [lr]
    outs: [mid.txt]
  train:
    cmd: cat mid.txt mid.txt > out.txt
    deps: [mid.txt]
    outs: [out.txt]
)";
struct TwoStages : Work {
  TwoStages() {
    write("dvc.yaml", std::string(two_stages));
    write("raw.txt", "1\n");
    write("params.yaml", "lr: 0.1\nother: x\n");
  }
};

TEST_CASE("given a new pipeline, when it is reproduced, then it runs in order and its lock file has DVC's bytes") {
  TwoStages w;
  CHECK(w.outcome() == "prep:ran train:ran");
  CHECK(w.read("out.txt") == "1\n1\n");
  CHECK(w.read("dvc.lock") == R"(schema: '2.0'
stages:
  prep:
    cmd: cp raw.txt mid.txt
    deps:
    - path: raw.txt
      hash: md5
      md5: b026324c6904b2a9cb4b88d6d61c81d1
      size: 2
    params:
      params.yaml:
        lr: 0.1
    outs:
    - path: mid.txt
      hash: md5
      md5: b026324c6904b2a9cb4b88d6d61c81d1
      size: 2
  train:
    cmd: cat mid.txt mid.txt > out.txt
    deps:
    - path: mid.txt
      hash: md5
      md5: b026324c6904b2a9cb4b88d6d61c81d1
      size: 2
    outs:
    - path: out.txt
      hash: md5
      md5: f2160c8ffedf48068f2e1137e0a3a7e7
      size: 4
)");
  CHECK(w.outcome() == "prep:skipped train:skipped");
  CHECK(w.status() == "{}");
}

TEST_CASE("what is out of date is said in DVC's shape, and only that runs") {
  TwoStages w;
  w.outcome();
  w.write("params.yaml", "lr: 1.0e-1\nother: y\n");
  CHECK(w.status() == "{}");
  w.write("params.yaml", "lr: 0.2\n");
  fs::remove(w.root / "out.txt");
  CHECK(
      w.status() ==
      R"({"prep": [{"changed deps": {"params.yaml": {"lr": "modified"}}}], "train": [{"changed outs": {"out.txt": "deleted"}}]})");
  // prep runs, gives the same bytes, so train has nothing to do but to bring back its output.
  CHECK(w.outcome() == "prep:ran train:cached");
  CHECK(w.said.contains("Stage 'train' is cached - skipping run, checking out outputs"));
  w.write("raw.txt", "2\n");
  CHECK(w.status() == R"({"prep": [{"changed deps": {"raw.txt": "modified"}}]})");
  CHECK(w.outcome() == "prep:ran train:ran");
  w.write("dvc.yaml", std::string(two_stages) + "    desc: x\n");
  CHECK(w.status() == "{}");
}

TEST_CASE("given an earlier run on the same inputs, when they come back, then its results do without a run") {
  TwoStages w;
  w.outcome();
  w.write("raw.txt", "2\n");
  w.outcome();
  w.write("raw.txt", "1\n");
  CHECK(w.outcome() == "prep:cached train:cached");
  CHECK(w.read("out.txt") == "1\n1\n");
  CHECK(w.outcome({.force = true}) == "prep:ran train:ran");
  w.write("raw.txt", "2\n");
  CHECK(w.outcome({.no_run_cache = true}) == "prep:ran train:ran");
}

TEST_CASE("a parameter called size counts for a run that comes back, though DVC's key leaves it out") {
  Work w;
  w.write("dvc.yaml", "stages:\n  a:\n    cmd: grep size params.yaml > out\n    params: [size]\n    outs: [out]\n");
  w.write("params.yaml", "size: 1\n");
  CHECK(w.outcome() == "a:ran");
  w.write("params.yaml", "size: 2\n");
  CHECK(w.outcome() == "a:ran");
  CHECK(w.read("out") == "size: 2\n");
}

TEST_CASE("a target runs with what it depends on, or alone") {
  TwoStages w;
  CHECK(w.outcome({.targets = {"prep"}}) == "prep:ran");
  CHECK(w.outcome({.targets = {"nope"}}) == "Stage 'nope' not found inside 'dvc.yaml' file");
  w.write("raw.txt", "3\n");
  CHECK(w.outcome({.targets = {"train"}, .single = true}) == "train:ran");
  CHECK(w.read("out.txt") == "1\n1\n");
  CHECK(w.outcome({.targets = {"out.txt"}}) == "prep:ran train:ran");
}

TEST_CASE("a dry run says what would happen and changes nothing") {
  TwoStages w;
  CHECK(w.outcome({.dry = true}) == "prep:would run train:would run");
  CHECK(!fs::exists(w.root / "dvc.lock"));
  CHECK(w.said.contains("> cp raw.txt mid.txt"));
}

TEST_CASE("a broken graph is refused in DVC's words") {
  const auto error = [](const std::string& yaml) {
    Work w;
    w.write("dvc.yaml", "stages:\n" + yaml);
    w.write("x", "");
    return w.outcome();
  };
  CHECK(error("  a: {cmd: x, deps: [q], outs: [p]}\n  b: {cmd: x, deps: [p], outs: [q]}\n") ==
        "Same item(s) are defined as both a dependency and an output in stages: a, b.");
  CHECK(error("  a: {cmd: x, deps: [p], outs: [p]}\n") ==
        "Same item(s) are defined as both a dependency and an output in stage: a.");
  CHECK(error("  a: {cmd: x, outs: [p]}\n  b: {cmd: x, outs: [p]}\n")
            .starts_with("output 'p' is specified in:\n\t- b\n\t- a\n"));
  CHECK(error("  a: {cmd: x, outs: [dd]}\n  b: {cmd: x, outs: [dd/x]}\n")
            .starts_with("The output paths:\n'dd'('a')\n'dd/x'('b')\noverlap"));
}

TEST_CASE("a failing command stops the pipeline and leaves the lock file as it was") {
  TwoStages w;
  w.outcome();
  const auto before = w.read("dvc.lock");
  w.write("dvc.yaml",
          "stages:\n  prep:\n    cmd:\n    - echo begun\n    - exit 3\n    - echo never\n    deps: [raw.txt]\n    "
          "outs: [mid.txt]\n");
  CHECK(w.outcome() == "failed to reproduce 'prep': failed to run: exit 3, exited with 3");
  CHECK(w.printed == "begun\n");
  CHECK(w.read("dvc.lock") == before);
  CHECK(w.read(".dvc/tmp/rwlock") == "{}");
}

TEST_CASE("missing inputs and outputs are named") {
  Work w;
  w.write("dvc.yaml", "stages:\n  a: {cmd: 'true', deps: [nofile], outs: [o]}\n");
  CHECK(w.outcome() == "failed to reproduce 'a': dependency 'nofile' does not exist");
  w.write("dvc.yaml", "stages:\n  a: {cmd: 'true', outs: [o]}\n");
  CHECK(w.outcome() == "failed to reproduce 'a': output 'o' does not exist");
  w.write("dvc.yaml", "stages:\n  a: {cmd: 'true', params: [nope]}\n");
  CHECK(w.outcome() == "failed to reproduce 'a': dependency 'params.yaml' does not exist");
  w.write("params.yaml", "x: 1\n");
  CHECK(w.outcome() == "failed to reproduce 'a': Parameters 'nope' are missing from 'params.yaml'.");
}

TEST_CASE("every line of a command is a shell of its own, and stages see DVC_ROOT and DVC_STAGE but no token of ours") {
  Work w;
  ::setenv("PAWL_TOKEN", "secret", 1);
  w.write("dvc.yaml",
          "stages:\n  a:\n    cmd: |\n      x=1; echo $DVC_STAGE\n      echo \"[$x] [$PAWL_TOKEN]\"\n    "
          "always_changed: true\n");
  CHECK(w.outcome() == "a:ran");
  CHECK(w.printed == "a\n[] []\n");
  CHECK(w.outcome() == "a:ran");
  ::unsetenv("PAWL_TOKEN");
}

TEST_CASE("outs are removed before a run unless they persist, and folders and metrics are outs too") {
  Work w;
  w.write("dvc.yaml",
          "stages:\n  a:\n    cmd: mkdir -p d && echo x >> d/log && echo y >> keep && echo 1 > m.json\n   "
          " outs: [d, keep: {persist: true}]\n    metrics: [m.json: {cache: false}]\n");
  CHECK(w.outcome() == "a:ran");
  CHECK(w.outcome({.force = true}) == "a:ran");
  CHECK(w.read("d/log") == "x\n");
  CHECK(w.read("keep") == "y\ny\n");
  CHECK(w.read("dvc.lock").contains("nfiles: 1"));
}

TEST_CASE("a data source that is lost comes back from the cache, one that changed is taken") {
  Work w;
  w.write("raw.txt", "1\n");
  REQUIRE(datasets::add(*w.repo, w.root / "raw.txt"));
  w.write("dvc.yaml", "stages:\n  a: {cmd: cp raw.txt o, deps: [raw.txt], outs: [o]}\n");
  fs::remove(w.root / "raw.txt");
  CHECK(w.outcome() == "raw.txt.dvc:cached a:ran");
  w.write("raw.txt", "2\n");
  CHECK(w.outcome() == "raw.txt.dvc:ran a:ran");
  CHECK(w.read("raw.txt.dvc").contains("26ab0db90d72e28ad0ba1e22ee510510"));
}

TEST_CASE("parameters are overridden in their file before a run") {
  TwoStages w;
  w.write("conf.json", R"({"a": {"b": 1}})");
  REQUIRE(override_param(w.root, "lr", yaml::Value::of(0.5)));
  REQUIRE(override_param(w.root, "collect.until", yaml::Value::of("2013-03-01")));
  REQUIRE(override_param(w.root, "conf.json:a.b", yaml::Value::of(std::int64_t{2})));
  CHECK(w.read("params.yaml") == "lr: 0.5\nother: x\ncollect:\n  until: '2013-03-01'\n");
  CHECK(w.read("conf.json") == "{\"a\": {\"b\": 2}}\n");
  CHECK(!override_param(w.root, "../x.yaml:a", yaml::Value::of(true)));
  CHECK(!override_param(w.root, "lr.deeper", yaml::Value::of(true)));
}

TEST_CASE("a stage in another folder has an address of its own") {
  Work w;
  w.write("sub/dvc.yaml", "stages:\n  a: {cmd: echo hi > o, outs: [o]}\n");
  CHECK(w.outcome() == "sub/dvc.yaml:a:ran");
  CHECK(fs::exists(w.root / "sub/dvc.lock"));
  CHECK(w.outcome({.targets = {"sub/dvc.yaml:a"}}) == "sub/dvc.yaml:a:skipped");
}

TEST_CASE("given a stop, when a stage runs, then it ends and is not saved") {
  Work w;
  w.write("dvc.yaml", "stages:\n  a: {cmd: 'echo up; sleep 60', outs: [o]}\n");
  std::stop_source stop;
  ReproAsk ask{.stop = stop.get_token()};
  ask.output = [&](std::string_view) { stop.request_stop(); };
  auto done = reproduce(*w.repo, ask);
  REQUIRE(!done);
  CHECK(done.error().message == "failed to reproduce 'a': stopped");
}

}  // namespace
}  // namespace pawl::pipeline
