// What an error is in each dialect: one status per Code, one envelope. Nobody else in the house knows status numbers.
#include <array>

#include "net/router.h"
#include "wire/mlflow/dialect.h"

namespace pawl::net {
namespace {

struct Statuses {
  Code code;
  int pawl, mlflow, v2;
};
// MLflow's client tries again on 408, 429, 500, 502, 503 and 504, for minutes: so nothing that stays wrong gets one of these, but where MLflow itself does so.
// MLflow answers RESOURCE_ALREADY_EXISTS with 400 and INVALID_STATE (a rename of what is deleted) with 500; V2 knows 400, 404, 500 and leaves the rest to HTTP.
constexpr std::array<Statuses, code_count> statuses{{
    {Code::invalid, 400, 400, 400},
    {Code::missing, 404, 404, 404},
    {Code::exists, 409, 400, 409},
    {Code::conflict, 409, 500, 409},
    {Code::denied, 403, 403, 403},
    {Code::unauthenticated, 401, 401, 401},
    {Code::too_large, 413, 413, 413},
    {Code::busy, 503, 429, 503},
    {Code::deadline, 504, 504, 504},
    {Code::unavailable, 503, 503, 503},
    {Code::internal, 500, 500, 500},
}};

int status_of(Code code, Dialect dialect) {
  const auto& row = statuses[static_cast<std::size_t>(code)];
  return dialect == Dialect::pawl ? row.pawl : dialect == Dialect::mlflow ? row.mlflow : row.v2;
}

constexpr std::array<std::string_view, code_count> code_words{"invalid",  "missing",         "exists",    "conflict",
                                                              "denied",   "unauthenticated", "too-large", "busy",
                                                              "deadline", "unavailable",     "internal"};
constexpr std::array<std::string_view, code_count> titles{
    "The request is wrong",          "There is no such thing",    "It exists already",
    "It is not in the needed state", "This is not allowed",       "Sign in first",
    "The request is too large",      "Too much to do, try again", "It took too long",
    "This cannot be served now",     "A mistake of the server"};

std::string problem_document(const Error& error, int status) {
  const Problem problem{.type = "urn:pawl:error:" + std::string(code_words[static_cast<std::size_t>(error.code)]),
                        .title = std::string(titles[static_cast<std::size_t>(error.code)]),
                        .status = status,
                        .detail = error.message,
                        .field = error.field};
  return encode(problem);
}

std::string envelope(const Error& error, Dialect dialect, int status) {
  switch (dialect) {
    case Dialect::pawl: return problem_document(error, status);
    case Dialect::mlflow: return mlflow::envelope(error);
    case Dialect::v2: {
      std::string out = R"({"error":)";
      write_json_text(out, error.message);
      return out + "}";
    }
  }
  std::unreachable();
}

}  // namespace

Response error_response(const Error& error, Dialect dialect) {
  Response out;
  out.status = status_of(error.code, dialect);
  out.type = dialect == Dialect::pawl ? "application/problem+json" : "application/json";
  out.body = envelope(error, dialect, out.status);
  // Not Basic in our own dialect, which takes it all the same: a browser would put its own dialog before the page's sign-in.
  if (error.code == Code::unauthenticated)
    out.headers.push_back({"WWW-Authenticate", dialect == Dialect::pawl
                                                   ? R"(Bearer realm="pawl")"
                                                   : R"(Basic realm="pawl", Bearer realm="pawl")"});
  if (error.code == Code::busy || error.code == Code::unavailable) out.headers.push_back({"Retry-After", "1"});
  return out;
}

Response protocol_error(int status, std::string message, Dialect dialect) {
  const Code code = status == 413 || status == 431 ? Code::too_large : status == 408 ? Code::deadline : Code::invalid;
  Response out;
  out.status = status;
  out.type = dialect == Dialect::pawl ? "application/problem+json" : "application/json";
  out.body = envelope({code, std::move(message), {}, {}}, dialect, status);
  return out;
}

Response decode_error_response(const DecodeError& problem, Dialect dialect) {
  return error_response(dialect == Dialect::mlflow ? mlflow::to_error(problem) : to_error(problem), dialect);
}

std::optional<Code> code_of(std::string_view problem_type) {
  constexpr std::string_view prefix = "urn:pawl:error:";
  if (!problem_type.starts_with(prefix)) return std::nullopt;
  problem_type.remove_prefix(prefix.size());
  for (std::size_t i = 0; i < code_words.size(); ++i)
    if (code_words[i] == problem_type) return static_cast<Code>(i);
  return std::nullopt;
}

Code code_of_status(int status) {
  for (const auto& row : statuses)
    if (row.pawl == status) return row.code;
  return status >= 500 ? Code::internal : Code::invalid;
}

DecodeOptions decode_options(Dialect d) {
  // MLflow's clients send both spellings and fields of newer versions; V2 clients send parameters of other servers.
  switch (d) {
    case Dialect::pawl: return {.unknown = UnknownKeys::refuse};
    case Dialect::mlflow: return {.unknown = UnknownKeys::ignore, .camel = CamelKeys::accept};
    case Dialect::v2: return {.unknown = UnknownKeys::ignore};
  }
  std::unreachable();
}

Dialect dialect_of(std::string_view path) {
  if (path.starts_with("/v2/") || path == "/v2") return Dialect::v2;
  const bool mlflow =
      path.starts_with("/api/2.0/mlflow") || path.starts_with("/api/3.0/mlflow") || path.starts_with("/ajax-api/");
  return mlflow ? Dialect::mlflow : Dialect::pawl;
}

}  // namespace pawl::net
