// libFuzzer: what reads must also be written and read again as the same value.
#include <cstdlib>

#include "wire/yaml/value.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto value = pawl::yaml::read(text, "fuzz");
  if (value && !pawl::yaml::read(pawl::yaml::write(*value), "again")) std::abort();
  return 0;
}
