// The versions that serving knows, loaded when they are needed, within a byte budget: past it the one not used for longest is let go, unless
// it is pinned (live or canary somewhere). Who is using a model keeps it until the answer is there.
#pragma once
#include "core/snapshot.h"
#include "serving/model/onnx.h"
#include "serving/rows.h"

namespace pawl::serving {

struct Loaded {
  std::shared_ptr<const Model> model{};
  double us_one_row = 0, us_per_row = 0;
  // What these rows will take; below `quick_us_max` they run where they are.
  double us_for(std::size_t rows) const { return std::max(us_one_row, us_per_row * static_cast<double>(rows)); }
};

// One version. It stays where it is for as long as anyone holds it; its model may come and go.
struct Slot {
  explicit Slot(VersionRow r) : row(std::move(r)) {}
  const VersionRow row;
  Snapshot<Loaded> loaded{};
  std::mutex loading{};               // one load at a time
  std::atomic<std::int64_t> used{0};  // in the order of Models::tick_
  std::atomic<int> pins{0};
};

class Models {
 public:
  // A hop to the pool and back costs 40 us (measured under load); a model quicker than this is not worth one.
  static constexpr double quick_us_max = 200;

  Models(std::filesystem::path artifacts, std::size_t bytes_max)
      : artifacts_(std::move(artifacts)), bytes_max_(bytes_max) {}

  std::shared_ptr<Slot> find(std::string_view model, std::int64_t version) const;
  void add(VersionRow row);  // known, not loaded
  // The loaded model; loads it when it is not there (blocks). Fails when its files are not those that were prepared.
  Result<std::shared_ptr<const Loaded>> load(Slot& slot);
  // Loads, warms up and measures a version that may be new; answers its row. `row` has model, version, folder and column_names, perhaps a digest.
  Result<VersionRow> prepare(VersionRow row, Time now);
  void touch(Slot& slot) const { slot.used = ++tick_; }
  std::size_t bytes_loaded() const;

 private:
  Result<std::shared_ptr<Loaded>> open(const VersionRow& row) const;
  void put(const std::shared_ptr<Slot>& slot, std::shared_ptr<const Loaded> loaded);
  void make_room();

  const std::filesystem::path artifacts_;
  const std::size_t bytes_max_;
  mutable std::atomic<std::int64_t> tick_{0};
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::int64_t>, std::shared_ptr<Slot>, std::less<>> slots_;
};

}  // namespace pawl::serving
