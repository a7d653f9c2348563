// Passwords: argon2id once, then remembered for five minutes in memory under a keyed hash, since the MLflow client sends basic authentication
// with every call and one argon2id takes 64 MiB and a twentieth of a second.
#pragma once
#include "core/hash.h"
#include "core/time.h"

namespace pawl::access {

class Passwords {
 public:
  static constexpr Micros remembered = std::chrono::minutes(5);
  static constexpr std::size_t remembered_max = 10'000;

  Passwords(const Clock& clock, Random& random);
  static Result<std::string> hash(const std::string& password);
  // Whether it fits, as far as memory knows; nothing: ask `check`, off the io thread.
  std::optional<bool> known(const std::string& password, const std::string& hash);
  bool check(const std::string& password, const std::string& hash);
  // After so many wrong ones within a minute a name has to wait for its end, right password or wrong. Remembered ones do not ask.
  static constexpr int wrong_max = 10;
  Result<void> may_try(const std::string& name);
  void failed(const std::string& name);

 private:
  struct Wrong {
    int count = 0;
    Time since{};
  };
  std::string key_of(const std::string& password, const std::string& hash) const;
  const Clock& clock_;
  std::string key_;
  std::mutex mutex_;          // of what is remembered
  std::mutex one_at_a_time_;  // argon2id takes 64 MiB: callers with wrong passwords must not take more
  std::unordered_map<std::string, Time> good_until_;
  std::unordered_map<std::string, Wrong> wrong_;
};

}  // namespace pawl::access
