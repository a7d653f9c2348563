#include "wire/yaml/value.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include "core/testing.h"

namespace pawl::yaml {
namespace {

std::string file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST_CASE("what DVC's own dumper wrote, read and written again, is the same to the byte") {
  const auto golden = file(PAWL_SOURCE_DIR "/tests/dvc/golden.yaml");
  REQUIRE(golden.size() > 1000);
  auto value = read(golden, "golden.yaml");
  REQUIRE_MESSAGE(value, value.error().message);
  std::istringstream want(golden), got(write(*value));
  std::string a, b;
  for (int line = 1; std::getline(want, a) && std::getline(got, b); ++line) {
    CAPTURE(line);
    REQUIRE(a == b);
  }
  CHECK(write(*value) == golden);
}

TEST_CASE("plain scalars have the types of YAML 1.2, so yes and no are text") {
  using enum Value::Kind;
  each_of<std::string, Value::Kind>(
      {{"yes", text}, {"no", text},    {"on", text},     {"true", flag},    {"True", flag},     {"null", null},
       {"~", null},   {"12", integer}, {"012", integer}, {"0x1f", integer}, {"1_000", integer}, {"1e3", real},
       {"1.5", real}, {".5", real},    {".inf", real},   {".nan", real},    {"1:2", text},      {"12:30:45", text},
       {"NaN", text}, {"0o8", text},   {"0b12", text},   {"-", text},       {"1.2.3", text},    {"2020-01-01", text},
       {"1e", text},  {"e1", text}},
      [](const std::string& plain, Value::Kind kind) { CHECK(resolve_plain(plain).kind == kind); });
  CHECK(resolve_plain("012").integer == 12);
  CHECK(resolve_plain("0x1f").integer == 31);
  CHECK(resolve_plain("1_000").integer == 1000);
}

TEST_CASE("errors name the file, the line and the column") {
  each_of<std::string, std::string>({{"a: 1\nb: [1, 2\n", "p.yaml:3:1: "},
                                     {"a: 1\na: 2\n", "p.yaml:2:1: the key 'a' stands here twice"},
                                     {"a: *nope\n", "p.yaml:1:4: "},
                                     {"a: 1\n---\nb: 2\n", "p.yaml:3:1: a second document"},
                                     {"a: \xff\n", "p.yaml:1:4: not UTF-8"},
                                     {"\xed\xbf\x95", "p.yaml:1:1: not UTF-8"},
                                     {"\xc0\x80", "p.yaml:1:1: not UTF-8"}},
                                    [](const std::string& text, const std::string& start) {
                                      auto got = read(text, "p.yaml");
                                      REQUIRE(!got);
                                      CAPTURE(got.error().message);
                                      CHECK(got.error().message.starts_with(start));
                                    });
}

TEST_CASE("aliases cannot make a small file huge, nor can depth") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  CHECK(!read(bomb, "bomb.yaml"));
  CHECK(!read(std::string(5000, '['), "deep.yaml"));
  CHECK(!read("x: 1", "large.yaml", {.bytes_max = 3}));
}

TEST_CASE("a merge key brings what the map itself does not say") {
  auto got = read("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", "m.yaml");
  REQUIRE(got);
  CHECK(at_path(*got, "use.x")->integer == 1);
  CHECK(at_path(*got, "use.y")->integer == 3);
}

TEST_CASE("values compare as Python compares them") {
  const auto v = [](const char* text) { return *read(text, "v"); };
  CHECK(same(v("1"), v("1.0")));
  CHECK(same(v("1"), v("true")));
  CHECK(!same(v("'1'"), v("1")));
  CHECK(same(v("{a: 1, b: 2}"), v("{b: 2, a: 1}")));
  CHECK(!same(v("[1, 2]"), v("[2, 1]")));
}

TEST_CASE("floats are written as Python writes them") {
  each_of<double, std::string>({{0.1, "0.1"},
                                {1e-5, "1e-05"},
                                {1e20, "1e+20"},
                                {1000.0, "1000.0"},
                                {1e16, "1e+16"},
                                {1e15, "1000000000000000.0"},
                                {0.0001, "0.0001"},
                                {-0.0, "-0.0"}},
                               [](double value, const std::string& text) { CHECK(python_float(value) == text); });
}

TEST_CASE("a dotted path sets a leaf and makes the maps on its way") {
  Value root = *read("collect: {until: x}\nlist: [1, 2]\nleaf: 3\n", "p");
  CHECK(set_path(root, "collect.until", Value::of("2013-03-01")));
  CHECK(set_path(root, "new.deep", Value::of(std::int64_t{5})));
  CHECK(set_path(root, "list.1", Value::of(std::int64_t{9})));
  CHECK(!set_path(root, "leaf.deeper", Value{}));
  CHECK(at_path(root, "collect.until")->text == "2013-03-01");
  CHECK(at_path(root, "new.deep")->integer == 5);
  CHECK(at_path(root, "list.1")->integer == 9);
}

TEST_CASE("any texts, written and read again, are the same texts") {
  for_random_cases(1500, [](const std::vector<std::string>& raw) {
    Value list = Value::list();
    for (auto text : raw) {
      std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == 0; });
      list.items.push_back(Value::of(text));
    }
    const auto written = write(list);
    auto again = read(written, "again");
    RC_ASSERT(again.has_value());
    RC_ASSERT(list.items.empty() || same(*again, list));
  });
}

}  // namespace
}  // namespace pawl::yaml
