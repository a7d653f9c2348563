// What delivery asks of the rooms below it, in one list. `house.cpp` binds it to them; tests stand in for a runner, a registry and an endpoint.
#pragma once
#include "delivery/config.h"
#include "delivery/types.h"
#include "monitoring/types.h"
#include "serving/compare.h"
#include "store/sql.h"

namespace pawl::delivery {

struct Repo {
  std::string name{}, url{}, branch{};
};
// What a runner found in a commit.
struct Inspection {
  std::string commit{}, message{};
  std::vector<std::string> committers{};  // e-mail addresses since the live version's commit
  Files files{};                          // pawl.yaml and the files its gate names; empty: there is no pawl.yaml
  Texts data_digests{};                   // path -> md5
  static constexpr auto fields =
      std::tuple{field("commit", &Inspection::commit), field("message", &Inspection::message),
                 field("committers", &Inspection::committers), field("files", &Inspection::files),
                 field("data_digests", &Inspection::data_digests)};
};
struct InspectAsk {
  std::string repo{}, commit{}, ref{}, since{};
  std::vector<std::string> data_paths{};
};
struct TrainAsk {
  FlowId flow{};
  std::string model{}, repo{}, commit{};
  Texts set{};
  std::string pipeline{}, output{}, train{}, test{}, time{}, checks{}, checks_path{};
};
// What a runner handed in for a pipeline.
struct Trained {
  std::string lock{};
  std::vector<StageRun> stages{};
  bool nothing_new = false;
  std::int64_t version = 0;  // 0: none was registered
  std::vector<DatasetUse> datasets{};
  Json environment{};
  std::vector<std::string> warnings{};
  static constexpr auto fields = std::tuple{field("lock", &Trained::lock),
                                            field("stages", &Trained::stages),
                                            field("nothing_new", &Trained::nothing_new),
                                            field("version", &Trained::version),
                                            field("datasets", &Trained::datasets),
                                            field("environment", &Trained::environment),
                                            field("warnings", &Trained::warnings)};
};
struct Ended {
  std::string kind{};  // inspect, pipeline, evaluate
  bool ok = false;
  std::string error{}, flow{}, result{};  // result: JSON, of an evaluation
  Inspection inspection{};
  Trained trained{};
};
struct Version {
  std::string model{};
  std::int64_t number = 0, epoch = 0;
  std::string run_id{}, source{}, flow{}, by{};
  std::string artifact{};  // its folder, relative to the root of artifacts
  Time created{};
  std::vector<std::string> aliases{};
};
struct RunFacts {
  Texts params{};
  Numbers metrics{};
};
// What an endpoint sends where.
struct Share {
  std::int64_t version = 0;
  double share = 0;  // percent
  bool canary = false;
  static constexpr auto fields =
      std::tuple{field("version", &Share::version), field("share", &Share::share), field("canary", &Share::canary)};
};
struct Weights {
  std::vector<Share> shares{};
  std::string rollout{}, salt{};
  std::int64_t step = 0;
  std::int64_t live() const {
    for (const Share& s : shares)
      if (!s.canary) return s.version;
    return 0;
  }
  static constexpr auto fields = std::tuple{field("shares", &Weights::shares), field("rollout", &Weights::rollout),
                                            field("salt", &Weights::salt), field("step", &Weights::step)};
};
// What an arm did in a step, from the prediction log.
struct Tallied {
  std::int64_t rows = 0, requests = 0, errors = 0;
  double p50_ms = 0, p99_ms = 0;
  Micros events{0};  // from the first to the last event time
  Micros span{0};    // from the first to the last arrival
};

class Below {
 public:
  virtual ~Below() = default;
  // pipeline: a task's id; `task.ended` tells of its end
  virtual Result<Repo> repo(Tx& tx, const std::string& name) = 0;
  virtual Result<std::string> inspect(Call& call, const InspectAsk& ask) = 0;
  virtual Result<std::string> train(Call& call, const TrainAsk& ask) = 0;
  virtual Result<std::string> evaluate(Call& call, const FlowId& flow, const std::string& payload) = 0;
  virtual Result<Ended> ended(Tx& tx, const std::string& task) = 0;
  virtual Result<void> drop_tasks(Call& call, const FlowId& flow) = 0;
  // registry and tracking
  virtual Result<std::optional<Version>> version(Tx& tx, const std::string& model, std::int64_t number) = 0;
  virtual Result<std::vector<std::string>> models(Tx& tx) = 0;                          // registered ones, by name
  virtual Result<std::vector<Version>> versions(Tx& tx, const std::string& model) = 0;  // newest first
  virtual Result<std::vector<Version>> versions_of_flow(Tx& tx, const FlowId& flow) = 0;
  virtual Result<std::optional<std::int64_t>> alias(Tx& tx, const std::string& model, const std::string& alias) = 0;
  virtual Result<void> set_alias(Call& call, const std::string& model, const std::string& alias, std::int64_t number,
                                 const FlowId& flow) = 0;  // 0: taken away
  virtual Result<RunFacts> run(Tx& tx, const std::string& run_id) = 0;
  // access
  virtual Result<std::optional<std::string>> user_of_email(Tx& tx, const std::string& email) = 0;
  // serving
  virtual Result<void> put_endpoint(Call& call, const std::string& name, const std::string& model, bool replay,
                                    bool regression) = 0;
  virtual Result<std::optional<Weights>> weights(Tx& tx, const std::string& endpoint) = 0;
  virtual Result<void> set_weights(Call& call, const std::string& endpoint, const Weights& weights) = 0;
  // monitoring
  virtual Result<void> put_monitor(Call& call, const monitoring::Monitor& monitor, const std::string& cause) = 0;
  virtual Result<void> drop_monitor(Call& call, const std::string& endpoint, const std::string& cause) = 0;
  virtual Result<std::optional<Time>> window_end(Tx& tx, const std::string& endpoint) = 0;  // of the newest closed one
  // Outside any transaction; these block.
  virtual Result<std::string> prepare(const Version& version, const std::string& digest,
                                      const std::vector<std::string>& inputs) = 0;  // digest of the model file
  virtual Result<Tallied> tally(const std::string& endpoint, const std::string& rollout, std::int64_t step,
                                bool canary) = 0;
  virtual Result<serving::ArmsSeen> compare(const std::string& endpoint, const std::string& rollout, std::int64_t step,
                                            std::int64_t live, std::int64_t canary) = 0;
  virtual Result<std::int64_t> labels(const std::string& endpoint) = 0;  // grows with every label that comes
  virtual Result<std::int64_t> forget(const std::string& endpoint, Time before) = 0;  // how many segments went
  virtual Result<PredictionSeen> prediction(const std::string& id, std::string& model) = 0;
};

}  // namespace pawl::delivery
