#include "serving/context.h"

#include <boost/json.hpp>

#include "core/json_dom.h"

namespace pawl::serving {
namespace bj = boost::json;
namespace {

void add_cell(LogColumn& c, const bj::value& v) {
  if (v.is_null())
    add_missing(c, size_of(c) + 1);
  else if (v.is_bool())
    add_number(c, v.get_bool() ? 1 : 0);
  else if (v.is_number())
    add_number(c, v.is_double()  ? v.get_double()
                  : v.is_int64() ? static_cast<double>(v.get_int64())
                                 : static_cast<double>(v.get_uint64()));
  else if (v.is_string())
    add_text(c, {v.get_string().data(), v.get_string().size()});
  else
    add_text(c, json_text(v));
}

}  // namespace

void add_context(Columns& columns, std::string_view context, std::size_t rows, std::span<const std::uint32_t> picked,
                 std::size_t row) {
  if (context.empty() || context == "{}") return;
  std::array<unsigned char, 8192> memory;  // most contexts fit: no allocation a request
  bj::monotonic_resource resource(memory.data(), memory.size());
  const auto parsed = parse_json(context, &resource);
  if (!parsed || !parsed->is_object()) return;
  std::size_t hint = 0;
  for (const auto& [key, value] : parsed->get_object()) {
    auto* c = columns.at({key.data(), key.size()}, hint, row);
    if (c == nullptr) continue;
    hint = columns.after(*c);
    const auto* list = value.if_array();
    const bool each = list != nullptr && list->size() == rows;
    const bj::value none;
    const bj::value& all = list == nullptr ? value : list->empty() ? none : list->front();
    for (const auto i : picked) add_cell(*c, each ? (*list)[i] : all);
  }
}

}  // namespace pawl::serving
