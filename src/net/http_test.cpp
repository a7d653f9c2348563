#include "net/http.h"

#include "core/testing.h"

namespace pawl::net {

TEST_CASE("a percent sign that begins no escape stays as it is") {
  each_of<std::string, bool, std::string>({{"a%20b", false, "a b"},
                                           {"a+b", true, "a b"},
                                           {"a+b", false, "a+b"},
                                           {"%", false, "%"},
                                           {"%4", false, "%4"},
                                           {"%zz", false, "%zz"},
                                           {"%2525", false, "%25"},
                                           {"%C3%A9", false, "\xC3\xA9"}},
                                          [](const std::string& text, bool plus, const std::string& wanted) {
                                            CHECK(percent_decode(text, plus) == wanted);
                                          });
}
TEST_CASE("any bytes, percent-encoded and decoded, are the same bytes") {
  for_random_cases(1000,
                   [](const std::string& bytes) { RC_ASSERT(percent_decode(percent_encode(bytes), false) == bytes); });
}
TEST_CASE("a query, written and parsed, is the same query") {
  for_random_cases(500, [](const std::vector<std::pair<std::string, std::string>>& in) {
    std::vector<Pair> query;
    for (const auto& [name, value] : in) query.push_back({"n" + name, value});
    const auto out = parse_query(text_of_query(query));
    RC_ASSERT(out.size() == query.size());
    for (std::size_t i = 0; i < out.size(); ++i)
      RC_ASSERT((out[i].name == query[i].name && out[i].value == query[i].value));
  });
}
TEST_CASE("a query keeps repeated names in order and takes a name without a value") {
  const auto got = parse_query("run_ids=a&run_ids=b&&flag&x=1=2");
  REQUIRE(got.size() == 4);
  CHECK(got[1].value == "b");
  CHECK((got[2].name == "flag" && got[2].value.empty()));
  CHECK(got[3].value == "1=2");
}
TEST_CASE("an event with line breaks is one frame of several data lines") {
  Live live;
  std::string got;
  const auto me = live.listen([&](const std::string& frame) { got += frame; });
  live.publish("ledger", "a\nb");
  live.leave(me);
  live.publish("ledger", "c");
  CHECK(got == "event: ledger\ndata: a\ndata: b\n\n");
  CHECK(live.listeners() == 0);
}

}  // namespace pawl::net
