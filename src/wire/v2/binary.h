// The protocol's binary tensor data extension, which tritonclient speaks by default: behind the JSON of a request or an answer lie the values of
// those tensors whose parameters say `binary_data_size`, one after the other, little-endian; a text of BYTES is its length in four bytes and then
// itself. The header Inference-Header-Content-Length says where the JSON ends.
#pragma once
#include "wire/v2/tensor.h"

namespace pawl::v2 {

// Fills `t.data`, whose type is set, with `values` values. NaN is a missing value as null is in JSON; the infinities are refused as they are there, and
// texts that are not UTF-8. The error says what is wrong, not where.
Result<void> read_binary(Tensor& t, std::size_t values, std::string_view bytes);
void write_binary(std::string& out, const Tensor& t);

}  // namespace pawl::v2
