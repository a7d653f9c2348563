// The same client id with the same body within ten minutes gets the first answer again: a client that did not hear it may ask once more without
// being counted twice. In memory: after a restart the second question is a new one.
#pragma once
#include <deque>

#include "core/result.h"
#include "core/time.h"
#include "wire/v2/codec.h"

namespace pawl::serving {

class Replays {
 public:
  using Answered = std::move_only_function<void(Result<v2::Body>)>;
  static constexpr Micros kept_for = std::chrono::minutes(10);
  static constexpr std::size_t count_max = 100'000;
  static constexpr std::size_t bytes_max = 256 << 20;  // of answers; past either the oldest go first

  // `answered`, wrapped so that its answer is kept; nothing when another request has answered already or will: then that answer is passed on.
  std::optional<Answered> begin(const std::string& key, std::string body_digest, Time now, Answered answered);
  std::size_t size() const;

 private:
  struct Kept {
    std::string body_digest{};
    Time at{};
    std::uint64_t turn = 0;
    std::optional<v2::Body> answer{};  // nothing while the first request is under way
    std::vector<Answered> waiting{};
  };
  void finish(const std::string& key, std::uint64_t turn, Result<v2::Body> result);
  void forget(Time now);

  mutable std::mutex mutex_;
  std::map<std::string, Kept, std::less<>> kept_;
  std::deque<std::pair<std::string, std::uint64_t>> order_;
  std::size_t bytes_ = 0;
  std::uint64_t turn_ = 0;
};

}  // namespace pawl::serving
