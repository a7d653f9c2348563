// The decisions of the registry, and what other rooms ask of it. Every function is one unit of work in the caller's transaction.
#pragma once
#include "registry/rows.h"
#include "tracking/service.h"

namespace pawl::registry {

class Service {
 public:
  explicit Service(tracking::Service& runs) : runs_(runs) {}

  Result<OneModel> create_model(Call& call, const CreateModel& in);
  Result<OneModel> get_model(Call& call, const ByName& in);
  Result<OneModel> update_model(Call& call, const UpdateModel& in);
  Result<OneModel> rename_model(Call& call, const RenameModel& in);
  Result<Nothing> delete_model(Call& call, const ByName& in);
  Result<ModelPage> search_models(Call& call, const SearchModels& in);
  Result<Versions> latest_versions(Call& call, const GetLatestVersions& in);
  Result<Nothing> set_model_tag(Call& call, const SetModelTag& in);
  Result<Nothing> delete_model_tag(Call& call, const DeleteModelTag& in);

  Result<Nothing> set_alias(Call& call, const SetAlias& in);
  Result<Nothing> delete_alias(Call& call, const ByAlias& in);
  Result<OneVersion> get_by_alias(Call& call, const ByAlias& in);

  Result<OneVersion> create_version(Call& call, const CreateVersion& in);
  Result<OneVersion> get_version(Call& call, const ByVersion& in);
  Result<OneVersion> update_version(Call& call, const UpdateVersion& in);
  Result<OneVersion> transition(Call& call, const TransitionStage& in);
  Result<Nothing> delete_version(Call& call, const ByVersion& in);
  Result<VersionPage> search_versions(Call& call, const SearchVersions& in);
  Result<DownloadUri> download_uri(Call& call, const ByVersion& in);
  Result<Nothing> set_version_tag(Call& call, const SetVersionTag& in);
  Result<Nothing> delete_version_tag(Call& call, const DeleteVersionTag& in);

  // For rooms above. Code::missing in MLflow's words where something named is not there.
  Result<Version> find_version(Tx& tx, std::string_view name, std::int64_t number);
  Result<Version> find_version(Tx& tx, std::string_view label);  // NAME@V, NAME@alias
  Result<std::vector<Version>> versions_of(Tx& tx, std::string_view name) {
    return rows::versions_of(tx, name);
  }  // newest first
  Result<std::vector<Version>> by_flow(Tx& tx, std::string_view flow) {
    return rows::versions_of_flow(tx, flow);
  }  // oldest epoch first
  Result<std::optional<Version>> by_alias(Tx& tx, std::string_view name, std::string_view alias);
  Result<std::vector<Alias>> aliases_of(Tx& tx, std::string_view name) { return rows::aliases(tx, name); }
  Result<std::vector<std::string>> model_names(Tx& tx);
  // The folder of a version's files, relative to the server's artifacts. Refused when this server does not keep them.
  Result<std::string> artifact_path(Tx& tx, const Version& version);
  // pawl itself moves an alias, guarded or not, on behalf of a flow; nothing happens when it is there already.
  Result<void> move_alias(Call& call, std::string_view name, std::string_view alias, std::int64_t version,
                          std::string_view flow = {});
  Result<void> drop_alias(Call& call, std::string_view name, std::string_view alias, std::string_view flow = {});
  // Which aliases only pawl moves: a client that tries gets Code::denied.
  using Guard = std::function<Result<bool>(Tx& tx, std::string_view model, std::string_view alias)>;
  void guard_alias(Guard guard) { guard_ = std::move(guard); }

 private:
  Result<RegisteredModel> model(Tx& tx, std::string_view name);
  Result<OneModel> whole_model(Tx& tx, RegisteredModel model);
  Result<Version> version(Tx& tx, std::string_view name, std::string_view number);
  Result<OneVersion> whole_version(Tx& tx, const Version& v);
  // Settles source, run, model and storage location of a new version by the rules of the wire spec, section 9.
  Result<Version> resolve(Tx& tx, const CreateVersion& in);
  Result<void> check_source(Tx& tx, const CreateVersion& in, const Version& v);
  Result<void> may_move(Call& call, std::string_view name, std::string_view alias);
  Result<void> may_lose_aliases(Call& call, std::string_view name, std::optional<std::int64_t> version);
  void tell_alias(Call& call, std::string_view name, std::string_view alias, std::optional<std::int64_t> from,
                  std::optional<std::int64_t> to, std::string_view flow);

  tracking::Service& runs_;
  Guard guard_;
};

}  // namespace pawl::registry
