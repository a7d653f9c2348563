// Delivery's asks bound to the rooms below.
#pragma once
#include "access/service.h"
#include "delivery/below.h"
#include "monitoring/service.h"
#include "pipeline/runner.h"
#include "pipeline/service.h"
#include "registry/service.h"
#include "serving/service.h"
#include "tracking/service.h"

namespace pawl::delivery {

class House final : public Below {
 public:
  House(pipeline::Service& pipeline, registry::Service& registry, tracking::Service& tracking, access::Service& access,
        serving::Service& serving, monitoring::Service& monitoring)
      : pipeline_(pipeline),
        registry_(registry),
        tracking_(tracking),
        access_(access),
        serving_(serving),
        monitoring_(monitoring) {}

  Result<Repo> repo(Tx& tx, const std::string& name) override;
  Result<std::string> inspect(Call& call, const InspectAsk& ask) override;
  Result<std::string> train(Call& call, const TrainAsk& ask) override;
  Result<std::string> evaluate(Call& call, const FlowId& flow, const std::string& payload) override;
  Result<Ended> ended(Tx& tx, const std::string& task) override;
  Result<void> drop_tasks(Call& call, const FlowId& flow) override;
  Result<std::optional<Version>> version(Tx& tx, const std::string& model, std::int64_t number) override;
  Result<std::vector<std::string>> models(Tx& tx) override;
  Result<std::vector<Version>> versions(Tx& tx, const std::string& model) override;
  Result<std::vector<Version>> versions_of_flow(Tx& tx, const FlowId& flow) override;
  Result<std::optional<std::int64_t>> alias(Tx& tx, const std::string& model, const std::string& alias) override;
  Result<void> set_alias(Call& call, const std::string& model, const std::string& alias, std::int64_t number,
                         const FlowId& flow) override;
  Result<RunFacts> run(Tx& tx, const std::string& run_id) override;
  Result<std::optional<std::string>> user_of_email(Tx& tx, const std::string& email) override;
  Result<void> put_endpoint(Call& call, const std::string& name, const std::string& model, bool replay,
                            bool regression) override;
  Result<std::optional<Weights>> weights(Tx& tx, const std::string& endpoint) override;
  Result<void> set_weights(Call& call, const std::string& endpoint, const Weights& weights) override;
  Result<void> put_monitor(Call& call, const monitoring::Monitor& monitor, const std::string& cause) override;
  Result<void> drop_monitor(Call& call, const std::string& endpoint, const std::string& cause) override;
  Result<std::optional<Time>> window_end(Tx& tx, const std::string& endpoint) override;
  Result<std::int64_t> forget(const std::string& endpoint, Time before) override;
  Result<std::string> prepare(const Version& version, const std::string& digest,
                              const std::vector<std::string>& inputs) override;
  Result<Tallied> tally(const std::string& endpoint, const std::string& rollout, std::int64_t step,
                        bool canary) override;
  Result<serving::ArmsSeen> compare(const std::string& endpoint, const std::string& rollout, std::int64_t step,
                                    std::int64_t live, std::int64_t canary) override;
  Result<std::int64_t> labels(const std::string& endpoint) override;
  Result<PredictionSeen> prediction(const std::string& id, std::string& model) override;

 private:
  Version version_of(Tx& tx, const registry::Version& v);
  pipeline::Service& pipeline_;
  registry::Service& registry_;
  tracking::Service& tracking_;
  access::Service& access_;
  serving::Service& serving_;
  monitoring::Service& monitoring_;
};

// The runner's code for tasks of kind `evaluate`.
Result<std::string> evaluate_task(pipeline::TaskContext& task, const std::string& payload);

}  // namespace pawl::delivery
