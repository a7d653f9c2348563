#include "registry/routes.h"

#include "tracking/artifact_files.h"
#include "tracking/mlflow_routes.h"

namespace pawl::registry {
using enum net::Method;
using tracking::MlflowRoutes;

namespace {

void mount_models(MlflowRoutes at, Service& s) {
  at.add({.method = POST,
          .path = "/mlflow/registered-models/create",
          .needs = May::track,
          .on = On::writer,
          .about = "Register a model's name"},
         [&s](Call& call, const CreateModel& in) { return s.create_model(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/registered-models/get",
          .needs = May::read,
          .on = On::reader,
          .about = "One registered model"},
         [&s](Call& call, const ByName& in) { return s.get_model(call, in); });
  at.add({.method = PATCH,
          .path = "/mlflow/registered-models/update",
          .needs = May::track,
          .on = On::writer,
          .about = "Describe a registered model"},
         [&s](Call& call, const UpdateModel& in) { return s.update_model(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/registered-models/rename",
          .needs = May::track,
          .on = On::writer,
          .about = "Rename a registered model"},
         [&s](Call& call, const RenameModel& in) { return s.rename_model(call, in); });
  at.add({.method = DELETE,
          .path = "/mlflow/registered-models/delete",
          .needs = May::track,
          .on = On::writer,
          .about = "Delete a registered model and its versions"},
         [&s](Call& call, const ByName& in) { return s.delete_model(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/registered-models/search",
          .needs = May::read,
          .on = On::reader,
          .about = "Search registered models"},
         [&s](Call& call, const SearchModels& in) { return s.search_models(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/registered-models/get-latest-versions",
          .needs = May::read,
          .on = On::reader,
          .about = "The newest version of each stage"},
         [&s](Call& call, const GetLatestVersions& in) { return s.latest_versions(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/registered-models/get-latest-versions",
          .needs = May::read,
          .on = On::reader,
          .about = "The newest version of each stage"},
         [&s](Call& call, const GetLatestVersions& in) { return s.latest_versions(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/registered-models/set-tag",
          .needs = May::track,
          .on = On::writer,
          .about = "Tag a registered model"},
         [&s](Call& call, const SetModelTag& in) { return s.set_model_tag(call, in); });
  at.add({.method = DELETE,
          .path = "/mlflow/registered-models/delete-tag",
          .needs = May::track,
          .on = On::writer,
          .about = "Remove a registered model's tag"},
         [&s](Call& call, const DeleteModelTag& in) { return s.delete_model_tag(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/registered-models/alias",
          .needs = May::track,
          .on = On::writer,
          .about = "Point an alias at a version"},
         [&s](Call& call, const SetAlias& in) { return s.set_alias(call, in); });
  at.add({.method = DELETE,
          .path = "/mlflow/registered-models/alias",
          .needs = May::track,
          .on = On::writer,
          .about = "Remove an alias"},
         [&s](Call& call, const ByAlias& in) { return s.delete_alias(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/registered-models/alias",
          .needs = May::read,
          .on = On::reader,
          .about = "The version an alias points at"},
         [&s](Call& call, const ByAlias& in) { return s.get_by_alias(call, in); });
}

void mount_versions(MlflowRoutes at, Service& s) {
  at.add({.method = POST,
          .path = "/mlflow/model-versions/create",
          .needs = May::track,
          .on = On::writer,
          .about = "Register a version"},
         [&s](Call& call, const CreateVersion& in) { return s.create_version(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/model-versions/get",
          .needs = May::read,
          .on = On::reader,
          .about = "One version"},
         [&s](Call& call, const ByVersion& in) { return s.get_version(call, in); });
  at.add({.method = PATCH,
          .path = "/mlflow/model-versions/update",
          .needs = May::track,
          .on = On::writer,
          .about = "Describe a version"},
         [&s](Call& call, const UpdateVersion& in) { return s.update_version(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/model-versions/transition-stage",
          .needs = May::track,
          .on = On::writer,
          .about = "Move a version to a stage"},
         [&s](Call& call, const TransitionStage& in) { return s.transition(call, in); });
  at.add({.method = DELETE,
          .path = "/mlflow/model-versions/delete",
          .needs = May::track,
          .on = On::writer,
          .about = "Delete a version"},
         [&s](Call& call, const ByVersion& in) { return s.delete_version(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/model-versions/search",
          .needs = May::read,
          .on = On::reader,
          .about = "Search versions"},
         [&s](Call& call, const SearchVersions& in) { return s.search_versions(call, in); });
  at.add({.method = GET,
          .path = "/mlflow/model-versions/get-download-uri",
          .needs = May::read,
          .on = On::reader,
          .about = "Where a version's files lie"},
         [&s](Call& call, const ByVersion& in) { return s.download_uri(call, in); });
  at.add({.method = POST,
          .path = "/mlflow/model-versions/set-tag",
          .needs = May::track,
          .on = On::writer,
          .about = "Tag a version"},
         [&s](Call& call, const SetVersionTag& in) { return s.set_version_tag(call, in); });
  at.add({.method = DELETE,
          .path = "/mlflow/model-versions/delete-tag",
          .needs = May::track,
          .on = On::writer,
          .about = "Remove a version's tag"},
         [&s](Call& call, const DeleteVersionTag& in) { return s.delete_version_tag(call, in); });
}

}  // namespace

void mount(net::Router& router, Service& s, store::Store& store, const store::Artifacts& files) {
  mount_models({router}, s);
  mount_versions({router}, s);
  router.add_raw(
      {.method = GET,
       .path = "/model-versions/get-artifact",
       .needs = May::read,
       .on = On::pool,
       .about = "The bytes of a version's artifact",
       .dialect = net::Dialect::mlflow},
      [&](Ask& ask, const net::Request& request) -> Result<net::Response> {
        const auto path = request.arg("path");
        TRY_(files.at(path));
        TRY(folder, store.read_for<std::string>([&](Tx& tx) -> Result<std::string> {
          Call call(tx, ask);
          TRY(version, s.get_version(call, {std::string(request.arg("name")), std::string(request.arg("version"))}));
          TRY(found, s.find_version(tx, version.model_version.name, std::stoll(version.model_version.version)));
          return s.artifact_path(tx, found);
        }));
        return tracking::file_response(files, tracking::join_path(folder, path), path);
      });
}

}  // namespace pawl::registry
