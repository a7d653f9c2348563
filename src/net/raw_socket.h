// For net's tests: a plain socket that says exactly what it is told, good or bad.
#pragma once
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

namespace pawl::testing {

class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (receive_buffer) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("cannot connect");
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~RawSocket() { close(); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void close_rudely() {  // with a reset
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  bool say(std::string_view text) {
    while (!text.empty()) {
      const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // One answer by its Content-Length; what follows stays for the next call. Empty: closed before one was whole.
  std::string answer(bool of_head = false) {
    for (;;) {
      const auto end = heard_.find("\r\n\r\n");
      if (end != std::string::npos) {
        std::size_t length = 0;
        if (const auto at = heard_.find("Content-Length: ");
            at < end && !of_head && !heard_.starts_with("HTTP/1.1 304"))
          length = std::stoul(heard_.substr(at + 16));
        if (heard_.size() >= end + 4 + length) {
          auto out = heard_.substr(0, end + 4 + length);
          heard_.erase(0, out.size());
          return out;
        }
      }
      if (!hear()) return {};
    }
  }
  bool until(std::string_view text) {  // reads until this came
    while (!heard_.contains(text))
      if (!hear()) return false;
    return true;
  }
  std::string rest() {  // everything until the other side closes
    while (hear()) {}
    return std::exchange(heard_, {});
  }
  bool closed() { return rest().empty(); }
  std::string& heard() { return heard_; }
  bool hear() {  // what comes next; no: closed
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 20'000) <= 0) return false;
    char bytes[65536];
    const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    heard_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }

 private:
  int fd_;
  std::string heard_;
};

}  // namespace pawl::testing
