#include "core/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace pawl {
namespace {
// Fetched once: EVP_get_digestbyname and the implicit fetch of OpenSSL 3 cost more than hashing a short text.
const EVP_MD* algorithm(Digest::Algorithm a) {
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return a == Digest::md5 ? md5 : sha256;
}
std::string digest(Digest::Algorithm a, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  if (!EVP_Digest(bytes.data(), bytes.size(), out, &n, algorithm(a), nullptr))
    throw std::runtime_error("digest failed");
  return {reinterpret_cast<char*>(out), n};
}
}  // namespace

std::string md5_hex(std::string_view bytes) { return hex(digest(Digest::md5, bytes)); }
std::string sha256(std::string_view bytes) { return digest(Digest::sha256, bytes); }
std::string sha256_hex(std::string_view bytes) { return hex(sha256(bytes)); }
std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out, &n))
    throw std::runtime_error("hmac failed");
  return {reinterpret_cast<char*>(out), n};
}
bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char c : bytes) (out += digits[c >> 4]) += digits[c & 15];
  return out;
}
std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                          reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}
std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4) return std::nullopt;
  std::string out(text.size() / 4 * 3 + 1, '\0');
  int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                          reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  auto padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  out.resize(static_cast<std::size_t>(n - padding));
  return out;
}

Digest::Digest(Algorithm a) : context_(EVP_MD_CTX_new()) {
  if (!EVP_DigestInit_ex2(static_cast<EVP_MD_CTX*>(context_), algorithm(a), nullptr))
    throw std::runtime_error("digest failed");
}
Digest::~Digest() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }
void Digest::add(std::string_view bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}
std::string Digest::hex() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), out, &n);
  return pawl::hex({reinterpret_cast<char*>(out), n});
}

std::string Random::hex_bytes(std::size_t n) {
  std::string raw(n, '\0');
  fill(raw);
  return hex(raw);
}
void SystemRandom::fill(std::span<char> out) {
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) != 1)
    throw std::runtime_error("no randomness");
}

}  // namespace pawl
