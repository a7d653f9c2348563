#include "wire/dvc/config.h"
#include "wire/dvc/ignore.h"
#include "wire/dvc/lock.h"
#include "wire/dvc/pipeline.h"
#include "wire/dvc/tree.h"

#include "core/testing.h"

namespace pawl::dvc {
namespace {

const ReadParams no_params = [](const std::string&) -> Result<yaml::Value> { return fail(Code::missing, "none"); };
ReadParams params(const std::map<std::string, std::string>& files) {
  return [files](const std::string& path) -> Result<yaml::Value> {
    const auto at = files.find(path);
    if (at == files.end()) return fail(Code::missing, path);
    return yaml::read(at->second, path);
  };
}
std::string error_of(std::string_view text, const ReadParams& read = no_params) {
  auto got = read_pipeline(text, "dvc.yaml", read);
  return got ? "accepted" : got.error().message;
}

TEST_CASE("a new .dvc file has DVC's bytes") {
  DvcFile f;
  f.outs.push_back({.path = "h.txt", .digest = "b1946ac92492d2347c6235b4d2611184", .size = 6, .nfiles = {}});
  CHECK(write_dvc_file(f) == "outs:\n- md5: b1946ac92492d2347c6235b4d2611184\n  size: 6\n  hash: md5\n  path: h.txt\n");
  f.outs[0] = {.path = "d", .digest = "f437247ec66d73ba66b0ade0246fcb49.dir", .size = 3, .nfiles = 3};
  CHECK(write_dvc_file(f) ==
        "outs:\n- md5: f437247ec66d73ba66b0ade0246fcb49.dir\n  size: 3\n  nfiles: 3\n  hash: md5\n  path: d\n");
}

TEST_CASE("an existing .dvc file keeps its order and the keys that are not ours to change") {
  auto f = read_dvc_file(
      "outs:\n- path: d\n  md5: b1946ac92492d2347c6235b4d2611184\n  desc: ours\n  push: false\nmeta:\n  who: me\n",
      "d.dvc");
  REQUIRE(f);
  CHECK(f->outs[0].hash.empty());
  CHECK(!f->outs[0].says("push", true));
  f->outs[0].digest = "d41d8cd98f00b204e9800998ecf8427e";
  f->outs[0].size = 0;
  f->outs[0].hash = "md5";
  CHECK(write_dvc_file(*f) ==
        "outs:\n- path: d\n  md5: d41d8cd98f00b204e9800998ecf8427e\n  desc: ours\n  push: false\n  size: 0\n  hash: "
        "md5\nmeta:\n  who: me\n");
}

TEST_CASE("a .dvc file that is not valid is refused with line and column") {
  each_of<std::string, std::string>(
      {{"outs:\n- md5: b1946ac92492d2347c6235b4d2611184\n  nokey: 1\n  path: z\n",
        "z.dvc:3:3: validation failed: extra keys not allowed, in outs -> 0 -> nokey"},
       {"outs:\n- md5: xx\n  path: z\n", "z.dvc:2:8: validation failed: not a valid value, in outs -> 0 -> md5"},
       {"outs:\n- size: 1\n", "z.dvc:2:3: validation failed: required key not provided, in outs -> 0 -> path"},
       {"outs: 5\n", "z.dvc:1:7: validation failed: expected a list, in outs"}},
      [](const std::string& text, const std::string& message) {
        auto got = read_dvc_file(text, "z.dvc");
        REQUIRE(!got);
        CHECK(got.error().message == message);
      });
}

TEST_CASE("a directory object has DVC's bytes and digest") {
  CHECK(tree_digest(write_tree({})) == "d751713988987e9331980363e24189ce.dir");
  const auto two = write_tree({{"2", "26ab0db90d72e28ad0ba1e22ee510510"}, {"1", "b026324c6904b2a9cb4b88d6d61c81d1"}});
  CHECK(
      two ==
      R"([{"md5": "b026324c6904b2a9cb4b88d6d61c81d1", "relpath": "1"}, {"md5": "26ab0db90d72e28ad0ba1e22ee510510", "relpath": "2"}])");
  CHECK(tree_digest(two) == "f437247ec66d73ba66b0ade0246fcb49.dir");
  CHECK(write_tree({{"\xc3\xbc\xf0\x9f\x98\x80\"", "x"}}) == R"([{"md5": "x", "relpath": "\u00fc\ud83d\ude00\""}])");
}

TEST_CASE("a directory object sorts by code points, whatever order its files came in") {
  const std::vector<std::string> sorted{"\"q\\", "B.txt", "a-b",          "a.b",
                                        "a/b",   "b.txt", "\xef\xac\x80", "\xf0\x9f\x98\x80"};
  for_random_cases(50, [&sorted](std::uint32_t seed) {
    auto shuffled = sorted;
    for (std::size_t i = shuffled.size(); i-- > 1;)
      std::swap(shuffled[i], shuffled[(seed = seed * 1664525u + 1013904223u) % (i + 1)]);
    std::vector<TreeFile> files;
    files.reserve(shuffled.size());
    for (const auto& name : shuffled) files.push_back({name, "d41d8cd98f00b204e9800998ecf8427e"});
    auto again = read_tree(write_tree(files));
    RC_ASSERT(again.has_value());
    std::vector<std::string> got;
    for (const auto& f : *again) got.push_back(f.relpath);
    RC_ASSERT(got == sorted);
  });
}

TEST_CASE("a directory object cannot name what lies outside") {
  each_of<std::string>({{"../x"}, {"a/../../x"}, {"/etc/passwd"}, {"a//b"}, {""}, {"."}}, [](const std::string& name) {
    CHECK(!read_tree("[{\"md5\": \"d41d8cd98f00b204e9800998ecf8427e\", \"relpath\": \"" + name + "\"}]"));
  });
  CHECK(!read_tree("{}"));
  CHECK(!read_tree("[{\"md5\": \"../../../../etc\", \"relpath\": \"a\"}]"));
}

constexpr std::string_view lock_text = R"(schema: '2.0'
stages:
  prep:
    cmd: python prep.py
    deps:
    - path: raw.txt
      hash: md5
      md5: b026324c6904b2a9cb4b88d6d61c81d1
      size: 2
    params:
      params.yaml:
        lr: 0.1
        nested.b: [1, x]
    outs:
    - path: out.txt
      hash: md5
      md5: 26ab0db90d72e28ad0ba1e22ee510510
      size: 2
)";

TEST_CASE("a lock file keeps the place of its stages and adds new ones at the end") {
  auto lock = Lock::read("# by hand\n" + std::string(lock_text), "dvc.lock");
  REQUIRE(lock);
  REQUIRE(lock->find("prep"));
  auto prep = *lock->find("prep");
  LockedStage train;
  train.cmd = yaml::Value::of("python train.py");
  train.outs.push_back({.path = "model", .digest = "d41d8cd98f00b204e9800998ecf8427e", .size = 0, .nfiles = {}});
  lock->set("train", train);
  prep.cmd = yaml::Value::of("python prep.py -v");
  lock->set("prep", prep);
  CHECK(lock->write() == R"(# by hand
schema: '2.0'
stages:
  prep:
    cmd: python prep.py -v
    deps:
    - path: raw.txt
      hash: md5
      md5: b026324c6904b2a9cb4b88d6d61c81d1
      size: 2
    params:
      params.yaml:
        lr: 0.1
        nested.b:
        - 1
        - x
    outs:
    - path: out.txt
      hash: md5
      md5: 26ab0db90d72e28ad0ba1e22ee510510
      size: 2
  train:
    cmd: python train.py
    outs:
    - path: model
      hash: md5
      md5: d41d8cd98f00b204e9800998ecf8427e
      size: 0
)");
}

TEST_CASE("a lock file, printed and parsed again, is the same lock file") {
  for_random_cases(200, [](const std::vector<std::pair<std::string, int>>& deps, const std::string& command) {
    const auto ascii = [](std::string text) {
      std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == 0; });
      return "x" + text;
    };
    LockedStage stage;
    stage.cmd = yaml::Value::of(ascii(command));
    for (const auto& [path, size] : deps)
      stage.deps.push_back({.path = ascii(path),
                            .digest = "d41d8cd98f00b204e9800998ecf8427e",
                            .size = std::abs(size % 1000),
                            .nfiles = {}});
    Lock lock;
    lock.set("s", stage);
    auto again = Lock::read(lock.write(), "dvc.lock");
    RC_ASSERT(again.has_value());
    RC_ASSERT(again->write() == lock.write());
  });
}

TEST_CASE("a lock file with an unknown key, without a schema or of another one is refused") {
  CHECK(!Lock::read("stages: {}\n", "dvc.lock"));
  CHECK(!Lock::read("schema: '3.0'\nstages: {}\n", "dvc.lock"));
  CHECK(!Lock::read("schema: '2.0'\nother: 1\n", "dvc.lock"));
  CHECK(!Lock::read("schema: '2.0'\nstages:\n  a:\n    cmd: x\n    nokey: 1\n", "dvc.lock"));
}

TEST_CASE("a stage of dvc.yaml has its parts, its flags and the default parameter file") {
  auto got = read_pipeline(R"(stages:
  train:
    cmd: python train.py
    wdir: src
    deps: [../data, train.py]
    params: [lr, {other.json: [a, b]}, whole.yaml:]
    outs:
    - model.onnx
    - cache.bin: {cache: false, persist: true}
    metrics:
    - m.json: {cache: false}
    frozen: true
)",
                           "sub/dvc.yaml", no_params);
  REQUIRE_MESSAGE(got, got.error().message);
  const auto& s = got->at(0);
  CHECK(s.wdir == "sub/src");
  CHECK(s.deps == std::vector<std::string>{"../data", "train.py"});
  CHECK(s.params == std::vector<ParamsOf>{{"params.yaml", {"lr"}}, {"other.json", {"a", "b"}}, {"whole.yaml", {}}});
  CHECK(s.outs[1] == OutOf{.path = "cache.bin", .cache = false, .persist = true, .remote = {}, .desc = {}});
  CHECK(s.outs[2].kind == OutOf::Kind::metric);
  CHECK(s.frozen);
}

TEST_CASE("errors of dvc.yaml say where, in DVC's words where it has some") {
  each_of<std::string, std::string>(
      {{"stages:\n  a:\n    cmd: x\n    dep: [y]\n",
        "dvc.yaml:4:5: validation failed: extra keys not allowed, in stages -> a -> dep"},
       {"nokey: 1\n", "dvc.yaml:1:1: validation failed: extra keys not allowed, in nokey"},
       {"stages:\n  a:\n    deps: [y]\n",
        "dvc.yaml:3:5: validation failed: required key not provided, in stages -> a -> cmd"},
       {"stages:\n  a:\n    cmd: echo ${nope}\n",
        "failed to parse 'stages.a.cmd' in 'dvc.yaml': Could not find 'nope'"},
       {"vars:\n- l: [1]\nstages:\n  a:\n    cmd: echo ${l}\n",
        "failed to parse 'stages.a.cmd' in 'dvc.yaml':\nCannot interpolate data of type 'list'"},
       {"vars:\n- nofile.yaml\nstages: {}\n", "failed to parse 'vars' in 'dvc.yaml': 'nofile.yaml' does not exist"},
       {"vars:\n- s: 1\n- s: 2\nstages: {}\n",
        "failed to parse 'vars' in 'dvc.yaml':\ncannot redefine 's' from 'vars[1]' as it already exists in 'vars[0]'"},
       {"vars:\n- s: ${x}\nstages: {}\n", "failed to parse 'vars' in 'dvc.yaml': interpolating is not allowed"},
       {"vars:\n- t: 5\nstages:\n  a:\n    foreach: ${t}\n    do:\n      cmd: x\n",
        "failed to resolve 'stages.a.foreach' in 'dvc.yaml': expected list/dictionary, got a scalar"},
       {"stages:\n  a:\n    cmd: x\n    wdir: ../../out\n",
        "dvc.yaml:4:11: validation failed: wdir leaves the repository, in stages -> a -> wdir"}},
      [](const std::string& text, const std::string& message) { CHECK(error_of(text) == message); });
}

TEST_CASE("templates take values from params.yaml and vars, keep their type and make arguments of a map") {
  auto got = read_pipeline(
      R"(vars:
- v.yaml:rate
- train: {lr: 0.1, flag: true, off: false, name: a b, list: [1, two], nest: {k: 1}}
stages:
  a:
    cmd: run ${train} ${ rate } ${deep.l[1]} ${yes} ${none} \${HOME}
    deps: ["${deep.l[0]}"]
    frozen: ${yes}
)",
      "dvc.yaml",
      params({{"params.yaml", "deep: {l: [in.txt, 2.0]}\nyes: true\nnone:\n"}, {"v.yaml", "rate: 1e-05\nother: 1\n"}}));
  REQUIRE_MESSAGE(got, got.error().message);
  CHECK(got->at(0).cmd.text == "run --lr 0.1 --flag --name 'a b' --list 1 two --nest.k 1 1e-05 2.0 true None ${HOME}");
  CHECK(got->at(0).deps == std::vector<std::string>{"in.txt"});
  CHECK(got->at(0).frozen);
}

TEST_CASE("foreach and matrix make the stages and the names that DVC makes") {
  auto got = read_pipeline(R"(stages:
  fl:
    foreach: [true, 0.5, x-y]
    do: {cmd: "echo ${item}"}
  fm:
    foreach: {us: {n: 1}, de: {n: 2}}
    do: {cmd: "echo ${key} ${item.n}"}
  fc:
    foreach: [{n: 1}, 2]
    do: {cmd: "echo hi"}
  mx:
    matrix: {m: [a], n: [1, {k: 1}], b: [true]}
    cmd: echo ${item.m} ${key}
)",
                           "dvc.yaml", no_params);
  REQUIRE_MESSAGE(got, got.error().message);
  std::vector<std::string> names, commands;
  for (const auto& s : *got) names.push_back(s.name), commands.push_back(s.cmd.text);
  CHECK(names == std::vector<std::string>{"fl@true", "fl@0.5", "fl@x-y", "fm@us", "fm@de", "fc@0", "fc@1",
                                          "mx@a-1-true", "mx@a-n1-true"});
  CHECK(commands[1] == "echo 0.5");
  CHECK(commands[4] == "echo de 2");
  CHECK(commands[8] == "echo a a-n1-true");
  CHECK(got->at(8).group == "mx");
}

TEST_CASE("a flag out of a parameter file names its stage as Python prints it") {
  auto got = read_pipeline(
      "stages:\n  a: {foreach: \"${l}\", do: {cmd: \"echo ${item}\"}}\n  b: {matrix: {x: [true, \"${l[0]}\"]}, cmd: "
      "x}\n",
      "dvc.yaml", params({{"params.yaml", "l: [true]\n"}}));
  REQUIRE_MESSAGE(got, got.error().message);
  std::vector<std::string> names;
  for (const auto& s : *got) names.push_back(s.name);
  CHECK(names == std::vector<std::string>{"a@True", "b@true", "b@True"});
  CHECK(got->at(0).cmd.text == "echo true");
}

TEST_CASE("ignore patterns mean what they mean to Git") {
  Ignore ignore;
  ignore.add("# comment\n*.tmp\n!keep.tmp\nbuild/\n/top.txt\ndoc/**/x\n a b \n\\#h\n**/deep\nlog[0-9].txt\n", "",
             ".gitignore");
  ignore.add("!inner.tmp\n", "sub", "sub/.gitignore");
  each_of<std::string, bool, bool>({{"a.tmp", false, true},
                                    {"x/a.tmp", false, true},
                                    {"keep.tmp", false, false},
                                    {"build", true, true},
                                    {"build", false, false},
                                    {"x/build", true, true},
                                    {"top.txt", false, true},
                                    {"x/top.txt", false, false},
                                    {"doc/x", false, true},
                                    {"doc/a/b/x", false, true},
                                    {"sub/inner.tmp", false, false},
                                    {"sub/o.tmp", false, true},
                                    {"#h", false, true},
                                    {"a/deep", false, true},
                                    {"log1.txt", false, true},
                                    {"logx.txt", false, false}},
                                   [&ignore](const std::string& path, bool dir, bool ignored) {
                                     CHECK((ignore.ignores(path, dir) != nullptr) == ignored);
                                   });
  CHECK(ignore.ignores_within("build/out/o.bin", false));
  CHECK(ignore_line("a[1]*") == "/a\\[1\\]\\*");
  CHECK(ignore_line("#h") == "/\\#h");
}

TEST_CASE("a hostile pattern ends in bounded time") {
  CHECK(!glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(300, 'a')));
}

TEST_CASE("the configuration reads as ConfigObj reads it, and unknown keys are refused") {
  Config config;
  REQUIRE(
      config.add("[core]\n    remote = st\n    AutoStage = True\n['remote \"st\"']\n    url = ../../rem  # "
                 "there\n[cache]\n    dir = \"/x y\"\n",
                 ".dvc/config"));
  CHECK(config.get("core", "remote") == "st");
  CHECK(config.flag("core", "autostage") == true);
  CHECK(config.get("remote \"st\"", "url") == "../../rem");
  CHECK(config.get("cache", "dir") == "/x y");
  CHECK(!config.add("[cache]\nnokey = 1\n", "c"));
  CHECK(!config.add("[nosection]\n", "c"));
  CHECK(!config.add("loose = 1\n", "c"));
}

}  // namespace
}  // namespace pawl::dvc

TEST_CASE(
    "a directory's object is Python's JSON to the byte, also for names with control characters or that are no UTF-8") {
  CHECK(pawl::dvc::write_tree({{.relpath = "a\x7f\x01\xe9", .md5 = "d41d8cd98f00b204e9800998ecf8427e"}}) ==
        R"([{"md5": "d41d8cd98f00b204e9800998ecf8427e", "relpath": "a\u007f\u0001\udce9"}])");
}
