// Files that must survive: written under a temporary name in the same folder, synced, renamed, the folder synced. And the tree of artifacts
// below one root: names come from clients, so every name is checked to stay beneath it.
#pragma once
#include <filesystem>

#include "core/result.h"

namespace pawl::store {

// Writes in pieces; nothing is visible under `path` before finish(), and nothing is left when it is destroyed without.
class NewFile {
 public:
  static Result<NewFile> create(std::filesystem::path path);  // makes missing folders
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();
  Result<void> write(std::string_view bytes);
  Result<void> finish();

 private:
  NewFile(int fd, std::filesystem::path temporary, std::filesystem::path path)
      : fd_(fd), temporary_(std::move(temporary)), path_(std::move(path)) {}
  int fd_ = -1;
  std::filesystem::path temporary_, path_;
};
Result<void> write_file(const std::filesystem::path& path, std::string_view bytes);
Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max = 64 << 20);
// A file that is gone when this is, whether it was made or renamed meanwhile or not.
struct ScratchFile {
  std::filesystem::path path{};
  ~ScratchFile();
};
// For tests: the n-th write from now on fails as on a full disk (0: never).
void fail_write_after(int n);

struct Entry {
  std::string name{};  // relative to what was listed
  bool is_dir = false;
  std::int64_t size = 0;
};

class Artifacts {
 public:
  explicit Artifacts(std::filesystem::path root) : root_(std::move(root)) {}
  // The path of an artifact beneath the root. Refuses, after repeated percent-decoding: `..`, absolute paths, backslashes, NUL, `#`, drive letters.
  Result<std::filesystem::path> at(std::string_view name) const;
  Result<std::vector<Entry>> list(std::string_view folder) const;  // sorted by name; missing, or a file: empty
  Result<void> remove(std::string_view name) const;                // a file or a tree; absent is fine
  const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

}  // namespace pawl::store
