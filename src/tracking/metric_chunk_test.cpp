#include "tracking/metric_chunk.h"
#include "core/testing.h"

#include <cmath>

using namespace pawl;
using namespace pawl::tracking;

namespace {
Columns read(std::string_view data, std::string_view key = "") {
  Columns out;
  auto got = decode_chunk(data, key, out);
  REQUIRE(got.has_value());
  return out;
}
bool same(const std::vector<Point>& a, const std::vector<Point>& b) { return std::ranges::equal(a, b, same_point); }
}  // namespace

TEST_CASE("a chunk gives back the points that went in, for every key") {
  for_random_cases(200, [] {
    Columns columns;
    const auto keys = *rc::gen::inRange(1, 5);
    for (int k = 0; k < keys; ++k)
      for (const auto& [t, s, v] :
           *rc::gen::container<std::vector<std::tuple<std::int64_t, std::int64_t, double>>>(rc::gen::tuple(
               rc::gen::arbitrary<std::int64_t>(), rc::gen::arbitrary<std::int64_t>(), rc::gen::arbitrary<double>())))
        columns["key" + std::to_string(k)].push_back({t, s, v});
    const auto back = read(encode_chunk(columns));
    for (const auto& [key, points] : columns) RC_ASSERT(same(back.at(key), points));
  });
}

TEST_CASE("one key can be read without the others") {
  Columns columns{{"a", {{1, 1, 1.0}}}, {"b", {{2, 2, 2.0}, {3, 3, std::nan("")}}}};
  const auto data = encode_chunk(columns);
  const auto b = read(data, "b");
  CHECK(b.size() == 1);
  CHECK(same(b.at("b"), columns["b"]));
  CHECK(read(data, "c").empty());
}

TEST_CASE("a thousand regular points take few bytes") {
  Columns columns;
  for (int i = 0; i < 1000; ++i) columns["loss"].push_back({1'700'000'000'000 + i * 10, i, 1.0 / (1 + i)});
  CHECK(encode_chunk(columns).size() < 10'000);
}

TEST_CASE("a damaged chunk is an error, never a crash") {
  Columns columns;
  for (int i = 0; i < 300; ++i) columns["k"].push_back({i, i, i * 0.5});
  const auto good = encode_chunk(columns);
  CHECK(good[0] == '\1');
  for_random_cases(300, [&] {
    std::string bad = good;
    const auto at = *rc::gen::inRange<std::size_t>(0, bad.size());
    bad[at] = static_cast<char>(bad[at] ^ *rc::gen::inRange(1, 256));
    bad.resize(*rc::gen::inRange<std::size_t>(0, bad.size() + 1));
    Columns out;
    (void)decode_chunk(bad, "", out);
  });
  Columns out;
  CHECK(!decode_chunk("", "", out));
  CHECK(!decode_chunk("\7x", "", out));
}

TEST_CASE("a history is sorted by timestamp, step and value, and holds a repeated point once") {
  std::vector<Point> points{{2, 1, 1}, {1, 5, 3}, {1, 5, 2}, {1, 5, 3}, {1, 5, std::nan("")}, {1, 5, std::nan("")},
                            {1, 5, 0}};
  tidy(points);
  CHECK(points.size() == 5);
  CHECK(points[0].value == 0);
  CHECK(std::isnan(points[1].value));
  CHECK(points[2].value == 2);
  CHECK(points[4].timestamp == 2);
}
