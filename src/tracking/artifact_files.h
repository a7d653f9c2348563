// An artifact as an answer: its bytes sent as they lie, always as an attachment so that no browser runs them.
#pragma once
#include "net/http.h"
#include "store/files.h"
#include "tracking/artifact_paths.h"

namespace pawl::tracking {

// `path` beneath the root of `files`; `said` is what messages call it.
Result<net::Response> file_response(const store::Artifacts& files, std::string_view path, std::string_view said);

}  // namespace pawl::tracking
