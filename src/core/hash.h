// Digests, keyed digests and random bits, all from OpenSSL. Hex is lower case.
#pragma once
#include <span>

#include "core/result.h"

namespace pawl {

std::string md5_hex(std::string_view bytes);  // DVC's content hash; no security rests on it
std::string sha256_hex(std::string_view bytes);
std::string sha256(std::string_view bytes);                             // 32 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 raw bytes
bool same_secret(std::string_view a, std::string_view b);               // in constant time

std::string hex(std::string_view bytes);
std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

// A digest in pieces: Digest d{Digest::md5}; d.add(...); d.hex().
class Digest {
 public:
  enum Algorithm { md5, sha256 };
  explicit Digest(Algorithm a);
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  void add(std::string_view bytes);
  std::string hex();

 private:
  void* context_;
};

// Random is a parameter where a test must know the outcome.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<char> out) = 0;
  std::string hex_id() { return hex_bytes(16); }  // 32 hex digits
  std::string hex_bytes(std::size_t n);
};
class SystemRandom final : public Random {
 public:
  void fill(std::span<char> out) override;
};

}  // namespace pawl
