#include "serving/log/record_view.h"

#include <cmath>

#include "serving/log/frame.h"

namespace pawl::serving {
namespace {

constexpr std::uint8_t record_kind = 1;

std::size_t bytes_of(v2::Type type) {
  switch (type) {
    case v2::Type::BOOL: return 1;
    case v2::Type::INT32:
    case v2::Type::FP32: return 4;
    case v2::Type::INT64:
    case v2::Type::FP64: return 8;
    case v2::Type::BYTES: return 0;
  }
  return 0;
}

bool view_tensor(Reader& in, TensorView& t) {
  t.name = in.text();
  const auto type = in.number<std::uint8_t>();
  if (type > static_cast<std::uint8_t>(v2::Type::BYTES)) return false;
  t.type = static_cast<v2::Type>(type);
  t.rank = in.number<std::uint8_t>();
  t.rows = 1;
  for (std::size_t i = 0; i < t.rank; ++i) {
    const auto d = in.number<std::int64_t>();
    if (i == 0) t.rows = static_cast<std::size_t>(std::max<std::int64_t>(d, 1));
  }
  t.missing = in.bytes(in.number<std::uint32_t>() * sizeof(std::uint32_t));
  t.values = in.number<std::uint32_t>();
  if (t.values % t.rows != 0) return false;
  t.width = t.values / t.rows;
  if (t.type != v2::Type::BYTES) {
    t.raw = in.bytes(t.values * bytes_of(t.type));
    return in.good();
  }
  const auto before = in.rest();
  for (std::size_t i = 0; i < t.values && in.good(); ++i) in.text();
  t.raw = before.substr(0, before.size() - in.left());
  return in.good();
}
bool view_tensors(Reader& in, std::vector<TensorView>& tensors) {
  const auto count = in.number<std::uint32_t>();
  if (count > in.left()) return false;
  tensors.resize(count);
  return std::ranges::all_of(tensors, [&](TensorView& t) { return view_tensor(in, t); }) && in.good();
}

}  // namespace

double TensorView::number(std::size_t position) const {
  const auto finite = [](double x) { return std::isfinite(x) ? x : std::numeric_limits<double>::quiet_NaN(); };
  switch (type) {
    case v2::Type::BOOL: return value<std::uint8_t>(position) != 0 ? 1 : 0;
    case v2::Type::INT32: return value<std::int32_t>(position);
    case v2::Type::INT64: return static_cast<double>(value<std::int64_t>(position));
    case v2::Type::FP32: return finite(value<float>(position));
    case v2::Type::FP64: return finite(value<double>(position));
    case v2::Type::BYTES: break;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

bool RecordView::read(std::string_view payload, Parts parts) {
  Reader in(payload);
  if (in.number<std::uint8_t>() != record_kind) return false;
  received.us = in.number<std::int64_t>();
  counter = in.number<std::uint32_t>();
  rows = in.number<std::uint32_t>();
  const auto status_byte = in.number<std::uint8_t>(), arm_byte = in.number<std::uint8_t>();
  if (status_byte > static_cast<std::uint8_t>(Status::refused) || arm_byte > static_cast<std::uint8_t>(Arm::direct))
    return false;
  status = static_cast<Status>(status_byte);
  arm = static_cast<Arm>(arm_byte);
  version = in.number<std::int64_t>();
  step = in.number<std::int64_t>();
  latency_us = in.number<std::int64_t>();
  rollout = in.text();
  event_times = in.bytes(in.number<std::uint32_t>() * sizeof(std::int64_t));
  if (!in.good()) return false;
  if (event_times.size() > sizeof(std::int64_t) && event_times.size() != rows * sizeof(std::int64_t)) return false;
  if (parts == Parts::head) return true;
  if (!view_tensors(in, outputs)) return false;
  digest = in.text();
  request_id = in.text();
  in.text();  // the project
  error = in.text();
  const auto has_key = in.number<std::uint8_t>();
  const auto key = in.number<std::uint64_t>();
  key_digest = has_key == 1 ? std::optional(key) : std::nullopt;
  if (parts == Parts::outputs) return in.good();
  context = in.text();
  columns.clear();
  const auto names = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < names && in.good(); ++i) columns.push_back(in.text());
  return view_tensors(in, features) && in.left() == 0;
}

}  // namespace pawl::serving
