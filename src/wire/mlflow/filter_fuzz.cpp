// Any bytes: the parser must answer, and what it accepts must print and parse to itself.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "wire/mlflow/filter.h"

using namespace pawl::mlflow;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto searched = static_cast<Searched>(data[0] % 5);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto filter = parse_filter(text, searched);
  (void)parse_order_by({std::string(text)}, searched);
  if (!filter) return 0;
  const auto has_both = [](const std::string& s) { return s.contains('\'') && s.contains('"'); };
  for (const auto& c : *filter) {
    if (c.key.contains('`') || c.key.contains('"') || c.key.contains('\'') || c.key.empty()) return 0;
    if (const auto* t = std::get_if<std::string>(&c.value);
        t && (has_both(*t) || t->contains('\\') || t->contains("''") || t->contains("\"\"")))
      return 0;
    if (const auto* l = std::get_if<std::vector<std::string>>(&c.value))
      for (const auto& t : *l)
        if (t.contains('\'') || t.contains('"') || t.contains('\\')) return 0;
    if (const auto* t = std::get_if<std::string>(&c.value);
        t && (t->ends_with('\'') || t->starts_with('\'') || t->starts_with('"') || t->ends_with('"')))
      return 0;
  }
  const auto again = parse_filter(print(*filter, searched), searched);
  if (!again || *again != *filter) std::abort();
  return 0;
}
