#include "datasets/state.h"

#include <sys/stat.h>

#include <charconv>
#include <cstring>

#include "core/log.h"
#include "store/files.h"
#include "wire/dvc/entry.h"

namespace pawl::datasets {
namespace {
constexpr std::string_view head = "pawl-state 1\n";
constexpr std::size_t bytes_max = 512u << 20;  // some four million files
}  // namespace

Result<Stamp> stamp_of(const std::filesystem::path& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) {
    const int why = errno;
    return fail(why == ENOENT || why == ENOTDIR ? Code::missing : Code::unavailable,
                "'" + path.string() + "': " + std::strerror(why));
  }
  return Stamp{s.st_ino, s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec, s.st_size};
}

// Lines: digest, inode, time, size, path behind single blanks, ended by NUL since paths may hold line ends.
State::State(std::filesystem::path file) : file_(std::move(file)) {
  auto text = store::read_file(file_, bytes_max);
  if (!text || !text->starts_with(head)) return;
  for (std::string_view rest = std::string_view(*text).substr(head.size()); !rest.empty();) {
    const auto end = rest.find('\0');
    if (end == rest.npos) return;
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const auto word = [&line] {
      const auto blank = std::min(line.find(' '), line.size());
      const auto out = line.substr(0, blank);
      line.remove_prefix(std::min(blank + 1, line.size()));
      return out;
    };
    Known k;
    k.digest = word();
    const auto number = [&word](auto& out) {
      const auto w = word();
      std::from_chars(w.data(), w.data() + w.size(), out);
    };
    number(k.stamp.inode);
    number(k.stamp.mtime_ns);
    number(k.stamp.size);
    if (dvc::valid_md5(k.digest)) known_.emplace(std::string(line), std::move(k));
  }
}

State::~State() {
  if (auto saved = save(); !saved)
    log::warn("state.not_saved", {{"file", file_.string()}, {"why", saved.error().message}});
}

std::optional<std::string> State::find(const std::filesystem::path& path, const Stamp& stamp) const {
  std::lock_guard hold(mutex_);
  const auto at = known_.find(path.string());
  if (at == known_.end() || at->second.stamp != stamp) return std::nullopt;
  return at->second.digest;
}

void State::put(const std::filesystem::path& path, const Stamp& stamp, std::string digest) {
  std::lock_guard hold(mutex_);
  known_[path.string()] = {stamp, std::move(digest)};
  dirty_ = true;
}

Result<void> State::save() {
  std::lock_guard hold(mutex_);
  if (!dirty_) return {};
  std::string text(head);
  for (const auto& [path, k] : known_) {
    text += k.digest + " " + std::to_string(k.stamp.inode) + " " + std::to_string(k.stamp.mtime_ns) + " " +
            std::to_string(k.stamp.size) + " " + path;
    text += '\0';
  }
  TRY_(store::write_file(file_, text));
  dirty_ = false;
  return {};
}

}  // namespace pawl::datasets
