#include <libpq-fe.h>

#include <charconv>
#include <cstring>

#include "store/engine.h"

namespace pawl::store {
namespace {

constexpr std::size_t statements_max = 512;

struct Answer {
  PGresult* r;
  explicit Answer(PGresult* result) : r(result) {}
  ~Answer() { PQclear(r); }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  bool good() const {
    const auto s = PQresultStatus(r);
    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK;
  }
};

int nibble(char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; }

// Answers come as text; bytea as \x and hex digits, decoded once per value into `bytes_`.
class PgRow final : public Row {
 public:
  explicit PgRow(PGresult* r) : r_(r) {}
  bool null(int i) const override { return PQgetisnull(r_, at, i); }
  std::int64_t i64(int i) const override {
    const auto s = raw(i);
    if (s == "t") return 1;
    std::int64_t n = 0;
    std::from_chars(s.data(), s.data() + s.size(), n);
    return n;
  }
  double real(int i) const override {
    const auto s = raw(i);
    double x = 0;
    std::from_chars(s.data(), s.data() + s.size(), x);
    return x;
  }
  std::string_view view(int i) const override {
    constexpr Oid bytea = 17;
    const auto s = raw(i);
    if (PQftype(r_, i) != bytea || !s.starts_with("\\x")) return s;
    auto& bytes = bytes_[i];
    bytes.clear();
    for (std::size_t k = 2; k + 1 < s.size(); k += 2) bytes += static_cast<char>(nibble(s[k]) << 4 | nibble(s[k + 1]));
    return bytes;
  }
  int at = 0;

 private:
  std::string_view raw(int i) const {
    return {PQgetvalue(r_, at, i), static_cast<std::size_t>(PQgetlength(r_, at, i))};
  }
  PGresult* r_;
  mutable std::map<int, std::string> bytes_;
};

class Postgres final : public Connection {
 public:
  explicit Postgres(PGconn* c) : c_(c) {}
  ~Postgres() override { PQfinish(c_); }
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;
  Engine engine() const override { return Engine::postgres; }

  Result<std::int64_t> run(const Sql& sql, std::span<const Value> values,
                           const std::function<void(const Row&)>* each) override {
    TRY(name, prepared(sql));
    std::vector<std::string> texts(values.size());  // numbers as text; texts need their end marked
    std::vector<const char*> at(values.size());
    std::vector<int> lengths(values.size()), formats(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) bind(values[i], texts[i], at[i], lengths[i], formats[i]);
    Answer got(PQexecPrepared(c_, name.c_str(), static_cast<int>(values.size()), at.data(), lengths.data(),
                              formats.data(), 0));
    if (!got.good()) return failed(got.r, sql.name);
    if (each) {
      PgRow row(got.r);
      for (const int n = PQntuples(got.r); row.at < n; ++row.at) (*each)(row);
    }
    std::int64_t changed = 0;
    const std::string_view count = PQcmdTuples(got.r);
    std::from_chars(count.data(), count.data() + count.size(), changed);
    return changed;
  }
  Result<void> script(std::string_view statements) override {
    const std::string text(statements);
    Answer got(PQexec(c_, text.c_str()));
    if (!got.good()) return failed(got.r, "script");
    return {};
  }

 private:
  Result<std::string> prepared(const Sql& sql) {
    if (auto found = names_.find(sql.text); found != names_.end()) return found->second;
    if (names_.size() >= statements_max) {
      TRY_(script("DEALLOCATE ALL"));
      names_.clear();
    }
    auto name = "s" + std::to_string(++count_);
    Answer got(PQprepare(c_, name.c_str(), std::string(sql.text).c_str(), 0, nullptr));
    if (!got.good()) return failed(got.r, sql.name);
    names_.emplace(std::string(sql.text), name);
    return name;
  }
  static void bind(const Value& value, std::string& text, const char*& at, int& length, int& format) {
    format = 0;
    if (std::holds_alternative<std::nullptr_t>(value)) {
      at = nullptr;
      return;
    }
    if (auto* bytes = std::get_if<std::span<const std::byte>>(&value)) {
      at = bytes->data() ? reinterpret_cast<const char*>(bytes->data()) : "";
      length = static_cast<int>(bytes->size());
      format = 1;
      return;
    }
    if (auto* i = std::get_if<std::int64_t>(&value))
      text = std::to_string(*i);
    else if (auto* s = std::get_if<std::string_view>(&value))
      text = *s;
    else {
      char buffer[32];
      auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, std::get<double>(value));
      text.assign(buffer, end);
    }
    at = text.c_str();
    length = static_cast<int>(text.size());
  }
  std::unexpected<Error> failed(const PGresult* r, std::string_view what) const {
    const char* state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const std::string_view sqlstate = state ? state : "";
    Code code = Code::internal;
    if (sqlstate.starts_with("53") || sqlstate.starts_with("57") || PQstatus(c_) != CONNECTION_OK)
      code = Code::unavailable;
    else if (sqlstate.starts_with("40") || sqlstate == "55P03")
      code = Code::busy;
    return fail(code, code == Code::unavailable ? "the store cannot be reached or cannot write" : "the store failed",
                {}, std::string(what) + ": " + PQerrorMessage(c_) + " (" + std::string(sqlstate) + ")");
  }

  PGconn* c_;
  std::map<std::string, std::string, std::less<>> names_;
  std::size_t count_ = 0;
};

}  // namespace

Result<std::unique_ptr<Connection>> open_postgres(const Options& options, Access access) {
  auto connection = PQconnectdb(options.postgres.c_str());
  auto owner = std::make_unique<Postgres>(connection);
  if (PQstatus(connection) != CONNECTION_OK)
    return fail(Code::unavailable, "cannot connect to PostgreSQL", {}, PQerrorMessage(connection));
  PQsetNoticeProcessor(connection, [](void*, const char*) {}, nullptr);
  if (access == Access::read_only)
    TRY_(owner->script("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ"));
  return owner;
}

}  // namespace pawl::store
