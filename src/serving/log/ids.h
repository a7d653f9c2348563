// Prediction ids check themselves: endpoint, server, time, counter and a keyed check sum, as 40 characters that are safe in a URL. So a forged
// id is refused without a look at the log, and a true one says where its record lies.
#pragma once
#include <array>

#include "core/hash.h"
#include "core/time.h"

namespace pawl::serving {

struct IdParts {
  std::uint32_t endpoint = 0;  // its number
  std::uint32_t server = 0;
  Time at{};
  std::uint32_t counter = 0;  // of the server; distinguishes what came in one microsecond
  bool operator==(const IdParts&) const = default;
};

class Ids {
 public:
  explicit Ids(std::string_view key);
  ~Ids();
  Ids(const Ids&) = delete;
  Ids& operator=(const Ids&) = delete;
  std::string write(const IdParts& parts) const;
  std::optional<IdParts> read(std::string_view text) const;  // nothing: not one of ours
  std::uint64_t digest_of(std::string_view text)
      const;  // a keyed digest, for routing keys in the log: no one else can guess the key from it

 private:
  std::array<unsigned char, 32> mac(std::string_view bytes) const;
  struct State;  // HMAC-SHA-256 with the key already taken in: two compressions an id instead of four
  std::unique_ptr<State> state_;
};

// 32 random bytes in a file that only its owner can read; made when it is not there.
Result<std::string> own_key(const std::filesystem::path& file, Random& random);

}  // namespace pawl::serving
