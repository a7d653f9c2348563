#include "datasets/cache.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "core/hash.h"
#include "store/files.h"
#include "wire/dvc/entry.h"

namespace pawl::datasets {
namespace fs = std::filesystem;
namespace {

std::unexpected<Error> cannot(std::string_view what, const fs::path& path) {
  const int why = errno;
  const Code code = why == ENOENT ? Code::missing : why == EACCES || why == EPERM ? Code::denied : Code::unavailable;
  return fail(code, "cannot " + std::string(what) + " '" + path.string() + "': " + std::strerror(why));
}

struct Fd {
  int fd = -1;
  Fd(const fs::path& path, int flags, mode_t mode = 0) : fd(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
};

fs::path temporary_beside(const fs::path& path) {
  return path.parent_path() / (".pawl-" + SystemRandom{}.hex_bytes(8) + ".tmp");
}

mode_t umask_now() {
  static std::mutex mutex;
  std::lock_guard hold(mutex);
  const mode_t mask = ::umask(022);
  ::umask(mask);
  return mask;
}

// Shares the blocks where the file system can, else copies within the kernel.
Result<void> copy_bytes(const fs::path& from, const fs::path& to, bool reflink_only, bool sync) {
  Fd in(from, O_RDONLY);
  if (in.fd < 0) return cannot("read", from);
  Fd out(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (out.fd < 0) return cannot("write", to);
  if (::ioctl(out.fd, FICLONE, in.fd) != 0) {
    if (reflink_only) {
      ::unlink(to.c_str());
      return fail(Code::unavailable, "no reflinks here");
    }
    std::vector<char> buffer;
    while (true) {
      auto n = buffer.empty() ? ::copy_file_range(in.fd, nullptr, out.fd, nullptr, 1 << 26, 0) : -1;
      if (n < 0) {  // another file system: by hand from where both stand
        buffer.resize(1 << 20);
        n = ::read(in.fd, buffer.data(), buffer.size());
        for (ssize_t done = 0; n > 0 && done < n;) {
          const auto w = ::write(out.fd, buffer.data() + done, static_cast<std::size_t>(n - done));
          if (w < 0) {
            auto problem = cannot("write", to);
            ::unlink(to.c_str());
            return problem;
          }
          done += w;
        }
      }
      if (n < 0) {
        auto problem = cannot("read", from);
        ::unlink(to.c_str());
        return problem;
      }
      if (n == 0) break;
    }
  }
  if (sync && ::fdatasync(out.fd) != 0) {
    auto problem = cannot("write", to);
    ::unlink(to.c_str());
    return problem;
  }
  return {};
}

Result<void> rename_to(const fs::path& temporary, const fs::path& to) {
  if (::rename(temporary.c_str(), to.c_str()) != 0) {
    auto problem = cannot("write", to);
    ::unlink(temporary.c_str());
    return problem;
  }
  return {};
}

Result<void> make_folder(const fs::path& dir) {
  std::error_code ec;
  fs::create_directories(dir, ec);
  if (ec) return fail(Code::unavailable, "cannot make the folder '" + dir.string() + "': " + ec.message());
  return {};
}

bool looks_like_text(std::string_view start) {
  if (start.contains('\0')) return false;
  const auto odd = std::ranges::count_if(
      start, [](char c) { return !((c >= 0x20 && c <= 0x7e) || std::string_view("\n\r\t\f\b").contains(c)); });
  return start.empty() || odd * 10 <= static_cast<std::ptrdiff_t>(start.size()) * 3;
}

}  // namespace

Result<std::string> md5_of_file(const fs::path& path, bool dos2unix) {
  Fd in(path, O_RDONLY);
  if (in.fd < 0) return cannot("read", path);
  ::posix_fadvise(in.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  Digest digest(Digest::md5);
  std::vector<char> buffer(1 << 20);
  std::string converted;
  for (bool first = true, text = dos2unix;; first = false) {
    std::size_t have = 0;
    while (have < buffer.size()) {  // whole blocks: each decides for itself
      const auto n = ::read(in.fd, buffer.data() + have, buffer.size() - have);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return cannot("read", path);
      if (n == 0) break;
      have += static_cast<std::size_t>(n);
    }
    if (have == 0) break;
    const std::string_view block(buffer.data(), have);
    if (first && dos2unix) text = looks_like_text(block.substr(0, 512));
    if (text) {
      converted.clear();
      for (std::size_t i = 0; i < block.size(); ++i)
        if (!(block[i] == '\r' && i + 1 < block.size() && block[i + 1] == '\n')) converted += block[i];
      digest.add(converted);
    } else {
      digest.add(block);
    }
    if (have < buffer.size()) break;
  }
  return digest.hex();
}

fs::path Cache::object(std::string_view digest, Layout layout) const {
  const auto base = layout == Layout::v3 ? dir_ / "files" / "md5" : dir_;
  return base / digest.substr(0, 2) / digest.substr(2);
}

Result<bool> Cache::has(std::string_view digest, Layout layout) const {
  if (!dvc::valid_md5(digest)) return false;
  const auto path = object(digest, layout);
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return cannot("look at", path);
  }
  if (!S_ISREG(s.st_mode)) return false;
  if ((s.st_mode & 07777) == 0444) return true;
  TRY(now, md5_of_file(path, layout == Layout::v2));
  const auto plain = digest.substr(0, 32);
  if (now != plain) {
    ::unlink(path.c_str());
    return false;
  }
  ::chmod(path.c_str(), 0444);
  return true;
}

Result<bool> Cache::has_all(std::string_view digest, Layout layout) const {
  TRY(there, has(digest, layout));
  if (!there || !digest.ends_with(".dir")) return there;
  auto files = tree(digest, layout);
  if (!files) return false;
  for (const auto& f : *files) {
    TRY(file_there, has(f.md5, layout));
    if (!file_there) return false;
  }
  return true;
}

Result<void> Cache::put_file(const fs::path& file, const std::string& digest, const Stamp& stamp, bool relink) const {
  const auto path = object(digest);
  TRY(there, has(digest));
  const bool wants_link = relink && !links_.empty() && (links_[0] == Link::hardlink || links_[0] == Link::symlink);
  if (!there) {
    TRY_(make_folder(path.parent_path()));
    const auto temporary = temporary_beside(path);
    TRY_(copy_bytes(file, temporary, false, true));
    auto now = stamp_of(file);
    if (!now || *now != stamp) {
      ::unlink(temporary.c_str());
      return fail(Code::conflict, "'" + file.string() + "' changed while it was read", file.string());
    }
    ::chmod(temporary.c_str(), 0444);
    TRY_(rename_to(temporary, path));
  }
  if (wants_link) {
    struct stat s{};
    const bool executable = ::stat(file.c_str(), &s) == 0 && (s.st_mode & 0100);
    return place(digest, file, executable);
  }
  return {};
}

Result<void> Cache::put_bytes(const std::string& digest, std::string_view bytes) const {
  TRY(there, has(digest));
  if (there) return {};
  const auto path = object(digest);
  TRY_(make_folder(path.parent_path()));
  TRY_(store::write_file(path, bytes));
  if (::chmod(path.c_str(), 0444) != 0) return cannot("protect", path);
  return {};
}

Result<std::vector<dvc::TreeFile>> Cache::tree(std::string_view digest, Layout layout) const {
  TRY(bytes, store::read_file(object(digest, layout), 1u << 30));
  return dvc::read_tree(bytes);
}

Result<void> Cache::place(std::string_view digest, const fs::path& to, bool executable, Layout layout) const {
  TRY(there, has(digest, layout));
  if (!there)
    return fail(Code::missing, "the cache has no object " + std::string(digest) + " for '" + to.string() + "'",
                to.string());
  const auto from = object(digest, layout);
  TRY_(make_folder(to.parent_path()));
  const auto temporary = temporary_beside(to);
  struct stat s{};
  const bool empty = ::stat(from.c_str(), &s) == 0 && s.st_size == 0;
  for (const Link link : links_) {
    bool made = false, plain = false;
    switch (link) {
      case Link::reflink: made = plain = copy_bytes(from, temporary, true, false).has_value(); break;
      case Link::hardlink:
        made = !empty && ::link(from.c_str(), temporary.c_str()) == 0;
        break;  // as DVC: nothing to share in an empty file
      case Link::symlink: made = ::symlink(fs::absolute(from).c_str(), temporary.c_str()) == 0; break;
      case Link::copy:
        TRY_(copy_bytes(from, temporary, false, false));
        made = plain = true;
        break;
    }
    if (!made) continue;
    if (plain) ::chmod(temporary.c_str(), (0666 & ~umask_now()) | (executable ? 0100u : 0u));
    // rename() of two links to one inode does nothing and leaves the temporary name behind.
    TRY_(rename_to(temporary, to));
    ::unlink(temporary.c_str());
    return {};
  }
  TRY_(copy_bytes(from, temporary, false, false));
  ::chmod(temporary.c_str(), (0666 & ~umask_now()) | (executable ? 0100u : 0u));
  return rename_to(temporary, to);
}

}  // namespace pawl::datasets
