#include "access/passwords.h"

#include <sodium.h>

namespace pawl::access {

Passwords::Passwords(const Clock& clock, Random& random) : clock_(clock), key_(random.hex_bytes(32)) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
}

Result<std::string> Passwords::hash(const std::string& password) {
  if (password.size() < 8) return fail(Code::invalid, "a password has at least 8 characters", "password");
  char out[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str(out, password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
    return fail(Code::unavailable, "not enough memory to hash a password");
  return std::string(out);
}

std::string Passwords::key_of(const std::string& password, const std::string& hash) const {
  return hmac_sha256(key_, hash + '\0' + password);
}

std::optional<bool> Passwords::known(const std::string& password, const std::string& hash) {
  if (hash.empty()) return false;
  const auto key = key_of(password, hash);
  std::lock_guard hold(mutex_);
  auto found = good_until_.find(key);
  if (found == good_until_.end()) return std::nullopt;
  if (clock_.now() < found->second) return true;
  good_until_.erase(found);
  return std::nullopt;
}

bool Passwords::check(const std::string& password, const std::string& hash) {
  if (auto answer = known(password, hash)) return *answer;
  {
    std::lock_guard hold(one_at_a_time_);
    if (crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) != 0) return false;
  }
  std::lock_guard hold(mutex_);
  if (good_until_.size() >= remembered_max) good_until_.clear();
  good_until_[key_of(password, hash)] = clock_.now() + remembered;
  return true;
}

Result<void> Passwords::may_try(const std::string& name) {
  std::lock_guard hold(mutex_);
  auto found = wrong_.find(name);
  if (found == wrong_.end()) return {};
  if (clock_.now() - found->second.since >= std::chrono::minutes(1)) {
    wrong_.erase(found);
    return {};
  }
  if (found->second.count < wrong_max) return {};
  return fail(Code::busy, "too many wrong passwords for this name: try again in a minute");
}

void Passwords::failed(const std::string& name) {
  std::lock_guard hold(mutex_);
  if (wrong_.size() >= remembered_max) wrong_.clear();
  auto& wrong = wrong_[name];
  if (wrong.count++ == 0) wrong.since = clock_.now();
}

}  // namespace pawl::access
