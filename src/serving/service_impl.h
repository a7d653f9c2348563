// What the files of the service share: its state. No other file includes this.
#pragma once
#include "net/metrics.h"
#include "serving/labels/labels.h"
#include "serving/log/ids.h"
#include "serving/log/tally.h"
#include "serving/model/models.h"
#include "serving/replay.h"
#include "serving/service.h"

namespace pawl::serving {

// An endpoint as a request meets it. Immutable, but for what it points at.
struct EndpointNow {
  struct ArmNow {
    ArmShare share{};
    std::shared_ptr<Slot> slot{};
  };
  struct Book {
    std::mutex files{};  // taken before the other: who seals and who forgets must not meet
    std::mutex mutex{};
    bool begun = false;  // what sealed segments counted is in
    Tallies tallies{};
  };
  // Found by their labels once: that costs as much as decoding a row.
  struct Meters {
    std::mutex mutex{};
    std::map<std::pair<std::int64_t, Status>, net::Metrics::Counter> rows{};
    std::optional<net::Metrics::Histogram> seconds{};
  };
  EndpointRow row{};
  std::vector<ArmNow> arms{};  // the canary first: as its share grows, keys that it has stay with it
  std::shared_ptr<Tail> tail{}, labels{};
  std::shared_ptr<LabelBook> label_book{};
  std::shared_ptr<Book> book{};
  std::shared_ptr<Meters> meters = std::make_shared<Meters>();

  const ArmNow* live() const {
    for (const auto& a : arms)
      if (a.share.arm == Arm::live) return &a;
    return nullptr;
  }
};
using Table = std::map<std::string, std::shared_ptr<const EndpointNow>, std::less<>>;

// A request on its way through infer.cpp.
struct Asked;

struct Service::Impl {
  Impl(Options o, store::Store& s, const Clock& c, Random& r, std::string_view key, std::uint32_t number);

  std::shared_ptr<const EndpointNow> find(std::string_view name) const;
  Result<std::shared_ptr<const EndpointNow>> find_or_fail(std::string_view name) const;
  std::shared_ptr<const EndpointNow> find(std::uint32_t number) const;
  void place(const EndpointRow& row);  // into the table; takes the place of the one of that name
  void load_all(const std::shared_ptr<const EndpointNow>& endpoint);
  void on_pool(std::move_only_function<void()> work);
  Tail::Post post() const;

  void infer(Inference in, Answered answered);
  void decode(std::unique_ptr<Asked> asked);
  void choose(std::unique_ptr<Asked> asked);
  void run(std::unique_ptr<Asked> asked, const std::shared_ptr<const Loaded>& loaded, bool on_pool_already);
  void compute(std::unique_ptr<Asked> asked, const std::shared_ptr<const Loaded>& loaded);
  void keep(std::unique_ptr<Asked> asked, struct Record record, std::optional<Error> error);
  void count(const EndpointNow& endpoint, const struct Record& record) const;
  void refuse(std::unique_ptr<Asked>&& asked, Error error, bool by_version);

  Result<Tally> tally(const EndpointNow& endpoint, const std::string& rollout, std::int64_t step, Arm arm);
  Result<Endpoint> describe(const EndpointNow& endpoint);
  // The book with all that was written so far in it; its mutex is held.
  Result<void> catch_up(const EndpointNow& endpoint);
  // Every row that read_rows brings, with its key; only those that arrived between two times, where these are given.
  using Rows = std::function<Result<void>(const RowBatch&, std::span<const RowKey>)>;
  Result<void> read(const EndpointNow& endpoint, const RowsAsk& ask, const Rows& each,
                    std::optional<std::pair<Time, Time>> received = {});
  // Writes and syncs labels that were checked.
  Result<LabelsTaken> take(const EndpointNow& endpoint, LabelBatch&& batch);
  std::vector<Segment> closed_segments(const EndpointNow& endpoint) const;
  Result<void> seal(const EndpointNow& endpoint, const Segment& segment);
  Result<std::optional<Prediction>> find_sealed(const EndpointNow& endpoint, const IdParts& parts,
                                                const std::string& id);

  const Options options;
  store::Store& store;
  const Clock& clock;
  Random& random;
  const Ids ids;
  const std::uint32_t server_number;
  const std::string server_name;
  Models models;
  Replays replays;
  Syncer syncer;
  std::atomic<net::Server*> server{nullptr};
  std::atomic<std::uint64_t> keyless{0};  // draws for requests without key and id
  std::mutex table_mutex;                 // one change of the table at a time
  Snapshot<Table> table{std::make_shared<const Table>()};
};

}  // namespace pawl::serving
