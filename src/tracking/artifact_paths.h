// What artifacts are called: a location as clients know it, and the path beneath the server's root. Pure.
#pragma once
#include "core/result.h"

namespace pawl::tracking {

// `mlflow-artifacts:/7/R/artifacts` -> `7/R/artifacts`. Refused: places that this server does not keep.
Result<std::string> stored_path(std::string_view location);
std::string join_path(std::string_view folder, std::string_view name);
// Text types for what people read; never one that a browser would run.
std::string_view mime_of(std::string_view name);
// `attachment; filename=a.txt`, quoted or in the RFC 5987 form where needed.
std::string attachment(std::string_view path);

}  // namespace pawl::tracking
