// What a version's source may be. Pure text work; what the named run or model is, the service looks up.
#pragma once
#include "core/result.h"

namespace pawl::registry {

struct Source {
  enum class Kind {
    local,         // a path or file: of the machine
    run,           // runs:/R/path
    logged_model,  // models:/m-…
    version,       // models:/name/3, models:/name@alias, models:/name/latest
    proxied,       // mlflow-artifacts:, or http(s) of an artifact proxy
    elsewhere,     // s3, gs, dbfs …: the client reads it itself
  } kind{};
  std::string run{}, model{};              // run, logged_model
  std::string name{}, version{}, alias{};  // version
  std::string path{};                      // run: what follows the run's id; local: the path
};
Result<Source> read_source(std::string_view source);
bool within(std::string_view location, std::string_view root);  // compared part by part, percent-decoded
std::unexpected<Error> invalid_source(std::string_view source, std::string_view why);

}  // namespace pawl::registry
