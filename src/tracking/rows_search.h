// From a parsed filter to a WHERE with bound values: what the searches of tracking and registry share.
#pragma once
#include <deque>

#include "store/sql.h"
#include "wire/mlflow/filter.h"

namespace pawl::tracking {

// `EXISTS`-style parts of one search. Texts bound here live as long as the object.
class Where {
 public:
  explicit Where(store::Engine engine) : engine_(engine) {}
  std::string bind(std::string text);  // answers "$3"
  std::string bind(std::int64_t number);
  std::string bind(double number);
  std::string bind_list(const std::vector<std::string>& texts);  // "($1, $2)"
  std::string bind_list(const std::vector<std::int64_t>& numbers);
  // `column` compared as the filter says. Text comparisons respect case but for ILIKE, on both engines.
  std::string compare(std::string_view column, const mlflow::Comparison& c);
  void add(std::string condition) { conditions_.push_back(std::move(condition)); }
  std::string text() const;  // joined by AND; "1 = 1" when there is none
  std::span<const store::Value> values() const { return values_; }
  store::Engine engine() const { return engine_; }
  // The end of every paged search: one row more than asked tells whether more follow.
  std::string page(std::int64_t offset, std::int64_t max_results);

 private:
  std::string next(store::Value value);
  store::Engine engine_;
  std::deque<std::string> texts_;
  std::vector<store::Value> values_;
  std::vector<std::string> conditions_;
};

// Rows of many parents in few statements: calls `one(ids)` for slices of at most 500, padded so that few statement texts exist.
Result<void> in_slices(
    const std::vector<std::string>& ids,
    const std::function<Result<void>(const std::string& list, std::span<const store::Value> values)>& one);

}  // namespace pawl::tracking
