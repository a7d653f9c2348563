// Described structs <-> JSON, and query strings -> described structs.
//
// Numbers: an integer may also come as a decimal string (int64 does not fit a JavaScript number). NaN and the infinities of a `double` come
// and go as the strings "NaN", "Infinity", "-Infinity". A null is an absent value. Absent `optional` members are not written.
#pragma once
#include "core/result.h"
#include "core/shape.h"

namespace pawl {

// What was wrong with a body, in parts, since each dialect words it differently.
struct DecodeError {
  enum class Kind { not_json, missing, wrong_type, too_long, too_many, unknown_key, both_names } kind{};
  std::string path{};    // metrics[1].value; empty: the body itself
  std::string wanted{};  // a number, one of a|b, at most 250 characters
  std::string got{};     // the offending value as JSON, cut to 200 bytes
};
Error to_error(const DecodeError& problem);  // pawl's own words: "metrics[1].value: expected a number, got \"x\""

enum class UnknownKeys { refuse, ignore };
enum class CamelKeys { no, accept };  // experimentId beside experiment_id, as protobuf's JSON does
struct DecodeOptions {
  UnknownKeys unknown = UnknownKeys::refuse;
  CamelKeys camel = CamelKeys::no;
};
constexpr std::size_t json_depth_max = 64;

// `out` must be a fresh object of the shape's type. An empty body reads as {}. False: `problem` says why and `out` is not to be used.
bool decode_into(std::string_view body, const Shape& shape, void* out, DecodeOptions options, DecodeError& problem);
// One `name=text` of a query string or a path into the member of that name; lists take one item a call. Unknown names: as `options` say.
bool decode_param(std::string_view name, std::string_view text, const Shape& shape, void* out, DecodeOptions options,
                  DecodeError& problem);
// What `required` asks for, when the members came by decode_param.
bool check_required(const Shape& shape, void* object, DecodeError& problem);

template <class T> Result<T> decode(std::string_view body, DecodeOptions options = {}) {
  Result<T> out;
  DecodeError problem;
  if (!decode_into(body, shape<T>, &*out, options, problem)) out = std::unexpected(to_error(problem));
  return out;
}

void encode_into(const void* object, const Shape& shape, std::string& out);
template <class T> std::string encode(const T& value) {
  std::string out;
  encode_into(&value, shape<T>, out);
  return out;
}

void write_json_text(std::string& out, std::string_view text);  // quoted and escaped; invalid UTF-8 becomes U+FFFD
bool is_utf8(std::string_view text);
void write_json_number(std::string& out, double value);  // shortest that reads back the same; 1 is 1.0; NaN as "NaN"

// RFC 8785: members sorted by UTF-16 code units, shortest numbers, no blanks. What is hashed, is hashed over this. Refuses what is not JSON.
Result<std::string> canonical_json(std::string_view json);

// The value at a dotted path (`a.b.0`) of a JSON text, as JSON text; empty when there is none. For the few who look into foreign JSON.
std::optional<std::string> json_at(std::string_view json, std::string_view path);

}  // namespace pawl
