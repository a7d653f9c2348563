#include "tracking/artifact_files.h"

#include <filesystem>

#include "wire/mlflow/texts.h"

namespace pawl::tracking {
using mlflow::refuse;

Result<net::Response> file_response(const store::Artifacts& files, std::string_view path, std::string_view said) {
  TRY(place, files.at(path));
  std::error_code ec;
  const auto kind = std::filesystem::status(place, ec).type();
  if (kind == std::filesystem::file_type::directory)
    return refuse("Artifact path refers to a directory, not a file: '" + std::string(said) + "'");
  if (kind != std::filesystem::file_type::regular)
    return fail(Code::missing, "No such artifact: '" + std::string(said) + "'");
  net::Response out;
  out.type = mime_of(path);
  out.file = net::FileBody{place};
  out.headers = {{"Content-Disposition", attachment(path)}};
  return out;
}

}  // namespace pawl::tracking
