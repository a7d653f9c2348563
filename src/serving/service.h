// Serving's decisions: which version answers, what is kept of it. The routing is an immutable snapshot, swapped after the commit that changed
// it, so a prediction meets no lock of the store and no SQL. Thread-safe.
#pragma once
#include "core/hash.h"
#include "serving/log/batch.h"
#include "serving/model/onnx.h"
#include "serving/types.h"
#include "store/store.h"
#include "wire/v2/codec.h"

namespace CLI {
class App;
}
namespace pawl::jobs {
class Worker;
}
namespace pawl::net {
struct Command;
class Metrics;
class Router;
class Server;
}  // namespace pawl::net
namespace pawl::serving {

struct Options {
  std::filesystem::path data{};       // predictions/ and keys/ lie below
  std::filesystem::path artifacts{};  // the root that artifact folders are relative to; empty: data/artifacts
  std::size_t model_bytes_max =
      2ULL << 30;  // loaded models together; past it the one not used for longest goes, never a live or canary one
  std::size_t segment_bytes_max = 64 << 20;  // of the log's tail; then the next one begins
  net::Metrics* metrics = nullptr;           // rows by endpoint, version and status; null: not counted
};

// A request and where its answer goes: once, from any thread.
struct Inference {
  std::string endpoint{};
  std::optional<std::int64_t> version{};      // asked for by number
  std::shared_ptr<const std::string> body{};  // kept alive, not copied: it may be 64 MB
  std::optional<std::size_t> json_bytes{};    // of the body, before binary values; absent: all of it
  Time received{};
  std::chrono::steady_clock::time_point begun{};  // what its latency counts from
  std::string project = "default";
};
using Answered = std::move_only_function<void(Result<v2::Body>)>;

class Service {
 public:
  // Reads the endpoints; loads no model and opens no library.
  static Result<std::unique_ptr<Service>> open(Options options, store::Store& store, const Clock& clock,
                                               Random& random);
  ~Service();
  // Once the server listens: its pool and its loop are used from now on, and the live versions are loaded on the pool. Without, all happens on the caller's thread.
  void attach(net::Server& server);
  // Before the server goes away: waits for loads that are under way.
  void detach();

  // Sealing of closed segments, as a job.
  void work(jobs::Worker& worker);

  // ---- for delivery ----
  // Loads the version from its artifact folder (relative to the root), proves that it answers and keeps that for later loads. Blocks: job or pool threads only.
  // `digest`: what the .onnx file must have (SHA-256), empty when not known. `inputs`: pawl.yaml's model.inputs.
  Result<Prepared> prepare(const std::string& model, std::int64_t version, const std::string& folder,
                           const std::string& digest = {}, std::vector<std::string> inputs = {});
  // Makes the endpoint when it is not there; Code::conflict when the name belongs to another model. Changes `replay` of one that is there.
  Result<void> put_endpoint(Call& call, const NewEndpoint& endpoint);
  // Every arm must have been prepared. Takes effect right after the commit. Answers the routing with its generation. Events are the caller's.
  Result<Routing> set_routing(Call& call, const std::string& endpoint, Routing routing);
  Result<Routing> routing(Tx& tx, const std::string& endpoint);
  // From the prediction log; reads what was added since the last call. Job or pool threads. The endpoint's lines outside rollouts have rollout "", step 0.
  Result<Tally> tally(const std::string& endpoint, const std::string& rollout, std::int64_t step, Arm arm);
  // The row of a prediction with its labels. Code::missing for an id that is forged, unknown or not here yet. Blocks: not on the io thread.
  Result<Prediction> prediction(const std::string& id);

  // ---- the log, for monitors and rollouts; all of these block: job or pool threads ----
  // Answered rows with event times in [from, to), those of sealed segments before those of the open tail, in batches of at most batch_rows_max; labels are
  // joined, the last one wins. Memory is bounded by a batch and by the labels of one segment. What `each` answers as an error ends the reading.
  Result<void> read_rows(const RowsAsk& ask, const std::function<Result<void>(const RowBatch&)>& each);
  // Kept up to date: what was written since the last call is read.
  Result<Watermark> watermark(const std::string& endpoint);
  // How many rows read_rows would bring for all of an endpoint. Whole days (UTC) are kept counted; what hangs over is read.
  Result<std::int64_t> count_rows(const std::string& endpoint, Time from, Time to);
  // Rows whose label arrived after that time, by the day of their event (since 1970): where windows are to be looked at again. Reads only around them.
  Result<std::map<std::int64_t, std::int64_t>> labelled_since(const std::string& endpoint, Time after);
  // What that version answers to these rows, as read_rows would name its outputs. Loads it when it is not loaded. A row without an input that cannot be
  // missing (integers, booleans) has no answer.
  Result<std::vector<LogColumn>> answer(const std::string& model, std::int64_t version, const RowBatch& rows);
  // Removes sealed segments whose newest row arrived before that time, and labels of such rows; answers how many rows went.
  Result<std::int64_t> forget(const std::string& endpoint, Time before);

  // ---- for routes and the page ----
  Result<std::vector<Endpoint>> endpoints();  // blocks (tallies)
  Result<Endpoint> endpoint(const std::string& name);
  bool ready() const;  // every live and canary version is loaded
  Result<bool> ready(std::string_view endpoint, std::optional<std::int64_t> version) const;
  Result<v2::ModelMetadata> metadata(std::string_view endpoint, std::optional<std::int64_t> version) const;
  // The whole way of a prediction: decode, choose the version, run, log, answer. Call on the io thread, or in tests anywhere.
  void infer(Inference request, Answered answered);
  Result<LabelsTaken> take_labels(const Ask& ask, const NewLabels& labels);  // blocks until they are on disk
  // The same from the bytes of a Parquet file with the columns prediction_id and label.
  Result<LabelsTaken> take_labels_parquet(const Ask& ask, const std::string& endpoint, std::string_view bytes);

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

void mount(net::Router& at, Service& serving);     // routes.cpp
void verbs(CLI::App& app, net::Command& command);  // verbs.cpp

}  // namespace pawl::serving
