// A record of the log as it lies in its segment: nothing is copied, so that a million rows can be looked through in one go. What record.h decodes into
// values of its own, this shows in place; both know the one layout.
#pragma once
#include <cstring>

#include "serving/log/record.h"

namespace pawl::serving {

struct TensorView {
  std::string_view name{};
  v2::Type type{};
  std::size_t rank = 0, rows = 0, width = 0;  // width: values of one row
  std::string_view missing{};                 // positions, std::uint32_t each
  std::string_view raw{};                     // the values; texts with their lengths in front
  std::size_t values = 0;

  template <class V> V value(std::size_t position) const {
    V out;
    std::memcpy(&out, raw.data() + position * sizeof(V), sizeof(V));
    return out;
  }
  // Not for texts. NaN for what is not finite.
  double number(std::size_t position) const;
  // For texts, in order: calls f(position, text, is missing).
  template <class F> void each_text(F f) const {
    std::string_view left = raw;
    std::size_t next = 0;
    for (std::size_t i = 0; i < values; ++i) {
      std::uint32_t size = 0, at = 0;
      std::memcpy(&size, left.data(), sizeof size);
      if (next < missing.size()) std::memcpy(&at, missing.data() + next, sizeof at);
      const bool absent = next < missing.size() && at == i;
      if (absent) next += sizeof at;
      f(i, left.substr(sizeof size, size), absent);
      left.remove_prefix(sizeof size + size);
    }
  }
};

struct RecordView {
  Time received{};
  std::uint32_t counter = 0, rows = 0;
  Status status{};
  Arm arm{};
  std::int64_t version = 0, step = 0, latency_us = 0;
  std::string_view rollout{}, event_times{};  // of event times: std::int64_t each; none, one for all, or one per row
  std::vector<TensorView> outputs{};
  std::string_view digest{}, request_id{}, error{};
  std::optional<std::uint64_t> key_digest{};
  std::string_view context{};
  std::vector<std::string_view> columns{};
  std::vector<TensorView> features{};

  std::int64_t event_time(std::size_t row) const {
    const std::size_t n = event_times.size() / sizeof(std::int64_t), at = n == 1 ? 0 : row;
    if (n == 0) return received.us;
    std::int64_t us = 0;
    std::memcpy(&us, event_times.data() + at * sizeof us, sizeof us);
    return us;
  }
  bool is_matrix() const {
    return features.size() == 1 && columns.size() > 1 && features[0].rank == 2 && features[0].width == columns.size();
  }
  // False when the payload is none of ours. What was not read (see Parts) keeps what it had: one view serves many records.
  bool read(std::string_view payload, Parts parts);
};

}  // namespace pawl::serving
