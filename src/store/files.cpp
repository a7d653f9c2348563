#include "store/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/hash.h"

namespace pawl::store {
namespace fs = std::filesystem;
namespace {

std::atomic<int> writes_until_failure{0};

std::unexpected<Error> io_error(std::string_view what, const fs::path& path, int e = errno) {
  const bool full = e == ENOSPC || e == EDQUOT;
  const Code code = full || e == EROFS || e == EIO ? Code::unavailable
                    : e == ENOENT                  ? Code::missing
                    : e == EACCES || e == EPERM    ? Code::denied
                                                   : Code::internal;
  return fail(code,
              full ? "the disk is full" : std::string(what) + " " + path.filename().string() + ": " + std::strerror(e),
              {}, path.string());
}
Result<void> write_all(int fd, std::string_view bytes, const fs::path& path) {
  if (writes_until_failure > 0 && --writes_until_failure == 0) return io_error("cannot write", path, ENOSPC);
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}
Result<void> sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error("cannot open", folder);
  const int rc = ::fsync(fd);
  const int e = errno;
  ::close(fd);
  if (rc != 0) return io_error("cannot sync", folder, e);
  return {};
}
// Client names are decoded until nothing changes: `%252e%252e` is `..` too.
std::string decoded(std::string_view name) {
  std::string text(name);
  for (;;) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
      };
      if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
        out += static_cast<char>(digit(text[i + 1]) << 4 | digit(text[i + 2]));
        i += 2;
      } else {
        out += text[i];
      }
    }
    if (out == text) return out;
    text = std::move(out);
  }
}

}  // namespace

void fail_write_after(int n) { writes_until_failure = n; }

Result<NewFile> NewFile::create(fs::path path) {
  std::error_code ec;
  fs::create_directories(path.parent_path(), ec);
  if (ec) return io_error("cannot make the folder of", path, ec.value());
  auto temporary = path.parent_path() / (".tmp-" + SystemRandom{}.hex_bytes(8));
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return io_error("cannot create", path);
  return NewFile(fd, std::move(temporary), std::move(path));
}
NewFile::NewFile(NewFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), temporary_(std::move(other.temporary_)), path_(std::move(other.path_)) {}
NewFile::~NewFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}
Result<void> NewFile::write(std::string_view bytes) { return write_all(fd_, bytes, path_); }
Result<void> NewFile::finish() {
  if (::fsync(fd_) != 0) return io_error("cannot sync", path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return io_error("cannot put in place", path_);
  ::close(std::exchange(fd_, -1));
  return sync_folder(path_.parent_path());
}

ScratchFile::~ScratchFile() {
  std::error_code ec;
  std::filesystem::remove(path, ec);
}

Result<void> write_file(const fs::path& path, std::string_view bytes) {
  TRY(file, NewFile::create(path));
  TRY_(file.write(bytes));
  return file.finish();
}

Result<std::string> read_file(const fs::path& path, std::size_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_error("cannot open", path);
  struct Close {
    int fd;
    ~Close() { ::close(fd); }
  } close{fd};
  struct stat info{};
  if (::fstat(fd, &info) != 0) return io_error("cannot look at", path);
  if (S_ISDIR(info.st_mode)) return fail(Code::invalid, path.filename().string() + " is a folder, not a file");
  std::string out;
  char piece[1 << 16];
  for (;;) {
    const auto n = ::read(fd, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot read", path);
    if (n == 0) return out;
    if (out.size() + static_cast<std::size_t>(n) > bytes_max)
      return fail(Code::too_large,
                  path.filename().string() + " is larger than " + std::to_string(bytes_max) + " bytes");
    out.append(piece, static_cast<std::size_t>(n));
  }
}

Result<fs::path> Artifacts::at(std::string_view given) const {
  const auto name = decoded(given);
  auto bad = [&] { return fail(Code::invalid, "Invalid path", "path", std::string(given)); };
  if (name.starts_with('/') || name.find_first_of(std::string_view("\\#\0", 3)) != name.npos ||
      (name.size() > 1 && name[1] == ':' && std::isalpha(static_cast<unsigned char>(name[0]))))
    return bad();
  fs::path path;
  for (std::size_t from = 0; from <= name.size();) {
    auto end = std::min(name.find('/', from), name.size());
    const auto part = std::string_view(name).substr(from, end - from);
    if (part == "..") return bad();
    if (!part.empty() && part != ".") path /= part;
    from = end + 1;
  }
  return root_ / path;
}

Result<std::vector<Entry>> Artifacts::list(std::string_view folder) const {
  TRY(path, at(folder));
  std::vector<Entry> out;
  std::error_code ec;
  for (fs::directory_iterator i(path, ec), end; !ec && i != end; i.increment(ec)) {
    auto name = i->path().filename().string();
    if (name.starts_with(".tmp-")) continue;  // an upload under way
    const bool dir = i->is_directory(ec);
    out.push_back(
        {.name = std::move(name), .is_dir = dir, .size = dir ? 0 : static_cast<std::int64_t>(i->file_size(ec))});
  }
  std::ranges::sort(out, {}, &Entry::name);
  return out;
}

Result<void> Artifacts::remove(std::string_view name) const {
  TRY(path, at(name));
  if (path == root_ || path == root_ / "")
    return fail(Code::invalid, "the root of all artifacts cannot be removed", "path");
  std::error_code ec;
  fs::remove_all(path, ec);
  if (ec) return io_error("cannot remove", path, ec.value());
  return {};
}

}  // namespace pawl::store
