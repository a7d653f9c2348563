// What a file's bytes hashed to when it had this inode, time and size: a file is read again only when one of the three changed. Lives in
// `.dvc/tmp/pawl-state`, is a cache and nothing more: absent or damaged, everything is hashed once.
#pragma once
#include <filesystem>
#include <unordered_map>

#include "core/result.h"

namespace pawl::datasets {

struct Stamp {
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t size = 0;
  bool operator==(const Stamp&) const = default;
};
Result<Stamp> stamp_of(const std::filesystem::path& path);  // follows links

class State {
 public:
  explicit State(std::filesystem::path file);
  ~State();  // saves when something is new
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  std::optional<std::string> find(const std::filesystem::path& path, const Stamp& stamp) const;
  void put(const std::filesystem::path& path, const Stamp& stamp, std::string digest);
  Result<void> save();

 private:
  struct Known {
    Stamp stamp;
    std::string digest;
  };
  std::filesystem::path file_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;
  bool dirty_ = false;
};

}  // namespace pawl::datasets
