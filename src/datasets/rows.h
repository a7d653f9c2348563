#pragma once
#include "datasets/types.h"
#include "store/sql.h"

namespace pawl::datasets {

Result<bool> put_version(Tx& tx, const DatasetVersion& version, std::string_view project,
                         Time now);  // false: it was there
Result<void> put_use(Tx& tx, const DatasetUse& use);
Result<std::optional<DatasetVersion>> find_version(Tx& tx, const DatasetId& id);
// Newest first, after the version `after` (empty: from the start); without profiles.
Result<std::vector<DatasetVersion>> list_versions(Tx& tx, std::string_view name, const DatasetId& after,
                                                  std::int64_t limit);
Result<std::vector<DatasetUse>> uses_of_flow(Tx& tx, std::string_view flow);
Result<std::vector<DatasetUse>> uses_of_version(Tx& tx, const DatasetId& id);

}  // namespace pawl::datasets
