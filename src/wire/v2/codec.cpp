#include "wire/v2/codec.h"

#include <boost/json.hpp>
#include <cmath>

#include "core/json.h"
#include "core/json_dom.h"
#include "wire/v2/binary.h"

namespace pawl::v2 {
namespace bj = boost::json;
namespace {

constexpr std::size_t id_bytes_max = 512;
constexpr std::size_t context_columns_max = 1000;

std::string_view view(const bj::string& s) { return {s.data(), s.size()}; }
std::string shown(const bj::value& value) {
  std::string text = json_text(value);
  if (text.size() <= 60) return text;
  text.resize(57);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80)
    text.pop_back();  // no half characters
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.pop_back();
  return text + "...";
}
const bj::value* member(const bj::object& object, std::string_view key) {
  return object.if_contains(bj::string_view(key.data(), key.size()));
}
std::optional<std::string_view> text_of(const bj::value* value) {
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  if (text == nullptr) return std::nullopt;
  return view(*text);
}

// Puts one JSON value behind what is there; false when it does not fit the type.
bool put(std::vector<std::uint8_t>& to, const bj::value& v) {
  if (const auto* flag = v.if_bool()) return to.push_back(*flag ? 1 : 0), true;
  return false;
}
template <class Int>
  requires std::is_signed_v<Int> && std::is_integral_v<Int>
bool put(std::vector<Int>& to, const bj::value& v) {
  std::int64_t whole = 0;
  if (const auto* i = v.if_int64()) {
    whole = *i;
  } else if (const auto* d = v.if_double()) {  // 3.0 is a whole number too, as long as a double holds it exactly
    if (std::abs(*d) > 9007199254740992.0 || std::trunc(*d) != *d) return false;
    whole = static_cast<std::int64_t>(*d);
  } else {
    return false;  // also: past int64
  }
  if (whole < std::numeric_limits<Int>::min() || whole > std::numeric_limits<Int>::max()) return false;
  to.push_back(static_cast<Int>(whole));
  return true;
}
template <class Real>
  requires std::is_floating_point_v<Real>
bool put(std::vector<Real>& to, const bj::value& v) {
  double value = 0;
  if (const auto* d = v.if_double())
    value = *d;
  else if (const auto* i = v.if_int64())
    value = static_cast<double>(*i);
  else if (const auto* u = v.if_uint64())
    value = static_cast<double>(*u);
  else if (v.is_null())
    value = std::numeric_limits<double>::quiet_NaN();
  else
    return false;
  if (std::isinf(value) || std::abs(value) > static_cast<double>(std::numeric_limits<Real>::max())) return false;
  to.push_back(static_cast<Real>(value));
  return true;
}
bool put(std::vector<std::string>& to, const bj::value& v) {
  const auto* text = v.if_string();
  if (text == nullptr && !v.is_null()) return false;
  to.emplace_back(text != nullptr ? view(*text) : std::string_view{});
  return true;
}
std::string_view wanted_text(Type type) {
  switch (type) {
    case Type::BOOL: return "true or false";
    case Type::INT32: return "a whole number from -2147483648 to 2147483647";
    case Type::INT64: return "a whole number of 64 bits";
    case Type::FP32: return "a number within the range of FP32, or null where it is missing";
    case Type::FP64: return "a number within the range of FP64, or null where it is missing";
    case Type::BYTES: return "a text, or null where it is missing";
  }
  return "";
}

std::string place(const Tensor& t, std::size_t index) {
  return "inputs[" + std::to_string(index) + "]" + (t.name.empty() ? "" : " \"" + t.name + "\"");
}
std::unexpected<Error> wrong(const Tensor& t, std::size_t index, std::string what) {
  return fail(Code::invalid, place(t, index) + ": " + std::move(what),
              t.name.empty() ? "inputs[" + std::to_string(index) + "]" : t.name);
}

template <class V> Result<void> fill(Tensor& t, std::size_t index, std::vector<V>& to, const bj::array& values) {
  for (const auto& v : values) {
    if (put(to, v)) {
      if constexpr (std::is_same_v<V, std::string>)
        if (v.is_null()) t.missing.push_back(static_cast<std::uint32_t>(to.size() - 1));
      continue;
    }
    if (v.is_array()) return wrong(t, index, "data is nested deeper than its shape " + to_text(t.shape));
    return wrong(t, index,
                 "value " + std::to_string(to.size()) + " of data: expected " + std::string(wanted_text(t.type())) +
                     " (" + std::string(word(t.type())) + "), got " + shown(v));
  }
  return {};
}
template <class V>
Result<void> fill_nested(Tensor& t, std::size_t index, std::vector<V>& to, const bj::array& values, std::size_t depth) {
  if (static_cast<std::int64_t>(values.size()) != t.shape[depth])
    return wrong(t, index,
                 "data holds a list of " + std::to_string(values.size()) + " where its shape " + to_text(t.shape) +
                     " wants " + std::to_string(t.shape[depth]));
  if (depth + 1 == t.shape.size()) return fill(t, index, to, values);
  for (const auto& inner : values) {
    const auto* list = inner.if_array();
    if (list == nullptr)
      return wrong(t, index,
                   "data mixes lists and values: expected a list of " + std::to_string(t.shape[depth + 1]) + ", got " +
                       shown(inner));
    TRY_(fill_nested(t, index, to, *list, depth + 1));
  }
  return {};
}

Result<void> read_shape(Tensor& t, std::size_t index, const bj::value* value) {
  const auto* list = value != nullptr ? value->if_array() : nullptr;
  if (list == nullptr || list->empty() || list->size() > 16)
    return wrong(t, index,
                 "expected \"shape\", a list of 1 to 16 dimensions, the rows first" +
                     (value == nullptr ? std::string{} : ", got " + shown(*value)));
  for (const auto& d : *list) {
    const auto* whole = d.if_int64();
    if (whole == nullptr || *whole < 0)
      return wrong(t, index, "shape: expected whole numbers from 0, got " + shown(*value));
    t.shape.push_back(*whole);
  }
  return {};
}

// The size of an input's binary values, when it has such.
Result<std::optional<std::size_t>> binary_size(const Tensor& t, std::size_t index, const bj::object& tensor) {
  const auto* parameters = member(tensor, "parameters");
  const auto* size =
      parameters != nullptr && parameters->is_object() ? member(parameters->get_object(), "binary_data_size") : nullptr;
  if (size == nullptr) return std::optional<std::size_t>{};
  const auto* whole = size->if_int64();
  if (whole == nullptr || *whole < 0)
    return wrong(t, index, "parameters.binary_data_size: expected a number of bytes, got " + shown(*size));
  return std::optional(static_cast<std::size_t>(*whole));
}

// `binary`: what is left behind the JSON; what the tensor takes is taken away.
Result<void> read_tensor(Tensor& t, std::size_t index, const bj::value& value, std::size_t& values_left,
                         std::string_view& binary) {
  const auto* object = value.if_object();
  if (object == nullptr)
    return wrong(t, index, "expected an object with name, shape, datatype and data, got " + shown(value));
  const auto name = text_of(member(*object, "name"));
  if (!name || name->empty()) return wrong(t, index, "expected a \"name\"");
  t.name = *name;
  const auto datatype = text_of(member(*object, "datatype"));
  const auto type = datatype ? from_word<Type>(*datatype) : std::nullopt;
  if (!type) {
    const auto* given = member(*object, "datatype");
    return wrong(t, index,
                 "expected \"datatype\", one of BOOL, INT32, INT64, FP32, FP64, BYTES" +
                     (given == nullptr ? std::string{} : ", got " + shown(*given)));
  }
  t.data = make_data(*type, 0);
  TRY_(read_shape(t, index, member(*object, "shape")));
  const auto values = values_of(t.shape);
  if (!values || *values > values_left) return wrong(t, index, "shape " + to_text(t.shape) + " holds too many values");
  values_left -= *values;
  const auto* data = member(*object, "data");
  TRY(size, binary_size(t, index, *object));
  if (size && data != nullptr) return wrong(t, index, "has both \"data\" and binary_data_size");
  if (size && *size > binary.size())
    return wrong(t, index,
                 "parameters.binary_data_size is " + std::to_string(*size) + ", " + std::to_string(binary.size()) +
                     " bytes are left behind the JSON (Inference-Header-Content-Length says where that ends)");
  if (size) {
    if (auto read = read_binary(t, *values, binary.substr(0, *size)); !read)
      return wrong(t, index, std::move(read).error().message);
    binary.remove_prefix(*size);
    return {};
  }
  if (data == nullptr) return wrong(t, index, "expected \"data\", a list of " + std::to_string(*values) + " values");
  const auto* list = data->if_array();
  if (list == nullptr)
    return wrong(t, index, "expected \"data\", a list of " + std::to_string(*values) + " values, got " + shown(*data));
  return std::visit(
      [&](auto& to) -> Result<void> {
        if (t.shape.size() > 1 && !list->empty() && list->front().is_array())
          return fill_nested(t, index, to, *list, 0);
        if (list->size() != *values)
          return wrong(t, index,
                       "data holds " + std::to_string(list->size()) + " values, its shape " + to_text(t.shape) +
                           " wants " + std::to_string(*values));
        to.reserve(*values);
        return fill(t, index, to, *list);
      },
      t.data);
}

Result<void> read_event_times(InferRequest& out, const bj::value& value) {
  const auto one = [&](const bj::value& v) -> Result<void> {
    const auto* text = v.if_string();
    if (text == nullptr)
      return fail(Code::invalid, "parameters.event_time: expected a time such as 2013-03-01T12:00:00Z, got " + shown(v),
                  "event_time");
    auto time = parse_rfc3339(view(*text));
    if (!time) return fail(Code::invalid, "parameters.event_time: " + time.error().message, "event_time");
    out.event_times.push_back(*time);
    return {};
  };
  if (value.is_null()) return {};
  const auto* list = value.if_array();
  if (list == nullptr) return one(value);
  if (list->size() != out.rows && list->size() != 1)
    return fail(Code::invalid,
                "parameters.event_time: expected one time, or one per row (" + std::to_string(out.rows) + "), got " +
                    std::to_string(list->size()),
                "event_time");
  for (const auto& v : *list) TRY_(one(v));
  return {};
}

Result<void> read_context(InferRequest& out, const bj::value& value) {
  if (value.is_null()) return {};
  const auto* object = value.if_object();
  if (object == nullptr || object->size() > context_columns_max)
    return fail(Code::invalid, "parameters.context: expected an object of column names and values, got " + shown(value),
                "context");
  for (const auto& [key, v] : *object) {
    const auto* list = v.if_array();
    if (list != nullptr && list->size() != out.rows && list->size() != 1)
      return fail(Code::invalid,
                  "parameters.context." + std::string(key) + ": expected one value, or one per row (" +
                      std::to_string(out.rows) + "), got " + std::to_string(list->size()),
                  "context");
    const auto scalar = [](const bj::value& x) { return !x.is_array() && !x.is_object(); };
    if (list != nullptr ? !std::ranges::all_of(*list, scalar) : !scalar(v))
      return fail(Code::invalid, "parameters.context." + std::string(key) + ": expected plain values, got " + shown(v),
                  "context");
  }
  TRY(text, canonical_json(json_text(*object)));
  out.context = std::move(text);
  return {};
}

Result<void> read_flag(bool& to, const bj::object& object, std::string_view name, const std::string& place) {
  const auto* value = member(object, name);
  if (value == nullptr || value->is_null()) return {};
  const auto* flag = value->if_bool();
  if (flag == nullptr)
    return fail(Code::invalid, place + "." + std::string(name) + ": expected true or false, got " + shown(*value),
                std::string(name));
  to = *flag;
  return {};
}

Result<void> read_parameters(InferRequest& out, const bj::value& value) {
  if (value.is_null()) return {};
  const auto* object = value.if_object();
  if (object == nullptr)
    return fail(Code::invalid, "parameters: expected an object, got " + shown(value), "parameters");
  if (const auto* key = member(*object, "routing_key"); key != nullptr && !key->is_null()) {
    if (const auto* text = key->if_string(); text != nullptr && text->size() <= id_bytes_max)
      out.routing_key = view(*text);
    else if (const auto* whole = key->if_int64())
      out.routing_key = std::to_string(*whole);
    else
      return fail(Code::invalid,
                  "parameters.routing_key: expected a text of at most " + std::to_string(id_bytes_max) +
                      " bytes, one for the whole request, got " + shown(*key),
                  "routing_key");
    out.has_routing_key = true;
  }
  TRY_(read_flag(out.binary, *object, "binary_data_output", "parameters"));
  if (const auto* times = member(*object, "event_time")) TRY_(read_event_times(out, *times));
  if (const auto* context = member(*object, "context")) TRY_(read_context(out, *context));
  return {};
}

Result<void> read_outputs(InferRequest& out, const bj::value& value, std::size_t most) {
  if (value.is_null()) return {};
  const auto* list = value.if_array();
  if (list == nullptr || list->size() > most)
    return fail(Code::invalid, "outputs: expected a list of objects with a name, got " + shown(value), "outputs");
  for (const auto& v : *list) {
    const auto name = v.is_object() ? text_of(member(v.get_object(), "name")) : std::nullopt;
    if (!name)
      return fail(
          Code::invalid,
          "outputs[" + std::to_string(out.outputs.size()) + "]: expected an object with a name, got " + shown(v),
          "outputs");
    auto& wanted = out.outputs.emplace_back(Wanted{.name = std::string(*name), .binary = out.binary});
    if (const auto* parameters = member(v.get_object(), "parameters"); parameters != nullptr && parameters->is_object())
      TRY_(read_flag(wanted.binary, parameters->get_object(), "binary_data",
                     "outputs \"" + wanted.name + "\": parameters"));
  }
  return {};
}

}  // namespace

Result<InferRequest> read_request(std::string_view body, std::optional<std::size_t> json_bytes, const Limits& limits) {
  if (json_bytes && *json_bytes > body.size())
    return fail(Code::invalid, "Inference-Header-Content-Length is " + std::to_string(*json_bytes) + ", the body has " +
                                   std::to_string(body.size()) + " bytes");
  std::string_view binary = json_bytes ? body.substr(*json_bytes) : std::string_view{};
  if (json_bytes) body = body.substr(0, *json_bytes);
  // The parsed form of a small request lives on the stack: no allocation for it, and none to give back.
  unsigned char stack[8192];
  bj::monotonic_resource memory(stack, sizeof stack);
  TRY(root, parse_json(body, &memory));
  const auto* object = root.if_object();
  if (object == nullptr)
    return fail(Code::invalid, "expected a JSON object with \"inputs\", got " + shown(root), "inputs");
  InferRequest out;
  if (const auto* id = member(*object, "id"); id != nullptr && !id->is_null()) {
    const auto* text = id->if_string();
    if (text == nullptr || text->size() > id_bytes_max)
      return fail(Code::invalid,
                  "id: expected a text of at most " + std::to_string(id_bytes_max) + " bytes, got " + shown(*id), "id");
    out.id = view(*text);
  }
  const auto* given = member(*object, "inputs");
  const auto* inputs = given != nullptr ? given->if_array() : nullptr;
  if (inputs == nullptr || inputs->empty() || inputs->size() > limits.inputs_max)
    return fail(Code::invalid,
                "expected \"inputs\", a list of 1 to " + std::to_string(limits.inputs_max) + " tensors" +
                    (given == nullptr ? std::string{} : ", got " + shown(*given)),
                "inputs");
  out.inputs.reserve(inputs->size());
  std::size_t values_left = limits.values_max;
  for (const auto& value : *inputs) {
    const auto index = out.inputs.size();
    auto& t = out.inputs.emplace_back();
    TRY_(read_tensor(t, index, value, values_left, binary));
    const auto rows = static_cast<std::size_t>(t.rows());
    if (index == 0) {
      if (rows == 0 || rows > limits.rows_max)
        return wrong(t, index,
                     "shape " + to_text(t.shape) + ": expected 1 to " + std::to_string(limits.rows_max) + " rows");
      out.rows = rows;
    } else if (rows != out.rows) {
      return wrong(t, index,
                   "shape " + to_text(t.shape) + " holds " + std::to_string(rows) + " rows, \"" +
                       out.inputs.front().name + "\" has " + std::to_string(out.rows));
    }
  }
  if (!binary.empty())
    return fail(Code::invalid, std::to_string(binary.size()) + " bytes of binary data are left that no input names");
  if (const auto* parameters = member(*object, "parameters")) TRY_(read_parameters(out, *parameters));
  if (const auto* outputs = member(*object, "outputs")) TRY_(read_outputs(out, *outputs, limits.inputs_max));
  return out;
}

std::string context_row(std::string_view context, std::size_t row, std::size_t rows) {
  if (context.empty()) return "{}";
  auto parsed = parse_json(context);
  if (!parsed || !parsed->is_object()) return "{}";
  for (auto& [key, v] : parsed->get_object()) {
    auto* list = v.if_array();
    if (list == nullptr) continue;
    bj::value one = list->size() == rows && row < list->size() ? (*list)[row]
                    : list->empty()                            ? bj::value{}
                                                               : list->front();
    v = std::move(one);
  }
  auto text = canonical_json(json_text(*parsed));
  return text ? std::move(*text) : "{}";
}

}  // namespace pawl::v2
