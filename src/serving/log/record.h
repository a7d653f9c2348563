// What is kept of one request: a frame of the prediction log holds its rows together, since they share everything but their values.
#pragma once
#include "serving/types.h"
#include "wire/v2/tensor.h"

namespace pawl::serving {

// refused: a request that no version could have answered (wrong names, types, event time); error: one that the chosen version could not.
enum class Status : std::uint8_t { ok, error, refused };

struct Record {
  Time received{};
  std::uint32_t counter = 0;  // of its first row; row i has counter + i
  std::uint32_t rows = 0;
  Status status = Status::ok;
  Arm arm = Arm::live;
  std::int64_t version = 0;  // 0: none was chosen
  std::int64_t step = 0, latency_us = 0;
  std::string digest{}, rollout{}, request_id{}, project{}, error{};
  std::optional<std::uint64_t> key_digest{};
  std::vector<Time> event_times{};  // none: the time of arrival; one for all, or one per row
  std::vector<v2::Tensor> outputs{};
  std::vector<std::string> columns{};  // names of a matrix input's columns; empty where inputs have their own
  std::vector<v2::Tensor> features{};
  std::string context{};  // as v2::InferRequest has it

  Time event_time(std::size_t row) const {
    return event_times.empty() ? received : event_times.size() == 1 ? event_times[0] : event_times[row];
  }
  bool operator==(const Record&) const = default;
};
// Appends the payload of a frame.
void encode(const Record& record, std::string& out);

enum class Parts { head, outputs, all };  // how much is read: looking for an id needs the head only
// Nothing when the payload is none of ours.
std::optional<Record> decode_record(std::string_view payload, Parts parts);

// {"a": 1.5, "b": "x"} of one row; `columns` names those of a matrix.
std::string row_json(const std::vector<v2::Tensor>& tensors, std::size_t row,
                     const std::vector<std::string>& columns = {});

}  // namespace pawl::serving
template <> inline constexpr auto pawl::words<pawl::serving::Status> =
    std::to_array<std::string_view>({"ok", "error", "refused"});
