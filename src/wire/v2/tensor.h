// A tensor as the Open Inference Protocol knows it: a name, a shape, values in row order. The value type of `wire/v2`, of the model runtime,
// of the prediction log and of the gate's evaluation.
#pragma once
#include <cstdint>
#include <span>
#include <variant>

#include "core/fields.h"
#include "core/result.h"

namespace pawl::v2 {

enum class Type : std::uint8_t { BOOL, INT32, INT64, FP32, FP64, BYTES };  // in the order of Data's alternatives

using Data = std::variant<std::vector<std::uint8_t>, std::vector<std::int32_t>, std::vector<std::int64_t>,
                          std::vector<float>, std::vector<double>, std::vector<std::string>>;
Data make_data(Type type, std::size_t values);

struct Tensor {
  std::string name{};
  std::vector<std::int64_t> shape{};
  Data data{};
  // Positions in `data` that came as null: BYTES only, where the model is fed "". A missing FP value is NaN.
  std::vector<std::uint32_t> missing{};

  Type type() const { return static_cast<Type>(data.index()); }
  std::size_t size() const {
    return std::visit([](const auto& v) { return v.size(); }, data);
  }
  std::int64_t rows() const { return shape.empty() ? 1 : shape.front(); }
  bool operator==(const Tensor&) const = default;
};

// One input or output of a model. -1 in a shape: any number.
struct Port {
  std::string name{};
  Type type{};
  std::vector<std::int64_t> shape{};
  bool operator==(const Port&) const = default;
};

std::string to_text(std::span<const std::int64_t> shape);  // [-1,12]
std::optional<std::size_t> values_of(
    std::span<const std::int64_t> shape);  // their product; nothing when one is negative or it is over 2^31

// One row of a tensor whose first dimension is the row: shape [1, …].
Tensor row_of(const Tensor& tensor, std::size_t row);
// One value as JSON; null for NaN, the infinities and a missing value.
void write_value(std::string& out, const Tensor& tensor, std::size_t position);
// One row as JSON: a scalar when it holds one value, else a list.
void write_row(std::string& out, const Tensor& tensor, std::size_t row);

}  // namespace pawl::v2
template <> inline constexpr auto pawl::words<pawl::v2::Type> =
    std::to_array<std::string_view>({"BOOL", "INT32", "INT64", "FP32", "FP64", "BYTES"});
