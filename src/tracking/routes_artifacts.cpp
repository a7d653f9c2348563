// Bytes go past this room in pieces: in through store's NewFile (temporary name, sync, rename), out as a file that net sends.
#include <filesystem>

#include "tracking/artifact_files.h"
#include "tracking/mlflow_routes.h"
#include "tracking/routes.h"
#include "wire/mlflow/dialect.h"
#include "wire/mlflow/texts.h"

namespace pawl::tracking {
using enum net::Method;

namespace {

using mlflow::refuse;

struct FileInfo {
  std::string path{};
  bool is_dir = false;
  std::optional<std::int64_t> file_size{};
  static constexpr auto fields = std::tuple{field("path", &FileInfo::path), field("is_dir", &FileInfo::is_dir),
                                            field("file_size", &FileInfo::file_size)};
};
struct ListFiles {
  std::string path{};
  static constexpr auto fields = std::tuple{field("path", &ListFiles::path)};
};
struct Files {
  std::vector<FileInfo> files{};
  static constexpr auto fields = std::tuple{field("files", &Files::files, {.empty = Empty::hide})};
};
struct ListArtifacts {
  RunId run_id{};
  std::string path{}, page_token{};
  static constexpr auto fields =
      std::tuple{field("run_id", &ListArtifacts::run_id, {.required = true, .alias = "run_uuid"}),
                 field("path", &ListArtifacts::path), field("page_token", &ListArtifacts::page_token)};
};
struct ListModelArtifacts {
  ModelId model_id{};
  std::string artifact_directory_path{}, page_token{};
  static constexpr auto fields =
      std::tuple{field("model_id", &ListModelArtifacts::model_id, {.required = true}),
                 field("artifact_directory_path", &ListModelArtifacts::artifact_directory_path),
                 field("page_token", &ListModelArtifacts::page_token)};
};
struct RootedFiles {
  std::string root_uri{};
  std::vector<FileInfo> files{};
  static constexpr auto fields = std::tuple{field("root_uri", &RootedFiles::root_uri),
                                            field("files", &RootedFiles::files, {.empty = Empty::hide})};
};

// Names as the caller knows them: below `shown`, which is what it asked for.
Result<std::vector<FileInfo>> listed(const store::Artifacts& files, std::string_view folder, std::string_view shown) {
  TRY(entries, files.list(folder));
  std::vector<FileInfo> out;
  out.reserve(entries.size());
  for (const auto& e : entries)
    out.push_back({join_path(shown, e.name), e.is_dir, e.is_dir ? std::nullopt : std::optional(e.size)});
  return out;
}

net::Response empty_object() {
  net::Response out;
  out.body = "{}";
  return out;
}

// An upload that is not finished leaves nothing: NewFile takes its temporary file away.
class FileUpload final : public net::Upload {
 public:
  explicit FileUpload(store::NewFile file) : file_(std::move(file)) {}
  Result<void> write(std::string_view piece) override { return file_.write(piece); }
  Result<net::Response> finish() override {
    TRY_(file_.finish());
    return empty_object();
  }

 private:
  store::NewFile file_;
};

Result<store::NewFile> new_file(const store::Artifacts& files, std::string_view path) {
  TRY(place, files.at(path));
  std::error_code ec;
  if (place == files.root() || path.ends_with('/') || std::filesystem::is_directory(place, ec))
    return refuse("Invalid path");
  return store::NewFile::create(place);
}

// Where the artifacts of a run, or of a logged model, are kept; looked up on the pool, where files are read.
Result<std::string> run_folder(store::Store& store, Service& runs, std::string_view run) {
  TRY(uri, store.read_for<std::string>([&](Tx& tx) -> Result<std::string> {
    TRY(head, runs.find_run(tx, run));
    return head.info.artifact_uri;
  }));
  return stored_path(uri);
}
Result<LoggedModelInfo> model_info(store::Store& store, Service& runs, std::string_view model) {
  return store.read_for<LoggedModelInfo>([&](Tx& tx) -> Result<LoggedModelInfo> {
    TRY(found, runs.find_logged_model(tx, model));
    return found.info;
  });
}

Result<net::Response> upload_through_run(store::Store& store, Service& runs, const store::Artifacts& files,
                                         const Ask& ask, const net::Request& request) {
  constexpr std::size_t bytes_max = 10 << 20;
  auto run = request.arg("run_id");
  if (run.empty()) run = request.arg("run_uuid");
  const auto path = request.arg("path");
  if (run.empty()) return refuse("Request must specify run_id or run_uuid.");
  if (path.empty()) return refuse("Request must specify path.");
  TRY_(files.at(path));
  if (request.body.size() > bytes_max) return refuse("Artifact size is too large. Max size is 10MB.");
  if (request.body.empty()) return refuse("Request must specify data.");
  TRY(folder, run_folder(store, runs, run));
  const auto place = join_path(folder, path);
  TRY_(store.read([&](Tx& tx) { return runs.may_write_artifact(tx, ask.who, place); }));
  TRY(file, new_file(files, place));
  TRY_(file.write(request.body));
  TRY_(file.finish());
  return empty_object();
}

void mount_proxy(net::Router& at, Service& runs, store::Store& store, const store::Artifacts& files,
                 const std::string& prefix) {
  const auto may_write = [&runs, &store](const Ask& ask, std::string_view path) {
    return store.read([&](Tx& tx) { return runs.may_write_artifact(tx, ask.who, path); });
  };
  const auto dialect = net::Dialect::mlflow;
  at.add({.method = GET,
          .path = prefix + "/artifacts",
          .needs = May::read,
          .on = On::pool,
          .about = "Artifacts in a folder",
          .dialect = dialect},
         [&files](Ask&, const ListFiles& in) -> Result<Files> {
           TRY(found, listed(files, in.path, ""));
           return Files{std::move(found)};
         });
  at.add_raw({.method = GET,
              .path = prefix + "/artifacts/{path...}",
              .needs = May::read,
              .on = On::pool,
              .about = "The bytes of an artifact",
              .dialect = dialect},
             [&files](Ask&, const net::Request& request) {
               return file_response(files, request.param("path"), request.param("path"));
             });
  at.add_upload({.method = PUT,
                 .path = prefix + "/artifacts/{path...}",
                 .needs = May::track,
                 .on = On::pool,
                 .about = "Store an artifact",
                 .dialect = dialect},
                [&files, may_write](Ask& ask, const net::Request& request) -> Result<std::unique_ptr<net::Upload>> {
                  TRY_(may_write(ask, request.param("path")));
                  TRY(file, new_file(files, request.param("path")));
                  return std::make_unique<FileUpload>(std::move(file));
                });
  at.add_raw({.method = DELETE,
              .path = prefix + "/artifacts/{path...}",
              .needs = May::track,
              .on = On::pool,
              .about = "Remove an artifact or a folder of them",
              .dialect = dialect},
             [&files, may_write](Ask& ask, const net::Request& request) -> Result<net::Response> {
               TRY_(may_write(ask, request.param("path")));
               TRY_(files.remove(request.param("path")));
               return empty_object();
             });
  const auto not_here = [](std::string_view what) {
    return [message = std::string(what) + " is not supported for the current artifact repository"](
               Ask&, const net::Request&) -> Result<net::Response> {
      net::Response out;
      out.status = mlflow::not_implemented_status;
      out.body = mlflow::envelope(mlflow::not_implemented, message);
      return out;
    };
  };
  for (std::string_view step : {"create", "complete", "abort"})
    at.add_raw({.method = POST,
                .path = prefix + "/mpu/" + std::string(step) + "/{path...}",
                .needs = May::track,
                .on = On::io,
                .about = "Upload in parts: not offered",
                .dialect = dialect},
               not_here("Multipart upload"));
  at.add_raw({.method = GET,
              .path = prefix + "/presigned/{path...}",
              .needs = May::read,
              .on = On::io,
              .about = "Presigned download: not offered",
              .dialect = dialect},
             not_here("Presigned download"));
}

}  // namespace

void mount_artifacts(net::Router& at, Service& runs, store::Store& store, const store::Artifacts& files) {
  mount_proxy(at, runs, store, files, "/api/2.0/mlflow-artifacts");
  mount_proxy(at, runs, store, files, "/ajax-api/2.0/mlflow-artifacts");
  MlflowRoutes both{at};
  both.add({.method = GET,
            .path = "/mlflow/artifacts/list",
            .needs = May::read,
            .on = On::pool,
            .about = "Artifacts of a run"},
           [&](Ask&, const ListArtifacts& in) -> Result<RootedFiles> {
             TRY_(files.at(in.path));
             TRY(uri, store.read_for<std::string>([&](Tx& tx) -> Result<std::string> {
               TRY(head, runs.find_run(tx, in.run_id.text));
               return head.info.artifact_uri;
             }));
             TRY(folder, stored_path(uri));
             TRY(found, listed(files, join_path(folder, in.path), in.path));
             return RootedFiles{uri, std::move(found)};
           });
  both.add({.method = GET,
            .path = "/mlflow/logged-models/{model_id}/artifacts/directories",
            .needs = May::read,
            .on = On::pool,
            .about = "Artifacts of a logged model"},
           [&](Ask&, const ListModelArtifacts& in) -> Result<RootedFiles> {
             TRY_(files.at(in.artifact_directory_path));
             TRY(info, model_info(store, runs, in.model_id.text));
             TRY(folder, stored_path(info.artifact_uri));
             TRY(found, listed(files, join_path(folder, in.artifact_directory_path), in.artifact_directory_path));
             return RootedFiles{info.artifact_uri, std::move(found)};
           });
  const auto dialect = net::Dialect::mlflow;
  at.add_raw({.method = GET,
              .path = "/get-artifact",
              .needs = May::read,
              .on = On::pool,
              .about = "The bytes of a run's artifact",
              .dialect = dialect},
             [&](Ask&, const net::Request& request) -> Result<net::Response> {
               auto run = request.arg("run_id");
               if (run.empty()) run = request.arg("run_uuid");
               TRY_(files.at(request.arg("path")));
               TRY(folder, run_folder(store, runs, run));
               return file_response(files, join_path(folder, request.arg("path")), request.arg("path"));
             });
  at.add_raw({.method = GET,
              .path = "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files",
              .needs = May::read,
              .on = On::pool,
              .about = "The bytes of a logged model's artifact",
              .dialect = dialect},
             [&](Ask&, const net::Request& request) -> Result<net::Response> {
               const auto path = request.arg("artifact_file_path");
               if (path.empty()) return refuse("Request must include the \"artifact_file_path\" query parameter.");
               TRY_(files.at(path));
               TRY(info, model_info(store, runs, request.param("model_id")));
               TRY(folder, stored_path(info.artifact_uri));
               return file_response(files, join_path(folder, path), path);
             });
  at.add_raw(
      {.method = POST,
       .path = "/ajax-api/2.0/mlflow/upload-artifact",
       .needs = May::track,
       .on = On::pool,
       .about = "Store a small artifact of a run",
       .dialect = dialect},
      [&](Ask& ask, const net::Request& request) { return upload_through_run(store, runs, files, ask, request); });
}

}  // namespace pawl::tracking
