// The SQL of serving: endpoints with their routing, and the versions that were prepared. The prediction log is no SQL.
#pragma once
#include "serving/types.h"
#include "store/sql.h"
#include "wire/v2/tensor.h"

namespace pawl::serving {

struct EndpointRow {
  std::int64_t number = 0;
  std::string name{}, model{};
  bool replay = false, regression = false;
  Routing routing{};
  Time created{};
};
struct VersionRow {
  std::string model{};
  std::int64_t version = 0;
  std::string folder{}, digest{};
  std::int64_t bytes = 0;
  std::vector<std::string> column_names{};  // as pawl.yaml's model.inputs gave them
  double us_one_row = 0, us_per_row = 0;
  std::vector<v2::Port> inputs{}, outputs{};
  Time prepared{};
};

Result<std::vector<EndpointRow>> all_endpoints(Tx& tx);
Result<std::optional<EndpointRow>> find_endpoint(Tx& tx, std::string_view name);
// Makes it, or changes nothing but `replay` of the one that has the name.
Result<void> put_endpoint_row(Tx& tx, const NewEndpoint& endpoint, std::string_view project, Time now);
Result<void> put_routing(Tx& tx, std::int64_t number, const Routing& routing);
Result<std::vector<VersionRow>> all_versions(Tx& tx);
Result<bool> is_prepared(Tx& tx, std::string_view model, std::int64_t version);
Result<void> put_version(Tx& tx, const VersionRow& version);

std::vector<PreparedPort> said(const std::vector<v2::Port>& ports);

}  // namespace pawl::serving
