// Any bytes as a segment of the log: reading ends, and what is read can be written again to the same bytes.
#include <cstdlib>

#include "serving/labels/labels.h"
#include "serving/log/frame.h"
#include "serving/log/record_view.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace pawl::serving;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto left = bytes;
  while (take_frame(left)) {}
  (void)decode_record(bytes, Parts::head);
  (void)decode_record(bytes, Parts::outputs);
  if (const auto record = decode_record(bytes, Parts::all)) {
    std::string again;
    encode(*record, again);
    if (again != bytes) std::abort();
    (void)row_json(record->features, 0, record->columns);
  }
  RecordView view;
  if (!view.read(bytes, Parts::all) && decode_record(bytes, Parts::all)) std::abort();
  if (const auto labels = decode_labels(bytes)) {
    std::string again;
    encode(*labels, again);
    if (again != bytes) std::abort();
  }
  return 0;
}
