#include "store/store.h"

#include <sqlite3.h>

#include <cmath>
#include <cstring>
#include <future>

#include "core/testing.h"
#include "store/killed.h"
#include "store/ledger.h"
#include "store/testing.h"

using namespace pawl;
using namespace pawl::store;

namespace {
constexpr Sql make_sql{
    "t.make", "CREATE TABLE IF NOT EXISTS t (id BIGINT PRIMARY KEY, name TEXT, x DOUBLE PRECISION, bytes BYTEA)"};
constexpr Sql put_sql{"t.put", "INSERT INTO t (id, name, x, bytes) VALUES ($1, $2, $3, $4)"};
constexpr Sql get_sql{"t.get", "SELECT id, name, x, bytes FROM t WHERE id = $1"};
constexpr Sql count_sql{"t.count", "SELECT count(*) FROM t"};
constexpr Sql swapped_sql{"t.swapped", "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), '$1'"};

Result<void> put(Tx& tx, std::int64_t id, std::string_view name = "n") {
  TRY_(tx.exec(put_sql, id, name, 0.1, nullptr));
  return {};
}
std::int64_t count(Store& store) {
  return store
      .read_for<std::int64_t>([](Tx& tx) -> Result<std::int64_t> {
        TRY(n, tx.one(count_sql, [](const Row& r) { return r.i64(0); }));
        return *n;
      })
      .value();
}
void make(Store& store) {
  REQUIRE(store.write([](Tx& tx) -> Result<void> {
    TRY_(tx.exec(make_sql));
    return {};
  }));
}
}  // namespace

TEST_CASE("what is bound comes back the same on both engines") {
  on_each_engine([](Store& store) {
    make(store);
    const std::string bytes("\0\x01\xff'\\", 5);
    REQUIRE(store.write([&](Tx& tx) -> Result<void> {
      TRY_(tx.exec(put_sql, std::int64_t{1} << 60, "ünï 'quote' $1", 0.1, std::as_bytes(std::span(bytes))));
      TRY_(tx.exec(put_sql, 2, std::optional<std::string>{}, nullptr, nullptr));
      return {};
    }));
    REQUIRE(store.read([&](Tx& tx) -> Result<void> {
      TRY(one, tx.one(
                   get_sql, [](const Row& r) { return std::tuple(r.i64(0), r.text(1), r.real(2), r.text(3)); },
                   std::int64_t{1} << 60));
      CHECK(one.value() == std::tuple(std::int64_t{1} << 60, std::string("ünï 'quote' $1"), 0.1, bytes));
      TRY(two, tx.one(
                   get_sql,
                   [](const Row& r) { return r.null(1) && r.null(2) && r.null(3) && !r.maybe<std::string>(1); }, 2));
      CHECK(two.value());
      TRY(swapped, tx.one(swapped_sql, [](const Row& r) { return r.text(0) + r.text(1) + r.text(2); }, "a", "b"));
      CHECK(swapped.value() == "ba$1");
      return {};
    }));
  });
}

TEST_CASE("given works that share a commit, when one fails, then it alone leaves nothing behind") {
  on_each_engine([](Store& store) {
    make(store);
    std::promise<void> gate;
    auto opened = gate.get_future().share();
    std::vector<std::future<Result<void>>> answers;
    auto post = [&](Work work) {
      auto promise = std::make_shared<std::promise<Result<void>>>();
      answers.push_back(promise->get_future());
      store.write_async(std::move(work), [promise](Result<void> r) { promise->set_value(std::move(r)); });
    };
    post([opened](Tx&) -> Result<void> {
      return opened.wait(), Result<void>{};
    });  // holds the writer, so that the others form a group
    for (std::int64_t i = 0; i < 50; ++i)
      post([i](Tx& tx) -> Result<void> {
        TRY_(put(tx, i));
        if (i % 10 == 3) return pawl::fail(Code::invalid, "no");
        if (i % 10 == 4) throw std::runtime_error("bug");
        if (i % 10 == 5) return put(tx, i);  // the same key again: refused by the engine
        return {};
      });
    gate.set_value();
    std::size_t good = 0;
    for (auto& a : answers) good += a.get().has_value();
    CHECK(good == 1 + 35);
    CHECK(count(store) == 35);
  });
}

TEST_CASE("what waits for the commit runs after it, and not at all when the work fails") {
  auto store = open_or_die();
  make(*store);
  int ran = 0;
  CHECK(store->write([&](Tx& tx) -> Result<void> { return tx.after_commit([&] { ++ran; }), put(tx, 1); }));
  CHECK_FALSE(store->write(
      [&](Tx& tx) -> Result<void> { return tx.after_commit([&] { ran += 10; }), pawl::fail(Code::invalid, "no"); }));
  CHECK(ran == 1);
}

TEST_CASE("a database of a newer pawl is refused, an opened one keeps its rows") {
  ScratchFolder folder;
  const auto file = folder.path / "pawl.db";
  {
    auto store = open_or_die({.file = file});
    make(*store);
    REQUIRE(store->write([](Tx& tx) { return put(tx, 7); }));
  }
  {
    auto store = open_or_die({.file = file});
    CHECK(count(*store) == 1);
    REQUIRE(store->write([](Tx& tx) -> Result<void> {
      TRY_(tx.exec(
          {"t.newer", "INSERT INTO migration (number, name, checksum, at) VALUES (9999, '9999_future.sql', 'x', 0)"}));
      return {};
    }));
  }
  auto refused = Store::open({.file = file});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.starts_with(
      "this database was written by a newer pawl: it has migration 9999_future.sql"));
}

TEST_CASE("both engines end with the same tables and columns") {
  auto columns = [](Store& store, Sql sql) {
    return store
        .read_for<std::vector<std::string>>(
            [&](Tx& tx) { return tx.all(sql, [](const Row& r) { return r.text(0) + "." + r.text(1); }); })
        .value();
  };
  auto lite = open_or_die();
  auto pg = open_or_die({.postgres = fresh_postgres()});
  const auto a = columns(*lite, {"t.lite",
                                 "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type "
                                 "= 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2"});
  const auto b = columns(*pg, {"t.pg",
                               "SELECT table_name::text COLLATE \"C\", column_name::text COLLATE \"C\" FROM "
                               "information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"});
  CHECK(a == b);
  CHECK(a.size() > 10);
}

TEST_CASE("given a process killed in the middle, then everything it acknowledged is there") {
  ScratchFolder folder;
  const auto file = folder.path / "pawl.db";
  make(*open_or_die({.file = file}));
  const auto acknowledged = killed_after(200, [&](const auto& tell) {
    auto store = Store::open({.file = file});
    for (std::uint32_t i = 1;; ++i) {
      if (!(*store)->write([i](Tx& tx) { return put(tx, i); })) return;
      tell(i);
    }
  });
  CHECK(acknowledged >= 200);
  CHECK(count(*open_or_die({.file = file})) >= acknowledged);
}

namespace {
// SQLite's own file layer, but for writes that fail as on a full disk once `full` is set.
std::atomic<bool> full{false};
int (*real_open)(sqlite3_vfs*, const char*, sqlite3_file*, int, int*) = nullptr;
struct FullFile {
  sqlite3_io_methods methods;
};
std::map<const sqlite3_io_methods*, std::unique_ptr<sqlite3_io_methods>> wrapped;
std::mutex wrapped_mutex;
int (*real_write)(sqlite3_file*, const void*, int, sqlite3_int64) = nullptr;
int failing_write(sqlite3_file* f, const void* p, int n, sqlite3_int64 at) {
  return full ? SQLITE_FULL : real_write(f, p, n, at);
}
int failing_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
  const int rc = real_open(vfs, name, file, flags, out);
  if (rc != SQLITE_OK || !file->pMethods) return rc;
  std::lock_guard hold(wrapped_mutex);
  auto& mine = wrapped[file->pMethods];
  if (!mine) {
    mine = std::make_unique<sqlite3_io_methods>(*file->pMethods);
    real_write = mine->xWrite;
    mine->xWrite = failing_write;
  }
  file->pMethods = mine.get();
  return rc;
}
void install_failing_vfs() {
  static sqlite3_vfs vfs = *sqlite3_vfs_find(nullptr);
  if (real_open) return;
  real_open = vfs.xOpen;
  vfs.xOpen = failing_open;
  vfs.zName = "failing";
  sqlite3_vfs_register(&vfs, 0);
}
}  // namespace

TEST_CASE("given a full disk, then a write is refused with a clear error, and goes through once there is room") {
  install_failing_vfs();
  ScratchFolder folder;
  auto store = open_or_die({.file = folder.path / "pawl.db", .vfs = "failing"});
  make(*store);
  REQUIRE(store->write([](Tx& tx) { return put(tx, 1); }));
  full = true;
  auto refused = store->write([](Tx& tx) { return put(tx, 2); });
  full = false;
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::unavailable);
  CHECK(refused.error().message == "the store cannot write: is its disk full?");
  CHECK(store->write([](Tx& tx) { return put(tx, 3); }));
  CHECK(count(*store) == 2);
}
