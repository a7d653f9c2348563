#include "serving/log/record.h"

#include "core/json.h"
#include "serving/log/frame.h"

namespace pawl::serving {
namespace {

constexpr std::uint8_t record_kind = 1;  // the first byte of a payload; a changed layout gets a new one

void write_tensors(Writer& out, const std::vector<v2::Tensor>& tensors) {
  out.number(static_cast<std::uint32_t>(tensors.size()));
  for (const auto& t : tensors) {
    out.text(t.name);
    out.number(static_cast<std::uint8_t>(t.type()));
    out.number(static_cast<std::uint8_t>(t.shape.size()));
    for (const auto d : t.shape) out.number(d);
    out.number(static_cast<std::uint32_t>(t.missing.size()));
    out.bytes(t.missing.data(), t.missing.size() * sizeof(std::uint32_t));
    std::visit(
        [&]<class V>(const std::vector<V>& values) {
          out.number(static_cast<std::uint32_t>(values.size()));
          if constexpr (std::is_same_v<V, std::string>)
            for (const auto& text : values) out.text(text);
          else
            out.bytes(values.data(), values.size() * sizeof(V));
        },
        t.data);
  }
}

template <class V> bool read_raw(Reader& in, std::vector<V>& to, std::size_t n) {
  const auto raw = in.bytes(n * sizeof(V));
  if (raw.size() != n * sizeof(V)) return false;
  to.resize(n);
  std::copy(raw.begin(), raw.end(), reinterpret_cast<char*>(to.data()));
  return true;
}
bool read_tensors(Reader& in, std::vector<v2::Tensor>& tensors) {
  const auto count = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.good(); ++i) {
    auto& t = tensors.emplace_back();
    t.name = in.text();
    const auto type = in.number<std::uint8_t>();
    if (type > static_cast<std::uint8_t>(v2::Type::BYTES)) return false;
    t.shape.resize(in.number<std::uint8_t>());
    for (auto& d : t.shape) d = in.number<std::int64_t>();
    if (!read_raw(in, t.missing, in.number<std::uint32_t>())) return false;
    t.data = v2::make_data(static_cast<v2::Type>(type), 0);
    const auto values = in.number<std::uint32_t>();
    const bool read = std::visit(
        [&]<class V>(std::vector<V>& to) {
          if constexpr (std::is_same_v<V, std::string>) {
            if (values > in.left() / sizeof(std::uint32_t)) return false;
            to.resize(values);
            for (auto& text : to) text = in.text();
            return in.good();
          } else {
            return read_raw(in, to, values);
          }
        },
        t.data);
    if (!read || t.size() % static_cast<std::size_t>(std::max<std::int64_t>(t.rows(), 1)) != 0) return false;
  }
  return in.good();
}

}  // namespace

void encode(const Record& r, std::string& out) {
  Writer w(out);
  w.number(record_kind);
  w.number(r.received.us);
  w.number(r.counter);
  w.number(r.rows);
  w.number(static_cast<std::uint8_t>(r.status));
  w.number(static_cast<std::uint8_t>(r.arm));
  w.number(r.version);
  w.number(r.step);
  w.number(r.latency_us);
  w.text(r.rollout);
  w.number(static_cast<std::uint32_t>(r.event_times.size()));
  for (const auto t : r.event_times) w.number(t.us);
  write_tensors(w, r.outputs);
  w.text(r.digest);
  w.text(r.request_id);
  w.text(r.project);
  w.text(r.error);
  w.number(static_cast<std::uint8_t>(r.key_digest.has_value()));
  w.number(r.key_digest.value_or(0));
  w.text(r.context);
  w.number(static_cast<std::uint32_t>(r.columns.size()));
  for (const auto& name : r.columns) w.text(name);
  write_tensors(w, r.features);
}

std::optional<Record> decode_record(std::string_view payload, Parts parts) {
  Reader in(payload);
  if (in.number<std::uint8_t>() != record_kind) return std::nullopt;
  Record r;
  r.received.us = in.number<std::int64_t>();
  r.counter = in.number<std::uint32_t>();
  r.rows = in.number<std::uint32_t>();
  const auto status = in.number<std::uint8_t>(), arm = in.number<std::uint8_t>();
  if (status > static_cast<std::uint8_t>(Status::refused) || arm > static_cast<std::uint8_t>(Arm::direct))
    return std::nullopt;
  r.status = static_cast<Status>(status);
  r.arm = static_cast<Arm>(arm);
  r.version = in.number<std::int64_t>();
  r.step = in.number<std::int64_t>();
  r.latency_us = in.number<std::int64_t>();
  if (!in.good()) return std::nullopt;
  if (parts == Parts::head) return r;
  r.rollout = in.text();
  const auto times = in.number<std::uint32_t>();
  if (times > in.left() / sizeof(std::int64_t) || (times > 1 && times != r.rows)) return std::nullopt;
  r.event_times.resize(times);
  for (auto& t : r.event_times) t.us = in.number<std::int64_t>();
  if (!read_tensors(in, r.outputs)) return std::nullopt;
  if (parts == Parts::outputs) return r;
  r.digest = in.text();
  r.request_id = in.text();
  r.project = in.text();
  r.error = in.text();
  const auto has_key = in.number<std::uint8_t>();
  const auto key = in.number<std::uint64_t>();
  if (has_key > 1 || (has_key == 0 && key != 0)) return std::nullopt;
  if (has_key == 1) r.key_digest = key;
  r.context = in.text();
  const auto columns = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < columns && in.good(); ++i) r.columns.emplace_back(in.text());
  if (!read_tensors(in, r.features) || in.left() != 0) return std::nullopt;
  return r;
}

std::string row_json(const std::vector<v2::Tensor>& tensors, std::size_t row, const std::vector<std::string>& columns) {
  std::string out = "{";
  const auto name = [&](std::string_view text) {
    if (out.size() > 1) out += ',';
    write_json_text(out, text);
    out += ':';
  };
  for (const auto& t : tensors) {
    if (tensors.size() == 1 && columns.size() > 1 && t.shape.size() == 2 &&
        static_cast<std::size_t>(t.shape[1]) == columns.size()) {
      for (std::size_t c = 0; c < columns.size(); ++c) {
        name(columns[c]);
        v2::write_value(out, t, row * columns.size() + c);
      }
    } else if (row < static_cast<std::size_t>(t.rows())) {
      name(t.name);
      v2::write_row(out, t, row);
    }
  }
  return out + "}";
}

}  // namespace pawl::serving
