// How MLflow says what went wrong: the error envelope and the texts for bodies that do not decode. The status numbers of Codes are net's.
//
//   {"error_code": NAME, "message": TEXT, "sqlstate": "KAM00"|"XXM00", "error_class": NAME}
#pragma once
#include "core/json.h"

namespace pawl::mlflow {

struct ErrorName {
  std::string_view error_code, error_class, sqlstate;
};
// What a Code is called. `conflict` is MLflow's INVALID_STATE: the object is not in the state that the call needs.
ErrorName error_name(Code code);

std::string envelope(const Error& error);
std::string envelope(const ErrorName& name, std::string_view message);
// What this server does not offer. Clients look at the number (501), which no Code has, and take another road.
constexpr ErrorName not_implemented{"NOT_IMPLEMENTED", "FEATURE_DISABLED", "KAM00"};
constexpr int not_implemented_status = 501;

// "Invalid value 31 for parameter 'run_id' supplied:  Hint: Value was of type 'int'. See the API docs …"
Error to_error(const DecodeError& problem);

// MLflow reads an empty or unparsable body as {}, and a JSON string as the JSON it holds (old clients encode twice).
std::string lenient_body(std::string body);

}  // namespace pawl::mlflow
