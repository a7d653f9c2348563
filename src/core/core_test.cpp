#include <cmath>
#include <limits>

#include "core/hash.h"
#include "core/json.h"
#include "core/testing.h"
#include "core/time.h"

using namespace pawl;

namespace {
enum class State { waiting, running };
struct Point {
  std::string key{};
  double value = 0;
  std::int64_t step = 0;
  static constexpr auto fields = std::tuple{field("key", &Point::key, {.required = true, .chars_max = 5}),
                                            field("value", &Point::value), field("step", &Point::step)};
};
}  // namespace
template <> inline constexpr auto pawl::words<State> = std::to_array<std::string_view>({"waiting", "running"});
namespace {
struct Batch {
  std::string run_id{};
  std::vector<Point> points{};
  std::optional<std::string> note{};
  State state{};
  std::map<std::string, std::string, std::less<>> tags{};
  Json extra{};
  static constexpr auto fields = std::tuple{field("run_id", &Batch::run_id, {.required = true, .alias = "run_uuid"}),
                                            field("points", &Batch::points, {.items_max = 3}),
                                            field("note", &Batch::note),
                                            field("state", &Batch::state),
                                            field("tags", &Batch::tags, {.empty = Empty::hide}),
                                            field("extra", &Batch::extra, {.empty = Empty::hide})};
};
std::string why(std::string_view body, DecodeOptions o = {}) {
  auto got = decode<Batch>(body, o);
  return got ? "" : got.error().message;
}
}  // namespace

TEST_CASE("a body becomes a struct and the struct the same body again") {
  const std::string body =
      R"({"run_id":"r","points":[{"key":"a","value":1.5,"step":2},{"key":"b","value":"NaN","step":-1}],"note":"n","state":"running","tags":{"k":"v"},"extra":{"x":[1,null]}})";
  auto got = decode<Batch>(body);
  REQUIRE(got.has_value());
  CHECK(got->points[0].value == 1.5);
  CHECK(std::isnan(got->points[1].value));
  CHECK(got->state == State::running);
  CHECK(encode(*got) == body);
}
TEST_CASE("what is wrong with a body is said with the path, the value and what would have been right") {
  each_of<std::string, std::string>(
      {{R"({"points":[]})", "run_id: expected a value (it is required)"},
       {R"({"run_id":""})", "run_id: expected a value (it is required)"},
       {R"({"run_id":"r","points":[{"key":"a"},{"key":"b","value":"x"}]})",
        R"(points[1].value: expected a number, got "x")"},
       {R"({"run_id":"r","points":[{"key":"abcdef"}]})", "points[0].key: expected at most 5 characters"},
       {R"({"run_id":"r","points":[{"key":"a"},{"key":"a"},{"key":"a"},{"key":"a"}]})",
        "points: expected at most 3 items"},
       {R"({"run_id":"r","state":"flying"})", R"(state: expected one of waiting|running, got "flying")"},
       {R"({"run_id":"r","points":[{"key":"a","step":1.5}]})", "points[0].step: expected an integer, got 1.5"},
       {R"({"run_id":"r","colour":1})",
        "colour: unknown key, expected one of the keys run_id, points, note, state, tags, extra"},
       {R"({"run_id":"r","extra":[1e320]})", "extra: expected numbers within the range of a double"},
       {R"([1])", "the body: expected an object, got [1]"}},
      [](const std::string& body, const std::string& message) { CHECK(why(body) == message); });
  CHECK(why(std::string(200, '[') + std::string(200, ']')) == "not JSON: nested deeper than 64");
  CHECK(why("{\"run_id\":\"\xff\"}").starts_with("not JSON"));
}
TEST_CASE("an older name, a decimal string and a camel case key are read where the dialect allows them") {
  CHECK(why(R"({"run_uuid":"r"})").empty());
  CHECK(decode<Batch>(R"({"run_id":"r","points":[{"key":"a","step":"12"}]})")->points[0].step == 12);
  DecodeOptions mlflow{.unknown = UnknownKeys::ignore, .camel = CamelKeys::accept};
  CHECK(why(R"({"runId":"r","colour":1})", mlflow).empty());
  CHECK(why(R"({"runId":"r","run_id":"r"})", mlflow).starts_with("run_id: given twice"));
}
TEST_CASE("a query string fills the same struct") {
  Batch b;
  DecodeError p;
  CHECK(decode_param("run_id", "r", shape<Batch>, &b, {}, p));
  CHECK(decode_param("state", "running", shape<Batch>, &b, {}, p));
  CHECK_FALSE(decode_param("colour", "red", shape<Batch>, &b, {}, p));
  CHECK(check_required(shape<Batch>, &b, p));
  CHECK(b.run_id == "r");
  CHECK(b.state == State::running);
}
TEST_CASE("canonical JSON is that of RFC 8785") {
  CHECK(
      canonical_json(R"({"b":1.0,"a":[1e21,1e-7,0.000001,333333333.33333329,"\u20ac\u000f\n\"\\"],"":null})").value() ==
      "{\"\":null,\"a\":[1e+21,1e-7,0.000001,333333333.3333333,\"\xE2\x82\xAC\\u000f\\n\\\"\\\\\"],\"b\":1}");
  CHECK_FALSE(canonical_json("{").has_value());
  CHECK_FALSE(canonical_json("[1e320]").has_value());
}
TEST_CASE("a number is written so that it reads back the same") {
  for_random_cases(2000, [](double x) {
    if (!std::isfinite(x)) return;
    Point p{.key = "k", .value = x, .step = 0};
    RC_ASSERT(decode<Point>(encode(p))->value == x);
  });
}
TEST_CASE("text of any bytes becomes valid JSON") {
  for_random_cases(2000, [](const std::string& s) {
    std::string out;
    write_json_text(out, s);
    RC_ASSERT(canonical_json(out).has_value());
  });
}
TEST_CASE("times and durations") {
  each_of<std::string, std::string>(
      {{"2013-03-01T00:00:00Z", "2013-03-01T00:00:00Z"},
       {"2013-03-01", "2013-03-01T00:00:00Z"},
       {"2013-03-01 05:06:07.25+02:00", "2013-03-01T03:06:07.250000Z"},
       {"1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"}},
      [](const std::string& in, const std::string& out) { CHECK(to_rfc3339(parse_rfc3339(in).value()) == out); });
  for (const char* bad : {"", "2013", "2013-02-30", "2013-03-01T25:00:00Z", "2013-03-01x", "2013-03-01T00:00:00+9"})
    CHECK_FALSE(parse_rfc3339(bad).has_value());
  CHECK(parse_duration("28d")->count() == 28LL * 86'400'000'000);
  CHECK(to_text(parse_duration("90m").value()) == "90m");
  for (const char* bad : {"", "10", "-1d", "1.5h", "1y", "99999999999999999d"})
    CHECK_FALSE(parse_duration(bad).has_value());
}
TEST_CASE("digests are the known ones") {
  CHECK(md5_hex("hello\n") == "b1946ac92492d2347c6235b4d2611184");
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(hmac_sha256("key", "The quick brown fox jumps over the lazy dog")) ==
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
  CHECK(from_base64(base64("any\0thing")).value() == "any");
}
