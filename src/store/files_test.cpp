#include "store/files.h"

#include "core/testing.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::store;
namespace fs = std::filesystem;

TEST_CASE("a file appears whole or not at all") {
  ScratchFolder folder;
  const auto path = folder.path / "a" / "b.bin";
  {
    auto file = NewFile::create(path);
    REQUIRE(file->write("half"));
  }
  CHECK(fs::is_empty(folder.path / "a"));
  REQUIRE(write_file(path, "whole"));
  CHECK(read_file(path).value() == "whole");
  CHECK(read_file(path, 3).error().code == Code::too_large);
  CHECK(read_file(folder.path / "nowhere").error().code == Code::missing);
}

TEST_CASE("given a full disk, then the old content stays and nothing else is left") {
  ScratchFolder folder;
  const auto path = folder.path / "f";
  REQUIRE(write_file(path, "old"));
  fail_write_after(1);
  auto refused = write_file(path, "new");
  fail_write_after(0);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::unavailable);
  CHECK(refused.error().message == "the disk is full");
  CHECK(read_file(path).value() == "old");
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("no artifact name leads out of the root") {
  Artifacts artifacts("/data/artifacts");
  each_of<std::string, std::string>(
      {{"0/run/artifacts/a.txt", "/data/artifacts/0/run/artifacts/a.txt"},
       {"a//b/./c", "/data/artifacts/a/b/c"},
       {"..a/b..", "/data/artifacts/..a/b.."},
       {"", "/data/artifacts/"}},
      [&](const std::string& name, const std::string& path) { CHECK(artifacts.at(name).value() == fs::path(path)); });
  for (std::string_view bad : std::initializer_list<std::string_view>{"..", "a/../b", "a/..", "/etc/passwd", "%2e%2e/x",
                                                                      "%252e%252e/x", "a%2f..%2fb", "a\\b", "C:/x",
                                                                      "a#b", "%2Fetc", std::string_view("a\0b", 3)}) {
    CAPTURE(bad);
    CHECK_FALSE(artifacts.at(bad).has_value());
  }
  for_random_cases(2000, [&](const std::string& name) {
    if (auto path = artifacts.at(name)) RC_ASSERT(path->lexically_normal().string().starts_with("/data/artifacts"));
  });
}

TEST_CASE("artifacts are listed by name and removed with what is beneath") {
  ScratchFolder folder;
  Artifacts artifacts(folder.path);
  REQUIRE(write_file(artifacts.at("r/b.txt").value(), "xy"));
  REQUIRE(write_file(artifacts.at("r/a/c.txt").value(), "z"));
  auto listed = artifacts.list("r").value();
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].name == "a");
  CHECK(listed[0].is_dir);
  CHECK(listed[1].size == 2);
  CHECK(artifacts.list("r/b.txt")->empty());
  REQUIRE(artifacts.remove("r"));
  CHECK(artifacts.list("")->empty());
  CHECK(artifacts.remove("r"));
  CHECK_FALSE(artifacts.remove("").has_value());
}
