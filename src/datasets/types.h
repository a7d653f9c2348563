// Dataset versions as the server keeps them: known by content, described by schema and profile, linked to the flows that used them.
#pragma once
#include "datasets/table.h"

namespace pawl::datasets {

using DatasetId = Id<struct dataset_tag>;

// One file of data as a runner saw it in a pipeline.
struct DatasetSeen {
  std::string role{};  // train, test, other
  std::string path{};  // in the team's repository
  std::string md5{};   // DVC's digest of the file or folder
  std::int64_t size = 0, rows = 0;
  std::string time_min{}, time_max{};  // of the model's time column; empty without one
  std::vector<Column> columns{};
  Json profile{};
  std::vector<Finding> findings{};  // of the checks for training
  static constexpr auto fields =
      std::tuple{field("role", &DatasetSeen::role),         field("path", &DatasetSeen::path, {.required = true}),
                 field("md5", &DatasetSeen::md5),           field("size", &DatasetSeen::size),
                 field("rows", &DatasetSeen::rows),         field("time_min", &DatasetSeen::time_min),
                 field("time_max", &DatasetSeen::time_max), field("columns", &DatasetSeen::columns),
                 field("profile", &DatasetSeen::profile),   field("findings", &DatasetSeen::findings)};
};

struct DatasetVersion {
  DatasetId id{};      // 16 hex digits of the SHA-256 over name, content and schema
  std::string name{};  // REPO/PATH
  std::string md5{};
  std::int64_t size = 0, rows = 0;
  std::string time_min{}, time_max{};
  Json columns{}, profile{};
  std::string created{};
  static constexpr auto fields = std::tuple{field("id", &DatasetVersion::id),
                                            field("name", &DatasetVersion::name),
                                            field("md5", &DatasetVersion::md5),
                                            field("size", &DatasetVersion::size),
                                            field("rows", &DatasetVersion::rows),
                                            field("time_min", &DatasetVersion::time_min),
                                            field("time_max", &DatasetVersion::time_max),
                                            field("columns", &DatasetVersion::columns),
                                            field("profile", &DatasetVersion::profile),
                                            field("created", &DatasetVersion::created)};
};
struct DatasetUse {
  std::string flow{}, role{}, path{}, name{}, md5{};
  DatasetId version{};
  Json findings{};
  static constexpr auto fields = std::tuple{
      field("flow", &DatasetUse::flow),        field("role", &DatasetUse::role), field("path", &DatasetUse::path),
      field("name", &DatasetUse::name),        field("md5", &DatasetUse::md5),   field("version", &DatasetUse::version),
      field("findings", &DatasetUse::findings)};
};

}  // namespace pawl::datasets
