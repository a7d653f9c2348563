// DVC's cache: objects by content under files/md5, read-only. An object appears whole or not at all (temporary name, sync, rename).
#pragma once
#include <filesystem>

#include "core/fields.h"
#include "datasets/state.h"
#include "wire/dvc/tree.h"

namespace pawl::datasets {

enum class Link { reflink, hardlink, symlink, copy };
}  // namespace pawl::datasets
template <> inline constexpr auto pawl::words<pawl::datasets::Link> =
    std::to_array<std::string_view>({"reflink", "hardlink", "symlink", "copy"});

namespace pawl::datasets {

enum class Layout { v3, v2 };  // files/md5/ab/…, or ab/… of DVC 2.x

class Cache {
 public:
  Cache(std::filesystem::path dir, std::vector<Link> links) : dir_(std::move(dir)), links_(std::move(links)) {}
  const std::filesystem::path& dir() const { return dir_; }

  std::filesystem::path object(std::string_view digest, Layout layout = Layout::v3) const;
  // Whether the object is there and may be trusted: one that is not read-only any more is hashed, and dropped when damaged.
  Result<bool> has(std::string_view digest, Layout layout = Layout::v3) const;
  // Whether a directory's object and all its files are there.
  Result<bool> has_all(std::string_view digest, Layout layout = Layout::v3) const;
  // Takes a copy of the file, which must still be what was hashed (`stamp`). With `relink` the file becomes a link when links are asked for.
  Result<void> put_file(const std::filesystem::path& file, const std::string& digest, const Stamp& stamp,
                        bool relink) const;
  Result<void> put_bytes(const std::string& digest, std::string_view bytes) const;
  Result<std::vector<dvc::TreeFile>> tree(std::string_view digest, Layout layout = Layout::v3) const;
  // Brings the object to `to`, replacing what is there in one rename.
  Result<void> place(std::string_view digest, const std::filesystem::path& to, bool executable,
                     Layout layout = Layout::v3) const;

 private:
  std::filesystem::path dir_;
  std::vector<Link> links_;
};

// MD5 of a file's bytes; `dos2unix`: as DVC 2.x took it.
Result<std::string> md5_of_file(const std::filesystem::path& path, bool dos2unix = false);

}  // namespace pawl::datasets
