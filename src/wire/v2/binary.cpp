#include "wire/v2/binary.h"

#include <bit>
#include <boost/json/parse.hpp>
#include <cmath>
#include <cstring>

#include "core/json.h"

namespace pawl::v2 {
namespace {

static_assert(std::endian::native == std::endian::little);
using Length = std::uint32_t;

std::unexpected<Error> wrong_size(std::size_t values, Type type, std::size_t expected, std::size_t got) {
  return fail(Code::invalid, "expected " + std::to_string(expected) + " bytes of binary data for " +
                                 std::to_string(values) + " values of " + std::string(word(type)) + ", got " +
                                 std::to_string(got));
}

Result<void> read_texts(std::vector<std::string>& to, std::size_t values, std::string_view bytes) {
  if (bytes.size() < values * sizeof(Length))
    return wrong_size(values, Type::BYTES, values * sizeof(Length), bytes.size());
  to.reserve(values);
  while (to.size() < values) {
    Length size = 0;
    if (bytes.size() < sizeof size)
      return fail(Code::invalid, "the binary data ends before text " + std::to_string(to.size()));
    std::memcpy(&size, bytes.data(), sizeof size);
    bytes.remove_prefix(sizeof size);
    if (size > bytes.size())
      return fail(Code::invalid, "text " + std::to_string(to.size()) + " of the binary data has " +
                                     std::to_string(size) + " bytes, " + std::to_string(bytes.size()) + " are left");
    const auto text = bytes.substr(0, size);
    if (!is_utf8(text))
      return fail(Code::invalid, "text " + std::to_string(to.size()) + " of the binary data is not UTF-8");
    to.emplace_back(text);
    bytes.remove_prefix(size);
  }
  if (!bytes.empty())
    return fail(Code::invalid, std::to_string(bytes.size()) + " bytes of binary data are left behind its texts");
  return {};
}

}  // namespace

Result<void> read_binary(Tensor& t, std::size_t values, std::string_view bytes) {
  return std::visit(
      [&]<class V>(std::vector<V>& to) -> Result<void> {
        if constexpr (std::is_same_v<V, std::string>) {
          return read_texts(to, values, bytes);
        } else {
          if (bytes.size() != values * sizeof(V)) return wrong_size(values, t.type(), values * sizeof(V), bytes.size());
          to.resize(values);
          if (values > 0) std::memcpy(to.data(), bytes.data(), bytes.size());
          if constexpr (std::is_floating_point_v<V>) {
            if (const auto at = std::ranges::find_if(to, [](V v) { return std::isinf(v); }); at != to.end())
              return fail(Code::invalid,
                          "value " + std::to_string(at - to.begin()) + " of the binary data is infinite");
          } else if constexpr (std::is_same_v<V, std::uint8_t>) {
            for (auto& flag : to) flag = flag != 0 ? 1 : 0;
          }
          return {};
        }
      },
      t.data);
}

void write_binary(std::string& out, const Tensor& t) {
  const auto bytes_of = [&](const void* from, std::size_t size) { out.append(static_cast<const char*>(from), size); };
  std::visit(
      [&]<class V>(const std::vector<V>& values) {
        if constexpr (std::is_same_v<V, std::string>) {
          for (const auto& text : values) {
            const auto size = static_cast<Length>(text.size());
            bytes_of(&size, sizeof size), out += text;
          }
        } else {
          bytes_of(values.data(), values.size() * sizeof(V));
        }
      },
      t.data);
}

}  // namespace pawl::v2
