// Layout: one byte (0 plain, 1 zstd); when zstd, the plain size as varint; then per key until the end:
//   varint length, key · varint bytes of what follows · varint points · steps · timestamps · values (8 bytes each, low byte first)
// Steps and timestamps are zigzag varints of the difference to the one before.
#include "tracking/metric_chunk.h"

#include <zstd.h>

#include <bit>
#include <cmath>
#include <cstring>

namespace pawl::tracking {
namespace {

constexpr std::size_t plain_bytes_min = 128;        // below it zstd only adds
constexpr std::size_t plain_bytes_max = 64u << 20;  // no chunk of ours comes near: 65,536 points are 1.5 MiB
constexpr int zstd_level = 1;

void put(std::string& out, std::uint64_t x) {
  for (; x >= 0x80; x >>= 7) out += static_cast<char>(x | 0x80);
  out += static_cast<char>(x);
}
std::uint64_t zigzag(std::int64_t x) {
  return (static_cast<std::uint64_t>(x) << 1) ^ static_cast<std::uint64_t>(x >> 63);
}
std::int64_t unzigzag(std::uint64_t x) { return static_cast<std::int64_t>(x >> 1) ^ -static_cast<std::int64_t>(x & 1); }

struct Reader {
  const char* at;
  const char* end;
  bool good = true;
  std::uint64_t varint() {
    std::uint64_t out = 0;
    for (int shift = 0; at < end && shift < 64; shift += 7) {
      const auto c = static_cast<unsigned char>(*at++);
      out |= static_cast<std::uint64_t>(c & 0x7F) << shift;
      if (c < 0x80) return out;
    }
    good = false;
    return 0;
  }
  std::string_view bytes(std::uint64_t n) {
    if (n > static_cast<std::uint64_t>(end - at)) return good = false, std::string_view{};
    std::string_view out(at, n);
    at += n;
    return out;
  }
};

std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t wrapping_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

template <class Member> void put_deltas(std::string& out, const std::vector<Point>& points, Member member) {
  std::int64_t before = 0;
  for (const auto& p : points) {
    put(out, zigzag(wrapping_sub(p.*member, before)));
    before = p.*member;
  }
}
template <class Member> void get_deltas(Reader& in, std::span<Point> points, Member member) {
  std::int64_t before = 0;
  for (auto& p : points) p.*member = before = wrapping_add(before, unzigzag(in.varint()));
}

std::string column(const std::vector<Point>& points) {
  std::string out;
  put(out, points.size());
  put_deltas(out, points, &Point::step);
  put_deltas(out, points, &Point::timestamp);
  for (const auto& p : points) {
    const auto bits = std::bit_cast<std::uint64_t>(p.value);
    for (int i = 0; i < 64; i += 8) out += static_cast<char>(bits >> i);
  }
  return out;
}

bool read_column(std::string_view bytes, std::vector<Point>& out) {
  Reader in{bytes.data(), bytes.data() + bytes.size()};
  const auto n = in.varint();
  if (!in.good || n > bytes.size()) return false;
  const auto from = out.size();
  out.resize(from + n);
  std::span<Point> points(out.data() + from, n);
  get_deltas(in, points, &Point::step);
  get_deltas(in, points, &Point::timestamp);
  const auto values = in.bytes(n * 8);
  if (!in.good) return false;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t bits = 0;
    for (std::size_t k = 0; k < 8; ++k)
      bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(values[i * 8 + k])) << (8 * k);
    points[i].value = std::bit_cast<double>(bits);
  }
  return true;
}

auto order_value(double v) { return std::pair(std::isnan(v) ? 0.0 : v, std::isnan(v)); }

}  // namespace

bool history_before(const Point& a, const Point& b) {
  return std::tuple(a.timestamp, a.step, order_value(a.value)) < std::tuple(b.timestamp, b.step, order_value(b.value));
}
bool step_before(const Point& a, const Point& b) {
  return std::tuple(a.step, a.timestamp, order_value(a.value)) < std::tuple(b.step, b.timestamp, order_value(b.value));
}
bool same_point(const Point& a, const Point& b) { return !history_before(a, b) && !history_before(b, a); }

void tidy(std::vector<Point>& points) {
  if (!std::ranges::is_sorted(points, history_before)) std::ranges::sort(points, history_before);
  const auto [first, last] = std::ranges::unique(points, same_point);
  points.erase(first, last);
}

std::string encode_chunk(const Columns& columns) {
  std::string plain(1, '\0');
  for (const auto& [key, points] : columns) {
    put(plain, key.size());
    plain += key;
    const auto bytes = column(points);
    put(plain, bytes.size());
    plain += bytes;
  }
  const std::string_view payload = std::string_view(plain).substr(1);
  if (payload.size() < plain_bytes_min) return plain;
  std::string out(1, '\1');
  put(out, payload.size());
  const auto head = out.size();
  out.resize(head + ZSTD_compressBound(payload.size()));
  static thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                                         ZSTD_freeCCtx);
  const auto n = ZSTD_compressCCtx(context.get(), out.data() + head, out.size() - head, payload.data(), payload.size(),
                                   zstd_level);
  if (ZSTD_isError(n) || head + n >= plain.size()) return plain;
  out.resize(head + n);
  return out;
}

Result<void> decode_chunk(std::string_view data, std::string_view key, Columns& out) {
  const auto damaged = [] { return fail(Code::internal, "a stored chunk of metric points is damaged"); };
  if (data.empty()) return damaged();
  std::string unpacked;
  std::string_view plain = data.substr(1);
  if (data[0] == '\1') {
    Reader head{plain.data(), plain.data() + plain.size()};
    const auto size = head.varint();
    if (!head.good || size > plain_bytes_max) return damaged();
    unpacked.resize(size);
    const auto n = ZSTD_decompress(unpacked.data(), size, head.at, static_cast<std::size_t>(head.end - head.at));
    if (ZSTD_isError(n) || n != size) return damaged();
    plain = unpacked;
  } else if (data[0] != '\0') {
    return damaged();
  }
  Reader in{plain.data(), plain.data() + plain.size()};
  while (in.at < in.end) {
    const auto name = in.bytes(in.varint());
    const auto bytes = in.bytes(in.varint());
    if (!in.good) return damaged();
    if (!key.empty() && name != key) continue;
    auto found = out.find(name);
    if (found == out.end()) found = out.emplace(std::string(name), std::vector<Point>{}).first;
    if (!read_column(bytes, found->second)) return damaged();
  }
  return {};
}

}  // namespace pawl::tracking
