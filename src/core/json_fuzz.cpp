// Any bytes as a body: they are refused with a reason, or they decode; what decodes must encode, decode again and encode to the same text.
// A canonical text is its own canonical form.
#include <cstdint>
#include <cstdlib>

#include "core/fields.h"
#include "core/json.h"
#include "core/time.h"

namespace {
enum class Colour { red, green };
}
template <> inline constexpr auto pawl::words<Colour> = std::to_array<std::string_view>({"red", "green"});

namespace {
using pawl::field;
struct Inner {
  std::string s{};
  double d = 0;
  std::optional<std::int64_t> i{};
  static constexpr auto fields = std::tuple{field("s", &Inner::s, {.chars_max = 20, .over = pawl::Over::cut}),
                                            field("d", &Inner::d), field("i", &Inner::i)};
};
struct Body {
  std::string text{};
  std::int64_t large = 0;
  std::int32_t small = 0;
  bool flag = false;
  Colour colour = Colour::red;
  pawl::Json any{};
  std::vector<Inner> list{};
  std::map<std::string, std::string, std::less<>> map{};
  static constexpr auto fields = std::tuple{field("t", &Body::text, {.alias = "text"}),
                                            field("large", &Body::large),
                                            field("small", &Body::small),
                                            field("flag", &Body::flag),
                                            field("colour", &Body::colour),
                                            field("any", &Body::any),
                                            field("list", &Body::list, {.items_max = 50}),
                                            field("map", &Body::map)};
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto body = pawl::decode<Body>(text)) {
    const auto written = pawl::encode(*body);
    auto again = pawl::decode<Body>(written);
    if (!again || pawl::encode(*again) != written) std::abort();
  } else if (body.error().message.empty()) {
    std::abort();
  }
  if (auto canonical = pawl::canonical_json(text))
    if (auto twice = pawl::canonical_json(*canonical); !twice || *twice != *canonical) std::abort();
  (void)pawl::json_at(text, "list.0.s");
  if (auto time = pawl::parse_rfc3339(text))
    if (auto again = pawl::parse_rfc3339(pawl::to_rfc3339(*time)); !again || *again != *time) std::abort();
  (void)pawl::parse_duration(text);
  return 0;
}
