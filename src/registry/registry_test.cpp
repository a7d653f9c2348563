// The room as a client sees it, with tracking below it.
#include "core/testing.h"
#include "net/testing.h"
#include "registry/routes.h"
#include "store/ledger.h"
#include "store/testing.h"
#include "tracking/routes.h"

using namespace pawl;
using namespace pawl::registry;

namespace {

struct RegistryHouse : testing::House {
  store::ScratchFolder folder;
  store::Artifacts files{folder.path};
  tracking::Service runs{*store, random};
  Service models{runs};
  explicit RegistryHouse(store::Options options = {}) : House(std::move(options)) {
    tracking::mount(router, runs);
    mount(router, models, *store, files);
    REQUIRE(runs.prepare(clock));
  }
  std::string api(std::string_view path) { return "/api/2.0/mlflow/" + std::string(path); }
  std::string message(const net::Response& r) { return json_at(r.body, "message").value_or(r.body); }
  std::string new_run() {
    return as<tracking::OneRun>(post(api("runs/create"), R"({"experiment_id": "0"})")).run.info.run_id.text;
  }
  void model(std::string_view name) {
    REQUIRE(post(api("registered-models/create"), R"({"name": ")" + std::string(name) + "\"}").status == 200);
  }
  ModelVersion version(std::string_view name, std::string_view source = "s3://b/m", std::string rest = "") {
    return as<OneVersion>(post(api("model-versions/create"), R"({"name": ")" + std::string(name) + R"(", "source": ")" +
                                                                 std::string(source) + "\"" + rest + "}"))
        .model_version;
  }
  net::Response refused_version(std::string_view source, std::string rest = "") {
    return post(api("model-versions/create"), R"({"name": "m", "source": ")" + std::string(source) + "\"" + rest + "}");
  }
  net::Response alias(std::string_view name, std::string_view alias, std::string_view number) {
    return post(api("registered-models/alias"), R"({"name": ")" + std::string(name) + R"(", "alias": ")" +
                                                    std::string(alias) + R"(", "version": ")" + std::string(number) +
                                                    "\"}");
  }
  std::vector<std::string> events() {
    auto got = read([](Call& call) { return store::read_ledger(call.tx, {}); });
    REQUIRE(got);
    std::vector<std::string> out;
    for (const auto& e : *got)
      out.push_back(e.what + " " + e.subject.id +
                    (e.data.text.empty() || e.data.text == "{}" || e.data.text == "null" ? "" : " " + e.data.text));
    return out;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a model's name is registered once, described, tagged, renamed with all it has and deleted") {
  RegistryHouse house;
  house.model("m");
  const auto taken = house.post(house.api("registered-models/create"), R"({"name": "m"})");
  CHECK(taken.status == 400);
  CHECK(house.message(taken).contains("Registered Model (name=m) already exists."));
  CHECK(taken.body.contains("RESOURCE_ALREADY_EXISTS"));
  house.version("m");
  house.alias("m", "best", "1");
  CHECK(house.post(house.api("registered-models/set-tag"), R"({"name": "m", "key": "k", "value": "v"})").status == 200);
  CHECK(house.as<OneModel>(house.patch(house.api("registered-models/update"), R"({"name": "m", "description": "d"})"))
            .registered_model.description == "d");
  const auto renamed =
      house.as<OneModel>(house.post(house.api("registered-models/rename"), R"({"name": "m", "new_name": "n"})"))
          .registered_model;
  CHECK(renamed.name == "n");
  CHECK(renamed.tags == std::vector<Tag>{{"k", "v"}});
  CHECK(renamed.aliases == std::vector<Alias>{{"best", "1"}});
  REQUIRE(renamed.latest_versions.size() == 1);
  CHECK(renamed.latest_versions[0].name == "n");
  CHECK(house.message(house.get(house.api("registered-models/get?name=m")))
            .contains("Registered Model with name=m not found"));
  CHECK(house.del(house.api("registered-models/delete"), R"({"name": "n"})").status == 200);
  CHECK(house.get(house.api("model-versions/get?name=n&version=1")).status == 404);
  CHECK(house.message(house.post(house.api("registered-models/create"), R"({"name": "a/b"})"))
            .contains("Invalid model name 'a/b'. Names cannot contain '/' or ':'."));
}

TEST_CASE("versions count up and a number is never used again") {
  RegistryHouse house;
  house.model("m");
  CHECK(house.version("m").version == "1");
  CHECK(house.version("m").version == "2");
  CHECK(house.del(house.api("model-versions/delete"), R"({"name": "m", "version": "2"})").status == 200);
  CHECK(house.version("m").version == "3");
  CHECK(house.message(house.get(house.api("model-versions/get?name=m&version=2")))
            .contains("Model Version (name=m, version=2) not found"));
  CHECK(house.message(house.get(house.api("model-versions/get?name=m&version=abc")))
            .contains("Parameter 'version' must be an integer, got 'abc'."));
  CHECK(house.post(house.api("model-versions/create"), R"({"name": "none", "source": "s3://b/m"})").status == 404);
}

TEST_CASE("a new version shows what was set, and nothing else") {
  RegistryHouse house;
  house.model("m");
  CHECK(
      house.post(house.api("model-versions/create"), R"({"name": "m", "source": "s3://b/m"})").body ==
      R"({"model_version":{"name":"m","version":"1","creation_timestamp":1356998400000,"last_updated_timestamp":1356998400000,"current_stage":"None","description":"",)"
      R"("source":"s3://b/m","run_id":"","status":"READY","run_link":""}})");
  CHECK(!house.patch(house.api("model-versions/update"), R"({"name": "m", "version": "1"})")
             .body.contains("description"));
}

TEST_CASE("a source must lie within the run or the logged model that is named") {
  RegistryHouse house;
  house.model("m");
  const auto run = house.new_run();
  const auto logged = house
                          .as<tracking::OneLoggedModel>(house.post(
                              house.api("logged-models"), R"({"experiment_id": "0", "source_run_id": ")" + run + "\"}"))
                          .model.info;
  const std::string with_run = R"(, "run_id": ")" + run + "\"",
                    with_model = R"(, "model_id": ")" + logged.model_id.text + "\"";

  CHECK(house.version("m", "runs:/" + run + "/model", with_run).run_id == run);
  CHECK(house.version("m", "mlflow-artifacts:/0/" + run + "/artifacts/model", with_run).run_id == run);
  const auto from_model = house.version("m", "models:/" + logged.model_id.text, with_model);
  CHECK(from_model.run_id == run);
  CHECK(
      house
          .as<DownloadUri>(house.get(house.api("model-versions/get-download-uri?name=m&version=" + from_model.version)))
          .artifact_uri == logged.artifact_uri);
  const auto copy = house.version("m", "models:/m/" + from_model.version);
  CHECK(copy.run_id == run);
  CHECK(copy.source == "models:/m/" + from_model.version);
  CHECK(house.as<tracking::OneLoggedModel>(house.get(house.api("logged-models/" + logged.model_id.text)))
            .model.info.tags[0]
            .value.contains(R"({"name": "m", "version": 3})"));

  each_of<std::string, std::string>(
      {{"runs:/" + run + "/model", ""},
       {"runs:/other/model", with_run},
       {"models:/" + logged.model_id.text, ""},
       {"models:/m-other", with_model},
       {"mlflow-artifacts:/0/other/artifacts", with_run},
       {"mlflow-artifacts:/0/" + run + "/artifacts", ""},
       {"/etc/passwd", ""},
       {"/etc/passwd", with_run},
       {"file:///etc", with_run},
       {"s3://b/../x", ""}},
      [&](const std::string& source, const std::string& rest) {
        const auto got = house.refused_version(source, rest);
        CHECK(got.status == 400);
        CHECK(house.message(got).contains("Invalid model version source: '" + source + "'"));
      });
  const auto found = house.read([&](Call& call) -> Result<std::string> {
    TRY(v, house.models.find_version(call.tx, "m@3"));
    return house.models.artifact_path(call.tx, v);
  });
  CHECK(found.value() == "0/models/" + logged.model_id.text + "/artifacts");
}

TEST_CASE("an alias points at a version, moves, and goes with it") {
  RegistryHouse house;
  house.model("m");
  house.version("m");
  house.version("m");
  CHECK(house.alias("m", "champion", "1").status == 200);
  CHECK(house.alias("m", "champion", "2").status == 200);
  const auto get = [&] { return house.get(house.api("registered-models/alias?name=m&alias=champion")); };
  CHECK(house.as<OneVersion>(get()).model_version.version == "2");
  CHECK(house.as<OneVersion>(get()).model_version.aliases == Names{"champion"});
  CHECK(house.alias("m", "champion", "9").status == 404);
  CHECK(house.message(house.alias("m", "latest", "1")).contains("'latest' alias name (case insensitive) is reserved."));
  CHECK(house.message(house.alias("m", "v3", "1")).contains("Version alias name 'v3' is reserved."));
  CHECK(house.del(house.api("model-versions/delete"), R"({"name": "m", "version": "2"})").status == 200);
  CHECK(get().status == 400);
  CHECK(house.message(get()).contains("Registered model alias champion not found."));
  CHECK(house.del(house.api("registered-models/alias"), R"({"name": "m", "alias": "none"})").status == 200);
}

TEST_CASE("given a guarded alias, when a client moves or removes it, then it is refused, and pawl itself may") {
  RegistryHouse house;
  house.model("m");
  house.version("m");
  house.version("m");
  house.models.guard_alias([](Tx&, std::string_view model, std::string_view alias) -> Result<bool> {
    return model == "m" && alias == "champion";
  });
  REQUIRE(house.write([&](Call& call) { return house.models.move_alias(call, "m", "champion", 1); }));
  CHECK(house.alias("m", "champion", "2").status == 403);
  CHECK(house.alias("m", "other", "2").status == 200);
  CHECK(house.del(house.api("registered-models/alias"), R"({"name": "m", "alias": "champion"})").status == 403);
  CHECK(house.del(house.api("model-versions/delete"), R"({"name": "m", "version": "1"})").status == 403);
  CHECK(house.del(house.api("registered-models/delete"), R"({"name": "m"})").status == 403);
  CHECK(house.post(house.api("registered-models/rename"), R"({"name": "m", "new_name": "n"})").status == 403);
  CHECK(house.del(house.api("model-versions/delete"), R"({"name": "m", "version": "2"})").status == 200);
  const auto now = house.read([&](Call& call) { return house.models.by_alias(call.tx, "m", "champion"); });
  CHECK(now.value()->number == 1);
}

TEST_CASE("stages move a version and may archive the others") {
  RegistryHouse house;
  house.model("m");
  house.version("m");
  house.version("m");
  const auto move = [&](std::string number, std::string stage, bool archive = false) {
    return house.post(house.api("model-versions/transition-stage"),
                      R"({"name": "m", "version": ")" + number + R"(", "stage": ")" + stage +
                          R"(", "archive_existing_versions": )" + (archive ? "true}" : "false}"));
  };
  CHECK(house.as<OneVersion>(move("1", "production")).model_version.current_stage == "Production");
  CHECK(house.as<OneVersion>(move("2", "Production", true)).model_version.current_stage == "Production");
  CHECK(house.as<OneVersion>(house.get(house.api("model-versions/get?name=m&version=1"))).model_version.current_stage ==
        "Archived");
  CHECK(house.message(move("1", "bogus"))
            .contains("Invalid Model Version stage: bogus. Value must be one of None, Staging, Production, Archived."));
  CHECK(move("1", "None", true).body.contains("INTERNAL_ERROR"));
  const auto latest = house
                          .as<Versions>(house.post(house.api("registered-models/get-latest-versions"),
                                                   R"({"name": "m", "stages": ["PRODUCTION"]})"))
                          .model_versions;
  REQUIRE(latest.size() == 1);
  CHECK(latest[0].version == "2");
  CHECK(
      house.as<Versions>(house.get(house.api("registered-models/get-latest-versions?name=m"))).model_versions.size() ==
      2);
}

namespace {

// The same rows and the same answers on both engines.
void finds_models(RegistryHouse& house) {
  for (std::string_view name : {"a", "Ab", "c"}) {
    house.clock.pass(std::chrono::seconds(1));
    house.model(name);
  }
  house.post(house.api("registered-models/create"),
             R"({"name": "p", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]})");
  house.post(house.api("registered-models/set-tag"), R"({"name": "a", "key": "k", "value": "v"})");
  const auto models = [&](std::string filter, std::string order = "") {
    Names out;
    for (const auto& m : house
                             .as<ModelPage>(house.get(
                                 house.api("registered-models/search?filter=" + net::percent_encode(filter) + order)))
                             .registered_models)
      out.push_back(m.name);
    return out;
  };
  CHECK(models("") == Names{"Ab", "a", "c"});
  CHECK(models("name ILIKE 'a%'") == Names{"Ab", "a"});
  CHECK(models("name LIKE 'a%'") == Names{"a"});
  CHECK(models("tags.k = 'v'") == Names{"a"});
  CHECK(models("name IN ('a', 'c')", "&order_by=timestamp%20DESC") == Names{"c", "a"});
  CHECK(models("tags.`mlflow.prompt.is_prompt` = 'true'") == Names{"p"});
  const auto run = house.new_run();
  house.version("a", "runs:/" + run + "/m", R"(, "run_id": ")" + run + "\"");
  house.version("a", "s3://b/1");
  house.version("c", "s3://b/2", R"(, "tags": [{"key": "t", "value": "x"}])");
  const auto versions = [&](std::string filter, std::string order = "") {
    Names out;
    for (const auto& v : house
                             .as<VersionPage>(house.get(
                                 house.api("model-versions/search?filter=" + net::percent_encode(filter) + order)))
                             .model_versions)
      out.push_back(v.name + v.version);
    return out;
  };
  CHECK(versions("") == Names{"a2", "a1", "c1"});
  CHECK(versions("run_id = '" + run + "'") == Names{"a1"});
  CHECK(versions("name = 'a' AND version_number > 1") == Names{"a2"});
  CHECK(versions("source_path LIKE 's3:%'") == Names{"a2", "c1"});
  CHECK(versions("tags.t = 'x'") == Names{"c1"});
  CHECK(versions("", "&order_by=version_number%20ASC&order_by=name%20DESC") == Names{"c1", "a1", "a2"});
  const auto page = house.as<VersionPage>(house.get(house.api("model-versions/search?max_results=2")));
  CHECK(page.model_versions.size() == 2);
  CHECK(page.next_page_token.has_value());
  CHECK(house.get(house.api("registered-models/search?max_results=1001")).status == 400);
}

}  // namespace

TEST_CASE("models and versions are searched, prompts are left out unless asked for") {
  RegistryHouse house;
  finds_models(house);
}

TEST_CASE("on PostgreSQL models and versions are searched as on SQLite, and aliases move") {
  RegistryHouse house({.postgres = store::fresh_postgres()});
  finds_models(house);
  CHECK(house.alias("a", "champion", "1").status == 200);
  CHECK(house.alias("a", "champion", "2").status == 200);
  CHECK(house.as<OneModel>(house.get(house.api("registered-models/get?name=a"))).registered_model.aliases ==
        std::vector<Alias>{{"champion", "2"}});
  CHECK(house.del(house.api("model-versions/delete"), R"({"name": "a", "version": "2"})").status == 200);
  CHECK(house.post(house.api("registered-models/rename"), R"({"name": "a", "new_name": "b"})").status == 200);
  CHECK(house.del(house.api("registered-models/delete"), R"({"name": "b"})").status == 200);
}

TEST_CASE("a version made with a flow's token carries flow and epoch, and decisions are told to the ledger") {
  RegistryHouse house;
  house.model("m");
  house.authorizer.who_is = {Who::Kind::flow, "flow:F", Role::scientist, "F/2"};
  house.version("m");
  house.authorizer.who_is = {Who::Kind::local, "local", Role::admin, {}};
  house.alias("m", "best", "1");
  house.post(house.api("model-versions/set-tag"), R"({"name": "m", "version": "1", "key": "k", "value": "v"})");
  house.del(house.api("model-versions/delete"), R"({"name": "m", "version": "1"})");
  CHECK(house.events() == Names{"model.made m", R"(version.made m@1 {"run":"","source":"s3://b/m"})",
                                R"(alias.moved m {"alias":"best","from":null,"to":1})",
                                R"(alias.moved m {"alias":"best","from":1,"to":null})", "version.deleted m@1"});
  house.authorizer.who_is = {Who::Kind::flow, "flow:F", Role::scientist, "F/3"};
  house.version("m");
  const auto found = house.read([&](Call& call) { return house.models.by_flow(call.tx, "F"); });
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().flow_epoch == 3);
  CHECK(found->front().registered_by == "flow:F");
}
