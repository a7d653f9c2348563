// The filter language of MLflow's searches: comparisons joined by AND, read into a typed list that rows can turn into SQL.
//
//   metrics.acc > 0.9 AND params."lr rate" = '0.1' AND tags.`a b` IS NOT NULL AND attributes.run_id IN ('a', 'b')
//
// What may be compared with what differs by what is searched; every refusal has MLflow's text.
#pragma once
#include "core/result.h"

namespace pawl::mlflow {

enum class Searched { runs, experiments, registered_models, model_versions, logged_models };
enum class Entity { attribute, metric, param, tag, dataset };
enum class Compare { eq, ne, lt, le, gt, ge, like, ilike, in, not_in, is_null, not_null };

struct Comparison {
  Entity entity{};
  std::string key{};  // aliases resolved: `created` is start_time
  Compare compare{};
  // Nothing for IS [NOT] NULL, a list for [NOT] IN. Versions and times may be numbers.
  std::variant<std::monostate, double, std::string, std::vector<std::string>> value{};
  bool operator==(const Comparison&) const = default;
};
using Filter = std::vector<Comparison>;

Result<Filter> parse_filter(std::string_view text, Searched searched);
std::string print(const Filter& filter,
                  Searched searched);  // parses to the same filter, if no text holds both kinds of quotes

struct OrderBy {
  Entity entity{};
  std::string key{};
  bool ascending = true;
  bool operator==(const OrderBy&) const = default;
};
// One text a field: `metrics.acc DESC`. A field given twice is refused (as MLflow does: INTERNAL_ERROR), but for experiments.
Result<std::vector<OrderBy>> parse_order_by(const std::vector<std::string>& texts, Searched searched);
// The `field_name` of a logged-model search's order_by: attributes and metrics only.
Result<OrderBy> parse_logged_model_order(std::string_view field, bool ascending);

std::string_view symbol(Compare c);  // "=", "NOT IN"

}  // namespace pawl::mlflow
