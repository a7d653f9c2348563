#include <sys/stat.h>

#include <fstream>

#include "core/hash.h"
#include "core/testing.h"
#include "datasets/locks.h"
#include "datasets/process.h"
#include "datasets/tracked.h"
#include "store/files.h"
#include "store/testing.h"

namespace pawl::datasets {
namespace {

namespace fs = std::filesystem;

struct Work {
  store::ScratchFolder folder;
  fs::path root = folder.path / "team";
  std::unique_ptr<Repo> repo;
  explicit Work(const std::string& config = "") {
    fs::create_directories(root);
    REQUIRE(init_repo(root, true, false));
    if (!config.empty()) write(".dvc/config", "[core]\n    no_scm = True\n" + config);
    open();
  }
  void open() {
    auto found = Repo::find(root);
    REQUIRE_MESSAGE(found, found.error().message);
    repo = std::move(*found);
  }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) { return store::read_file(root / name).value_or("(no file)"); }
  Added add(const std::string& name) {
    auto got = datasets::add(*repo, root / name);
    REQUIRE_MESSAGE(got, got.error().message);
    return *got;
  }
  std::string refused(const std::string& name) {
    auto got = datasets::add(*repo, root / name);
    return got ? "accepted" : got.error().message;
  }
};
int mode_of(const fs::path& p) {
  struct stat s{};
  return ::stat(p.c_str(), &s) == 0 ? static_cast<int>(s.st_mode & 07777) : -1;
}

TEST_CASE("given a file, when it is added, then its .dvc file has DVC's bytes and the cache a read-only copy") {
  Work w;
  w.write("h.txt", "hello\n");
  CHECK(w.add("h.txt").file == "h.txt.dvc");
  CHECK(w.read("h.txt.dvc") ==
        "outs:\n- md5: b1946ac92492d2347c6235b4d2611184\n  size: 6\n  hash: md5\n  path: h.txt\n");
  const auto object = w.root / ".dvc/cache/files/md5/b1/946ac92492d2347c6235b4d2611184";
  CHECK(store::read_file(object) == "hello\n");
  CHECK(mode_of(object) == 0444);
}

TEST_CASE("given a folder, when it is added, then its object lists its files and .dvcignore keeps some out") {
  Work w;
  w.write("d/1", "1\n");
  w.write("d/2", "2\n");
  w.write("d/x.tmp", "no");
  w.write(".dvcignore", "*.tmp\n");
  CHECK(w.add("d").digest == "f437247ec66d73ba66b0ade0246fcb49.dir");
  CHECK(w.read("d.dvc") ==
        "outs:\n- md5: f437247ec66d73ba66b0ade0246fcb49.dir\n  size: 4\n  nfiles: 2\n  hash: md5\n  path: d\n");
  w.write("d/1", "changed");
  auto tracked = read_tracked(*w.repo, "d.dvc");
  REQUIRE(tracked);
  CHECK(state_of(*w.repo, "", tracked->content.outs[0]) == OutState::modified);
}

TEST_CASE("given a file inside a tracked folder, when it is added, then the folder's .dvc file changes") {
  Work w;
  w.write("d/1", "1\n");
  w.add("d");
  w.write("d/2", "2\n");
  CHECK(w.add("d/2").file == "d.dvc");
  CHECK(w.read("d.dvc").contains("f437247ec66d73ba66b0ade0246fcb49.dir"));
}

TEST_CASE("what cannot be tracked is refused with its reason") {
  Work w;
  w.write("d/1", "1\n");
  w.write("x.dvc", "");
  w.write("a.tmp", "x");
  w.write(".dvcignore", "*.tmp\n");
  CHECK(w.refused("none").starts_with("output 'none' does not exist"));
  CHECK(w.refused("x.dvc") == "DVC file 'x.dvc' cannot be an output.");
  CHECK(w.refused("a.tmp") == "Path 'a.tmp' is ignored by .dvcignore:1:*.tmp");
  CHECK(w.refused("../outside").starts_with("Cached output(s) outside of DVC project"));
  w.add("d/1");
  CHECK(w.refused("d").contains("overlap and are thus in the same tracked directory"));
}

TEST_CASE(
    "given a lost or changed output, when it is checked out, then it is as it was, and unsaved work is not removed "
    "unasked") {
  Work w;
  w.write("d/1", "1\n");
  w.write("d/sub/2", "2\n");
  const auto digest = w.add("d").digest;
  fs::remove_all(w.root / "d");
  CHECK(w.repo->checkout(w.root / "d", digest, false, Repo::Unsaved::refuse) == true);
  CHECK(w.read("d/sub/2") == "2\n");
  CHECK(w.repo->checkout(w.root / "d", digest, false, Repo::Unsaved::refuse) == false);
  w.write("d/1", "precious");
  w.write("d/new", "also precious");
  auto refused = w.repo->checkout(w.root / "d", digest, false, Repo::Unsaved::refuse);
  REQUIRE(!refused);
  CHECK(refused.error().message.contains("unsaved files"));
  CHECK(w.read("d/1") == "precious");
  CHECK(w.repo->checkout(w.root / "d", digest, false, Repo::Unsaved::overwrite) == true);
  CHECK(w.read("d/1") == "1\n");
  CHECK(!fs::exists(w.root / "d/new"));
}

TEST_CASE("a damaged object that is no longer read-only is dropped and counts as not in the cache") {
  Work w;
  w.write("a", "a\n");
  const auto digest = w.add("a").digest;
  const auto object = w.repo->cache().object(digest);
  fs::permissions(object, fs::perms::owner_write, fs::perm_options::add);
  std::ofstream(object) << "damaged";
  auto tracked = read_tracked(*w.repo, "a.dvc");
  CHECK(state_of(*w.repo, "", tracked->content.outs[0]) == OutState::not_in_cache);
  CHECK(!fs::exists(object));
}

TEST_CASE("links are made as cache.type asks") {
  each_of<std::string>({{"hardlink"}, {"symlink"}, {"copy"}}, [](const std::string& type) {
    Work w("[cache]\n    type = " + type + "\n");
    w.write("a", "content\n");
    const auto digest = w.add("a").digest;
    const auto object = w.repo->cache().object(digest);
    std::error_code ec;
    CHECK(fs::is_symlink(w.root / "a") == (type == "symlink"));
    CHECK(fs::equivalent(w.root / "a", object, ec) == (type != "copy"));
    CHECK(w.read("a") == "content\n");
    CHECK(mode_of(object) == 0444);
  });
}

TEST_CASE("a cache folder set in the configuration is taken relative to its file") {
  Work w("[cache]\n    dir = ../../shared\n");
  w.write("a", "x");
  w.add("a");
  CHECK(fs::exists(w.folder.path / "shared/files/md5"));
}

TEST_CASE("an executable file stays one") {
  Work w;
  w.write("run.sh", "#!/bin/sh\n");
  fs::permissions(w.root / "run.sh", fs::perms::owner_exec, fs::perm_options::add);
  const auto digest = w.add("run.sh").digest;
  CHECK(w.read("run.sh.dvc").contains("isexec: true"));
  fs::remove(w.root / "run.sh");
  REQUIRE(w.repo->checkout(w.root / "run.sh", digest, true, Repo::Unsaved::refuse));
  CHECK((mode_of(w.root / "run.sh") & 0100));
}

TEST_CASE("a file is hashed again only when its inode, time or size changed") {
  Work w;
  w.write("a", "one");
  const auto first = w.repo->hash(w.root / "a");
  const auto stamp = stamp_of(w.root / "a");
  REQUIRE(stamp);
  w.repo->state().put(w.root / "a", *stamp, "00000000000000000000000000000000");
  CHECK(w.repo->hash(w.root / "a")->digest == "00000000000000000000000000000000");
  w.write("a", "three");
  CHECK(w.repo->hash(w.root / "a")->digest == md5_hex("three"));
  w.repo.reset();  // saved
  w.open();
  CHECK(w.repo->state().find(w.root / "a", *stamp_of(w.root / "a")) == md5_hex("three"));
  w.repo.reset();
  w.write(".dvc/tmp/pawl-state", "pawl-state 1\nrubbish");
  w.open();
  CHECK(w.repo->hash(w.root / "a")->digest == md5_hex("three"));
}

TEST_CASE("DVC 2.x took line ends as one when it hashed text") {
  store::ScratchFolder folder;
  std::ofstream(folder.path / "t", std::ios::binary) << "a,b\r\n1,2\r\n";
  CHECK(md5_of_file(folder.path / "t") == "b202f333fba4fd38d4b8e5e693077aab");
  CHECK(md5_of_file(folder.path / "t", true) == md5_hex("a,b\n1,2\n"));
}

TEST_CASE("a repository is locked for one at a time, and paths for one process at a time") {
  Work w;
  auto first = RepoLock::take(*w.repo);
  REQUIRE(first);
  first->release();
  CHECK(RepoLock::take(*w.repo));
  const auto in = w.root / "in", out = w.root / "out";
  {
    auto paths = PathLocks::take(*w.repo, {in}, {out}, "test");
    REQUIRE(paths);
    CHECK(w.read(".dvc/tmp/rwlock").contains(in.string()));
  }
  CHECK(w.read(".dvc/tmp/rwlock") == "{}");
  // Process 1 lives for ever; a number past the kernel's largest never did.
  w.write(".dvc/tmp/rwlock", R"({"write": {")" + out.string() +
                                 R"(": {"pid": 1, "cmd": "dvc repro"}, "/x": {"pid": 99999999, "cmd": "dead"}}})");
  auto busy = PathLocks::take(*w.repo, {out / "part"}, {}, "test");
  REQUIRE(!busy);
  CHECK(busy.error().message.contains("is busy, it is being blocked by:\n  (PID 1): dvc repro"));
  CHECK(PathLocks::take(*w.repo, {"/x"}, {}, "test"));
}

TEST_CASE("a program's output, exit code and end by a stop are seen") {
  CHECK(output_of({"cat"}, {}, "through").value_or("") == "through");
  CHECK(!output_of({"sh", "-c", "echo why >&2; exit 3"}));
  CHECK(output_of({"/no/such/program"}).error().message.starts_with("cannot start"));
  std::string seen;
  auto ended = run({.argv = {"sh", "-c", "echo out; echo err >&2; exit 7"},
                    .on_output = [&](std::string_view text) { seen += text; }});
  REQUIRE(ended);
  CHECK(ended->exit_code == 7);
  CHECK(seen == "out\nerr\n");
  std::stop_source stop;
  auto stopped = run({.argv = {"sh", "-c", "echo ready; sleep 60"},
                      .on_output = [&](std::string_view) { stop.request_stop(); },
                      .stop = stop.get_token()});
  REQUIRE(stopped);
  CHECK(stopped->stopped);
}

}  // namespace
}  // namespace pawl::datasets
