#include "serving/replay.h"

namespace pawl::serving {

std::optional<Replays::Answered> Replays::begin(const std::string& key, std::string body_digest, Time now,
                                                Answered answered) {
  std::optional<v2::Body> again;
  std::uint64_t turn = 0;
  {
    const std::scoped_lock lock(mutex_);
    forget(now);
    const auto at = kept_.find(key);
    if (at != kept_.end() && at->second.body_digest == body_digest) {
      if (!at->second.answer) {
        at->second.waiting.push_back(std::move(answered));
        return std::nullopt;
      }
      again = at->second.answer;
    } else if (at != kept_.end() && !at->second.answer) {
      return answered;  // another body under an id that is under way: answered by itself, not kept
    } else {
      turn = ++turn_;
      if (at != kept_.end() && at->second.answer) bytes_ -= at->second.answer->bytes.size();
      kept_.insert_or_assign(key, Kept{.body_digest = std::move(body_digest), .at = now, .turn = turn});
      order_.emplace_back(key, turn);
    }
  }
  if (again) {
    answered(std::move(*again));
    return std::nullopt;
  }
  return Answered([this, key, turn, answered = std::move(answered)](Result<v2::Body> result) mutable {
    finish(key, turn, result);
    answered(std::move(result));
  });
}

void Replays::finish(const std::string& key, std::uint64_t turn, Result<v2::Body> result) {
  std::vector<Answered> waiting;
  {
    const std::scoped_lock lock(mutex_);
    const auto at = kept_.find(key);
    if (at == kept_.end() || at->second.turn != turn) return;
    waiting = std::exchange(at->second.waiting, {});
    if (result) {
      bytes_ += result->bytes.size();
      at->second.answer = *result;
    } else {
      kept_.erase(at);  // a failure may be tried again
    }
  }
  for (auto& w : waiting) w(result);
}

void Replays::forget(Time now) {
  int under_way = 0;
  while (!order_.empty() && under_way < 8) {
    const auto at = kept_.find(order_.front().first);
    if (at != kept_.end() && at->second.turn == order_.front().second) {
      const bool old = now - at->second.at > kept_for;
      if (!old && kept_.size() < count_max && bytes_ < bytes_max) return;
      if (!at->second.answer) {  // ends by itself; looked at again when those behind it were
        ++under_way;
        order_.push_back(std::move(order_.front()));
        order_.pop_front();
        continue;
      }
      bytes_ -= at->second.answer->bytes.size();
      kept_.erase(at);
    }
    order_.pop_front();
  }
}

std::size_t Replays::size() const {
  const std::scoped_lock lock(mutex_);
  return kept_.size();
}

}  // namespace pawl::serving
