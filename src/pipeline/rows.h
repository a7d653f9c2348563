#pragma once
#include "pipeline/types.h"

namespace pawl::pipeline::rows {

Result<bool> insert_repository(Tx& tx, const NewRepository& in, std::string_view project,
                               Time now);  // false: the name is taken
Result<std::optional<Repository>> find_repository(Tx& tx, std::string_view name);
Result<std::vector<Repository>> repositories(Tx& tx);

// Tasks are rows of `jobs`; these look at them across flows.
struct Holding {
  std::string flow;
  std::int64_t epoch = 0;
};
Result<std::vector<Holding>> running_pipelines(Tx& tx);
struct Finished {
  std::string payload, result;
};
Result<std::vector<Finished>> finished_pipelines(Tx& tx, std::int64_t limit);  // newest first
Result<bool> unfinished(Tx& tx);
Result<std::vector<Task>> newest_tasks(Tx& tx, std::int64_t limit);

}  // namespace pawl::pipeline::rows
