// All SQL of tables. Names and values are quoted here (DuckDB has no escapes but the doubled quote), numbers are written by us.
#include <cmath>
#include <limits>

#include "core/hash.h"
#include "core/json.h"
#include "datasets/duck.h"
#include "datasets/table.h"

namespace pawl::datasets {
namespace fs = std::filesystem;
namespace {

constexpr std::array quantile_points{0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
constexpr int bins = 20;
constexpr int frequent_max = 10;
// Past it quantiles and distinct values are approximate (exact ones hold the column in memory). HyperLogLog was 24 % off at 900 values.
constexpr std::int64_t exact_rows_max = 5'000'000;
constexpr std::size_t shown_max = 5;  // values shown in a finding

std::string name_sql(std::string_view name) { return in_quotes(name, '"'); }
std::string text_sql(std::string_view text) { return in_quotes(text, '\''); }
std::string number_sql(double value) { return "CAST(" + text_sql(yaml::python_float(value)) + " AS DOUBLE)"; }

// 12345 as 12,345: counts in findings are read by people.
std::string grouped(std::int64_t n) {
  auto text = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > (n < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}
std::string plain(double value) {
  if (std::abs(value) < 1e15 && value == std::floor(value)) return std::to_string(static_cast<std::int64_t>(value));
  return yaml::python_float(value);
}
std::string percent(std::int64_t part, std::int64_t whole) {
  const double share = whole ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0;
  return plain(std::round(share * 100) / 100) + " % (" + grouped(part) + " of " + grouped(whole) + " rows)";
}

class Rows {
 public:
  explicit Rows(duckdb_result result) : result_(result) {}
  ~Rows() { duckdb_destroy_result(&result_); }
  Rows(Rows&& other) noexcept : result_(other.result_) { other.result_ = {}; }
  Rows& operator=(Rows&&) = delete;
  idx_t count() { return duckdb_row_count(&result_); }
  bool null(idx_t column, idx_t row = 0) { return duckdb_value_is_null(&result_, column, row); }
  std::int64_t i64(idx_t column, idx_t row = 0) { return duckdb_value_int64(&result_, column, row); }
  double real(idx_t column, idx_t row = 0) { return duckdb_value_double(&result_, column, row); }
  std::string text(idx_t column, idx_t row = 0) {
    char* raw = duckdb_value_varchar(&result_, column, row);
    std::string out = raw ? raw : "";
    duckdb_free(raw);
    return out;
  }
  duckdb_result& raw() { return result_; }

 private:
  duckdb_result result_;
};

ColumnType type_of(std::string_view duck) {
  if (duck == "DOUBLE" || duck == "FLOAT" || duck.starts_with("DECIMAL")) return ColumnType::float_;
  if (duck.ends_with("INT") || duck.ends_with("INTEGER")) return ColumnType::integer;
  if (duck == "VARCHAR" || duck.starts_with("ENUM")) return ColumnType::string;
  if (duck == "BOOLEAN") return ColumnType::bool_;
  if (duck.starts_with("TIMESTAMP") || duck == "DATE") return ColumnType::timestamp;
  return ColumnType::other;
}

class DuckTable final : public Table {
 public:
  ~DuckTable() override {
    std::error_code ec;
    if (!link_dir_.empty()) fs::remove_all(link_dir_, ec);
  }

  Result<void> start(const fs::path& file, const TableOptions& options) {
    name_ = file.string();
    TRY_(duck_.open(options.threads, options.memory));
    TRY_(run("SET TimeZone = 'UTC'"));
    TRY(path, readable_name(file));
    const auto extension = file.extension().string();
    std::string source;
    if (extension == ".parquet" || extension == ".pq")
      source = "read_parquet(" + text_sql(path) + ")";
    else if (extension == ".csv" || extension == ".tsv")
      source = "read_csv(" + text_sql(path) + ", header = true, sample_size = -1" +
               (options.csv_as_text ? ", all_varchar = true" : "") + (extension == ".tsv" ? ", delim = '\t')" : ")");
    else
      return fail(Code::invalid, "'" + name_ + "': a table is a .parquet, .csv or .tsv file", name_);
    // A Parquet file is scanned where it lies; a CSV is parsed once.
    TRY_(run((source.starts_with("read_parquet") ? "CREATE VIEW data AS SELECT * FROM "
                                                 : "CREATE TABLE data AS SELECT * FROM ") +
             source));
    TRY(described, run("SELECT column_name, column_type FROM (DESCRIBE data)"));
    for (idx_t i = 0; i < described.count(); ++i)
      columns_.push_back({described.text(0, i), type_of(described.text(1, i))});
    TRY(counted, run("SELECT count(*) FROM data"));
    rows_ = counted.i64(0);
    return {};
  }

  const std::vector<Column>& columns() const override { return columns_; }
  std::int64_t rows() const override { return rows_; }

  Result<Profile> profile() override {
    Profile out;
    out.rows = rows_;
    for (const auto& c : columns_) {
      TRY(one, profile_of(c));
      out.columns.push_back(std::move(one));
    }
    return out;
  }

  Result<Judgement> check(const Checks& checks, CheckFor what, Time now) override {
    Judgement out;
    for (const auto& block : checks.blocks) {
      if (!block.is_for(what)) continue;
      if (what == CheckFor::delivery) TRY_(check_table(block.table, now, out.findings));
      for (const auto& c : block.columns) TRY_(check_column(c, out.findings));
    }
    out.accepted = out.findings.empty();
    return out;
  }

  Result<std::vector<double>> numbers(const std::string& column) override {
    TRY_(known(column));
    TRY(found, run("SELECT TRY_CAST(" + name_sql(column) + " AS DOUBLE) FROM data"));
    std::vector<double> out;
    out.reserve(static_cast<std::size_t>(rows_));
    each<double>(found, [&out](const double* v) { out.push_back(v ? *v : std::numeric_limits<double>::quiet_NaN()); });
    return out;
  }
  Result<std::vector<std::int64_t>> times(const std::string& column) override {
    TRY_(known(column));
    TRY(found, run("SELECT epoch_us(CAST(TRY_CAST(" + name_sql(column) + " AS TIMESTAMPTZ) AS TIMESTAMP)) FROM data"));
    std::vector<std::int64_t> out;
    out.reserve(static_cast<std::size_t>(rows_));
    each<std::int64_t>(
        found, [&out](const std::int64_t* v) { out.push_back(v ? *v : std::numeric_limits<std::int64_t>::min()); });
    return out;
  }
  Result<std::vector<std::optional<std::string>>> texts(const std::string& column) override {
    TRY_(known(column));
    TRY(found, run("SELECT CAST(" + name_sql(column) + " AS VARCHAR) FROM data"));
    std::vector<std::optional<std::string>> out;
    out.reserve(static_cast<std::size_t>(rows_));
    each<duckdb_string_t>(found, [&out](duckdb_string_t* v) {
      if (v)
        out.emplace_back(std::in_place, duckdb_string_t_data(v), duckdb_string_t_length(*v));
      else
        out.emplace_back();
    });
    return out;
  }

 private:
  Result<Rows> run(const std::string& sql) {
    duckdb_result result{};
    if (duckdb_query(duck_.connection(), sql.c_str(), &result) != DuckDBSuccess) {
      const char* said = duckdb_result_error(&result);
      std::string why = said ? said : "no reason given";
      duckdb_destroy_result(&result);
      // The first line tells people what is wrong with their file; the rest is DuckDB's own advice.
      auto first = why.substr(0, why.find('\n'));
      return fail(Code::invalid, "'" + name_ + "': " + first, name_, why);
    }
    return Rows(result);
  }

  template <class T, class F> void each(Rows& found, F f) {
    for (auto chunk = duckdb_fetch_chunk(found.raw()); chunk; chunk = duckdb_fetch_chunk(found.raw())) {
      const auto size = duckdb_data_chunk_get_size(chunk);
      auto vector = duckdb_data_chunk_get_vector(chunk, 0);
      auto* data = static_cast<T*>(duckdb_vector_get_data(vector));
      auto* valid = duckdb_vector_get_validity(vector);
      for (idx_t i = 0; i < size; ++i) f(!valid || ((valid[i / 64] >> (i % 64)) & 1) ? data + i : nullptr);
      duckdb_destroy_data_chunk(&chunk);
    }
  }

  Result<void> known(const std::string& column) const {
    if (!find(column)) return fail(Code::missing, "'" + name_ + "' has no column '" + column + "'", column);
    return {};
  }

  // DuckDB reads `*`, `?` and `[` in a file's name as a pattern: such a file is read through a link of a plain name.
  Result<std::string> readable_name(const fs::path& file) {
    std::error_code ec;
    auto whole = fs::absolute(file, ec).string();
    if (!fs::is_regular_file(file, ec)) return fail(Code::missing, "'" + name_ + "' is no file", name_);
    if (whole.find_first_of("*?[{") == whole.npos) return whole;
    link_dir_ = fs::temp_directory_path(ec) / ("pawl-table-" + SystemRandom{}.hex_bytes(8));
    fs::create_directory(link_dir_, ec);
    const auto link = link_dir_ / ("data" + file.extension().string());
    fs::create_symlink(whole, link, ec);
    if (ec) return fail(Code::unavailable, "cannot link '" + whole + "': " + ec.message(), name_);
    return link.string();
  }

  // A column's value, NULL where it counts as missing.
  static std::string value_sql(const Column& c) {
    const auto name = name_sql(c.name);
    return c.type == ColumnType::float_
               ? "CASE WHEN isfinite(CAST(" + name + " AS DOUBLE)) THEN CAST(" + name + " AS DOUBLE) END"
               : name;
  }
  // 2013-01-01T00:00:00Z, with six decimals where they are not zero: as every time of ours.
  static std::string time_text(std::int64_t micros) { return to_rfc3339(Time{micros}); }

  Result<ColumnProfile> profile_of(const Column& c) {
    ColumnProfile out;
    out.name = c.name;
    out.type = c.type;
    const auto x = value_sql(c);
    const bool number = c.type == ColumnType::float_ || c.type == ColumnType::integer;
    const bool time = c.type == ColumnType::timestamp;
    const auto stamp = [](const std::string& v) { return "epoch_us(CAST(" + v + " AS TIMESTAMP))"; };
    const bool exact = rows_ <= exact_rows_max;
    std::string sql =
        "SELECT count(*) - count(x), " + std::string(exact ? "count(DISTINCT x), " : "approx_count_distinct(x), ");
    sql += time ? stamp("min(x)") + ", " + stamp("max(x)")
                : std::string(c.type == ColumnType::other ? "NULL, NULL"
                                                          : "CAST(min(x) AS VARCHAR), CAST(max(x) AS VARCHAR)");
    if (number) {
      sql += ", avg(CAST(x AS DOUBLE)), stddev_pop(CAST(x AS DOUBLE)), CAST(min(x) AS DOUBLE), CAST(max(x) AS DOUBLE)";
      const std::string f = exact ? "quantile_cont" : "approx_quantile";
      for (double q : quantile_points) sql += ", CAST(" + f + "(CAST(x AS DOUBLE), " + plain(q) + ") AS DOUBLE)";
    }
    TRY(found, run(sql + " FROM (SELECT " + x + " AS x FROM data)"));
    out.missing = found.i64(0);
    out.distinct = found.i64(1);
    if (found.null(2)) return out;
    const auto json = [&](idx_t column) {
      Json value;
      if (time)
        write_json_text(value.text, time_text(found.i64(column)));
      else if (c.type == ColumnType::integer || c.type == ColumnType::bool_)
        value.text = found.text(column);
      else if (number)
        write_json_number(value.text, found.real(column + 4));
      else
        write_json_text(value.text, found.text(column));
      return value;
    };
    out.min = json(2);
    out.max = json(3);
    if (number) {
      out.mean = found.real(4);
      out.stddev = found.real(5);
      const double low = found.real(6), high = found.real(7);
      for (std::size_t i = 0; i < quantile_points.size(); ++i)
        out.quantiles.push_back({quantile_points[i], found.real(8 + i)});
      TRY_(histogram(x, low, high, out));
    } else if (c.type == ColumnType::string || c.type == ColumnType::bool_) {
      TRY(top, run("SELECT CAST(x AS VARCHAR), count(*) AS n FROM (SELECT " + x +
                   " AS x FROM data) WHERE x IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT " +
                   std::to_string(frequent_max)));
      for (idx_t i = 0; i < top.count(); ++i) out.frequent.push_back({top.text(0, i), top.i64(1, i)});
    }
    return out;
  }

  Result<void> histogram(const std::string& x, double low, double high, ColumnProfile& out) {
    const double width = (high - low) / bins;
    if (!(width > 0) || !std::isfinite(width)) {
      out.histogram.push_back({low, high, rows_ - out.missing});
      return {};
    }
    TRY(found,
        run("SELECT CAST(least(greatest(floor((CAST(x AS DOUBLE) - " + number_sql(low) + ") / " + number_sql(width) +
            "), 0), " + std::to_string(bins - 1) + ") AS BIGINT) AS b, count(*) FROM (SELECT " + x +
            " AS x FROM data) WHERE x IS NOT NULL GROUP BY b"));
    for (int i = 0; i < bins; ++i)
      out.histogram.push_back({low + width * i, i + 1 == bins ? high : low + width * (i + 1), 0});
    for (idx_t i = 0; i < found.count(); ++i)
      out.histogram[static_cast<std::size_t>(found.i64(0, i))].count = found.i64(1, i);
    return {};
  }

  Result<void> check_table(const TableCheck& t, Time now, std::vector<Finding>& findings) {
    if ((t.rows_min && rows_ < *t.rows_min) || (t.rows_max && rows_ > *t.rows_max)) {
      const bool few = t.rows_min && rows_ < *t.rows_min;
      findings.push_back(
          {"", "rows", (few ? "at least " + grouped(*t.rows_min) : "at most " + grouped(*t.rows_max)), grouped(rows_)});
    }
    if (t.no_duplicates) {
      std::string by, names;
      std::vector<std::string> of = t.duplicate_columns;
      if (of.empty())
        for (const auto& c : columns_) of.push_back(c.name);
      bool absent = false;
      for (const auto& name : of) {
        if (!find(name)) {
          findings.push_back({name, "present", "a column that names a row", "absent"});
          absent = true;
        }
        by += (by.empty() ? "" : ", ") + name_sql(name);
        names += (names.empty() ? "" : ", ") + name;
      }
      if (!absent) {
        TRY(found, run("SELECT coalesce(sum(n - 1), 0), count(*), coalesce(min(example), '') FROM (SELECT count(*) AS "
                       "n, CAST(any_value((" +
                       by + ")) AS VARCHAR) AS example FROM data GROUP BY " + by + " HAVING count(*) > 1)"));
        if (const auto repeated = found.i64(0); repeated > 0)
          findings.push_back({"", "no_duplicates",
                              "no two rows with the same " + (t.duplicate_columns.empty() ? "values" : names),
                              grouped(repeated) + " repeated rows, for example " + found.text(2)});
      }
    }
    if (t.max_age) {
      const auto* c = find(t.fresh_column);
      if (!c) {
        findings.push_back({t.fresh_column, "present", "the column of times", "absent"});
      } else {
        TRY(found, run("SELECT epoch_us(CAST(max(TRY_CAST(" + name_sql(c->name) +
                       " AS TIMESTAMPTZ)) AS TIMESTAMP)) FROM data"));
        const auto expected = "newer than " + to_rfc3339(now - *t.max_age) + " (" + to_text(*t.max_age) + " ago)";
        if (found.null(0))
          findings.push_back({c->name, "fresh", expected, "no time at all"});
        else if (Time newest{found.i64(0)}; newest < now - *t.max_age)
          findings.push_back({c->name, "fresh", expected, to_rfc3339(newest)});
      }
    }
    return {};
  }

  Result<void> check_column(const ColumnCheck& k, std::vector<Finding>& findings) {
    const auto* c = find(k.column);
    if (!c) {
      findings.push_back({k.column, "present", "present", "absent"});
      return {};
    }
    const auto x = value_sql(*c);
    const std::string from = " FROM (SELECT " + x + " AS x FROM data)";
    bool right_type = true;
    if (k.type) {
      right_type = c->type == *k.type || (*k.type == ColumnType::float_ && c->type == ColumnType::integer);
      if (*k.type == ColumnType::integer &&
          c->type == ColumnType::float_) {  // what a data frame makes of whole numbers with gaps
        TRY(found, run("SELECT count(*)" + from + " WHERE x IS NOT NULL AND x <> floor(x)"));
        right_type = found.i64(0) == 0;
      }
      TRY(empty, run("SELECT count(x)" + from));
      if (!right_type && empty.i64(0) == 0)
        right_type = true;  // a column without values has no type; missing_max judges it
      if (!right_type) findings.push_back({c->name, "type", std::string(word(*k.type)), std::string(word(c->type))});
    }
    if (k.missing_max) {
      TRY(found, run("SELECT count(*) - count(x)" + from));
      const auto missing = found.i64(0);
      if (static_cast<double>(missing) > *k.missing_max * static_cast<double>(rows_))
        findings.push_back({c->name, "missing_max",
                            "at most " + plain(std::round(*k.missing_max * 1e6) / 1e4) + " % missing",
                            percent(missing, rows_)});
    }
    const bool number = c->type == ColumnType::float_ || c->type == ColumnType::integer;
    if (k.min || k.max) {
      if (!number) {
        if (right_type)
          findings.push_back({c->name, k.min ? "min" : "max", "a column of numbers", std::string(word(c->type))});
      } else {
        for (const bool low : {true, false}) {
          const auto& limit = low ? k.min : k.max;
          if (!limit) continue;
          const std::string op = low ? "<" : ">";
          // An infinity is no value but lies beyond every limit: it is looked for in the column itself.
          TRY(found, run("SELECT count(*), CAST(" + std::string(low ? "min" : "max") +
                         "(x) AS DOUBLE) FROM (SELECT CAST(" + name_sql(c->name) +
                         " AS DOUBLE) AS x FROM data) WHERE NOT isnan(x) AND x " + op + " " + number_sql(*limit)));
          if (const auto n = found.i64(0); n > 0)
            findings.push_back({c->name, low ? "min" : "max", (low ? "at least " : "at most ") + plain(*limit),
                                plain(found.real(1)) + "; beyond it " + percent(n, rows_)});
        }
      }
    }
    if (!k.in.empty()) TRY_(check_in(k, *c, from, findings));
    if (k.unique) {
      TRY(found, run("SELECT count(x) - count(DISTINCT x)" + from));
      if (const auto n = found.i64(0); n > 0)
        findings.push_back({c->name, "unique", "every value once", grouped(n) + " repeated values"});
    }
    if (!k.regex.empty()) {
      TRY(found, run("SELECT count(*), min(CAST(x AS VARCHAR))" + from +
                     " WHERE x IS NOT NULL AND NOT regexp_full_match(CAST(x AS VARCHAR), " + text_sql(k.regex) + ")"));
      if (const auto n = found.i64(0); n > 0)
        findings.push_back({c->name, "regex", k.regex, "'" + found.text(1) + "'; not matching " + percent(n, rows_)});
    }
    return {};
  }

  // Values compare as labels do: 1 = 1.0 = "1".
  Result<void> check_in(const ColumnCheck& k, const Column& c, const std::string& from,
                        std::vector<Finding>& findings) {
    std::string texts, numbers, shown;
    for (const auto& v : k.in) {
      const auto text = yaml::to_text(v);
      texts += (texts.empty() ? "" : ", ") + text_sql(text);
      shown += (shown.empty() ? "" : ", ") + text;
      const auto as_number = v.is(yaml::Value::Kind::text) ? yaml::resolve_plain(v.text) : v;
      if (as_number.is(yaml::Value::Kind::integer))
        numbers += (numbers.empty() ? "" : ", ") + number_sql(static_cast<double>(as_number.integer));
      if (as_number.is(yaml::Value::Kind::real)) numbers += (numbers.empty() ? "" : ", ") + number_sql(as_number.real);
    }
    const bool number = c.type == ColumnType::float_ || c.type == ColumnType::integer;
    const std::string inside = number ? (numbers.empty() ? "false" : "CAST(x AS DOUBLE) IN (" + numbers + ")")
                                      : "CAST(x AS VARCHAR) IN (" + texts + ")";
    TRY(found, run("SELECT CAST(x AS VARCHAR), count(*) AS n" + from + " WHERE x IS NOT NULL AND NOT (" + inside +
                   ") GROUP BY x ORDER BY n DESC, 1"));
    if (found.count() == 0) return {};
    std::string seen;
    std::int64_t n = 0;
    for (idx_t i = 0; i < found.count(); ++i) {
      n += found.i64(1, i);
      if (i < shown_max) seen += (seen.empty() ? "" : ", ") + found.text(0, i);
    }
    if (found.count() > shown_max) seen += ", …";
    findings.push_back({c.name, "in", "one of " + shown, seen + "; " + percent(n, rows_)});
    return {};
  }

  std::string name_;
  fs::path link_dir_;
  DuckDb duck_;
  std::vector<Column> columns_;
  std::int64_t rows_ = 0;
};

}  // namespace

const Column* Table::find(std::string_view name) const {
  for (const auto& c : columns())
    if (c.name == name) return &c;
  return nullptr;
}

Result<std::unique_ptr<Table>> Table::open(const fs::path& file, const TableOptions& options) {
  auto table = std::make_unique<DuckTable>();
  TRY_(table->start(file, options));
  return table;
}

}  // namespace pawl::datasets
