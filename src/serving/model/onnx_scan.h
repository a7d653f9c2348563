// A look into an ONNX file before ONNX Runtime gets it: does it point at other files?
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pawl::serving {

// Names of tensors whose values lie outside of the model file. Bytes that are no protobuf name none: ONNX Runtime refuses those itself.
std::vector<std::string> external_tensors(std::string_view onnx);

}  // namespace pawl::serving
