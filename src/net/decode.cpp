// From a request to the handler's type and from its answer back.
#include "net/router.h"
#include "wire/mlflow/dialect.h"

namespace pawl::net {
namespace {

// MLflow refuses a POST that does not say it is JSON, and reads one that says so and is not as {}.
bool says_json(const Request& request, DecodeError& problem) {
  const auto type = request.header("content-type");
  if (request.method != Method::POST || type.substr(0, type.find(';')) == "application/json") return true;
  problem = {DecodeError::Kind::not_json,
             {},
             type.empty() ? "Content-Type header is missing." : "Content-Type must be one of ['application/json'].",
             {}};
  return false;
}

bool decode_body(const Request& request, const Shape& shape, void* in, Dialect dialect, DecodeError& problem) {
  const auto options = decode_options(dialect);
  if (dialect != Dialect::mlflow) return decode_into(request.body, shape, in, options, problem);
  if (!says_json(request, problem)) return false;
  const auto first = request.body.find_first_not_of(" \t\r\n");
  const bool object = first != request.body.npos && request.body[first] == '{';
  if (object && decode_into(request.body, shape, in, options, problem)) return true;
  // JSON that is too deep for us is not read as {}: MLflow would have taken it.
  if (object && (problem.kind != DecodeError::Kind::not_json || problem.wanted.starts_with("nested deeper")))
    return false;
  return decode_into(mlflow::lenient_body(request.body), shape, in, options, problem);
}

bool decode_pairs(const std::vector<Pair>& pairs, const Shape& shape, void* in, DecodeOptions options,
                  DecodeError& problem) {
  for (const auto& p : pairs)
    if (!decode_param(p.name, p.value, shape, in, options, problem)) return false;
  return true;
}

// A number has no value that says "absent": whether it came is seen in the pairs.
bool came(const Request& request, const Shape& shape, DecodeError& problem) {
  for (const auto& slot : shape.slots) {
    const auto kind = slot.shape->kind;
    const bool number = kind == Shape::Kind::i64 || kind == Shape::Kind::i32 || kind == Shape::Kind::real ||
                        kind == Shape::Kind::flag || kind == Shape::Kind::word;
    if (!slot.options.required || !number) continue;
    auto is_this = [&](const Pair& p) {
      return p.name == slot.name || (!slot.options.alias.empty() && p.name == slot.options.alias);
    };
    if (std::ranges::any_of(request.params, is_this) || std::ranges::any_of(request.query, is_this)) continue;
    problem = {DecodeError::Kind::missing, std::string(slot.name), "a value (it is required)", {}};
    return false;
  }
  return true;
}

}  // namespace

bool decode_request(const Request& request, const Shape& shape, void* in, Dialect dialect, DecodeError& problem) {
  const auto options = decode_options(dialect);
  // Parts of the path that the handler does not care for are no mistake of the caller.
  const DecodeOptions of_path{.unknown = UnknownKeys::ignore};
  if (request.method == Method::GET || (request.method == Method::DELETE && request.body.empty()))
    return decode_pairs(request.query, shape, in, options, problem) &&
           decode_pairs(request.params, shape, in, of_path, problem) && check_required(shape, in, problem) &&
           came(request, shape, problem);
  if (request.params.empty() && request.method != Method::DELETE)
    return decode_body(request, shape, in, dialect, problem);

  // What comes by path or query need not be in the body too.
  std::vector<Slot> slots(shape.slots.begin(), shape.slots.end());
  for (auto& slot : slots) {
    auto is_this = [&](const Pair& p) { return p.name == slot.name; };
    const bool outside = std::ranges::any_of(request.params, is_this) ||
                         (request.method == Method::DELETE && std::ranges::any_of(request.query, is_this));
    if (outside) slot.options.required = false;
  }
  Shape relaxed = shape;
  relaxed.slots = slots;
  return decode_body(request, relaxed, in, dialect, problem) &&
         (request.method != Method::DELETE || decode_pairs(request.query, shape, in, options, problem)) &&
         decode_pairs(request.params, shape, in, of_path, problem) && check_required(shape, in, problem);
}

Response json_response(const Shape& shape, const void* out) {
  Response response;
  encode_into(out, shape, response.body);
  return response;
}

}  // namespace pawl::net
