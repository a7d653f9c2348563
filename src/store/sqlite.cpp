#include <sqlite3.h>

#include <cmath>
#include <cstring>

#include "store/engine.h"

namespace pawl::store {
namespace {

constexpr std::size_t statements_max = 512;  // prepared and kept; searches make texts of their own

Code code_of(int rc) {
  switch (rc & 0xFF) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN: return Code::unavailable;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Code::busy;
    case SQLITE_TOOBIG: return Code::too_large;
    case SQLITE_INTERRUPT: return Code::deadline;
    default: return Code::internal;
  }
}

// $1 is a *named* parameter in SQLite, numbered by first appearance; ?1 is numbered by its number.
std::string numbered(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote)
      quote = c == quote ? 0 : quote;
    else if (c == '\'' || c == '"')
      quote = c;
    const bool parameter = !quote && c == '$' && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9';
    out += parameter ? '?' : c;
  }
  return out;
}

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* s) : s_(s) {}
  bool null(int i) const override { return sqlite3_column_type(s_, i) == SQLITE_NULL; }
  std::int64_t i64(int i) const override { return sqlite3_column_int64(s_, i); }
  double real(int i) const override { return sqlite3_column_double(s_, i); }
  std::string_view view(int i) const override {
    const void* p = sqlite3_column_blob(s_, i);
    return {static_cast<const char*>(p), p ? static_cast<std::size_t>(sqlite3_column_bytes(s_, i)) : 0};
  }

 private:
  sqlite3_stmt* s_;
};

class Sqlite final : public Connection {
 public:
  explicit Sqlite(sqlite3* db) : db_(db) {}
  ~Sqlite() override {
    for (auto& [text, s] : statements_) sqlite3_finalize(s);
    sqlite3_close(db_);
  }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;
  Engine engine() const override { return Engine::sqlite; }

  Result<std::int64_t> run(const Sql& sql, std::span<const Value> values,
                           const std::function<void(const Row&)>* each) override {
    TRY(s, prepared(sql));
    struct Reset {
      sqlite3_stmt* s;
      ~Reset() {
        sqlite3_reset(s);
        sqlite3_clear_bindings(s);
      }
    } reset{s};
    for (std::size_t i = 0; i < values.size(); ++i) bind(s, static_cast<int>(i + 1), values[i]);
    int rc = SQLITE_ROW;
    const SqliteRow row(s);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW)
      if (each) (*each)(row);
    if (rc != SQLITE_DONE) return failed(rc, sql.name);
    return sqlite3_changes64(db_);
  }
  Result<void> script(std::string_view statements) override {
    const std::string text(statements);
    if (int rc = sqlite3_exec(db_, text.c_str(), nullptr, nullptr, nullptr); rc != SQLITE_OK)
      return failed(rc, "script");
    return {};
  }

 private:
  Result<sqlite3_stmt*> prepared(const Sql& sql) {
    if (auto found = statements_.find(sql.text); found != statements_.end()) return found->second;
    if (statements_.size() >= statements_max) {
      for (auto& [text, s] : statements_) sqlite3_finalize(s);
      statements_.clear();
    }
    const auto text = numbered(sql.text);
    sqlite3_stmt* s = nullptr;
    if (int rc =
            sqlite3_prepare_v3(db_, text.data(), static_cast<int>(text.size()), SQLITE_PREPARE_PERSISTENT, &s, nullptr);
        rc != SQLITE_OK)
      return failed(rc, sql.name);
    statements_.emplace(std::string(sql.text), s);
    return s;
  }
  // Texts are bound without a copy: they live until the statement is reset, in run() above.
  static void bind(sqlite3_stmt* s, int i, const Value& value) {
    std::visit(
        [&](const auto& v) {
          using T = std::decay_t<decltype(v)>;
          if constexpr (std::is_same_v<T, std::nullptr_t>)
            sqlite3_bind_null(s, i);
          else if constexpr (std::is_same_v<T, std::int64_t>)
            sqlite3_bind_int64(s, i, v);
          else if constexpr (std::is_same_v<T, double>)
            sqlite3_bind_double(s, i, v);
          else if constexpr (std::is_same_v<T, std::string_view>)
            sqlite3_bind_text64(s, i, v.data() ? v.data() : "", v.size(), SQLITE_STATIC, SQLITE_UTF8);
          else
            sqlite3_bind_blob64(s, i, v.data() ? static_cast<const void*>(v.data()) : "", v.size(), SQLITE_STATIC);
        },
        value);
  }
  std::unexpected<Error> failed(int rc, std::string_view what) const {
    const auto code = code_of(rc);
    std::string message = code == Code::unavailable ? "the store cannot write: is its disk full?"
                          : code == Code::busy      ? "the store is locked by another process"
                                                    : "the store failed";
    return fail(code, std::move(message), {},
                std::string(what) + ": " + sqlite3_errmsg(db_) + " (" + std::to_string(rc) + ")");
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  sqlite3* db_;
  std::unordered_map<std::string, sqlite3_stmt*, Hash, std::equal_to<>> statements_;
};

}  // namespace

Result<std::unique_ptr<Connection>> open_sqlite(const Options& options, Access access) {
  sqlite3* db = nullptr;
  const auto name = options.file.empty() ? std::string(":memory:") : options.file.string();
  const int flags = (access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX;
  const int rc = sqlite3_open_v2(name.c_str(), &db, flags, options.vfs.empty() ? nullptr : options.vfs.c_str());
  auto connection = std::make_unique<Sqlite>(db);
  if (rc != SQLITE_OK) return fail(Code::unavailable, "cannot open the store " + name, {}, sqlite3_errmsg(db));
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, 5000);
  // FULL: with NORMAL the last commits may be lost with the power. 8 KiB pages: metric chunks are 6 KiB blobs.
  TRY_(connection->script(
      access == Access::write
          ? "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            "PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=2000; PRAGMA cache_size=-8192;"
          : "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4096;"));
  return connection;
}

}  // namespace pawl::store
