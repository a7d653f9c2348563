// The open end of a log: frames are gathered while the loop turns and written by one write() at its end, before the answers that wait for them
// leave; a thread of its own syncs what was written within 100 ms. So a killed process loses nothing that was answered, a lost power line at most
// the last tenth of a second. A log that cannot be written refuses: it never drops.
//
// A tail is a folder of segments, `SERVER-START.log`, START being the time of its first frame in microseconds. A frame lies in
// the segment that its time says, or in a later one. Payloads are: one byte (their kind), the time in microseconds, the rest.
#pragma once
#include <filesystem>
#include <thread>

#include "core/time.h"
#include "serving/log/frame.h"

namespace pawl::serving {

// An open segment. Shared, since the syncing thread may still hold it when the next one has begun.
struct SegmentFile {
  SegmentFile(int descriptor, std::filesystem::path where) : fd(descriptor), path(std::move(where)) {}
  ~SegmentFile();
  SegmentFile(const SegmentFile&) = delete;
  SegmentFile& operator=(const SegmentFile&) = delete;
  Result<void> sync();

  const int fd;
  const std::filesystem::path path;
  std::atomic<bool> folder_synced{false};  // the folder's entry of a new file is synced once
  std::atomic<bool> broken{
      false};  // a sync failed: what the system holds of it is not known any more, so the next segment begins
};

// Syncs what it is told of, at most `delay` later. Its thread starts with the first one.
class Syncer {
 public:
  static constexpr std::chrono::milliseconds delay{30};
  ~Syncer();  // after a last sync
  void dirty(std::shared_ptr<SegmentFile> file);

 private:
  void work(const std::stop_token& stop);
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<std::shared_ptr<SegmentFile>> files_;
  std::jthread thread_;
};

struct Stamp {
  Time at{};
  std::uint32_t counter = 0;
};
struct Segment {
  std::filesystem::path path{};
  Time start{};
  std::size_t bytes = 0;  // that are written
};

class Tail : public std::enable_shared_from_this<Tail> {
 public:
  using Done = std::move_only_function<void(Result<void>)>;
  using Post = std::function<void(std::move_only_function<void()>)>;  // runs it at the end of this turn of the loop

  Tail(std::filesystem::path folder, std::string server, std::size_t segment_bytes_max, Syncer& syncer)
      : folder_(std::move(folder)),
        server_(std::move(server)),
        segment_bytes_max_(segment_bytes_max),
        syncer_(syncer) {}

  // Finds the newest segment and cuts off a frame that was not whole. Blocks: reads that segment. Doing it again does nothing.
  Result<void> open();
  bool is_open() const { return open_; }

  // Times and counters for so many rows; later ones are larger, whatever the clock says.
  Stamp stamp(Time now, std::uint32_t rows);
  // Queues whole frames, the first of time `at`. `done` hears, from the thread that writes, whether they are on their way to disk. Without `post`
  // they are written at once. Frames of several threads may change places: a frame may lie in a later segment than its time says.
  void append(std::string_view frames, Time at, Done done, const Post& post);
  Result<void> sync();                    // what was written so far, now
  std::vector<Segment> segments() const;  // of this server, oldest first

 private:
  void flush();
  Result<void> write(std::string_view bytes, Time first);
  Result<void> begin_segment(Time first);
  std::filesystem::path path_of(Time start) const;

  const std::filesystem::path folder_;
  const std::string server_;
  const std::size_t segment_bytes_max_;
  Syncer& syncer_;
  std::atomic<bool> open_{false};

  std::mutex queue_mutex_;  // taken after file_mutex_ where both are
  std::string queue_, spare_;
  std::vector<Done> waiting_;
  Time first_queued_{}, last_at_{};
  std::uint32_t counter_ = 0;
  bool scheduled_ = false;

  mutable std::mutex file_mutex_;
  std::shared_ptr<SegmentFile> file_;
  std::size_t bytes_ = 0;
  Time start_{};
};

// A written segment, mapped. Frames end at the first one that is not whole.
class SegmentReader {
 public:
  static Result<SegmentReader> open(const std::filesystem::path& path, std::size_t bytes);
  SegmentReader(SegmentReader&& other) noexcept
      : map_(std::exchange(other.map_, nullptr)), bytes_(other.bytes_), left_(other.left_) {}
  SegmentReader& operator=(SegmentReader&&) = delete;
  ~SegmentReader();
  void skip(std::size_t bytes) { left_.remove_prefix(std::min(bytes, left_.size())); }
  std::optional<std::string_view> next() { return take_frame(left_); }
  std::size_t offset() const { return bytes_ - left_.size(); }

 private:
  SegmentReader(void* map, std::size_t bytes) : map_(map), bytes_(bytes), left_(static_cast<const char*>(map), bytes) {}
  void* map_;
  std::size_t bytes_;
  std::string_view left_;
};

Time time_of(std::string_view payload);
// For tests: the n-th write of a log from now on fails as on a full disk (0: none does).
void fail_log_write_after(int n);

}  // namespace pawl::serving
