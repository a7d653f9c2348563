// A type says what may be sent: names, limits, aliases. From `T::fields` come decoding, encoding, validation and the OpenAPI page.
//
//   struct SetTag {
//     RunId run_id{};
//     std::string key{};
//     static constexpr auto fields = std::tuple{field("run_id", &SetTag::run_id, {.required = true, .alias = "run_uuid"}),
//                                               field("key", &SetTag::key, {.required = true, .chars_max = 250})};
//   };
//
// Members may be: std::string, Id<…>, std::int64_t, std::int32_t, double, bool, a described enum (`words`), Json, another described struct,
// and std::vector, std::optional or std::map<std::string, …, std::less<>> of these. No JSON library in this header.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace pawl {

// An id is a type: a RunId does not fit where a ModelId is wanted.
template <class Tag> struct Id {
  std::string text{};
  auto operator<=>(const Id&) const = default;
  bool empty() const { return text.empty(); }
};

// Any JSON value, kept as text.
struct Json {
  std::string text{};
  bool operator==(const Json&) const = default;
};

// The words an enum has on the wire, in the order of its values from 0:
//   template <> inline constexpr auto words<State> = std::to_array<std::string_view>({"waiting", "running"});
template <class E> inline constexpr std::array<std::string_view, 0> words{};
template <class E>
  requires std::is_enum_v<E>
constexpr std::string_view word(E value) {
  return words<E>[static_cast<std::size_t>(value)];
}
template <class E>
  requires std::is_enum_v<E>
constexpr std::optional<E> from_word(std::string_view text) {
  for (std::size_t i = 0; i < words<E>.size(); ++i)
    if (words<E>[i] == text) return static_cast<E>(i);
  return std::nullopt;
}

enum class Over { refuse, cut };  // what happens to text past its limit
enum class Empty { show, hide };  // whether an empty list, map or text is written

struct FieldOptions {
  bool required = false;            // absent, null and "" are refused
  std::string_view alias{};         // an older name that is read too
  std::size_t chars_max = 1 << 24;  // characters, not bytes
  std::size_t items_max = 1 << 20;
  Over over = Over::refuse;
  Empty empty = Empty::show;
  std::string_view about{};  // for the OpenAPI page
};

template <class C, class M> struct Field {
  using Class = C;
  using Member = M;
  std::string_view name;
  M C::* member;
  FieldOptions options;
};
template <class C, class M>
consteval Field<C, M> field(std::string_view name, M C::* member, FieldOptions options = {}) {
  return {name, member, options};
}

template <class T>
concept Described = requires { std::tuple_size<std::remove_cvref_t<decltype(T::fields)>>::value; };

// A request or an answer without content.
struct Nothing {
  static constexpr auto fields = std::tuple{};
};

}  // namespace pawl
