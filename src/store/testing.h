// Stores for tests: SQLite in memory or in a folder of its own, and a PostgreSQL server of this test program's own.
#pragma once
#include <doctest/doctest.h>

#include "core/hash.h"
#include "store/store.h"

namespace pawl::store {

struct ScratchFolder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("pawl-test-" + SystemRandom{}.hex_bytes(6));
  ScratchFolder() { std::filesystem::create_directories(path); }
  ~ScratchFolder() {
    std::error_code ec;
    std::filesystem::remove_all(path, ec);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
};

inline std::unique_ptr<Store> open_or_die(Options options = {}) {
  auto opened = Store::open(std::move(options));
  if (!opened) FAIL(opened.error().message, " ", opened.error().detail);
  return std::move(*opened);
}

// A connection string to an empty database of a PostgreSQL server that lives as long as the program. It is started at the first call.
std::string fresh_postgres();

// Each engine in turn: the same test, the same rows.
template <class F> void on_each_engine(F test) {
  {
    INFO("engine: SQLite");
    auto store = open_or_die();
    test(*store);
  }
  {
    INFO("engine: PostgreSQL");
    auto store = open_or_die({.postgres = fresh_postgres()});
    test(*store);
  }
}

}  // namespace pawl::store
