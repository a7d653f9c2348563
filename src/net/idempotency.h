// Remembered answers to POSTs that carry an Idempotency-Key: who sends the same again gets the first answer. Lives on the io thread.
// Bounded and not durable: after a restart, or 10,000 keys later, the same key is new.
#pragma once
#include <deque>

#include "net/http.h"

namespace pawl::net {

class Idempotency {
 public:
  static constexpr std::size_t answers_max = 10'000, bytes_max = 16 << 20;

  // Ok(nothing): go on, and tell the outcome. Ok(answer): this is it. Error: under way, or used for something else.
  Result<std::optional<Response>> begin(const std::string& key, std::string_view body);
  void end(const std::string& key, const Response& answer);  // a failure of ours is not remembered
  void forget(const std::string& key);

 private:
  struct Entry {
    std::string digest{};
    std::optional<Response> answer{};
  };
  std::map<std::string, Entry> entries_;
  std::deque<std::string> order_;  // answered ones, oldest first
  std::size_t bytes_ = 0;
};

}  // namespace pawl::net
