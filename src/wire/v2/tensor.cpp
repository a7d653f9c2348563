#include "wire/v2/tensor.h"

#include <charconv>
#include <cmath>

#include "core/json.h"

namespace pawl::v2 {

Data make_data(Type type, std::size_t values) {
  switch (type) {
    case Type::BOOL: return std::vector<std::uint8_t>(values);
    case Type::INT32: return std::vector<std::int32_t>(values);
    case Type::INT64: return std::vector<std::int64_t>(values);
    case Type::FP32: return std::vector<float>(values);
    case Type::FP64: return std::vector<double>(values);
    case Type::BYTES: return std::vector<std::string>(values);
  }
  return {};
}

std::string to_text(std::span<const std::int64_t> shape) {
  std::string out = "[";
  for (const auto dimension : shape) out += (out.size() > 1 ? "," : "") + std::to_string(dimension);
  return out + "]";
}

std::optional<std::size_t> values_of(std::span<const std::int64_t> shape) {
  constexpr std::size_t most = std::size_t{1} << 31;
  std::size_t product = 1;
  for (const auto dimension : shape) {
    if (dimension < 0) return std::nullopt;
    if (dimension != 0 && product > most / static_cast<std::size_t>(dimension)) return std::nullopt;
    product *= static_cast<std::size_t>(dimension);
  }
  return product;
}

namespace {

std::size_t values_per_row(const Tensor& tensor) {
  const auto rows = static_cast<std::size_t>(tensor.rows());
  return rows == 0 ? 0 : tensor.size() / rows;
}

template <class N> void write_number(std::string& out, N value) {
  char text[32];
  const auto [end, ec] = std::to_chars(text, text + sizeof text, value);
  out.append(text, ec == std::errc{} ? end : text);
}

}  // namespace

Tensor row_of(const Tensor& tensor, std::size_t row) {
  Tensor out{.name = tensor.name, .shape = tensor.shape};
  if (out.shape.empty()) out.shape = {1};
  out.shape.front() = 1;
  const auto width = values_per_row(tensor), from = row * width;
  out.data = std::visit(
      [&](const auto& v) -> Data {
        return std::decay_t<decltype(v)>(v.begin() + static_cast<std::ptrdiff_t>(from),
                                         v.begin() + static_cast<std::ptrdiff_t>(from + width));
      },
      tensor.data);
  for (const auto position : tensor.missing)
    if (position >= from && position < from + width) out.missing.push_back(static_cast<std::uint32_t>(position - from));
  return out;
}

void write_value(std::string& out, const Tensor& tensor, std::size_t position) {
  std::visit(
      [&](const auto& values) {
        using V = std::decay_t<decltype(values[0])>;
        const auto& value = values[position];
        if constexpr (std::is_same_v<V, std::uint8_t>) {
          out += value != 0 ? "true" : "false";
        } else if constexpr (std::is_same_v<V, std::string>) {
          if (std::ranges::find(tensor.missing, position) != tensor.missing.end())
            out += "null";
          else
            write_json_text(out, value);
        } else if constexpr (std::is_floating_point_v<V>) {
          if (std::isfinite(value))
            write_number(out, value);
          else
            out += "null";
        } else {
          write_number(out, value);
        }
      },
      tensor.data);
}

void write_row(std::string& out, const Tensor& tensor, std::size_t row) {
  const auto width = values_per_row(tensor);
  if (width == 1) return write_value(out, tensor, row);
  out += '[';
  for (std::size_t i = 0; i < width; ++i) {
    if (i > 0) out += ',';
    write_value(out, tensor, row * width + i);
  }
  out += ']';
}

}  // namespace pawl::v2
