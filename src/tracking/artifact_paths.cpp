#include "tracking/artifact_paths.h"

#include "net/http.h"
#include "wire/mlflow/texts.h"

namespace pawl::tracking {

Result<std::string> stored_path(std::string_view location) {
  constexpr std::string_view scheme = "mlflow-artifacts:";
  if (!location.starts_with(scheme))
    return mlflow::refuse("The artifacts at '" + std::string(location) + "' are not kept by this server.");
  auto path = location.substr(scheme.size());
  if (path.starts_with("//")) {  // a host: ours, or the client would not ask here
    const auto slash = path.find('/', 2);
    path = slash == path.npos ? std::string_view{} : path.substr(slash);
  }
  while (path.starts_with('/')) path.remove_prefix(1);
  return std::string(path);
}

std::string join_path(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  if (name.empty()) return std::string(folder);
  return std::string(folder) + (folder.ends_with('/') ? "" : "/") + std::string(name);
}

std::string_view mime_of(std::string_view name) {
  name = name.substr(name.rfind('/') + 1);
  const auto dot = name.rfind('.');
  const auto ending = mlflow::lower(dot == name.npos ? name : name.substr(dot + 1));
  for (std::string_view text :
       {"mlmodel", "mlproject", "txt",  "log",  "err", "cfg",     "conf", "cnf", "cf", "ini", "properties",
        "prop",    "hocon",     "toml", "yaml", "yml", "xml",     "html", "htm", "js", "py",  "py3",
        "pyx",     "csv",       "tsv",  "md",   "rst", "jsonnet", "sh",   "sql", "r"})
    if (ending == text) return "text/plain";
  if (ending == "json") return "application/json";
  if (ending == "png") return "image/png";
  if (ending == "jpg" || ending == "jpeg") return "image/jpeg";
  if (ending == "gif") return "image/gif";
  if (ending == "webp") return "image/webp";
  if (ending == "pdf") return "application/pdf";
  if (ending == "zip") return "application/zip";
  if (ending == "mp4") return "video/mp4";
  return "application/octet-stream";
}

std::string attachment(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  std::string plain;
  bool token = true, ascii = true;
  for (char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    ascii = ascii && byte < 0x80;
    if (byte >= 0x80 || byte < 0x20 || byte == 0x7F) continue;
    token = token && (std::isalnum(byte) || std::string_view("!#$&+-.^_`|~%'*").contains(c));
    if (c == '"' || c == '\\') plain += '\\';
    plain += c;
  }
  if (plain.empty()) plain = "download";
  std::string out = "attachment; filename=" + (token ? plain : "\"" + plain + "\"");
  if (!ascii) out += "; filename*=UTF-8''" + net::percent_encode(name);
  return out;
}

}  // namespace pawl::tracking
