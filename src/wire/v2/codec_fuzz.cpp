// Any bytes as a request, what lies behind the first NUL as binary values: read_request answers a request or an error, and what it answers is sound.
#include <cstdlib>

#include "wire/v2/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace pawl;
  std::string body(reinterpret_cast<const char*>(data), size);
  std::optional<std::size_t> json_bytes;
  if (const auto nul = body.find('\0'); nul != body.npos) {
    json_bytes = nul;
    body.erase(nul, 1);
  }
  const auto read = v2::read_request(body, json_bytes);
  if (!read) return 0;
  for (const auto& t : read->inputs) {
    if (t.size() != v2::values_of(t.shape).value_or(0) || static_cast<std::size_t>(t.rows()) != read->rows)
      std::abort();
    for (const auto position : t.missing)
      if (position >= t.size()) std::abort();
    std::string row;
    v2::write_row(row, t, read->rows - 1);
  }
  if (read->event_times.size() > 1 && read->event_times.size() != read->rows) std::abort();
  (void)v2::context_row(read->context, 0, read->rows);
  if (!v2::write_response({.model_name = "m", .model_version = "1", .id = read->id, .outputs = read->inputs}, {},
                          read->binary))
    std::abort();
  return 0;
}
