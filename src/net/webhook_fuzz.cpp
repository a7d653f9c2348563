// Any text as the address of a webhook: what is taken is http or https, and its origin is taken again and is no more private than it was.
#include <cstdint>
#include <cstdlib>

#include "net/webhook.h"

using namespace pawl::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)public_address(text);
  const auto open = check_webhook(text, true), guarded = check_webhook(text, false);
  if (guarded && (!open || *open != *guarded)) std::abort();
  if (!open) return 0;
  if (!open->starts_with("http://") && !open->starts_with("https://")) std::abort();
  if (check_webhook(*open, true) != *open) std::abort();
  if (guarded && !check_webhook(*guarded, false)) std::abort();
  return 0;
}
