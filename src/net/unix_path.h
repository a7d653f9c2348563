// A Unix socket's address holds 107 bytes, a path may be longer: /proc/self/fd leads to the folder by a short name.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace pawl::net {

class ShortPath {
 public:
  explicit ShortPath(const std::filesystem::path& path) : text_(path.string()) {
    if (text_.size() <= 100) return;
    folder_ = ::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_ >= 0) text_ = "/proc/self/fd/" + std::to_string(folder_) + "/" + path.filename().string();
  }
  ~ShortPath() {
    if (folder_ >= 0) ::close(folder_);
  }
  ShortPath(const ShortPath&) = delete;
  ShortPath& operator=(const ShortPath&) = delete;
  const std::string& text() const { return text_; }  // valid as long as this object

 private:
  std::string text_;
  int folder_ = -1;
};

}  // namespace pawl::net
