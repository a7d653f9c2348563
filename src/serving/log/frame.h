// The form of the log's files: frames of (payload length, CRC-32C, payload), one behind the other. A frame that a crash cut short has a check
// sum that does not hold: everything before it is whole, it and what follows was never acknowledged.
#pragma once
#include <cstdint>

#include "core/result.h"

namespace pawl::serving {

constexpr std::size_t frame_head_bytes = 8;
constexpr std::size_t frame_bytes_max = 256 << 20;

std::uint32_t crc32c(std::string_view bytes);

// Appends a frame whose payload `write` appends.
template <class F> void append_frame(std::string& out, F write) {
  const auto begin = out.size();
  out.append(frame_head_bytes, '\0');
  write(out);
  const std::string_view payload(out.data() + begin + frame_head_bytes, out.size() - begin - frame_head_bytes);
  const auto length = static_cast<std::uint32_t>(payload.size()), sum = crc32c(payload);
  for (unsigned i = 0; i < 4; ++i) {
    out[begin + i] = static_cast<char>(length >> (8 * i));
    out[begin + 4 + i] = static_cast<char>(sum >> (8 * i));
  }
}

// Takes the next payload off the front; nothing at the end or where a frame is not whole: what is left of `in` then was not taken.
std::optional<std::string_view> take_frame(std::string_view& in);

// Little-endian values, the parts of a payload.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  template <class N>
    requires std::is_arithmetic_v<N>
  void number(N value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    out_ += value;
  }
  void bytes(const void* data, std::size_t n) { out_.append(static_cast<const char*>(data), n); }

 private:
  std::string& out_;
};
// Reads them back; past the end everything is zero or empty and good() is false.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  template <class N>
    requires std::is_arithmetic_v<N>
  N number() {
    N value{};
    const auto raw = bytes(sizeof value);
    if (raw.size() == sizeof value) std::copy(raw.begin(), raw.end(), reinterpret_cast<char*>(&value));
    return value;
  }
  std::string_view text() { return bytes(number<std::uint32_t>()); }
  std::string_view bytes(std::size_t n) {
    if (n > in_.size()) {
      good_ = false;
      in_ = {};
      return {};
    }
    const auto out = in_.substr(0, n);
    in_.remove_prefix(n);
    return out;
  }
  bool good() const { return good_; }
  std::size_t left() const { return in_.size(); }
  std::string_view rest() const { return in_; }

 private:
  std::string_view in_;
  bool good_ = true;
};

}  // namespace pawl::serving
