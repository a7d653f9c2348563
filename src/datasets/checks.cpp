#include "datasets/checks.h"

namespace pawl::datasets {
namespace {

using yaml::Value;
using Kind = Value::Kind;

class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  Result<Checks> run(const Value& document) const {
    Checks out;
    if (document.is(Kind::null)) return out;
    if (!document.is(Kind::map)) return bad(document.mark, "expected a map with the key 'checks'");
    for (const auto& m : document.members)
      if (m.key != "checks") return unknown(m, "checks");
    const auto* list = document.find("checks");
    if (!list || list->is(Kind::null)) return out;
    if (!list->is(Kind::list)) return bad(list->mark, "checks: expected a list of blocks");
    for (const auto& item : list->items) {
      TRY(one, block(item));
      out.blocks.push_back(std::move(one));
    }
    return out;
  }

 private:
  std::unexpected<Error> bad(yaml::Mark mark, std::string_view what) const {
    return std::unexpected(yaml::error_at(name_, mark, what));
  }
  std::unexpected<Error> unknown(const yaml::Member& m, std::string_view known) const {
    return bad(m.mark, "unknown key '" + m.key + "'; known: " + std::string(known));
  }

  Result<CheckBlock> block(const Value& v) const {
    CheckBlock out;
    if (!v.is(Kind::map)) return bad(v.mark, "expected a map with for, table, columns");
    for (const auto& m : v.members) {
      if (m.key == "for") {
        out.for_.clear();
        if (!m.value.is(Kind::list) || m.value.items.empty())
          return bad(m.value.mark, "for: expected a list of delivery, training, live");
        for (const auto& item : m.value.items) {
          const auto what = from_word<CheckFor>(item.text);
          if (!item.is(Kind::text) || !what)
            return bad(item.mark, "for: '" + item.text + "' is none of delivery, training, live");
          out.for_.push_back(*what);
        }
      } else if (m.key == "table") {
        TRY_(table(m.value, out.table));
      } else if (m.key == "columns") {
        if (!m.value.is(Kind::map)) return bad(m.value.mark, "columns: expected a map of column names");
        for (const auto& c : m.value.members) {
          TRY(one, column(c));
          out.columns.push_back(std::move(one));
        }
      } else {
        return unknown(m, "for, table, columns");
      }
    }
    const bool asks_table = out.table.rows_min || out.table.rows_max || out.table.no_duplicates || out.table.max_age;
    if (asks_table && !out.is_for(CheckFor::delivery))
      return bad(v.find("table")->mark, "table: only deliveries are checked as a whole");
    return out;
  }

  Result<double> number(const Value& v, const std::string& what) const {
    if (v.is(Kind::integer)) return static_cast<double>(v.integer);
    if (v.is(Kind::real)) return v.real;
    return bad(v.mark, what + ": expected a number");
  }
  Result<std::int64_t> count(const Value& v, const std::string& what) const {
    if (!v.is(Kind::integer) || v.integer < 0) return bad(v.mark, what + ": expected a count");
    return v.integer;
  }
  Result<std::string> text(const Value& v, const std::string& what) const {
    if (!v.is(Kind::text) || v.text.empty()) return bad(v.mark, what + ": expected text");
    return v.text;
  }

  Result<void> table(const Value& v, TableCheck& out) const {
    if (!v.is(Kind::map)) return bad(v.mark, "table: expected a map");
    for (const auto& m : v.members) {
      if (m.key == "rows") {
        if (!m.value.is(Kind::map)) return bad(m.value.mark, "rows: expected {min, max}");
        for (const auto& r : m.value.members) {
          if (r.key != "min" && r.key != "max") return unknown(r, "min, max");
          TRY(n, count(r.value, "rows." + r.key));
          (r.key == "min" ? out.rows_min : out.rows_max) = n;
        }
      } else if (m.key == "no_duplicates") {
        if (m.value.is(Kind::flag)) {
          out.no_duplicates = m.value.flag;
        } else if (m.value.is(Kind::text) && m.value.text == "all") {
          out.no_duplicates = true;
        } else if (m.value.is(Kind::list) && !m.value.items.empty()) {
          out.no_duplicates = true;
          for (const auto& c : m.value.items) {
            TRY(name, text(c, "no_duplicates"));
            out.duplicate_columns.push_back(name);
          }
        } else {
          return bad(m.value.mark, "no_duplicates: expected a list of columns, or `all`");
        }
      } else if (m.key == "fresh") {
        if (!m.value.is(Kind::map)) return bad(m.value.mark, "fresh: expected {column, max_age}");
        for (const auto& f : m.value.members) {
          if (f.key == "column") {
            TRY(name, text(f.value, "fresh.column"));
            out.fresh_column = name;
          } else if (f.key == "max_age") {
            auto age = parse_duration(f.value.text);
            if (!age) return bad(f.value.mark, "fresh.max_age: " + age.error().message);
            out.max_age = *age;
          } else {
            return unknown(f, "column, max_age");
          }
        }
        if (out.fresh_column.empty() || !out.max_age) return bad(m.value.mark, "fresh: needs column and max_age");
      } else {
        return unknown(m, "rows, no_duplicates, fresh");
      }
    }
    return {};
  }

  Result<ColumnCheck> column(const yaml::Member& c) const {
    ColumnCheck out;
    out.column = c.key;
    if (c.value.is(Kind::null)) return out;
    if (!c.value.is(Kind::map)) return bad(c.value.mark, c.key + ": expected a map of checks");
    for (const auto& m : c.value.members) {
      const auto where = c.key + "." + m.key;
      if (m.key == "type") {
        out.type = from_word<ColumnType>(m.value.text);
        if (!out.type || *out.type == ColumnType::other)
          return bad(m.value.mark,
                     where + ": '" + m.value.text + "' is none of float, integer, string, bool, timestamp");
      } else if (m.key == "missing_max") {
        TRY(share, number(m.value, where));
        if (share < 0 || share > 1) return bad(m.value.mark, where + ": expected a share from 0 to 1");
        out.missing_max = share;
      } else if (m.key == "min" || m.key == "max") {
        TRY(n, number(m.value, where));
        (m.key == "min" ? out.min : out.max) = n;
      } else if (m.key == "in") {
        if (!m.value.is(Kind::list) || m.value.items.empty())
          return bad(m.value.mark, where + ": expected a list of values");
        for (const auto& item : m.value.items) {
          if (!item.scalar() || item.is(Kind::null)) return bad(item.mark, where + ": expected a value");
          out.in.push_back(item);
        }
      } else if (m.key == "unique") {
        if (!m.value.is(Kind::flag)) return bad(m.value.mark, where + ": expected true or false");
        out.unique = m.value.flag;
      } else if (m.key == "regex") {
        TRY(pattern, text(m.value, where));
        out.regex = pattern;
      } else {
        return unknown(m, "type, missing_max, min, max, in, unique, regex");
      }
    }
    return out;
  }

  std::string_view name_;
};

}  // namespace

std::vector<ColumnCheck> Checks::columns_for(CheckFor what) const {
  std::vector<ColumnCheck> out;
  for (const auto& b : blocks)
    if (b.is_for(what)) out.insert(out.end(), b.columns.begin(), b.columns.end());
  return out;
}

Result<Checks> read_checks(std::string_view text, std::string_view name) {
  TRY(document, yaml::read(text, name));
  return Reader(name).run(document);
}

}  // namespace pawl::datasets
