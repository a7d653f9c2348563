// Only serving's own files include this: ONNX Runtime's C++ header with its API taken from a library that is opened on first use.
// ORT_API_MANUAL_INIT is defined for the whole room, since two files that disagree about it would break the one-definition rule.
#pragma once
#include <onnxruntime_cxx_api.h>

#include "core/result.h"

#ifndef ORT_API_MANUAL_INIT
#error "define it on the target"
#endif

namespace pawl::serving {

// Opens the library when that was not done yet; from then on Ort:: may be used. Code::unavailable when it is not there.
Result<void> open_onnx_runtime();
Ort::Env& onnx_env();

}  // namespace pawl::serving
