#include "wire/mlflow/names.h"
#include "core/testing.h"
#include "wire/mlflow/dialect.h"
#include "wire/mlflow/page_token.h"
#include "wire/mlflow/texts.h"

using namespace pawl;
using namespace pawl::mlflow;

namespace {
std::string message(const Result<void>& r) { return r ? "fine" : r.error().message; }
template <class T> std::string problem(const Result<T>& r) { return r ? "fine" : r.error().message; }
}  // namespace

TEST_CASE("a key holds word characters of any script, slashes, dots, dashes, colons and blanks, and is its own path") {
  each_of<std::string, std::string>(
      {{"loss", "fine"},
       {"a/b.c-d e:f", "fine"},
       {"größe_日本", "fine"},
       {"a\"b",
        R"(Invalid value "a\"b" for parameter 'key' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).)"},
       {"../x",
        "Invalid value \"../x\" for parameter 'key' supplied: Names may be treated as files in certain cases, and must "
        "not resolve to other names when treated as "
        "such. This name would resolve to '../x'"},
       {"a/../x",
        "Invalid value \"a/../x\" for parameter 'key' supplied: Names may be treated as files in certain cases, and "
        "must not resolve to other names when treated "
        "as such. This name would resolve to 'x'"}},
      [](const std::string& name, const std::string& said) { CHECK(message(check_key(name, "key")) == said); });
  CHECK(!check_key("./", "key"));
  CHECK(!check_key("/etc", "key"));
  CHECK(!check_key("a→b", "key"));
}

TEST_CASE("paths are normalised as posixpath does") {
  each_of<std::string, std::string>(
      {{"", "."},
       {"a//b", "a/b"},
       {"a/./b/", "a/b"},
       {"../../a", "../../a"},
       {"/..", "/"},
       {"//a", "//a"},
       {"///a", "/a"},
       {"a/..", "."}},
      [](const std::string& path, const std::string& normal) { CHECK(normal_path(path) == normal); });
}

TEST_CASE("a metric point names the value that was wrong") {
  CHECK(message(check_metric("m", 1, -1, "")) ==
        "Invalid value -1 for parameter 'timestamp' supplied: metric 'm' (value=1.0). Timestamp must be a nonnegative "
        "long (64-bit integer) ");
  CHECK(message(check_metric(std::string(251, 'x'), 1, 1, "metrics[0]")) ==
        "'Metric name' exceeds the maximum length of 250 characters");
  CHECK(message(check_metric("a?", 1, 1, "metrics[3]"))
            .starts_with("Invalid value \"a?\" for parameter 'metrics[3].name' supplied"));
}

TEST_CASE("a batch holds a thousand metrics, a hundred params and tags, a thousand together") {
  CHECK(message(check_batch_size(1001, 0, 0)) ==
        "A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across "
        "multiple requests and try again.");
  CHECK(message(check_batch_size(1000, 1, 0))
            .contains("at most 1000 metrics, params, and tags. Got 1001 metrics, params, and tags."));
  CHECK(check_batch_size(800, 100, 100));
}

TEST_CASE("an alias is a word, not latest, and does not look like a version") {
  each_of<std::string, std::string>(
      {{"champion", "fine"},
       {"v", "fine"},
       {"v2a", "fine"},
       {"", "Registered model alias name cannot be empty."},
       {"a b", "Invalid alias name: 'a b'. Names may only contain alphanumerics, underscores (_), and dashes (-)."},
       {"Latest", "'latest' alias name (case insensitive) is reserved."},
       {"V3", "Version alias name 'V3' is reserved."}},
      [](const std::string& alias, const std::string& said) { CHECK(message(check_alias(alias)) == said); });
}

TEST_CASE("stages are read in any case and stored in one") {
  CHECK(canonical_stage("pRoduction").value() == "Production");
  CHECK(problem(canonical_stage("bogus")) ==
        "Invalid Model Version stage: bogus. Value must be one of None, Staging, Production, Archived.");
}

TEST_CASE("ids, names and locations that are refused say why") {
  CHECK(problem(experiment_number("abc")) == "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.");
  CHECK(problem(version_number("1.5")) == "Parameter 'version' must be an integer, got '1.5'.");
  CHECK(message(check_experiment_name("  ")) == "Invalid experiment name: '  '");
  CHECK(message(check_model_name("a/b")) == "Invalid model name 'a/b'. Names cannot contain '/' or ':'.");
  CHECK(message(check_model_name(" ")) == "Missing value for required parameter 'name'.");
  CHECK(message(check_run_id("a b")) == "Invalid value \"a b\" for parameter 'run_id' supplied.");
  CHECK(check_run_id(std::string(256, 'a')));
  CHECK(!check_run_id(std::string(257, 'a')));
  CHECK(!check_run_id("_a"));
  CHECK(message(check_artifact_location("runs:/x")) == "Artifact location cannot be a runs:/ URI. Given: 'runs:/x'");
  CHECK(message(check_logged_model_name("a.b")).starts_with("Invalid model name ('a.b') provided."));
}

TEST_CASE("numbers and texts look as Python prints them") {
  each_of<double, std::string>({{1.0, "1.0"},
                                {1e-7, "1e-07"},
                                {1e16, "1e+16"},
                                {123456.5, "123456.5"},
                                {0.0001, "0.0001"},
                                {1e15, "1000000000000000.0"}},
                               [](double x, const std::string& text) { CHECK(python_number(x) == text); });
  CHECK(python_json("ä\n\"") == "\"\\u00e4\\n\\\"\"");
  CHECK(python_repr("it's") == "\"it's\"");
  CHECK(python_dump(R"({"b": 9.0, "a": [1, true, null, "x"]})") == R"({"a":[1,true,null,"x"],"b":9.0})");
}

TEST_CASE("texts are cut by characters, not bytes") {
  CHECK(utf8_cut("äöü", 2) == "äö");
  CHECK(utf8_length("äöü") == 3);
}

TEST_CASE("what does not decode is said as MLflow says it") {
  using Kind = DecodeError::Kind;
  CHECK(mlflow::to_error({Kind::missing, "name", "", ""}).message ==
        "Missing value for required parameter 'name'. See the API docs for more information about request parameters.");
  CHECK(mlflow::to_error({Kind::wrong_type, "artifact_location", "a string", "9E0"}).message ==
        "Invalid value 9.0 for parameter 'artifact_location' supplied:  Hint: Value was of type 'float'. See the API "
        "docs for more information about request parameters.");
  CHECK(mlflow::to_error({Kind::wrong_type, "tags", "an array", "\"5\""})
            .message.contains("Invalid value \"5\" for parameter 'tags' supplied:  Hint: Value was of type 'str'."));
  CHECK(mlflow::to_error({Kind::too_long, "name", "at most 500 characters", ""}).message ==
        "'name' exceeds the maximum length of 500 characters");
}

TEST_CASE("every Code has a name, and the envelope carries it") {
  for (std::size_t i = 0; i < code_count; ++i) CHECK(!error_name(static_cast<Code>(i)).error_code.empty());
  CHECK(
      envelope(Error{Code::missing, "No Experiment with id=77 exists"}) ==
      R"({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No Experiment with id=77 exists", "sqlstate": "KAM00", "error_class": "RESOURCE_NOT_FOUND"})");
}

TEST_CASE("an unparsable body counts as empty, a JSON string as the JSON in it") {
  CHECK(lenient_body("not json") == "{}");
  CHECK(lenient_body(R"("{\"a\": 1}")") == R"({"a": 1})");
  CHECK(lenient_body(R"({"a": 1})") == R"({"a": 1})");
}

TEST_CASE("a page token comes back as its offset, anything else is refused") {
  for_random_cases(200, [] {
    const auto n = *rc::gen::inRange<std::int64_t>(1, 1'000'000'000);
    RC_ASSERT(read_page_token(make_page_token(n)).value() == n);
  });
  CHECK(read_page_token("").value() == 0);
  CHECK(problem(read_page_token("x")) == "Invalid page token, could not base64-decode");
  CHECK(problem(read_page_token("YWJj")) == "Invalid page token, decoded value=b'abc'");
}

TEST_CASE("a search token is bound to what was asked") {
  const SearchToken asked{.offset = 7, .experiment_ids = {"1"}, .filter = "name = 'a'", .order_by = "[]"};
  const auto token = make_search_token(asked);
  CHECK(read_search_token(token, asked).value() == 7);
  auto other = asked;
  other.filter = "x";
  CHECK(problem(read_search_token(token, other))
            .starts_with("Filter string in the page token does not match the requested filter string."));
}
