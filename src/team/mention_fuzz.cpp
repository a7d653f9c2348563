// Any text as a comment: who it mentions stands in it behind an @, each once, and a text made of their names alone mentions the same.
#include <cstdint>
#include <cstdlib>

#include "team/mention.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto users = pawl::team::mentioned(text);
  std::string again;
  for (const auto& user : users) {
    if (user.empty() || text.find("@" + user) == text.npos) std::abort();
    again += "@" + user + " ";
  }
  if (pawl::team::mentioned(again) != users) std::abort();
  return 0;
}
