#include "core/testing.h"
#include "net/router.h"

namespace pawl::net {

TEST_CASE("every code has a status and an envelope in every dialect") {
  for (std::size_t i = 0; i < code_count; ++i) {
    const Error error{static_cast<Code>(i), "why it \"failed\"", "name", "secret detail"};
    CAPTURE(i);
    for (const auto dialect : {Dialect::pawl, Dialect::mlflow, Dialect::v2}) {
      const auto got = error_response(error, dialect);
      CHECK((got.status >= 400 && got.status < 600));
      CHECK(canonical_json(got.body));
      CHECK(!got.body.contains("secret"));
    }
    const auto pawl = error_response(error, Dialect::pawl);
    const auto problem = decode<Problem>(pawl.body);
    REQUIRE(problem);
    CHECK(pawl.type == "application/problem+json");
    CHECK(problem->status == pawl.status);
    CHECK(problem->field == "name");
    CHECK(problem->detail == "why it \"failed\"");
    CHECK(code_of(problem->type) == error.code);
    CHECK(json_at(error_response(error, Dialect::v2).body, "error") == R"("why it \"failed\"")");
    CHECK(json_at(error_response(error, Dialect::mlflow).body, "error_code"));
  }
}
TEST_CASE("what stays wrong gets no status that MLflow's client tries again on, but INVALID_STATE, where MLflow has one") {
  for (const auto code : {Code::invalid, Code::missing, Code::exists, Code::denied,
                          Code::unauthenticated, Code::too_large}) {
    const auto status = error_response({code, "x", {}, {}}, Dialect::mlflow).status;
    CHECK((status != 408 && status != 429 && status < 500));
  }
  CHECK(error_response({Code::conflict, "x", {}, {}}, Dialect::mlflow).status == 500);
}
TEST_CASE("who is not known is told how to sign in, who comes too early when to come again") {
  auto header = [](Code code, std::string_view name, Dialect dialect = Dialect::pawl) {
    for (const auto& h : error_response({code, "x", {}, {}}, dialect).headers)
      if (h.name == name) return h.value;
    return std::string{};
  };
  CHECK(header(Code::unauthenticated, "WWW-Authenticate", Dialect::mlflow).starts_with("Basic"));
  CHECK(header(Code::unauthenticated, "WWW-Authenticate").starts_with("Bearer"));  // Basic: a browser's own dialog
  CHECK(header(Code::busy, "Retry-After") == "1");
}
TEST_CASE("a path without a route answers in the dialect of its neighbours") {
  CHECK(dialect_of("/api/2.0/mlflow/nowhere") == Dialect::mlflow);
  CHECK(dialect_of("/v2/nowhere") == Dialect::v2);
  CHECK(dialect_of("/v2x") == Dialect::pawl);
  CHECK(dialect_of("/api/pawl/v1/nowhere") == Dialect::pawl);
}

}  // namespace pawl::net
