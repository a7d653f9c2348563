// Results of earlier runs by what went into them: `<cache>/runs`, in DVC's own format.
#pragma once
#include "pipeline/project.h"

namespace pawl::pipeline {

// Whether DVC keeps runs of such a stage: inputs and outs, nothing always changed, persistent or uncached (metrics and plots apart).
bool may_be_kept(const Project& project, const Stage& stage);
Result<void> keep_run(Project& project, const Stage& stage, const dvc::LockedStage& locked);
// The newest kept run on exactly these inputs whose outs are all in the cache.
Result<std::optional<dvc::LockedStage>> find_run(Project& project, const Stage& stage, const dvc::LockedStage& inputs);

}  // namespace pawl::pipeline
