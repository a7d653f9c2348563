#define OPENSSL_SUPPRESS_DEPRECATED  // the SHA256_ functions: the newer interface allocates, and costs a microsecond an id
#include "serving/log/ids.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "store/files.h"

namespace pawl::serving {
namespace {

constexpr std::size_t body_bytes = 21, mac_bytes = 9, id_bytes = body_bytes + mac_bytes, id_chars = id_bytes / 3 * 4;
constexpr unsigned char layout = 1;
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

template <class N> void put(unsigned char* to, N value) {  // the highest byte first, so that ids sort by their parts
  for (std::size_t i = sizeof(N); i-- > 0; value = static_cast<N>(value >> 8))
    to[i] = static_cast<unsigned char>(value);
}
template <class N> N get(const unsigned char* from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(N); ++i) value = value << 8 | from[i];
  return static_cast<N>(value);
}
constexpr auto digits = [] {
  std::array<signed char, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
  return table;
}();

}  // namespace

struct Ids::State {
  SHA256_CTX inner{}, outer{};
};

Ids::Ids(std::string_view key) : state_(std::make_unique<State>()) {
  const auto start = [&](SHA256_CTX& context, unsigned char pad) {
    std::array<unsigned char, 64> block{};
    std::memcpy(block.data(), key.data(), std::min(key.size(), block.size()));
    for (auto& byte : block) byte ^= pad;
    SHA256_Init(&context);
    SHA256_Update(&context, block.data(), block.size());
  };
  start(state_->inner, 0x36);
  start(state_->outer, 0x5c);
}
Ids::~Ids() = default;

std::array<unsigned char, 32> Ids::mac(std::string_view bytes) const {
  std::array<unsigned char, 32> out{};
  auto inner = state_->inner, outer = state_->outer;
  SHA256_Update(&inner, bytes.data(), bytes.size());
  SHA256_Final(out.data(), &inner);
  SHA256_Update(&outer, out.data(), out.size());
  SHA256_Final(out.data(), &outer);
  return out;
}

std::string Ids::write(const IdParts& parts) const {
  std::array<unsigned char, id_bytes> raw{};
  raw[0] = layout;
  put(&raw[1], parts.endpoint);
  put(&raw[5], parts.server);
  put(&raw[9], parts.at.us);
  put(&raw[17], parts.counter);
  const auto sum = mac({reinterpret_cast<const char*>(raw.data()), body_bytes});
  std::memcpy(&raw[body_bytes], sum.data(), mac_bytes);
  std::string text(id_chars, '\0');
  for (std::size_t in = 0, out = 0; in < id_bytes; in += 3) {
    const std::uint32_t bits = static_cast<std::uint32_t>(raw[in] << 16 | raw[in + 1] << 8 | raw[in + 2]);
    for (int shift = 18; shift >= 0; shift -= 6) text[out++] = alphabet[bits >> shift & 63];
  }
  return text;
}

std::optional<IdParts> Ids::read(std::string_view text) const {
  if (text.size() != id_chars) return std::nullopt;
  std::array<unsigned char, id_bytes> raw{};
  for (std::size_t in = 0, out = 0; in < id_chars; in += 4, out += 3) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto digit = digits[static_cast<unsigned char>(text[in + i])];
      if (digit < 0) return std::nullopt;
      bits = bits << 6 | static_cast<std::uint32_t>(digit);
    }
    put(&raw[out], static_cast<std::uint8_t>(bits >> 16));
    put(&raw[out + 1], static_cast<std::uint8_t>(bits >> 8));
    put(&raw[out + 2], static_cast<std::uint8_t>(bits));
  }
  const auto sum = mac({reinterpret_cast<const char*>(raw.data()), body_bytes});
  const bool ours = same_secret({reinterpret_cast<const char*>(&raw[body_bytes]), mac_bytes},
                                {reinterpret_cast<const char*>(sum.data()), mac_bytes});
  if (!ours || raw[0] != layout) return std::nullopt;
  return IdParts{.endpoint = get<std::uint32_t>(&raw[1]),
                 .server = get<std::uint32_t>(&raw[5]),
                 .at = {get<std::int64_t>(&raw[9])},
                 .counter = get<std::uint32_t>(&raw[17])};
}

std::uint64_t Ids::digest_of(std::string_view text) const { return get<std::uint64_t>(mac(text).data()); }

Result<std::string> own_key(const std::filesystem::path& file, Random& random) {
  constexpr std::size_t key_bytes = 32;
  std::error_code ec;
  std::filesystem::create_directories(file.parent_path(), ec);
  // Written whole under another name first: a crash must not leave half a key behind. Two who make it at once agree on the first.
  const auto temporary = file.string() + "." + random.hex_bytes(4);
  if (!std::filesystem::exists(file, ec)) {
    std::string key(key_bytes, '\0');
    random.fill(key);
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool written =
        fd >= 0 && ::write(fd, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (written && ::link(temporary.c_str(), file.c_str()) != 0 && errno != EEXIST)
      ec = {errno, std::generic_category()};
    ::unlink(temporary.c_str());
    if (!written || ec) return fail(Code::unavailable, "cannot write " + file.filename().string(), {}, file.string());
  }
  TRY(key, store::read_file(file, key_bytes * 2));
  if (key.size() != key_bytes)
    return fail(Code::internal, file.filename().string() + " is not " + std::to_string(key_bytes) + " bytes long", {},
                file.string());
  return key;
}

}  // namespace pawl::serving
