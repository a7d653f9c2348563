#include "serving/model/onnx_library.h"

#include <dlfcn.h>

#include "core/log.h"
#include "serving/model/onnx.h"

namespace pawl::serving {
namespace {

constexpr const char* library_name = "libonnxruntime.so.1";

struct Library {
  std::mutex mutex;
  bool open = false;
  std::string path;
};
Library& library() {
  static Library one;
  return one;
}

// Beside the program, then wherever the system looks.
std::vector<std::string> candidates() {
  std::vector<std::string> out;
  std::error_code ec;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ec);
  if (!ec) {
    out.push_back((self.parent_path() / "lib" / library_name).string());
    out.push_back((self.parent_path().parent_path() / "lib" / library_name).string());
  }
  out.emplace_back(library_name);
  return out;
}

}  // namespace

Result<void> open_onnx_runtime() {
  auto& lib = library();
  const std::scoped_lock lock(lib.mutex);
  if (lib.open) return {};
  std::string why;
  for (const auto& path : candidates()) {
    std::error_code ec;
    if (path.contains('/') && !std::filesystem::exists(path, ec)) continue;
    void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      why = ::dlerror();
      continue;
    }
    const auto base = reinterpret_cast<const OrtApiBase* (*)()>(::dlsym(handle, "OrtGetApiBase"));
    const OrtApi* api = base != nullptr ? base()->GetApi(ORT_API_VERSION) : nullptr;
    if (api == nullptr) {
      why = path + " is too old";
      continue;
    }
    Ort::InitApi(api);
    lib.open = true;
    lib.path = path;
    log::info("serving.onnx_runtime_opened", {{"version", base()->GetVersionString()}});
    return {};
  }
  return fail(Code::unavailable,
              "ONNX Runtime is not installed: libonnxruntime.so.1 belongs into the folder lib beside the program", {},
              why);
}

// Never destroyed: the library's own threads and statics may outlive ours.
Ort::Env& onnx_env() {
  static auto* env = new Ort::Env(ORT_LOGGING_LEVEL_ERROR, "pawl");
  return *env;
}

std::string onnx_runtime_path() {
  auto& lib = library();
  const std::scoped_lock lock(lib.mutex);
  return lib.path;
}

}  // namespace pawl::serving
