// For tests: somebody else's web server on a free port of this machine. It answers each request with the next of its answers, the last one
// again and again; an empty answer is silence for as long as the caller waits.
#pragma once
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace pawl::testing {

class Receiver {
 public:
  explicit Receiver(std::vector<std::string> answers) : answers_(std::move(answers)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd_, 64) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error("cannot listen");
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Receiver() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    for (const int silent : silent_) ::close(silent);
    ::close(fd_);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  std::vector<std::string> heard() {
    std::lock_guard hold(mutex_);
    return heard_;
  }
  // Until so many requests have come; false after 20 s.
  bool wait_for(std::size_t requests) {
    std::unique_lock hold(mutex_);
    return came_.wait_for(hold, std::chrono::seconds(20), [&] { return heard_.size() >= requests; });
  }

 private:
  static std::string read_request(int fd) {
    std::string all;
    char bytes[4096];
    for (;;) {
      if (const auto end = all.find("\r\n\r\n"); end != all.npos) {
        const auto at = all.find("Content-Length: ");
        const std::size_t length = at < end ? std::stoul(all.substr(at + 16)) : 0;
        if (all.size() >= end + 4 + length) return all;
      }
      const auto n = ::recv(fd, bytes, sizeof bytes, 0);
      if (n <= 0) return all;
      all.append(bytes, static_cast<std::size_t>(n));
    }
  }
  void serve() {
    for (int fd; (fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      std::string request = read_request(fd), answer;
      {
        std::lock_guard hold(mutex_);
        answer = answers_[std::min(heard_.size(), answers_.size() - 1)];
        heard_.push_back(std::move(request));
      }
      if (!answer.empty()) {
        (void)!::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
        ::close(fd);
      } else {
        silent_.push_back(fd);
      }
      came_.notify_all();
    }
  }
  std::vector<std::string> answers_, heard_;
  std::vector<int> silent_;
  std::mutex mutex_;
  std::condition_variable came_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace pawl::testing
