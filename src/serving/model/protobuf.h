// Protobuf's wire form, read field by field: what a look into an ONNX file needs. Bytes that are none end the reading early.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace pawl::serving::protobuf {

struct Field {
  std::uint32_t number = 0;
  unsigned kind = 0;  // 0: `whole`; 1, 2, 5: `bytes`, of which there are 8, as many as were said, 4
  std::uint64_t whole = 0;
  std::string_view bytes{};
};

inline std::optional<std::uint64_t> take_varint(std::string_view& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

inline std::optional<Field> take_field(std::string_view& in) {
  const auto key = take_varint(in);
  if (!key) return std::nullopt;
  Field f{.number = static_cast<std::uint32_t>(*key >> 3), .kind = static_cast<unsigned>(*key & 7)};
  std::optional<std::uint64_t> length;
  switch (f.kind) {
    case 0: {
      const auto whole = take_varint(in);
      if (!whole) return std::nullopt;
      f.whole = *whole;
      return f;
    }
    case 1: length = 8; break;
    case 2: length = take_varint(in); break;
    case 5: length = 4; break;
    default: return std::nullopt;
  }
  if (!length || *length > in.size()) return std::nullopt;
  f.bytes = in.substr(0, *length);
  in.remove_prefix(*length);
  return f;
}

}  // namespace pawl::serving::protobuf
