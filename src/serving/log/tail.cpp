#include "serving/log/tail.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "core/log.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view suffix = ".log";
constexpr Micros segment_age_max = std::chrono::hours(24);  // so that a quiet endpoint is sealed too
std::atomic<int> writes_until_failure{0};

std::unexpected<Error> cannot(std::string_view what, const fs::path& path, int e) {
  const bool full = e == ENOSPC || e == EDQUOT;
  return fail(Code::unavailable,
              full ? "the disk is full" : "cannot " + std::string(what) + " the prediction log: " + std::strerror(e),
              {}, path.string());
}

Result<void> write_all(int fd, std::string_view bytes, const fs::path& path) {
  if (writes_until_failure > 0 && writes_until_failure.fetch_sub(1) == 1) {
    const auto half = ::write(fd, bytes.data(), bytes.size() / 2);  // a full disk takes what fits
    return cannot("write", path, half < 0 ? errno : ENOSPC);
  }
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

void fail_log_write_after(int n) { writes_until_failure = n; }

Time time_of(std::string_view payload) {
  Reader in(payload);
  in.number<std::uint8_t>();
  return {in.number<std::int64_t>()};
}

SegmentFile::~SegmentFile() { ::close(fd); }

Result<void> SegmentFile::sync() {
  if (!folder_synced) {
    const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return cannot("sync the folder of", path, errno);
    const int rc = ::fsync(folder), e = errno;
    ::close(folder);
    if (rc != 0) return cannot("sync the folder of", path, e);
    folder_synced = true;
  }
  if (::fdatasync(fd) != 0) {
    broken = true;
    return cannot("sync", path, errno);
  }
  return {};
}

Syncer::~Syncer() {
  thread_.request_stop();
  wake_.notify_all();
}

void Syncer::dirty(std::shared_ptr<SegmentFile> file) {
  const std::scoped_lock lock(mutex_);
  if (std::ranges::find(files_, file) != files_.end()) return;
  files_.push_back(std::move(file));
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  if (files_.size() == 1) wake_.notify_all();  // else it is awake already: a wake-up costs the prediction 30 us
}

void Syncer::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, stop, [&] { return !files_.empty(); });
    if (files_.empty()) return;                               // told to stop, nothing left
    wake_.wait_for(lock, stop, delay, [] { return false; });  // more may come: one sync for all of them
    const auto files = std::exchange(files_, {});
    lock.unlock();
    for (const auto& file : files)
      if (auto synced = file->sync(); !synced)
        log::error("serving.log_not_synced", {{"file", file->path.string()}, {"why", synced.error().message}});
    lock.lock();
  }
}

fs::path Tail::path_of(Time start) const { return folder_ / fmt::format("{}-{:017d}{}", server_, start.us, suffix); }

std::vector<Segment> Tail::segments() const {
  std::vector<Segment> out;
  const std::scoped_lock lock(file_mutex_);
  std::error_code ec;
  for (fs::directory_iterator at(folder_, ec), end; !ec && at != end; at.increment(ec)) {
    const auto name = at->path().filename().string();
    if (!name.starts_with(server_ + "-") || !name.ends_with(suffix)) continue;
    Segment s{.path = at->path()};
    const auto* from = name.data() + server_.size() + 1;
    if (const auto [stop, bad] = std::from_chars(from, name.data() + name.size(), s.start.us);
        bad != std::errc{} || stop != name.data() + name.size() - suffix.size())
      continue;
    s.bytes = file_ && file_->path == s.path ? bytes_ : static_cast<std::size_t>(at->file_size(ec));
    out.push_back(std::move(s));
  }
  std::ranges::sort(out, {}, &Segment::start);
  return out;
}

Result<void> Tail::open() {
  if (open_) return {};
  std::error_code ec;
  fs::create_directories(folder_, ec);
  if (ec) return cannot("make the folder of", folder_, ec.value());
  const auto all = segments();
  const std::scoped_lock lock(file_mutex_);
  if (open_) return {};
  if (!all.empty() && !file_) {
    const auto& newest = all.back();
    TRY(reader, SegmentReader::open(newest.path, newest.bytes));
    Time last = newest.start;
    while (const auto payload = reader.next()) last = std::max(last, time_of(*payload));
    const int fd = ::open(newest.path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return cannot("open", newest.path, errno);
    auto file = std::make_shared<SegmentFile>(fd, newest.path);
    if (reader.offset() < newest.bytes) {
      log::warn("serving.log_cut", {{"file", newest.path.string()}, {"bytes", newest.bytes - reader.offset()}});
      if (::ftruncate(fd, static_cast<off_t>(reader.offset())) != 0) return cannot("cut", newest.path, errno);
      TRY_(file->sync());
    }
    bytes_ = reader.offset();
    start_ = newest.start;
    file_ = std::move(file);
    const std::scoped_lock queue(queue_mutex_);
    last_at_ = last + Micros{1};  // whatever the clock says: what comes now is later than what is there
  }
  open_ = true;
  return {};
}

Stamp Tail::stamp(Time now, std::uint32_t rows) {
  const std::scoped_lock lock(queue_mutex_);
  const Stamp stamp{.at = std::max(now, last_at_), .counter = counter_};
  last_at_ = stamp.at;
  counter_ += std::max(rows, 1U);
  return stamp;
}

void Tail::append(std::string_view frames, Time at, Done done, const Post& post) {
  bool first = false;
  {
    const std::scoped_lock lock(queue_mutex_);
    if (queue_.empty()) first_queued_ = at;
    queue_ += frames;
    waiting_.push_back(std::move(done));
    first = !std::exchange(scheduled_, true);
  }
  if (!first) return;
  if (post)
    post([self = shared_from_this()] { self->flush(); });
  else
    flush();
}

void Tail::flush() {
  Result<void> wrote;
  std::vector<Done> waiting;
  {
    const std::scoped_lock file(file_mutex_);
    std::string bytes;
    Time first;
    {
      const std::scoped_lock lock(queue_mutex_);
      bytes = std::exchange(queue_, std::move(spare_));
      waiting = std::exchange(waiting_, {});
      first = first_queued_;
      scheduled_ = false;
    }
    if (!bytes.empty()) wrote = write(bytes, first);
    if (bytes.capacity() <= (1 << 20)) {
      bytes.clear();
      const std::scoped_lock lock(queue_mutex_);
      spare_ = std::move(bytes);
    }
  }
  for (auto& done : waiting) done(wrote);
}

Result<void> Tail::write(std::string_view bytes, Time first) {
  if (!open_) return fail(Code::internal, "the prediction log was not opened");
  if (!file_ || bytes_ >= segment_bytes_max_ || first - start_ > segment_age_max || file_->broken)
    TRY_(begin_segment(first));
  if (auto wrote = write_all(file_->fd, bytes, file_->path); !wrote) {
    if (::ftruncate(file_->fd, static_cast<off_t>(bytes_)) != 0)
      file_->broken = true;  // half a frame stays behind: nothing may follow it
    log::error("serving.log_not_written", {{"file", file_->path.string()}, {"why", wrote.error().message}});
    return wrote;
  }
  bytes_ += bytes.size();
  syncer_.dirty(file_);
  return {};
}

Result<void> Tail::begin_segment(Time first) {
  if (first <= start_) first = start_ + Micros{1};
  const auto path = path_of(first);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return cannot("begin a segment of", path, errno);
  file_ = std::make_shared<SegmentFile>(fd, path);
  bytes_ = 0;
  start_ = first;
  return {};
}

Result<void> Tail::sync() {
  std::shared_ptr<SegmentFile> file;
  {
    const std::scoped_lock lock(file_mutex_);
    file = file_;
  }
  return file ? file->sync() : Result<void>{};
}

Result<SegmentReader> SegmentReader::open(const fs::path& path, std::size_t bytes) {
  if (bytes == 0) return SegmentReader(nullptr, 0);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot("read", path, errno);
  void* map = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  const int e = errno;
  ::close(fd);
  if (map == MAP_FAILED) return cannot("read", path, e);
  return SegmentReader(map, bytes);
}
SegmentReader::~SegmentReader() {
  if (map_ != nullptr) ::munmap(map_, bytes_);
}

}  // namespace pawl::serving
