// Whatever the bytes: a config or an error with its place, never a crash.
#include "delivery/config.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto got = pawl::delivery::read_config({reinterpret_cast<const char*>(data), size});
  if (!got && got.error().message.empty()) __builtin_trap();
  return 0;
}
