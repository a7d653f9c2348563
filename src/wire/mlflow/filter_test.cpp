#include "wire/mlflow/filter.h"
#include "core/testing.h"

using namespace pawl;
using namespace pawl::mlflow;

namespace {
std::string problem(std::string_view text, Searched searched = Searched::runs) {
  auto got = parse_filter(text, searched);
  return got ? "fine: " + print(*got, searched) : got.error().message;
}
Comparison one(std::string_view text, Searched searched = Searched::runs) {
  auto got = parse_filter(text, searched);
  REQUIRE_MESSAGE(got.has_value(), (got ? "" : got.error().message));
  REQUIRE(got->size() == 1);
  return got->front();
}
std::string order_problem(std::string_view text, Searched searched) {
  auto got = parse_order_by({std::string(text)}, searched);
  return got ? "fine" : got.error().message;
}
}  // namespace

TEST_CASE("a comparison is read into entity, key, comparison and value") {
  CHECK(one("metrics.acc > 0.9") == Comparison{Entity::metric, "acc", Compare::gt, 0.9});
  CHECK(one("metric.`a b` >= -1e-3") == Comparison{Entity::metric, "a b", Compare::ge, -1e-3});
  CHECK(one("params.\"x.y\" = \"z\"") == Comparison{Entity::param, "x.y", Compare::eq, std::string("z")});
  CHECK(one("tags.mlflow.user != 'me'") == Comparison{Entity::tag, "mlflow.user", Compare::ne, std::string("me")});
  CHECK(one("status = 'RUNNING'") == Comparison{Entity::attribute, "status", Compare::eq, std::string("RUNNING")});
  CHECK(one("attr.`Run name` ilike '%x_'") ==
        Comparison{Entity::attribute, "run_name", Compare::ilike, std::string("%x_")});
  CHECK(one("`run name` = 'x'") == Comparison{Entity::attribute, "run_name", Compare::eq, std::string("x")});
  CHECK(one("Created > 5") == Comparison{Entity::attribute, "start_time", Compare::gt, 5.0});
  CHECK(one("run_id not in ('a', \"b\",)") ==
        Comparison{Entity::attribute, "run_id", Compare::not_in, std::vector<std::string>{"a", "b"}});
  CHECK(one("tags.x is not null") == Comparison{Entity::tag, "x", Compare::not_null, std::monostate{}});
  CHECK(one("datasets.context IN ('train')") ==
        Comparison{Entity::dataset, "context", Compare::in, std::vector<std::string>{"train"}});
  CHECK(one("version_number > '12'", Searched::model_versions) ==
        Comparison{Entity::attribute, "version_number", Compare::gt, 12.0});
  CHECK(one("creation_time >= 5", Searched::logged_models) ==
        Comparison{Entity::attribute, "creation_timestamp", Compare::ge, 5.0});
}

TEST_CASE("comparisons are joined by AND in any case, blanks do not matter") {
  CHECK(parse_filter("", Searched::runs)->empty());
  CHECK(parse_filter("metrics.a>1 and  params.b='c' AND tags.d LIKE '%'", Searched::runs)->size() == 3);
}

TEST_CASE("what is refused, and in which words") {
  each_of<std::string, std::string>(
      {{"bogus", "Invalid clause(s) in filter string: 'bogus'"},
       {"metrics.a > 1 OR metrics.b > 1", "Invalid clause(s) in filter string: 'OR'"},
       {"metrics.a > 'a'", "Expected numeric value type for metric. Found 'a'"},
       {"params.a = 1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"},
       {"params.a = b",
        "Parameter value is either not quoted or unidentified quote types used for string value b. Use either single "
        "or double quotes."},
       {"start_time > 'a'", "Expected numeric value type for numeric attribute: start_time. Found 'a'"},
       {"foo.a = 'b'",
        "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']"},
       {"metrics.a LIKE 1", "Invalid comparator 'LIKE' not one of '{'<', '<=', '>', '>=', '=', '!='}'"},
       {"params.a > 'b'", "Invalid comparator '>' not one of '{'=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL'}'"},
       {"status IN ('a')", "Only ['run_id'] attributes support comparison with a list of quoted string values."},
       {"run_id IN ()",
        "While parsing a list in the query, expected a non-empty list of string values, but got empty list"},
       {"run_id IN ('a'", "Invalid clause(s) in filter string: 'run_id', 'IN', '(', ''a''"},
       {"run_id IN ('a', b)",
        "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list."},
       {"metrics.m IS NULL", "IS NULL / IS NOT NULL is only supported for tags and params, not for 'metric' 'm'"},
       {"metrics.a > 1; metrics.b > 1",
        "Search filter contained multiple expression 'metrics.a > 1; metrics.b > 1'. Provide AND-ed expression list."},
       {"dataset.size = 'a'", "Invalid dataset key 'size' specified. Valid keys are '{'name', 'digest', 'context'}'"},
       {"1 = 1", "Invalid comparison clause. Expected 'Identifier' found '1'"}},
      [](const std::string& text, const std::string& said) { CHECK(problem(text) == said); });
  CHECK(problem("foo = 'b'").starts_with("Invalid attribute key 'foo' specified. Valid keys are '{"));
  CHECK(problem("x y", Searched::experiments) == "Invalid clause(s) in filter string: x, y");
  CHECK(problem("metric.a = 'b'", Searched::model_versions) ==
        "Invalid entity type 'metric'. Valid entity types are ('attribute', 'tag', 'tags')");
  CHECK(problem("metric.a = 1", Searched::logged_models) ==
        "Invalid entity type: 'metric'. Expected one of ['attributes', 'metrics', 'params', 'tags'].");
  CHECK(problem("tags.x IS NULL", Searched::model_versions) == "Invalid comparator for tag: IS NULL");
}

TEST_CASE("a filter, printed and parsed again, is the same filter") {
  for_random_cases(500, [] {
    const auto text = [] {
      std::string s;
      for (char c : *rc::gen::container<std::vector<char>>(rc::gen::elementOf(std::string("abz01_ .-/%äé\"")))) s += c;
      return s;
    };
    Filter filter;
    const auto n = *rc::gen::inRange(0, 5);
    for (int i = 0; i < n; ++i) {
      std::string key = text();
      std::erase(key, '"');
      key += 'k';
      switch (*rc::gen::inRange(0, 5)) {
        case 0:
          filter.push_back({Entity::metric, key, *rc::gen::elementOf(std::vector{Compare::lt, Compare::ne}),
                            *rc::gen::arbitrary<double>()});
          break;
        case 1:
          filter.push_back({Entity::param, key, *rc::gen::elementOf(std::vector{Compare::like, Compare::eq}), text()});
          break;
        case 2: filter.push_back({Entity::tag, key, Compare::is_null, std::monostate{}}); break;
        case 3:
          filter.push_back({Entity::attribute, "run_id", Compare::not_in, std::vector<std::string>{text(), text()}});
          break;
        default: filter.push_back({Entity::dataset, "name", Compare::ilike, text()});
      }
    }
    auto again = parse_filter(print(filter, Searched::runs), Searched::runs);
    if (!again) RC_LOG() << print(filter, Searched::runs) << "\n" << again.error().message;
    RC_ASSERT((again && *again == filter));
  });
}

TEST_CASE("an order is a field and a way") {
  CHECK(parse_order_by({"metrics.`a b` DESC", "run_id", "Created asc"}, Searched::runs).value() ==
        std::vector<OrderBy>{{Entity::metric, "a b", false},
                             {Entity::attribute, "run_id", true},
                             {Entity::attribute, "start_time", true}});
  CHECK(parse_order_by({"timestamp DESC"}, Searched::registered_models).value() ==
        std::vector<OrderBy>{{Entity::attribute, "last_updated_timestamp", false}});
  CHECK(order_problem("run_id FOO", Searched::runs) == "Invalid ordering key in order_by clause 'run_id FOO'.");
  CHECK(order_problem("", Searched::runs) == "Invalid order_by clause ''. Could not be parsed.");
  CHECK(order_problem("a b c", Searched::runs) == "Invalid order_by clause 'a b c'. Could not be parsed.");
  CHECK(order_problem("foo", Searched::registered_models) ==
        "Invalid order by key 'foo' specified. Valid keys are '{'timestamp', 'name'}'");
  auto twice = parse_order_by({"run_id", "run_id DESC"}, Searched::runs);
  CHECK((!twice && twice.error().code == Code::internal &&
         twice.error().message == "`order_by` contains duplicate fields: ['run_id', 'run_id DESC']"));
  auto params = parse_logged_model_order("params.x", true);
  CHECK((!params && params.error().message == "Invalid order by field name: params.x. Only metrics are supported."));
}
