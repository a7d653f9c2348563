#include "serving/log/context.h"

#include <boost/json.hpp>

#include "core/json.h"
#include "core/json_dom.h"

namespace pawl::serving {
namespace bj = boost::json;

struct Context::Parsed {
  std::array<unsigned char, 4096> memory;  // most contexts fit: one allocation a request
  bj::monotonic_resource resource{memory.data(), memory.size()};
  bj::value value = bj::value(bj::storage_ptr(&resource));
  const bj::value none = bj::value();
};

Context::Context(std::string_view json, std::size_t rows) : rows_(rows) {
  if (json.empty() || json == "{}") return;
  parsed_ = std::make_unique<Parsed>();
  auto parsed = parse_json(json, &parsed_->resource);
  if (!parsed || !parsed->is_object()) return;
  parsed_->value = std::move(*parsed);
  for (const auto& [key, value] : parsed_->value.get_object()) members_.push_back({{key.data(), key.size()}, &value});
}
Context::~Context() = default;

const bj::value& Context::at(std::size_t member, std::size_t row) const {
  const auto& v = *members_[member].value;
  const auto* list = v.if_array();
  if (list == nullptr) return v;
  return list->empty() ? parsed_->none : list->size() == rows_ && row < rows_ ? (*list)[row] : list->front();
}
Context::Kind Context::kind(std::size_t member, std::size_t row) const {
  const auto& v = at(member, row);
  return v.is_null()     ? Kind::none
         : v.is_bool()   ? Kind::boolean
         : v.is_number() ? Kind::number
         : v.is_string() ? Kind::text
                         : Kind::other;
}
double Context::number(std::size_t member, std::size_t row) const {
  const auto& v = at(member, row);
  return v.is_bool()     ? v.get_bool()
         : v.is_double() ? v.get_double()
         : v.is_int64()  ? static_cast<double>(v.get_int64())
                         : static_cast<double>(v.get_uint64());
}
std::string_view Context::text(std::size_t member, std::size_t row) const {
  const auto& s = at(member, row).get_string();
  return {s.data(), s.size()};
}
std::string Context::json(std::size_t member, std::size_t row) const { return json_text(at(member, row)); }
std::string Context::row_json(std::size_t row) const {
  if (members_.empty()) return "{}";
  std::string out;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    out += m == 0 ? '{' : ',';
    write_json_text(out, members_[m].name);
    out += ':';
    write_json(out, at(m, row));
  }
  auto text = canonical_json(out + "}");
  return text ? std::move(*text) : "{}";
}

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

void Columns::add_json(const std::string& name, std::string_view json, std::size_t row, Lists lists) {
  const auto parsed = parse_json(json);
  if (!parsed) return;
  if (const auto* list = parsed->if_array(); list != nullptr && lists == Lists::as_columns) {
    for (std::size_t k = 0; k < list->size(); ++k)
      if (auto* c = at(name + "/" + std::to_string(k), 0, row)) add_cell(*c, (*list)[k]);
  } else if (auto* c = at(name, 0, row)) {
    add_cell(*c, *parsed);
  }
}

void add_context(Columns& columns, std::string_view json, std::size_t rows, std::span<const std::uint32_t> picked,
                 std::size_t row) {
  const Context context(json, rows);
  std::size_t hint = 0;
  for (std::size_t m = 0; m < context.size(); ++m) {
    if ((columns.count() >= context_columns_max && !columns.has(context.name(m))) || !is_column_name(context.name(m)))
      continue;
    auto* c = columns.at(context.name(m), hint, row);
    if (c == nullptr) continue;
    hint = columns.after(*c);
    for (const auto i : picked) add_cell(*c, context.at(m, i));
  }
}

}  // namespace pawl::serving
