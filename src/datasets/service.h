// What other rooms call: `pipeline` records what a flow's datasets were, `delivery` asks which versions a flow used.
#pragma once
#include "datasets/rows.h"
#include "store/store.h"

namespace pawl::datasets {

class Service {
 public:
  // Makes the version unless this content is known under this name, and links it to the flow.
  Result<DatasetId> record(Call& call, std::string_view repo, std::string_view flow, const DatasetSeen& seen);
  Result<DatasetVersion> find(Tx& tx, const DatasetId& id);
  Result<std::vector<DatasetUse>> of_flow(Tx& tx, std::string_view flow) { return uses_of_flow(tx, flow); }
  Result<std::vector<DatasetUse>> users(Tx& tx, const DatasetId& id) { return uses_of_version(tx, id); }
  Result<std::vector<DatasetVersion>> list(Tx& tx, std::string_view name, const DatasetId& after, std::int64_t limit) {
    return list_versions(tx, name, after, limit);
  }
};

}  // namespace pawl::datasets
