// The limit that log-batch is printed beside: rows of a metric into a plain SQLite table, 1,000 a transaction, synchronous=FULL, no HTTP, no JSON.
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

int main() {
  constexpr int transactions = 300, rows = 1000;
  const auto folder = std::filesystem::temp_directory_path() / ("pawl-bench-rows-" + std::to_string(::time(nullptr)));
  std::filesystem::create_directories(folder);
  sqlite3* db = nullptr;
  if (sqlite3_open((folder / "rows.db").c_str(), &db) != SQLITE_OK) return 1;
  auto run = [&](const char* sql) { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK; };
  if (!run("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
           "CREATE TABLE metric (run TEXT, key TEXT, value REAL, timestamp INTEGER, step INTEGER, is_nan INTEGER)"))
    return 1;
  sqlite3_stmt* put = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO metric VALUES (?1, ?2, ?3, ?4, ?5, 0)", -1, &put, nullptr);
  const auto begin = std::chrono::steady_clock::now();
  for (int t = 0; t < transactions; ++t) {
    run("BEGIN");
    for (int i = 0; i < rows; ++i) {
      sqlite3_bind_text(put, 1, "0123456789abcdef0123456789abcdef", 32, SQLITE_STATIC);
      sqlite3_bind_text(put, 2, "train/metric_0", 14, SQLITE_STATIC);
      sqlite3_bind_double(put, 3, 1.0 / (1 + i));
      sqlite3_bind_int64(put, 4, 1'700'000'000'000 + i);
      sqlite3_bind_int64(put, 5, i);
      sqlite3_step(put);
      sqlite3_reset(put);
    }
    if (!run("COMMIT")) return 1;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f\n", transactions * rows / took.count());
  sqlite3_finalize(put);
  sqlite3_close(db);
  std::filesystem::remove_all(folder);
}
