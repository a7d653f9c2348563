#include "net/idempotency.h"

#include "core/hash.h"

namespace pawl::net {

Result<std::optional<Response>> Idempotency::begin(const std::string& key, std::string_view body) {
  auto [at, is_new] = entries_.try_emplace(key);
  const auto digest = sha256(body);
  if (is_new) {
    at->second.digest = digest;
    return std::nullopt;
  }
  if (at->second.digest != digest)
    return fail(Code::conflict, "this Idempotency-Key was used for another request", "Idempotency-Key");
  if (!at->second.answer)
    return fail(Code::conflict, "the request with this Idempotency-Key is still under way", "Idempotency-Key");
  return at->second.answer;
}

void Idempotency::end(const std::string& key, const Response& answer) {
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  if (answer.status >= 500 || answer.file) {
    entries_.erase(at);
    return;
  }
  at->second.answer = answer;
  order_.push_back(key);
  bytes_ += answer.body.size() + key.size();
  while (order_.size() > answers_max || (bytes_ > bytes_max && order_.size() > 1)) {
    const auto oldest = entries_.find(order_.front());
    bytes_ -= oldest->second.answer->body.size() + order_.front().size();
    entries_.erase(oldest);
    order_.pop_front();
  }
}

void Idempotency::forget(const std::string& key) {
  const auto at = entries_.find(key);
  if (at != entries_.end() && !at->second.answer) entries_.erase(at);
}

}  // namespace pawl::net
