// Turns `T::fields` into a constant table. One walker (json.cpp) reads and writes every type: templates here make data, not loops, so that
// 40 request types cost kilobytes and milliseconds (measured: half the compile time and half the code of templates over a JSON library).
#pragma once
#include <span>

#include "core/fields.h"

namespace pawl {

struct Shape;
struct Slot {
  std::string_view name;
  FieldOptions options;
  void* (*at)(void* object);
  const Shape* shape;
};
struct Shape {
  enum class Kind : unsigned char { text, i64, i32, real, flag, word, json, object, list, map, maybe } kind{};
  std::span<const Slot> slots{};              // object
  std::span<const std::string_view> words{};  // word
  const Shape* of = nullptr;                  // list, map, maybe: what is inside
  void* (*add)(void*, std::string_view key) =
      nullptr;  // list: one more at the end, map: the entry of this key, maybe: made present
  void (*expect)(void*, std::size_t) = nullptr;             // list: room for so many
  std::size_t (*size)(const void*) = nullptr;               // list, map; maybe: 0 or 1
  const void* (*item)(const void*, std::size_t) = nullptr;  // list, maybe
  void (*each)(const void*, void*, void (*)(void*, std::string_view, const void*)) = nullptr;  // map
  std::size_t (*get_word)(const void*) = nullptr;
  void (*set_word)(void*, std::size_t) = nullptr;
};

namespace detail {
template <class T> struct Inner : std::false_type {};
template <class T> struct Inner<std::optional<T>> : std::true_type {};
template <class T> struct is_vector : std::false_type {};
template <class T> struct is_vector<std::vector<T>> : std::true_type {};
template <class T> struct is_id : std::false_type {};
template <class T> struct is_id<Id<T>> : std::true_type {};
template <class T> struct is_map : std::false_type {};
template <class T> struct is_map<std::map<std::string, T, std::less<>>> : std::true_type {};
}  // namespace detail

template <class T> constexpr Shape shape_of();
template <class T> inline constexpr Shape shape = shape_of<T>();

template <class T, std::size_t... I> constexpr auto slots_of(std::index_sequence<I...>) {
  return std::array<Slot, sizeof...(I)>{
      Slot{std::get<I>(T::fields).name, std::get<I>(T::fields).options,
           [](void* o) -> void* { return &(static_cast<T*>(o)->*(std::get<I>(T::fields).member)); },
           &shape<typename std::tuple_element_t<I, std::remove_cvref_t<decltype(T::fields)>>::Member>}...};
}
template <class T> inline constexpr auto slots =
    slots_of<T>(std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<decltype(T::fields)>>>{});

template <class T> constexpr Shape shape_of() {
  using enum Shape::Kind;
  if constexpr (Described<T>)
    return {.kind = object, .slots = slots<T>};
  else if constexpr (std::is_same_v<T, std::string>)
    return {.kind = text};
  else if constexpr (detail::is_id<T>::value)
    return {.kind = text};  // an Id is its text: checked by the static_assert in json.cpp
  else if constexpr (std::is_same_v<T, Json>)
    return {.kind = json};
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return {.kind = i64};
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return {.kind = i32};
  else if constexpr (std::is_same_v<T, double>)
    return {.kind = real};
  else if constexpr (std::is_same_v<T, bool>)
    return {.kind = flag};
  else if constexpr (std::is_enum_v<T>)
    return {.kind = word,
            .words = words<T>,
            .get_word = [](const void* e) { return static_cast<std::size_t>(*static_cast<const T*>(e)); },
            .set_word = [](void* e, std::size_t i) { *static_cast<T*>(e) = static_cast<T>(i); }};
  else if constexpr (detail::is_vector<T>::value)
    return {.kind = list,
            .of = &shape<typename T::value_type>,
            .add = [](void* v, std::string_view) -> void* { return &static_cast<T*>(v)->emplace_back(); },
            .expect = [](void* v, std::size_t n) { static_cast<T*>(v)->reserve(n); },
            .size = [](const void* v) { return static_cast<const T*>(v)->size(); },
            .item = [](const void* v, std::size_t i) -> const void* { return &(*static_cast<const T*>(v))[i]; }};
  else if constexpr (detail::is_map<T>::value)
    return {.kind = map,
            .of = &shape<typename T::mapped_type>,
            .add = [](void* v, std::string_view k) -> void* { return &(*static_cast<T*>(v))[std::string(k)]; },
            .size = [](const void* v) { return static_cast<const T*>(v)->size(); },
            .each =
                [](const void* v, void* with, void (*f)(void*, std::string_view, const void*)) {
                  for (const auto& [k, x] : *static_cast<const T*>(v)) f(with, k, &x);
                }};
  else if constexpr (detail::Inner<T>::value)
    return {.kind = maybe,
            .of = &shape<typename T::value_type>,
            .add = [](void* v, std::string_view) -> void* { return &static_cast<T*>(v)->emplace(); },
            .size = [](const void* v) -> std::size_t { return static_cast<const T*>(v)->has_value(); },
            .item = [](const void* v, std::size_t) -> const void* { return &**static_cast<const T*>(v); }};
  else
    static_assert(sizeof(T) == 0, "no shape for this type");
}

}  // namespace pawl
