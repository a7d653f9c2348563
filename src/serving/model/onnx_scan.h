// A look into an ONNX file before ONNX Runtime gets it: does it point at other files?
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pawl::serving {

struct ExternalTensor {
  std::string name{};
  std::string location{};  // the file, as the model names it
};
// Tensors whose values lie outside of the model file. Bytes that are no protobuf have none: ONNX Runtime refuses those itself.
std::vector<ExternalTensor> external_tensors(std::string_view onnx);

}  // namespace pawl::serving
