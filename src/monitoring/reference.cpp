#include "monitoring/reference.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/json.h"
#include "datasets/table.h"
#include "stats/nannyml.h"

namespace pawl::monitoring {
namespace {

using datasets::ColumnType;

constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min();

struct ColumnLimit {
  std::string name{};
  double limit = 0;
  std::int64_t windows = 0;
  static constexpr auto fields = std::tuple{field("name", &ColumnLimit::name), field("limit", &ColumnLimit::limit),
                                            field("windows", &ColumnLimit::windows)};
};
struct Limits {
  std::string key{};
  std::vector<ColumnLimit> columns{};
  static constexpr auto fields = std::tuple{field("key", &Limits::key), field("columns", &Limits::columns)};
};

template <class T> std::vector<T> thinned(std::vector<T> all, std::size_t step) {
  if (step <= 1) return all;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all.size(); i += step) all[kept++] = std::move(all[i]);
  all.resize(kept);
  return all;
}

stats::Measure measure_of(Test test, bool text) {
  using stats::Measure;
  switch (test) {
    case Test::psi: return Measure::psi;
    case Test::ks: return text ? Measure::jensen_shannon : Measure::ks;
    case Test::jensen_shannon:
    case Test::chi_square: return Measure::jensen_shannon;
    default: return text ? Measure::jensen_shannon : Measure::wasserstein;
  }
}

// NannyML's chunks of the reference, each as long as a window, from its first day on: rows of each.
std::vector<std::vector<std::size_t>> chunks_of(std::span<const std::int32_t> day, int days) {
  std::map<std::int32_t, std::vector<std::size_t>> rows;
  if (day.empty()) return {};
  const auto first = std::ranges::min(day);
  for (std::size_t i = 0; i < day.size(); ++i) rows[(day[i] - first) / days].push_back(i);
  std::vector<std::vector<std::size_t>> out;
  for (auto& [chunk, at] : rows) out.push_back(std::move(at));
  return out;
}
// The alarm's bound of NannyML's default method.
template <class Value> stats::Limit nanny_limit(std::span<const std::int32_t> day, int days, Value value) {
  std::vector<double> values;
  for (const auto& rows : chunks_of(day, days)) values.push_back(value(rows));
  if (values.empty()) return {};
  return {stats::nannyml::upper_threshold(values, stats::nannyml::Method::jensen_shannon),
          static_cast<int>(values.size())};
}

// What a column's limit is computed from.
struct Given {
  Test test{};
  int days = 0;
  std::span<const std::int32_t> day{};  // empty: no times
};

// Rows without a value or a time judge no limit.
stats::Limit limit_of(const Given& how, std::span<const double> values, const ReferenceColumn& column) {
  if (how.day.empty()) return {};
  std::vector<double> kept;
  std::vector<std::int32_t> day;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i]) && how.day[i] != std::numeric_limits<std::int32_t>::min())
      kept.push_back(values[i]), day.push_back(how.day[i]);
  if (how.test != Test::nannyml) return stats::calibrate(kept, day, how.days, measure_of(how.test, false));
  if (kept.empty()) return {};
  const stats::nannyml::Continuous whole(column.numbers);
  return nanny_limit(day, how.days, [&](const std::vector<std::size_t>& rows) {
    std::vector<double> chunk;
    for (const auto i : rows) chunk.push_back(kept[i]);
    return whole.value(stats::nannyml::Method::jensen_shannon, stats::Sample(std::move(chunk)));
  });
}
stats::Limit limit_of(const Given& how, const std::vector<std::optional<std::string>>& values,
                      const ReferenceColumn& column) {
  if (how.day.empty()) return {};
  std::vector<std::string> kept;
  std::vector<std::int32_t> day;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] && how.day[i] != std::numeric_limits<std::int32_t>::min())
      kept.push_back(*values[i]), day.push_back(how.day[i]);
  if (how.test != Test::nannyml) return stats::calibrate(kept, day, how.days, measure_of(how.test, true));
  return nanny_limit(day, how.days, [&](const std::vector<std::size_t>& rows) {
    stats::Counts chunk;
    for (const auto i : rows) ++chunk[kept[i]];
    return stats::nannyml::value(stats::nannyml::Method::jensen_shannon, column.counts, chunk);
  });
}

bool usable(ColumnType type) { return type != ColumnType::timestamp && type != ColumnType::other; }
bool is_text(ColumnType type) { return type == ColumnType::string; }

}  // namespace

Result<Test> test_of(const Monitor& monitor) {
  if (const auto test = from_word<Test>(monitor.test)) return *test;
  std::string known;
  for (const auto w : words<Test>) known += (known.empty() ? "" : "|") + std::string(w);
  return fail(Code::invalid, "watch.drift.test: expected " + known + ", got \"" + monitor.test + "\"", "test");
}
Result<int> days_of(const std::string& window) {
  TRY(grid, Grid::parse(window, {}));
  return static_cast<int>(grid.length().count() / 86'400'000'000);
}

Result<Reference> Reference::read(const std::filesystem::path& file, const Monitor& monitor, std::string_view limits) {
  TRY(test, test_of(monitor));
  TRY(days, days_of(monitor.window));
  TRY(table, datasets::Table::open(file, {.threads = 1, .memory = "256MB"}));
  Reference out;
  const auto step = static_cast<std::size_t>((table->rows() + reference_rows_max - 1) / reference_rows_max);
  out.key_ = fmt::format("{} {} {} {}", file.filename().string(), table->rows(), word(test), days);
  Limits known;
  if (auto read = decode<Limits>(limits); !limits.empty() && read && read->key == out.key_) known = std::move(*read);

  const bool wants_limits = !monitor.threshold && test != Test::evidently;
  std::vector<std::int32_t> day;
  if (wants_limits && table->find(monitor.time) != nullptr) {
    TRY(times, table->times(monitor.time));
    std::int32_t first = std::numeric_limits<std::int32_t>::max(), last = std::numeric_limits<std::int32_t>::min();
    for (const auto t : thinned(std::move(times), step)) {
      day.push_back(t == no_time ? std::numeric_limits<std::int32_t>::min() : stats::day_of(t));
      if (t != no_time) first = std::min(first, day.back()), last = std::max(last, day.back());
    }
    if (last < first)
      day.clear();
    else if (test != Test::nannyml && std::int64_t{last} - first + 1 < 2 * std::int64_t{days})
      out.note_ = fmt::format("the reference of {} {} is shorter than two windows of {}: every limit is {}",
                              last - first + 1, last == first ? "day" : "days", days, stats::distance_limit_default);
  }
  if (wants_limits && day.empty())
    out.note_ = fmt::format("the reference has no times: every limit is {}", stats::distance_limit_default);

  const Given how{.test = test, .days = days, .day = day};
  for (const auto& c : table->columns()) {
    if (c.name == monitor.time || !usable(c.type)) continue;
    if (!monitor.features.empty() && std::ranges::find(monitor.features, c.name) == monitor.features.end()) continue;
    ReferenceColumn column{.name = c.name, .text = is_text(c.type)};
    const auto cached = std::ranges::find(known.columns, c.name, &ColumnLimit::name);
    stats::Limit limit;
    const auto settle = [&](const auto& values) {
      if (monitor.threshold)
        limit = {.value = *monitor.threshold};
      else if (cached != known.columns.end())
        limit = {.value = cached->limit, .windows = static_cast<int>(cached->windows)};
      else if (wants_limits)
        limit = limit_of(how, values, column);
    };
    if (column.text) {
      TRY(all, table->texts(c.name));
      const auto values = thinned(std::move(all), step);
      for (const auto& v : values) {
        if (v)
          ++column.counts[*v], ++column.rows;
        else
          ++column.missing;
      }
      out.rows_ = std::ssize(values);
      settle(values);
    } else {
      TRY(all, table->numbers(c.name));
      auto values = thinned(std::move(all), step);
      out.rows_ = std::ssize(values);
      column.numbers =
          stats::Sample(values, c.type == ColumnType::float_ ? stats::Numbers::real : stats::Numbers::whole);
      column.rows = static_cast<std::int64_t>(column.numbers.size());
      column.missing = static_cast<std::int64_t>(column.numbers.missing());
      settle(values);
    }
    column.limit = limit.value, column.windows = limit.windows;
    out.columns_.push_back(std::move(column));
  }
  return out;
}

Result<void> Reference::score(
    const std::filesystem::path& file, const Monitor& monitor,
    const std::function<Result<std::vector<serving::LogColumn>>(std::int64_t, const serving::RowBatch&)>& answer) {
  TRY(table, datasets::Table::open(file, {.threads = 1, .memory = "256MB"}));
  const auto step = static_cast<std::size_t>((table->rows() + scored_rows_max - 1) / scored_rows_max);
  serving::RowBatch rows;
  for (const auto& c : table->columns()) {
    if (c.name == monitor.time || !usable(c.type)) continue;
    serving::LogColumn column{.name = c.name};
    if (is_text(c.type)) {
      TRY(all, table->texts(c.name));
      for (auto& v : thinned(std::move(all), step)) {
        column.absent.push_back(v ? 0 : 1);
        column.texts.push_back(std::move(v).value_or(""));
      }
      rows.size = column.texts.size();
    } else {
      TRY(all, table->numbers(c.name));
      column.numbers = thinned(std::move(all), step);
      rows.size = column.numbers.size();
    }
    rows.features.push_back(std::move(column));
  }
  if (rows.size == 0) return {};
  rows.event_times.assign(rows.size, 0);
  rows.versions.assign(rows.size, monitor.version);
  TRY(answers, answer(monitor.version, rows));
  outputs_.clear();
  for (auto& a : answers) {
    ReferenceColumn column{.name = a.name, .text = a.is_text()};
    if (monitor.threshold) column.limit = *monitor.threshold;
    if (column.text) {
      for (std::size_t i = 0; i < a.texts.size(); ++i) {
        if (i < a.absent.size() && a.absent[i] != 0)
          ++column.missing;
        else
          ++column.counts[a.texts[i]], ++column.rows;
      }
    } else {
      column.numbers = stats::Sample(std::move(a.numbers));
      column.rows = static_cast<std::int64_t>(column.numbers.size());
      column.missing = static_cast<std::int64_t>(column.numbers.missing());
    }
    outputs_.push_back(std::move(column));
  }
  return {};
}

const ReferenceColumn* Reference::find(std::string_view name) const {
  const auto at = std::ranges::find(columns_, name, &ReferenceColumn::name);
  return at == columns_.end() ? nullptr : &*at;
}
const ReferenceColumn* Reference::find_output(std::string_view name) const {
  const auto at = std::ranges::find(outputs_, name, &ReferenceColumn::name);
  return at == outputs_.end() ? nullptr : &*at;
}

std::string Reference::limits() const {
  Limits out{.key = key_};
  for (const auto& c : columns_) out.columns.push_back({c.name, c.limit, c.windows});
  return encode(out);
}

}  // namespace pawl::monitoring
