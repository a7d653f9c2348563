#include "tracking/rows_search.h"

namespace pawl::tracking {
namespace {

// SQLite's LIKE ignores case and its GLOB does not: `%` and `_` become `*` and `?`.
std::string glob_of(std::string_view like) {
  std::string out;
  for (char c : like) {
    if (c == '%')
      out += '*';
    else if (c == '_')
      out += '?';
    else if (c == '*' || c == '?' || c == '[')
      ((out += '[') += c) += ']';
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string Where::next(store::Value value) {
  values_.push_back(value);
  return "$" + std::to_string(values_.size());
}
std::string Where::bind(std::string text) {
  texts_.push_back(std::move(text));
  return next(std::string_view(texts_.back()));
}
std::string Where::bind(std::int64_t number) { return "CAST(" + next(number) + " AS BIGINT)"; }
std::string Where::bind(double number) { return "CAST(" + next(number) + " AS DOUBLE PRECISION)"; }

std::string Where::bind_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& t : texts) out.append(out.empty() ? "" : ", ").append(bind(t));
  return "(" + out + ")";
}
std::string Where::bind_list(const std::vector<std::int64_t>& numbers) {
  std::string out;
  for (auto n : numbers) out.append(out.empty() ? "" : ", ").append(bind(n));
  return "(" + out + ")";
}

std::string Where::compare(std::string_view column, const mlflow::Comparison& c) {
  using mlflow::Compare;
  const std::string of(column);
  if (const auto* number = std::get_if<double>(&c.value))
    return of + " " + std::string(mlflow::symbol(c.compare)) + " " + bind(*number);
  if (const auto* list = std::get_if<std::vector<std::string>>(&c.value))
    return of + " " + std::string(mlflow::symbol(c.compare)) + " " + bind_list(*list);
  if (c.compare == Compare::is_null || c.compare == Compare::not_null)
    return of + " " + std::string(mlflow::symbol(c.compare));
  const auto& text = std::get<std::string>(c.value);
  const bool sqlite = engine_ == store::Engine::sqlite;
  if (c.compare == Compare::like)
    return sqlite ? of + " GLOB " + bind(glob_of(text)) : of + " LIKE " + bind(text) + " ESCAPE ''";
  if (c.compare == Compare::ilike)
    return sqlite ? of + " LIKE " + bind(text) : of + " ILIKE " + bind(text) + " ESCAPE ''";
  return of + " " + std::string(mlflow::symbol(c.compare)) + " " + bind(text);
}

std::string Where::text() const {
  std::string out;
  for (const auto& c : conditions_) out.append(out.empty() ? "" : " AND ").append(c);
  return out.empty() ? "1 = 1" : out;
}

std::string Where::page(std::int64_t offset, std::int64_t max_results) {
  return " LIMIT " + bind(max_results + 1) + " OFFSET " + bind(offset);
}

Result<void> in_slices(const std::vector<std::string>& ids,
                       const std::function<Result<void>(const std::string&, std::span<const store::Value>)>& one) {
  constexpr std::size_t sizes[] = {1, 8, 64, 500};
  for (std::size_t from = 0; from < ids.size();) {
    const std::size_t n = std::min(ids.size() - from, sizes[3]);
    const std::size_t padded = *std::ranges::find_if(sizes, [&](std::size_t s) { return s >= n; });
    std::vector<store::Value> values;
    std::string list;
    for (std::size_t i = 0; i < padded; ++i) {
      values.emplace_back(std::string_view(ids[from + std::min(i, n - 1)]));
      list.append(i ? ", $" : "$").append(std::to_string(i + 1));
    }
    TRY_(one("(" + list + ")", values));
    from += n;
  }
  return {};
}

}  // namespace pawl::tracking
