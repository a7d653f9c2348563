#include <charconv>

#include "core/hash.h"
#include "core/log.h"
#include "store/engine.h"

namespace pawl::assets {
struct File {
  std::string_view path, bytes;
};
std::span<const File> migrations();
}  // namespace pawl::assets

namespace pawl::store {
namespace {

constexpr Sql applied_sql{"store.migrations", "SELECT number, name, checksum FROM migration ORDER BY number"};
constexpr Sql record_sql{"store.record_migration",
                         "INSERT INTO migration (number, name, checksum, at) VALUES ($1, $2, $3, $4)"};

struct Step {
  std::int64_t number = 0;
  std::string name;
  std::string_view text;
};

// One step a number; a `.postgres.sql` twin stands in for its step on that engine.
std::vector<Step> steps_for(Engine engine) {
  std::map<std::int64_t, Step> steps;
  for (const auto& file : assets::migrations()) {
    std::string_view name = file.path.substr(1);
    if (!name.ends_with(".sql")) continue;
    const bool twin = name.ends_with(".postgres.sql");
    if (twin && engine != Engine::postgres) continue;
    std::int64_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    auto& step = steps[number];
    if (step.name.empty() || twin) step = {number, std::string(name), file.bytes};
  }
  std::vector<Step> out;
  for (auto& [n, step] : steps) out.push_back(std::move(step));
  return out;
}

Result<void> apply(Connection& connection, const Step& step) {
  Tx tx(connection);
  TRY_(connection.script("BEGIN"));
  auto done = [&]() -> Result<void> {
    TRY_(connection.script(step.text));
    TRY_(tx.exec(record_sql, step.number, step.name, sha256_hex(step.text), SystemClock{}.now()));
    return connection.script("COMMIT");
  }();
  if (!done) (void)connection.script("ROLLBACK");
  return done;
}

}  // namespace

Result<void> migrate(Connection& connection) {
  Tx tx(connection);
  if (connection.engine() == Engine::postgres)
    TRY_(connection.script("SELECT pg_advisory_lock(7009)"));  // one server at a time
  TRY_(
      connection.script("CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum "
                        "TEXT NOT NULL, at BIGINT NOT NULL)"));
  struct Applied {
    std::int64_t number;
    std::string name, checksum;
  };
  TRY(applied, tx.all(applied_sql, [](const Row& r) { return Applied{r.i64(0), r.text(1), r.text(2)}; }));
  // A new database is a dozen commits. Losing the last of them with the power only means taking them again, so the disk is not waited for
  // each time; the next commit syncs them all.
  const bool sqlite = connection.engine() == Engine::sqlite;
  if (sqlite) TRY_(connection.script("PRAGMA synchronous=NORMAL"));
  const auto steps = steps_for(connection.engine());
  for (const auto& a : applied) {
    auto step = std::ranges::find(steps, a.number, &Step::number);
    if (step == steps.end())
      return pawl::fail(Code::conflict, "this database was written by a newer pawl: it has migration " + a.name +
                                            ", which this program does not know. Use that version, or a backup.");
    if (sha256_hex(step->text) != a.checksum)
      return pawl::fail(Code::conflict,
                        "migration " + a.name + " was changed after it had been applied to this database");
  }
  for (const auto& step : steps)
    if (std::ranges::find(applied, step.number, &Applied::number) == applied.end()) TRY_(apply(connection, step));
  return connection.script(sqlite ? "PRAGMA synchronous=FULL" : "SELECT pg_advisory_unlock(7009)");
}

}  // namespace pawl::store
