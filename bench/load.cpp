// Load on an HTTP/1.1 server of this machine: N keep-alive connections with one request under way on each, from one thread, plain epoll.
//
//   bench_load PORT PATH [--body FILE]... [--connections N] [--seconds S] [--count N] [--rate R] [--warm N] [--header "Name: value"]... [--tally KEY]
//     FILE's bytes are a request's body, several take turns; none: GET. Without --rate each connection asks again as soon as it was answered
//     (closed loop). With it requests are due R times a second whether or not the server keeps up, and a latency counts from then (open loop).
//     The seconds begin after the --warm requests, which are not counted.
//     --tally counts the answers by the text behind "KEY":" in their bodies. Prints one JSON object; an answer that is not 2xx is an error.
//   bench_load echo BYTES
//     The limit: a server that reads whole requests and answers BYTES bytes without looking. Prints its port; ends with its standard input.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
constexpr auto last_answers_wait_max = 10s;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "bench_load: %s\n", why.c_str());
  std::exit(2);
}

// ---- a message of HTTP/1.1 with Content-Length, or without a body

struct Message {
  std::size_t head = 0, body = 0;  // bytes; the head with its blank line
  int status = 0;                  // of an answer
  bool closes = false;
};
std::size_t find_header(std::string_view head, std::string_view lower_case) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; };
  const auto at = std::search(head.begin(), head.end(), lower_case.begin(), lower_case.end(), same);
  return at == head.end() ? head.npos : static_cast<std::size_t>(at - head.begin()) + lower_case.size();
}
std::optional<Message> whole(std::string_view in) {
  const auto end = in.find("\r\n\r\n");
  if (end == in.npos) return std::nullopt;
  Message m{.head = end + 4};
  const auto head = in.substr(0, end);
  if (head.starts_with("HTTP/1.") && head.size() >= 12) std::from_chars(head.data() + 9, head.data() + 12, m.status);
  if (auto at = find_header(head, "\r\ncontent-length:"); at != head.npos) {
    while (at < head.size() && head[at] == ' ') ++at;
    std::from_chars(head.data() + at, head.data() + head.size(), m.body);
  }
  m.closes = find_header(head, "\r\nconnection: close") != head.npos;
  if (in.size() < m.head + m.body) return std::nullopt;
  return m;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  return at;
}
void no_delay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// ---- the load

struct Options {
  std::uint16_t port = 0;
  std::string path{}, tally{};
  std::vector<std::string> requests{}, headers{};
  std::size_t connections = 1, count = 0, warm = 0;
  double seconds = 0, rate = 0;
};

struct Link {
  int fd = -1;
  bool busy = false;
  std::string_view left{};  // of the request that is being sent
  std::string in{};
  Clock::time_point due{}, retry{};
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), links_(options.connections) {}
  void run();
  void print() const;

 private:
  bool more() const {
    return options_.count ? begun_ < options_.count + options_.warm
                          : ended_ < options_.warm || begun_ == 0 || Clock::now() < until_;
  }
  Clock::duration length() const { return std::chrono::nanoseconds(static_cast<std::int64_t>(options_.seconds * 1e9)); }
  Clock::time_point due(std::size_t request) const {
    return start_ +
           std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * static_cast<double>(request) / options_.rate));
  }
  void start_what_is_due();
  bool open(Link& link);
  void ask(Link& link, Clock::time_point due);
  void push(Link& link);
  void read(Link& link);
  void answered(Link& link, const Message& m);
  void lost(Link& link, const std::string& why);
  void wait();

  const Options& options_;
  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Link> links_;
  std::size_t begun_ = 0, ended_ = 0, under_way_ = 0;
  Clock::time_point start_ = Clock::now(), until_{}, counted_from_{}, last_answer_{}, pause_at_{};
  Clock::duration pause_{};
  std::vector<std::uint32_t> took_ns_;
  std::map<std::string, std::size_t> errors_, tally_;
};

bool Load::open(Link& link) {
  if (link.fd >= 0) return true;
  if (Clock::now() < link.retry) return false;
  link.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto at = loopback(options_.port);
  if (::connect(link.fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    ++errors_[std::string("connect: ") + std::strerror(errno)];
    ::close(link.fd);
    link.fd = -1;
    link.retry = Clock::now() + 1ms;
    return false;
  }
  no_delay(link.fd);
  epoll_event e{.events = EPOLLIN, .data = {.ptr = &link}};
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, link.fd, &e);
  return true;
}

void Load::ask(Link& link, Clock::time_point due) {
  link.busy = true;
  link.due = due;
  link.left = options_.requests[begun_++ % options_.requests.size()];
  ++under_way_;
  push(link);
}

void Load::push(Link& link) {
  while (!link.left.empty()) {
    const auto n = ::send(link.fd, link.left.data(), link.left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return lost(link, std::strerror(errno));
    if (n < 0 && errno == EAGAIN) break;
    if (n > 0) link.left.remove_prefix(static_cast<std::size_t>(n));
  }
  if (link.left.empty()) return;
  epoll_event e{.events = EPOLLIN | EPOLLOUT, .data = {.ptr = &link}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, link.fd, &e);
}

void Load::read(Link& link) {
  char bytes[64 << 10];
  const auto n = ::recv(link.fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return lost(link, n == 0 ? "closed before the answer" : std::strerror(errno));
  // Mostly the whole answer comes at once and is looked at where it lies.
  std::string_view seen(bytes, static_cast<std::size_t>(n));
  if (!link.in.empty()) seen = link.in.append(seen);
  if (const auto m = whole(seen); m && link.busy) {
    if (!options_.tally.empty()) {
      const auto body = seen.substr(m->head, m->body), key = std::string_view(options_.tally);
      const auto at = body.find(key);
      const auto from = at == body.npos ? body.size() : at + key.size();
      ++tally_[std::string(body.substr(from, body.find('"', from) - from))];
    }
    answered(link, *m);
    link.in.clear();
  } else if (link.in.empty()) {
    link.in = seen;
  }
}

void Load::answered(Link& link, const Message& m) {
  const auto now = Clock::now();
  link.busy = false;
  --under_way_;
  if (m.closes) {
    ::close(link.fd);
    link.fd = -1;
  }
  if (++ended_ <= options_.warm) {
    counted_from_ = last_answer_ = now;
    until_ = now + length();
    return;
  }
  if (m.status < 200 || m.status > 299) {
    ++errors_["status " + std::to_string(m.status)];
    return;
  }
  took_ns_.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>((now - link.due) / 1ns, UINT32_MAX)));
  if (now - last_answer_ > pause_) {
    pause_ = now - last_answer_;
    pause_at_ = last_answer_;
  }
  last_answer_ = now;
}

void Load::lost(Link& link, const std::string& why) {
  ::close(link.fd);
  link.fd = -1;
  link.in.clear();
  if (!link.busy) return;  // an idle connection may be closed
  link.busy = false;
  --under_way_;
  ++ended_;
  ++errors_[why];
}

void Load::start_what_is_due() {
  for (auto& link : links_) {
    if (link.busy) continue;
    if (!more()) return;
    const auto now = Clock::now();
    const auto when = options_.rate > 0 ? due(begun_) : now;
    if (when > now) return;
    if (open(link)) ask(link, when);
  }
}

void Load::wait() {
  timespec limit{.tv_sec = 0, .tv_nsec = 1'000'000};  // a lost connection is tried again after as long
  if (options_.rate > 0 && under_way_ < links_.size() && more()) {
    const auto ns = std::clamp<std::int64_t>((due(begun_) - Clock::now()) / 1ns, 0, 1'000'000);
    limit.tv_nsec = ns;
  }
  epoll_event events[256];
  const int n = ::epoll_pwait2(epoll_, events, std::size(events), &limit, nullptr);
  for (int i = 0; i < n; ++i) {
    auto& link = *static_cast<Link*>(events[i].data.ptr);
    if ((events[i].events & EPOLLOUT) != 0 && link.fd >= 0) {
      epoll_event e{.events = EPOLLIN, .data = {.ptr = &link}};
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, link.fd, &e);
      push(link);
    }
    if ((events[i].events & ~static_cast<unsigned>(EPOLLOUT)) != 0 && link.fd >= 0) read(link);
    // The next request leaves at once, not after all the others were looked at.
    if (options_.rate == 0 && !link.busy && link.fd >= 0 && more()) ask(link, Clock::now());
  }
}

void Load::run() {
  took_ns_.reserve(1 << 20);
  start_ = counted_from_ = last_answer_ = Clock::now();
  until_ = start_ + length();
  for (;;) {
    start_what_is_due();
    if (under_way_ == 0 && !more()) break;
    wait();
    if (!more() && Clock::now() - std::max(last_answer_, start_) > last_answers_wait_max) break;
  }
  if (under_way_ != 0) errors_["no answer"] += under_way_;
}

void Load::print() const {
  auto sorted = took_ns_;
  std::ranges::sort(sorted);
  const auto us = [&](double p) {
    if (sorted.empty()) return 0.0;
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(p * static_cast<double>(sorted.size())))] / 1e3;
  };
  const double seconds = std::chrono::duration<double>(last_answer_ - counted_from_).count();
  std::size_t errors = 0;
  for (const auto& [why, n] : errors_) errors += n;
  const auto texts = [](const std::map<std::string, std::size_t>& of) {
    std::string out = "{";
    for (const auto& [what, n] : of) {
      out += out.size() > 1 ? ", \"" : "\"";
      for (const char c : what)
        if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) out += c;
      out += "\": " + std::to_string(n);
    }
    return out + "}";
  };
  std::printf(
      R"({"answers": %zu, "errors": %zu, "seconds": %.3f, "per_second": %.1f, "p50_us": %.1f, "p90_us": %.1f, "p99_us": %.1f, "p999_us": %.1f, )"
      R"("max_us": %.1f, "pause_us": %.1f, "pause_at_s": %.3f, "why": %s, "tally": %s})"
      "\n",
      sorted.size(), errors, seconds, seconds > 0 ? static_cast<double>(sorted.size()) / seconds : 0, us(0.5), us(0.9),
      us(0.99), us(0.999), us(1), std::chrono::duration<double, std::micro>(pause_).count(),
      std::chrono::duration<double>(pause_at_ - start_).count(), texts(errors_).c_str(), texts(tally_).c_str());
}

// ---- the limit

int echo(std::size_t bytes) {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x');
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), epoll = ::epoll_create1(EPOLL_CLOEXEC);
  auto at = loopback(0);
  socklen_t size = sizeof at;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener, 1024) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    die("cannot listen");
  std::printf("%d\n", ntohs(at.sin_port));
  std::fflush(stdout);
  const auto watch = [&](int fd) {
    epoll_event e{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
  };
  watch(listener);
  watch(STDIN_FILENO);
  std::map<int, std::string> begun;
  char piece[64 << 10];
  epoll_event events[256];
  for (;;) {
    const int n = ::epoll_wait(epoll, events, std::size(events), -1);
    for (int i = 0; i < n; ++i) {
      const int fd = events[i].data.fd;
      if (fd == STDIN_FILENO) return 0;
      if (fd == listener) {
        const int other = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (other >= 0) {
          no_delay(other);
          watch(other);
        }
        continue;
      }
      const auto got = ::recv(fd, piece, sizeof piece, 0);
      if (got <= 0) {
        begun.erase(fd);
        ::close(fd);
        continue;
      }
      std::string_view seen(piece, static_cast<std::size_t>(got));
      auto& before = begun[fd];
      if (!before.empty()) seen = before.append(seen);
      if (whole(seen)) {
        before.clear();
        (void)!::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      } else if (before.empty()) {
        before = seen;
      }
    }
  }
}

std::string file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) die(std::string("cannot read ") + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_TIMERSLACK, 1);  // an open loop's next request is due to the microsecond
  if (argc == 3 && argv[1] == std::string_view("echo")) return echo(std::strtoul(argv[2], nullptr, 10));
  if (argc < 3)
    die("usage: bench_load PORT PATH [--body FILE]… [--connections N] [--seconds S] [--count N] [--rate R] …");
  Options o{.port = static_cast<std::uint16_t>(std::atoi(argv[1])), .path = argv[2]};
  std::vector<std::string> bodies;
  for (int i = 3; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc) die("no value for " + std::string(name));
    const char* value = argv[i + 1];
    if (name == "--body")
      bodies.push_back(file(value));
    else if (name == "--header")
      o.headers.emplace_back(value);
    else if (name == "--connections")
      o.connections = std::max(1UL, std::strtoul(value, nullptr, 10));
    else if (name == "--seconds")
      o.seconds = std::atof(value);
    else if (name == "--count")
      o.count = std::strtoul(value, nullptr, 10);
    else if (name == "--warm")
      o.warm = std::strtoul(value, nullptr, 10);
    else if (name == "--rate")
      o.rate = std::atof(value);
    else if (name == "--tally")
      o.tally = '"' + std::string(value) + "\":\"";
    else
      die("what is " + std::string(name) + "?");
  }
  if (o.count == 0 && o.seconds <= 0) o.seconds = 5;
  const auto request = [&](const std::string& method, const std::string& body) {
    std::string text = method + " " + o.path + " HTTP/1.1\r\nHost: localhost\r\n";
    for (const auto& h : o.headers) text += h + "\r\n";
    if (method == "POST")
      text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + body;
  };
  for (const auto& body : bodies) o.requests.push_back(request("POST", body));
  if (o.requests.empty()) o.requests.push_back(request("GET", {}));
  Load load(o);
  load.run();
  load.print();
}
