// The Open Inference Protocol's REST form (V2): requests to tensors, tensors to answers, with binary values behind the JSON where these are asked for
// (binary.h). Pure; knows no model.
//
// Accepted: BOOL, INT32, INT64, FP32, FP64, BYTES; `data` flat or nested as the shape says. null is a missing value for FP (NaN) and BYTES
// (empty, its position kept), an error for the others. NaN and Infinity are no JSON. Errors name the input and what would have been right.
#pragma once
#include "core/time.h"
#include "wire/v2/tensor.h"

namespace pawl::v2 {

struct Limits {
  std::size_t inputs_max = 4096;
  std::size_t rows_max = 100'000;
  std::size_t values_max = 16'000'000;  // of all inputs together
};

// JSON, and behind it the binary values, if any.
struct Body {
  std::string bytes{};
  std::optional<std::size_t> json_bytes{};  // absent: all of it is JSON
};
struct Wanted {
  std::string name{};
  bool binary = false;
  bool operator==(const Wanted&) const = default;
};

struct InferRequest {
  std::string id{};
  std::vector<Tensor> inputs{};
  std::vector<Wanted> outputs{};  // empty: all
  bool binary = false;            // those that no output of its own speaks of
  std::string routing_key{};
  bool has_routing_key = false;
  std::vector<Time> event_times{};  // none, one for all rows, or one per row
  std::string context{};            // JSON object of column -> value or one value per row; empty: none
  std::size_t rows = 0;             // the first dimension, the same for all inputs
};
// `json_bytes`: where the JSON ends and binary values begin; absent: the body is JSON.
Result<InferRequest> read_request(std::string_view body, std::optional<std::size_t> json_bytes = {},
                                  const Limits& limits = {});

struct InferResponse {
  std::string_view model_name{}, model_version{}, id{};  // no id: not written
  std::span<const std::string> prediction_ids{};
  std::span<const Tensor> outputs{};
};
// Only the outputs named by `wanted`, in that order; all when it is empty, as binary values if `binary`. Code::invalid names one that is not there.
Result<Body> write_response(const InferResponse& response, std::span<const Wanted> wanted = {}, bool binary = false);

// What is said of a wanted output that the model does not have.
Error no_such_output(std::string_view wanted, const std::vector<std::string>& there);

struct ModelMetadata {
  std::string name{};
  std::vector<std::string> versions{};
  std::string platform = "onnx_onnxv1";
  std::vector<Port> inputs{}, outputs{};
};
std::string write_metadata(const ModelMetadata& metadata);
std::string server_metadata(std::string_view version);

// One row of what `context` holds, as a JSON object; {} when empty.
std::string context_row(std::string_view context, std::size_t row, std::size_t rows);

}  // namespace pawl::v2
