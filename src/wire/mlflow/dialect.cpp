#include "wire/mlflow/dialect.h"

#include <boost/json/value.hpp>

#include "core/json_dom.h"
#include "wire/mlflow/texts.h"

namespace pawl::mlflow {

ErrorName error_name(Code code) {
  switch (code) {
    case Code::too_large:
    case Code::invalid: return {"INVALID_PARAMETER_VALUE", "INVALID_PARAMETER_VALUE", "KAM00"};
    case Code::missing: return {"RESOURCE_DOES_NOT_EXIST", "RESOURCE_NOT_FOUND", "KAM00"};
    case Code::exists: return {"RESOURCE_ALREADY_EXISTS", "RESOURCE_ALREADY_EXISTS", "KAM00"};
    case Code::conflict: return {"INVALID_STATE", "CLIENT_INTERNAL_ERROR", "XXM00"};
    case Code::denied: return {"PERMISSION_DENIED", "PERMISSION_DENIED", "KAM00"};
    case Code::unauthenticated: return {"UNAUTHENTICATED", "PERMISSION_DENIED", "KAM00"};
    case Code::busy: return {"RESOURCE_EXHAUSTED", "CLIENT_INTERNAL_ERROR", "XXM00"};
    case Code::deadline: return {"DEADLINE_EXCEEDED", "CLIENT_INTERNAL_ERROR", "XXM00"};
    case Code::unavailable: return {"TEMPORARILY_UNAVAILABLE", "CLIENT_INTERNAL_ERROR", "XXM00"};
    case Code::internal: return {"INTERNAL_ERROR", "CLIENT_INTERNAL_ERROR", "XXM00"};
  }
  std::unreachable();
}

std::string envelope(const ErrorName& name, std::string_view message) {
  std::string out = R"({"error_code": )";
  write_json_text(out, name.error_code);
  out += R"(, "message": )";
  write_json_text(out, message);
  out += R"(, "sqlstate": )";
  write_json_text(out, name.sqlstate);
  out += R"(, "error_class": )";
  write_json_text(out, name.error_class);
  return out + "}";
}

std::string envelope(const Error& error) { return envelope(error_name(error.code), error.message); }

Error to_error(const DecodeError& problem) {
  constexpr std::string_view tail = " See the API docs for more information about request parameters.";
  using Kind = DecodeError::Kind;
  const std::string path = problem.path.empty() ? "body" : problem.path;
  std::string text;
  switch (problem.kind) {
    case Kind::missing: text = missing_value(path).append(tail); break;
    case Kind::wrong_type:
      text = invalid_value(path, python_dump(problem.got),
                           " Hint: Value was of type '" + std::string(python_type(problem.got)) + "'.")
                 .append(tail);
      break;
    case Kind::both_names:
      text = "Request specifies both '" + path + "' and '" + problem.wanted + "'; provide only one of them.";
      break;
    case Kind::too_long: {
      const auto digits = problem.wanted.find_first_of("0123456789");
      text = "'" + path + "' exceeds the maximum length of " +
             (digits == std::string::npos ? problem.wanted : problem.wanted.substr(digits));
      break;
    }
    case Kind::too_many: text = "'" + path + "' holds too many items: expected " + problem.wanted + "."; break;
    case Kind::not_json:
      text = "Bad Request. " + problem.wanted;
      break;  // the content type: a body that is no JSON counts as {}
    case Kind::unknown_key: text = "Unknown parameter '" + path + "'."; break;
  }
  return {Code::invalid, std::move(text), problem.path, {}};
}

std::string lenient_body(std::string body) {
  auto parsed = parse_json(body);
  if (!parsed || parsed->is_null()) return "{}";
  if (const auto* inner = parsed->if_string()) return {inner->data(), inner->size()};
  return body;
}

}  // namespace pawl::mlflow
