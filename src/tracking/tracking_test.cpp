// The room as a client sees it: requests in, answers out, SQLite in memory, the clock standing still.
#include "core/testing.h"
#include "net/testing.h"
#include "store/ledger.h"
#include "store/testing.h"
#include "tracking/routes.h"

#include <cmath>

using namespace pawl;
using namespace pawl::tracking;

namespace {

struct TrackingHouse : testing::House {
  store::ScratchFolder folder;
  store::Artifacts files{folder.path};
  Service runs{*store, random, {.working_folder = "/srv"}};
  explicit TrackingHouse(store::Options options = {}) : House(std::move(options)) {
    mount(router, runs);
    mount_artifacts(router, runs, *store, files);
    REQUIRE(runs.prepare(clock));
  }
  std::string api(std::string_view path) { return "/api/2.0/mlflow/" + std::string(path); }
  std::string new_run(std::string body = R"({"experiment_id": "0"})") {
    return as<OneRun>(post(api("runs/create"), std::move(body))).run.info.run_id.text;
  }
  Run run(const std::string& id) { return as<OneRun>(get(api("runs/get?run_id=" + id))).run; }
  std::string message(const net::Response& r) { return json_at(r.body, "message").value_or(r.body); }
  std::vector<std::string> search(std::string filter, std::string order = "[]") {
    std::string body = R"({"experiment_ids": ["0"], "filter": )";
    write_json_text(body, filter);
    std::vector<std::string> names;
    for (const auto& r : as<RunPage>(post(api("runs/search"), body + R"(, "order_by": )" + order + "}")).runs)
      names.push_back(r.info.run_name);
    return names;
  }
  void log(const std::string& run, std::string_view key, double value, std::int64_t timestamp, std::int64_t step) {
    std::string body = R"({"run_id": ")" + run + R"(", "key": ")" + std::string(key) + R"(", "value": )";
    write_json_number(body, value);
    const auto got = post(api("runs/log-metric"), body + R"(, "timestamp": )" + std::to_string(timestamp) +
                                                      R"(, "step": )" + std::to_string(step) + "}");
    REQUIRE_MESSAGE(got.status == 200, got.body);
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a new store has experiment 0, Default") {
  TrackingHouse house;
  const auto got = house.as<OneExperiment>(house.get(house.api("experiments/get?experiment_id=0"))).experiment;
  CHECK(got.name == "Default");
  CHECK(got.artifact_location == "mlflow-artifacts:/0");
  CHECK(house.runs.prepare(house.clock));
}

TEST_CASE("experiments are made, found, renamed, tagged, deleted and restored") {
  TrackingHouse house;
  const auto id = house
                      .as<CreatedExperiment>(house.post(house.api("experiments/create"),
                                                        R"({"name": "E", "tags": [{"key": "a", "value": "b"}]})"))
                      .experiment_id;
  CHECK(id == "1");
  CHECK(house.as<OneExperiment>(house.get("/ajax-api/2.0/mlflow/experiments/get-by-name?experiment_name=E"))
            .experiment.tags == std::vector<Tag>{{"a", "b"}});
  CHECK(house.post(house.api("experiments/update"), R"({"experiment_id": "1", "new_name": "F"})").status == 200);
  const auto taken = house.post(house.api("experiments/create"), R"({"name": "F"})");
  CHECK(taken.status == 400);
  CHECK(taken.body.contains("RESOURCE_ALREADY_EXISTS"));
  CHECK(house.post(house.api("experiments/delete"), R"({"experiment_id": "1"})").status == 200);
  CHECK(house.post(house.api("experiments/delete"), R"({"experiment_id": "1"})").status == 404);
  CHECK(house.message(house.post(house.api("runs/create"), R"({"experiment_id": "1"})"))
            .contains("The experiment 1 must be in the 'active' state. Current state is deleted."));
  CHECK(house.post(house.api("experiments/update"), R"({"experiment_id": "1", "new_name": "G"})")
            .body.contains("Cannot rename a non-active experiment."));
  CHECK(house.post(house.api("experiments/restore"), R"({"experiment_id": "1"})").status == 200);
  CHECK(house.message(house.get(house.api("experiments/get?experiment_id=77")))
            .contains("No Experiment with id=77 exists"));
  CHECK(house.message(house.get(house.api("experiments/get?experiment_id=abc")))
            .contains("Invalid experiment ID 'abc'. Experiment ID must be a valid integer."));
  CHECK(house.message(house.get(house.api("experiments/get")))
            .contains("Missing value for required parameter 'experiment_id'."));
  CHECK(house.as<OneExperiment>(house.get(house.api("experiments/get?experiment_id=1"))).experiment.name == "F");
}

TEST_CASE("a relative artifact location is a folder of the server's machine") {
  TrackingHouse house;
  house.post(house.api("experiments/create"), R"({"name": "E", "artifact_location": "my_location"})");
  CHECK(house.as<OneExperiment>(house.get(house.api("experiments/get?experiment_id=1"))).experiment.artifact_location ==
        "/srv/my_location");
  CHECK(house.post(house.api("experiments/create"), R"({"name": "X", "artifact_location": "runs:/a"})").status == 400);
}

TEST_CASE("experiments are searched by name, tag and time, newest first") {
  TrackingHouse house;
  for (std::string_view body :
       {R"({"name": "a", "tags": [{"key": "key", "value": "value"}]})",
        R"({"name": "ab", "tags": [{"key": "key", "value": "vaLue"}]})", R"({"name": "Abc"})"}) {
    house.clock.pass(std::chrono::seconds(1));
    house.post(house.api("experiments/create"), std::string(body));
  }
  const auto search = [&](std::string filter, std::string rest = "") {
    std::string body = R"({"max_results": 10, "filter": )";
    write_json_text(body, filter);
    Names names;
    for (const auto& e :
         house.as<ExperimentPage>(house.post(house.api("experiments/search"), body + rest + "}")).experiments)
      names.push_back(e.name);
    return names;
  };
  CHECK(search("") == Names{"Abc", "ab", "a", "Default"});
  CHECK(search("name != 'a'") == Names{"Abc", "ab", "Default"});
  CHECK(search("name LIKE 'a%'") == Names{"ab", "a"});
  CHECK(search("name ILIKE 'A%'") == Names{"Abc", "ab", "a"});
  CHECK(search("tags.key ILIKE '%alu%'") == Names{"ab", "a"});
  CHECK(search("tags.key IS NULL") == Names{"Abc", "Default"});
  CHECK(search("experiment_id IN ('1', '2')") == Names{"ab", "a"});
  CHECK(search("", R"(, "order_by": ["name DESC"])") == Names{"ab", "a", "Default", "Abc"});
  CHECK(house.message(house.post(house.api("experiments/search"), "{}"))
            .contains("Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"));
  const auto page = house.as<ExperimentPage>(house.get(house.api("experiments/search?max_results=3")));
  CHECK(page.experiments.size() == 3);
  CHECK(house
            .as<ExperimentPage>(house.get(
                house.api("experiments/search?max_results=3&page_token=" + net::percent_encode(*page.next_page_token))))
            .experiments.size() == 1);
}

TEST_CASE("a run is born running, with a name, a place for artifacts and its name as a tag") {
  TrackingHouse house;
  const auto run = house.run(house.new_run(
      R"({"experiment_id": "0", "user_id": "me", "start_time": 5, "run_name": "n", "tags": [{"key": "k", "value": "v"}]})"));
  CHECK(run.info.status == "RUNNING");
  CHECK(run.info.user_id == "me");
  CHECK(run.info.start_time == 5);
  CHECK(!run.info.end_time);
  CHECK(run.info.artifact_uri == "mlflow-artifacts:/0/" + run.info.run_id.text + "/artifacts");
  CHECK(run.data.tags == std::vector<Tag>{{"k", "v"}, {"mlflow.runName", "n"}});
  CHECK(!house.run(house.new_run("{}")).info.run_name.empty());
  CHECK(house
            .message(house.post(house.api("runs/create"),
                                R"({"run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]})"))
            .contains("Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
                      "(run_name='a', mlflow.runName='b')."));
}

TEST_CASE("given a deleted run, when anything is written, then it is refused and nothing changes") {
  TrackingHouse house;
  const auto id = house.new_run();
  CHECK(house.post(house.api("runs/delete"), R"({"run_id": ")" + id + "\"}").status == 200);
  each_of<std::string, std::string>(
      {{"runs/set-tag", R"("key": "k", "value": "v")"},
       {"runs/log-parameter", R"("key": "k", "value": "v")"},
       {"runs/log-metric", R"("key": "k", "value": 1, "timestamp": 1)"},
       {"runs/log-batch", R"("tags": [{"key": "k", "value": "v"}])"},
       {"runs/update", R"("status": "FINISHED")"},
       {"runs/log-inputs", R"("models": [{"model_id": "m"}])"}},
      [&](const std::string& path, const std::string& rest) {
        const auto got = house.post(house.api(path), R"({"run_id": ")" + id + "\", " + rest + "}");
        CHECK(got.status == 400);
        CHECK(
            house.message(got).contains("The run " + id + " must be in the 'active' state. Current state is deleted."));
      });
  CHECK(house.search("") == Names{});
  CHECK(house.post(house.api("runs/restore"), R"({"run_uuid": ")" + id + "\"}").status == 200);
  CHECK(house.run(id).data.tags.size() == 1);
}

TEST_CASE("a parameter is written once") {
  TrackingHouse house;
  const auto id = house.new_run();
  const auto param = [&](std::string value) {
    return house.post(house.api("runs/log-parameter"),
                      R"({"run_id": ")" + id + R"(", "key": "p", "value": ")" + value + "\"}");
  };
  CHECK(param("1").status == 200);
  CHECK(param("1").status == 200);
  CHECK(house.message(param("2"))
            .contains("Changing param values is not allowed. Param with key='p' was already logged with value='1' for "
                      "run ID='" +
                      id + "'. Attempted logging new value '2'."));
  const auto batch = house.post(
      house.api("runs/log-batch"),
      R"({"run_id": ")" + id +
          R"(", "params": [{"key": "q", "value": "1"}, {"key": "p", "value": "9"}], "tags": [{"key": "t"}]})");
  CHECK(house.message(batch).contains(
      "Params were already logged='[{'key': 'p', 'old_value': '1', 'new_value': '9'}]' for run ID='" + id + "'."));
  CHECK(house.run(id).data.params == std::vector<Param>{{"p", "1"}});
  CHECK(house.run(id).data.tags.size() == 1);
}

TEST_CASE("the latest value is the one of the greatest step, then timestamp, then value") {
  TrackingHouse house;
  const auto id = house.new_run();
  house.log(id, "m", 1, 10, 2);
  house.log(id, "m", 5, 20, 1);
  CHECK(house.run(id).data.metrics[0].value == 1);
  house.log(id, "m", 3, 10, 2);
  house.log(id, "m", 2, 10, 2);
  CHECK(house.run(id).data.metrics[0].value == 3);
  house.log(id, "m", std::numeric_limits<double>::infinity(), 1, 3);
  CHECK(house.run(id).data.metrics[0].value == std::numeric_limits<double>::max());
  house.log(id, "m", std::nan(""), 1, 4);
  CHECK(std::isnan(house.run(id).data.metrics[0].value));
}

TEST_CASE("a metric's history is ordered, holds repeats once and comes in pages") {
  TrackingHouse house;
  const auto id = house.new_run();
  for (int i = 0; i < 5; ++i) house.log(id, "m", i, 100 - i, i);
  house.log(id, "m", 0, 100, 0);
  house.log(id, "other", 7, 1, 1);
  const auto all = house.as<MetricPage>(house.get(house.api("metrics/get-history?run_id=" + id + "&metric_key=m")));
  CHECK(all.metrics.size() == 5);
  CHECK(all.metrics[0].value == 4);
  const auto page =
      house.as<MetricPage>(house.get(house.api("metrics/get-history?metric_key=m&max_results=3&run_uuid=" + id)));
  CHECK(page.metrics.size() == 3);
  const auto rest =
      house.as<MetricPage>(house.get(house.api("metrics/get-history?metric_key=m&max_results=3&run_id=" + id +
                                               "&page_token=" + net::percent_encode(*page.next_page_token))));
  CHECK(rest.metrics.size() == 2);
  CHECK(!rest.next_page_token);
  CHECK(house.get(house.api("metrics/get-history?run_id=none&metric_key=m")).body == "{}");
}

TEST_CASE("compaction changes no history") {
  TrackingHouse house;
  const auto id = house.new_run();
  const auto history = [&](std::string key) {
    return house.get(house.api("metrics/get-history?run_id=" + id + "&metric_key=" + key)).body;
  };
  for (int i = 0; i < 300; ++i) {
    house.log(id, "a", i % 7, i / 3, i % 5);
    if (i % 3 == 0) house.log(id, "b", i, i, i);
  }
  const auto a = history("a"), b = history("b");
  for (int i = 0; i < 8; ++i) REQUIRE(house.write([&](Call& call) { return house.runs.compact(call.tx, {id}); }));
  CHECK(history("a") == a);
  CHECK(history("b") == b);
  const auto left = house.read([&](Call& call) { return rows::loose_chunks(call.tx, id, 1000); });
  REQUIRE(left);
  CHECK(left->size() < 64);
}

TEST_CASE("samples of a history are even and hold its end") {
  TrackingHouse house;
  const auto id = house.new_run();
  for (int i = 0; i < 10; ++i) house.log(id, "m", 1, 1, i);
  const auto steps = [&](std::string rest) {
    std::vector<std::int64_t> out;
    for (const auto& m : house
                             .as<MetricPage>(house.get(
                                 house.api("metrics/get-history-bulk-interval?run_ids=" + id + "&metric_key=m" + rest)))
                             .metrics)
      out.push_back(m.step);
    return out;
  };
  CHECK(steps("&max_results=5") == std::vector<std::int64_t>{0, 2, 4, 6, 9});
  CHECK(steps("&start_step=0&end_step=4&max_results=5") == std::vector<std::int64_t>{0, 1, 2, 3, 4});
  CHECK(steps("").size() == 10);
  const auto said = [&](std::string query) {
    return house.message(house.get(house.api("metrics/get-history-bulk-interval?" + query)));
  };
  CHECK(said("metric_key=m").contains("Missing value for required parameter 'run_ids'."));
  CHECK(said("run_ids=a&metric_key=").contains("Missing value for required parameter 'metric_key'."));
  CHECK(said("run_ids=a&metric_key=m&max_results=0").contains("max_results must be between 1 and 2500."));
  CHECK(said("run_ids=a&metric_key=m&start_step=5&end_step=1")
            .contains("end_step must be greater than start_step. Found start_step=5 and end_step=1."));
  CHECK(said("run_ids=a&metric_key=m&start_step=5")
            .contains("If either start step or end step are specified, both must be specified."));
}

TEST_CASE("a batch is checked whole before anything is written") {
  TrackingHouse house;
  const auto id = house.new_run();
  const auto said = [&](std::string rest) {
    return house.message(house.post(house.api("runs/log-batch"), R"({"run_id": ")" + id + "\", " + rest + "}"));
  };
  CHECK(said(R"("metrics": "foo")").contains("for parameter 'metrics' supplied:  Hint: Value was of type 'str'."));
  CHECK(said(R"("metrics": [{"key": "m", "timestamp": 1}])")
            .contains("Missing value for required parameter 'metrics[0].value'."));
  CHECK(said(R"("metrics": [{"key": "m", "value": "x", "timestamp": 1}])")
            .contains("for parameter 'metrics[0].value' supplied:  Hint: Value was of type 'str'."));
  CHECK(said(R"("metrics": [{"key": "m", "value": 1, "timestamp": -1}])")
            .contains("Invalid value -1 for parameter 'metrics[0].timestamp' supplied: metric 'm' (value=1.0)."));
  CHECK(said(R"("params": [{"key": "d", "value": "1"}, {"key": "d", "value": "1"}])")
            .contains("Duplicate parameter keys have been submitted: ['d']."));
  CHECK(said(R"("tags": [{"key": "a?"}], "params": [{"key": "p", "value": "1"}])")
            .contains("for parameter 'tags[0].key' supplied: Names may only contain"));
  CHECK(house.run(id).data.params.empty());
  CHECK(house.post(house.api("runs/log-batch"), R"({"run_id": "a b"})")
            .body.contains("for parameter 'run_id' supplied."));
}

namespace {

// The same rows and the same answers on both engines.
void finds_runs(TrackingHouse& house) {
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    const auto n = std::to_string(i);
    ids.push_back(house.new_run(R"({"experiment_id": "0", "run_name": "r)" + n + R"(", "start_time": )" + n + "}"));
    if (i < 3) house.log(ids.back(), "acc", i == 2 ? std::nan("") : i * 0.5, 1, 1);
    house.post(house.api("runs/log-parameter"),
               R"({"run_id": ")" + ids.back() + R"(", "key": "lr", "value": "0.)" + n + "\"}");
  }
  house.post(house.api("runs/set-tag"), R"({"run_id": ")" + ids[1] + R"(", "key": "a b", "value": "Yes*"})");
  house.post(
      house.api("runs/log-inputs"),
      R"({"run_id": ")" + ids[3] +
          R"(", "datasets": [{"tags": [{"key": "mlflow.data.context", "value": "train"}], "dataset": {"name": "d", "digest": "x", "source_type": "s", "source": "y"}}]})");
  CHECK(house.search("") == Names{"r3", "r2", "r1", "r0"});
  CHECK(house.search("metrics.acc >= 0") == Names{"r1", "r0"});
  CHECK(house.search("metrics.acc != 0") == Names{"r2", "r1"});
  CHECK(house.search("params.lr = '0.2' AND run_name LIKE 'r_'") == Names{"r2"});
  CHECK(house.search("tags.`a b` LIKE 'Y%*'") == Names{"r1"});
  CHECK(house.search("tags.`a b` LIKE 'y%'") == Names{});
  CHECK(house.search("tags.`a b` ILIKE 'y%'") == Names{"r1"});
  CHECK(house.search("tags.`a b` IS NULL") == Names{"r3", "r2", "r0"});
  CHECK(house.search("dataset.name = 'd' AND dataset.context IN ('train', 'x')") == Names{"r3"});
  CHECK(house.search("start_time < 2") == Names{"r1", "r0"});
  CHECK(house.search("run_id IN ('" + ids[0] + "', 'none')") == Names{"r0"});
  CHECK(house.search("", R"(["metrics.acc DESC"])") == Names{"r1", "r0", "r2", "r3"});
  CHECK(house.search("", R"(["metrics.acc"])") == Names{"r0", "r1", "r2", "r3"});
  CHECK(house.search("", R"(["params.lr DESC"])") == Names{"r3", "r2", "r1", "r0"});
  CHECK(house.search("", R"(["end_time", "run_name"])") == Names{"r0", "r1", "r2", "r3"});
  const auto twice =
      house.post(house.api("runs/search"), R"({"experiment_ids": ["0"], "order_by": ["run_id", "run_id"]})");
  CHECK(twice.status == 500);
  CHECK(house.message(house.post(house.api("runs/search"), R"({"max_results": 123456789})"))
            .contains("Invalid value 123456789 for parameter 'max_results' supplied"));
  CHECK(house.post(house.api("runs/search"), "{}").body == "{}");
}

void keeps_points(TrackingHouse& house) {
  const auto id = house.new_run();
  house.log(id, "m", 1, 10, 2);
  house.log(id, "m", 5, 20, 1);
  house.log(id, "m", std::nan(""), 10, 3);
  CHECK(std::isnan(house.run(id).data.metrics[0].value));
  for (int i = 0; i < 100; ++i) house.log(id, "m", i, i, i);
  REQUIRE(house.write([&](Call& call) { return house.runs.compact(call.tx, {id}); }));
  CHECK(
      house.as<MetricPage>(house.get(house.api("metrics/get-history?run_id=" + id + "&metric_key=m"))).metrics.size() ==
      103);
}

void keeps_models(TrackingHouse& house) {
  const auto id =
      house.as<OneLoggedModel>(house.post(house.api("logged-models"), R"({"experiment_id": "0", "name": "net"})"))
          .model.info.model_id.text;
  const auto run = house.new_run();
  CHECK(house
            .post(house.api("runs/log-metric"), R"({"run_id": ")" + run +
                                                    R"(", "key": "acc", "value": 0.9, "timestamp": 1, "model_id": ")" +
                                                    id + "\"}")
            .status == 200);
  const auto found = house.post(
      house.api("logged-models/search"),
      R"({"experiment_ids": ["0"], "filter": "metrics.acc > 0.5 AND name LIKE 'n%' AND creation_timestamp > 5", "order_by": [{"field_name": "metrics.acc"}]})");
  CHECK(house.as<LoggedModelPage>(found).models.size() == 1);
  CHECK(house
            .as<CreatedExperiment>(
                house.post(house.api("experiments/create"), R"({"name": "E", "tags": [{"key": "a", "value": "b"}]})"))
            .experiment_id == "1");
  const auto experiments = house.post(
      house.api("experiments/search"),
      R"({"max_results": 9, "filter": "name ILIKE 'e' AND tags.a = 'b' AND creation_time > 5 AND experiment_id IN ('1') "})");
  CHECK(house.as<ExperimentPage>(experiments).experiments.size() == 1);
}

}  // namespace

TEST_CASE("runs are found by metrics, params, tags, attributes and datasets, in the order asked") {
  TrackingHouse house;
  finds_runs(house);
}

TEST_CASE("on PostgreSQL runs are found, points kept and models searched as on SQLite") {
  TrackingHouse house({.postgres = store::fresh_postgres()});
  finds_runs(house);
  keeps_points(house);
  keeps_models(house);
}

TEST_CASE("runs come in pages, and the last one has no token") {
  TrackingHouse house;
  for (int i = 0; i < 10; ++i)
    house.new_run(R"({"experiment_id": "0", "run_name": "r)" + std::to_string(i) + R"(", "start_time": )" +
                  std::to_string(i) + "}");
  Names names;
  std::string token;
  int pages = 0;
  do {
    const auto page = house.as<RunPage>(house.post(
        house.api("runs/search"), R"({"experiment_ids": ["0"], "max_results": 5, "page_token": ")" + token + "\"}"));
    for (const auto& r : page.runs) names.push_back(r.info.run_name);
    token = page.next_page_token.value_or("");
    ++pages;
  } while (!token.empty());
  CHECK(names == Names{"r9", "r8", "r7", "r6", "r5", "r4", "r3", "r2", "r1", "r0"});
  CHECK(pages == 2);
  CHECK(house.message(house.post(house.api("runs/search"), R"({"experiment_ids": ["0"], "page_token": "x"})"))
            .contains("Invalid page token, could not base64-decode"));
}

TEST_CASE("a dataset is one per experiment, name and digest, and stays as first logged") {
  TrackingHouse house;
  const auto id = house.new_run();
  const auto log = [&](std::string source, std::string context) {
    return house
        .post(house.api("runs/log-inputs"),
              R"({"run_id": ")" + id + R"(", "datasets": [{"tags": [{"key": "mlflow.data.context", "value": ")" +
                  context + R"("}], "dataset": {"name": "d", "digest": "x", "source_type": "s", "source": ")" + source +
                  R"("}}]})")
        .status;
  };
  CHECK(log("one", "train") == 200);
  CHECK(log("two", "test") == 200);
  const auto inputs = house.run(id).inputs.dataset_inputs;
  REQUIRE(inputs.size() == 1);
  CHECK(inputs[0].dataset->source == "one");
  CHECK(inputs[0].tags[0].value == "train");
  const auto found = house.as<DatasetSummaries>(
      house.post("/ajax-api/2.0/mlflow/experiments/search-datasets", R"({"experiment_ids": ["0"]})"));
  REQUIRE(found.dataset_summaries.size() == 1);
  CHECK(found.dataset_summaries[0].context == "train");
}

TEST_CASE("the end of a run is an event, its metrics and tags are none") {
  TrackingHouse house;
  const auto id = house.new_run();
  house.log(id, "m", 1, 1, 1);
  house.post(house.api("runs/update"), R"({"run_id": ")" + id + R"(", "status": "FINISHED", "end_time": 9})");
  house.post(house.api("runs/update"), R"({"run_id": ")" + id + R"(", "status": 3})");
  const auto events = house.read([](Call& call) { return store::read_ledger(call.tx, {}); });
  REQUIRE(events);
  REQUIRE(events->size() == 1);
  CHECK(events->front().what == "run.ended");
  CHECK(events->front().subject.id == id);
  CHECK(house.run(id).info.end_time == 9);
}

TEST_CASE("the token of a flow marks the runs it starts and may write no others") {
  TrackingHouse house;
  const auto foreign = house.new_run();
  house.authorizer.who_is = {Who::Kind::flow, "flow:F", Role::scientist, "F/3"};
  const auto own = house.new_run();
  CHECK(house.post(house.api("runs/set-tag"), R"({"run_id": ")" + own + R"(", "key": "k", "value": "v"})").status ==
        200);
  CHECK(house.post(house.api("runs/set-tag"), R"({"run_id": ")" + foreign + R"(", "key": "k", "value": "v"})").status ==
        403);
  const auto put = [&](const std::string& path) {
    return house.put("/api/2.0/mlflow-artifacts/artifacts/" + path, "x").status;
  };
  CHECK(put("0/" + own + "/artifacts/a.txt") == 200);
  CHECK(put("0/" + foreign + "/artifacts/a.txt") == 403);
  CHECK(put("0/" + own + "/../" + foreign + "/artifacts/a.txt") != 200);
  CHECK(put("references/m/1.parquet") == 403);
  CHECK(house.del("/api/2.0/mlflow-artifacts/artifacts/0/" + foreign).status == 403);
  house.authorizer.who_is = {Who::Kind::person, "ada", Role::admin, ""};
  CHECK(put("references/m/1.parquet") == 403);
  CHECK(house.del("/api/2.0/mlflow-artifacts/artifacts/references").status == 403);
  CHECK(put("0/" + foreign + "/artifacts/b.txt") == 200);
  const auto found = house.read([&](Call& call) { return house.runs.runs_of_flow(call.tx, "F"); });
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().flow_epoch == 3);
}

TEST_CASE("a logged model is begun, finalised, tagged, found by its metrics and deleted") {
  TrackingHouse house;
  const auto run = house.new_run();
  const auto made = house
                        .as<OneLoggedModel>(house.post(house.api("logged-models"),
                                                       R"({"experiment_id": "0", "name": "net", "source_run_id": ")" +
                                                           run + R"(", "params": [{"key": "a", "value": "1"}]})"))
                        .model;
  const auto id = made.info.model_id.text;
  CHECK(made.info.status == "LOGGED_MODEL_PENDING");
  CHECK(made.info.artifact_uri == "mlflow-artifacts:/0/models/" + id + "/artifacts");
  CHECK(house
            .as<OneLoggedModel>(house.patch(house.api("logged-models/" + id),
                                            R"({"model_id": ")" + id + R"(", "status": "LOGGED_MODEL_READY"})"))
            .model.info.status == "LOGGED_MODEL_READY");
  CHECK(house
            .patch(house.api("logged-models/" + id + "/tags"),
                   R"({"model_id": ")" + id + R"(", "tags": [{"key": "t", "value": "v"}]})")
            .status == 200);
  CHECK(house
            .post(house.api("runs/log-metric"), R"({"run_id": ")" + run +
                                                    R"(", "key": "acc", "value": 0.9, "timestamp": 1, "model_id": ")" +
                                                    id + R"(", "dataset_name": "d"})")
            .status == 200);
  const auto search = [&](std::string rest) {
    return house
        .as<LoggedModelPage>(house.post(house.api("logged-models/search"), R"({"experiment_ids": ["0"])" + rest + "}"))
        .models.size();
  };
  CHECK(search("") == 1);
  CHECK(search(R"(, "filter": "metrics.acc > 0.5 AND params.a = '1' AND tags.t LIKE 'v' AND status = 'READY'")") == 1);
  CHECK(search(R"(, "filter": "metrics.acc > 0.5", "datasets": [{"dataset_name": "other"}])") == 0);
  CHECK(search(R"(, "filter": "name = 'x'")") == 0);
  CHECK(search(R"(, "order_by": [{"field_name": "metrics.acc", "ascending": false}])") == 1);
  CHECK(house.message(house.del(house.api("logged-models/" + id + "/tags/n")))
            .contains("No tag with key 'n' found for model with ID '" + id + "'."));
  CHECK(house.del(house.api("logged-models/" + id)).status == 200);
  CHECK(house.message(house.get(house.api("logged-models/" + id)))
            .contains("Logged model with ID '" + id + "' not found."));
  CHECK(house.get(house.api("logged-models/" + id + "?allow_deleted=true")).status == 200);
  CHECK(search("") == 0);
}

TEST_CASE("artifacts are listed below what was asked, and no name leaves the root") {
  TrackingHouse house;
  const auto id = house.new_run();
  REQUIRE(store::write_file(house.folder.path / "0" / id / "artifacts" / "d" / "a.txt", "hello"));
  CHECK(house.get("/api/2.0/mlflow-artifacts/artifacts?path=0/" + id + "/artifacts/d").body ==
        R"({"files":[{"path":"a.txt","is_dir":false,"file_size":5}]})");
  CHECK(house.get(house.api("artifacts/list?run_id=" + id)).body ==
        R"({"root_uri":"mlflow-artifacts:/0/)" + id + R"(/artifacts","files":[{"path":"d","is_dir":true}]})");
  CHECK(house.get(house.api("artifacts/list?path=d&run_id=" + id)).body.contains(R"("path":"d/a.txt")"));
  const auto file = house.get("/get-artifact?path=d/a.txt&run_id=" + id);
  REQUIRE(file.file);
  CHECK(file.type == "text/plain");
  for (std::string_view path : {"../x", "%2e%2e/x", "%252e%252e/x", "/etc/passwd", "a\\b"}) {
    CAPTURE(path);
    const auto got = house.get(house.api("artifacts/list?run_id=" + id + "&path=" + net::percent_encode(path)));
    CHECK(got.status == 400);
    CHECK(got.body.contains("Invalid path"));
  }
  CHECK(house.get("/get-artifact?path=d&run_id=" + id).status == 400);
  CHECK(house.get("/get-artifact?path=none&run_id=" + id).status == 404);
  CHECK(house.send(net::Method::POST, "/api/2.0/mlflow-artifacts/mpu/create/x", "{}").status == 501);
}

TEST_CASE("every endpoint of this room says who may") {
  TrackingHouse house;
  for (const auto& e : house.router.entries())
    CHECK((e->route.needs == May::read || e->route.needs == May::track || e->route.path.ends_with("server-info")));
}
