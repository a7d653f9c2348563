// DuckDB is opened when a table first is: the build makes each of its functions a jump through this table (cmake/LazyLibrary.cmake).
#include "datasets/duck_lazy.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstdlib>

extern "C" {
extern const char* const pawl_duck_names[];
extern void* pawl_duck_table[];
extern const std::size_t pawl_duck_count;
}

namespace pawl::datasets {

Result<void> open_duckdb() {
  static std::mutex mutex;
  static bool open = false;
  std::lock_guard hold(mutex);
  if (open) return {};
  void* library = nullptr;
  // Beside the binary (build/lib, or lib next to where it was installed), then wherever the system looks.
  std::error_code ec;
  const auto binary = std::filesystem::read_symlink("/proc/self/exe", ec).parent_path();
  std::vector<std::string> places{(binary / "lib" / "libduckdb.so").string(),
                                  (binary.parent_path() / "lib" / "libduckdb.so").string(), "libduckdb.so"};
  std::string why;
  for (const auto& place : places) {
    library = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library) break;
    if (const char* said = ::dlerror()) why = said;
  }
  if (!library)
    return fail(Code::unavailable, "tables need the library libduckdb.so beside the program, in lib/", {}, why);
  for (std::size_t i = 0; i < pawl_duck_count; ++i) {
    pawl_duck_table[i] = ::dlsym(library, pawl_duck_names[i]);
    if (!pawl_duck_table[i])
      return fail(Code::unavailable, std::string("this libduckdb.so has no ") + pawl_duck_names[i]);
  }
  open = true;
  return {};
}

}  // namespace pawl::datasets
