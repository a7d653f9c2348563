// The one way from other threads to the io thread. What is put in runs there in order; after close() it is dropped, so that work which comes
// back after the server has gone finds nobody and does no harm.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace pawl::net {

class Inbox : public std::enable_shared_from_this<Inbox> {
 public:
  using Work = std::move_only_function<void()>;
  explicit Inbox(boost::asio::io_context& io) : io_(io) {}
  void put(Work work) {
    std::lock_guard hold(mutex_);
    if (!open_) return;
    waiting_.push_back(std::move(work));
    // One wake-up for all that comes before the io thread looks: a commit of fifty requests costs one.
    if (waiting_.size() == 1) boost::asio::post(io_, [self = shared_from_this()] { self->drain(); });
  }
  // From the io thread, while it runs.
  void begin() { io_thread_ = std::this_thread::get_id(); }
  bool is_here() const { return io_thread_ == std::this_thread::get_id(); }
  void close() {
    io_thread_ = std::thread::id{};
    std::vector<Work> dropped;
    std::lock_guard hold(mutex_);
    open_ = false;
    dropped.swap(waiting_);
  }

 private:
  void drain() {
    std::vector<Work> now;
    {
      std::lock_guard hold(mutex_);
      now.swap(waiting_);
    }
    for (auto& work : now) work();
  }
  boost::asio::io_context& io_;
  std::atomic<std::thread::id> io_thread_{};
  std::mutex mutex_;
  std::vector<Work> waiting_;
  bool open_ = true;
};

}  // namespace pawl::net
