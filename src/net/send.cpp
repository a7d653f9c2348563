// How answers leave: small ones in one write, files piece by piece, events for as long as somebody listens.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>
#include <deque>

#include "core/log.h"
#include "net/connection.h"
#include "net/file_answer.h"

namespace pawl::net {
using boost::system::error_code;

namespace {

constexpr std::size_t file_piece_bytes = 256 << 10;
constexpr std::size_t one_write_bytes_max = 16 << 10;  // head and body up to this are copied into one buffer

void append_number(std::string& out, std::uint64_t n) {
  char text[24];
  const auto [end, ec] = std::to_chars(text, text + sizeof text, n);
  out.append(text, end);
}
// A header's value may come from a client (a file name): what would end the line is left out.
void append_value(std::string& out, std::string_view value) {
  for (const char c : value)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) out += c;
}

}  // namespace

void Connection::write_head(const Response& response, std::optional<std::uint64_t> length) {
  out_.clear();
  out_ += "HTTP/1.1 ";
  append_number(out_, static_cast<std::uint64_t>(response.status));
  out_ += ' ';
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  out_.append(reason.data(), reason.size());
  out_.append("\r\nDate: ").append(core_.date());
  if (!response.type.empty() && response.status != 204 && response.status != 304) {
    out_ += "\r\nContent-Type: ";
    append_value(out_, response.type);
  }
  if (length && response.status != 204 && response.status != 304) {
    out_ += "\r\nContent-Length: ";
    append_number(out_, *length);
  }
  for (const auto& h : response.headers) {
    out_ += "\r\n";
    append_value(out_, h.name);
    out_ += ": ";
    append_value(out_, h.value);
  }
  out_ += "\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: SAMEORIGIN";
  if (!keep_)
    out_ += "\r\nConnection: close";
  else if (old_http_)
    out_ += "\r\nConnection: keep-alive";
  out_ += "\r\n\r\n";
}

Task<bool> Connection::write(std::string_view first, std::string_view second) {
  std::array<asio::const_buffer, 2> buffers{asio::buffer(first), asio::buffer(second)};
  deadline_ = Steady::now() + core_.options.idle_time_max;
  // Each piece that leaves sets the limit anew: a slow reader is fine, one that reads nothing is not.
  for (;;) {
    const auto [ec, n] = co_await socket_.async_write_some(buffers, asio::as_tuple(use_task));
    if (ec) {
      deadline_ = Steady::time_point::max();
      gone_ = true;
      co_return false;
    }
    auto left = n;
    for (auto& b : buffers) {
      const auto step = std::min(left, b.size());
      b += step;
      left -= step;
    }
    if (buffers[0].size() + buffers[1].size() == 0) break;
    deadline_ = Steady::now() + core_.options.idle_time_max;
  }
  deadline_ = Steady::time_point::max();
  co_return true;
}

Task<void> Connection::send(Response response) {
  write_head(response, response.body.size());
  std::string_view body =
      head_only_ || response.status == 204 || response.status == 304 ? std::string_view{} : response.body;
  if (body.size() <= one_write_bytes_max) {
    out_ += body;
    body = {};
  }
  // Mostly the socket takes it all at once: then no coroutine is made and nothing waits.
  error_code ec;
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(out_), asio::buffer(body)};
  auto n = socket_.write_some(buffers, ec);
  if (ec && ec != asio::error::would_block && ec != asio::error::try_again) {
    gone_ = true;
    co_return;
  }
  if (ec) n = 0;
  if (n == out_.size() + body.size()) co_return;
  const auto of_head = std::min(n, out_.size());
  co_await write(std::string_view(out_).substr(of_head), body.substr(n - of_head));
}

Task<void> Connection::linger() {
  if (gone_ || !unread_) co_return;
  // The other side may still be sending what we refused: reset before it has read our answer, it would never see it.
  error_code ec;
  socket_.shutdown(Socket::shutdown_send, ec);
  if (ec) co_return;
  timed_out_ = false;
  constexpr std::size_t bytes_max = 8 << 20;
  const auto until = Steady::now() + std::chrono::seconds(1);
  for (std::size_t all = 0; all < bytes_max && Steady::now() < until;) {
    const bool more = co_await fill(std::chrono::milliseconds(500));
    if (!more) break;
    all += buffer_.size();
    buffer_.consume(buffer_.size());
  }
}

Task<void> Connection::send_file(Response response) {
  struct Source {
    int fd = -1;
    FileAnswer answer{};
    std::string piece{};
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    ~Source() {
      if (fd >= 0) ::close(fd);
    }
    // The next piece; it is empty at the end.
    Result<Response> read(std::uint64_t at, std::uint64_t left) {
      piece.resize(std::min<std::uint64_t>(left, file_piece_bytes));
      std::size_t have = 0;
      while (have < piece.size()) {
        const auto n = ::pread(fd, piece.data() + have, piece.size() - have, static_cast<off_t>(at + have));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return fail(Code::internal, "a file became shorter while it was sent");
        have += static_cast<std::size_t>(n);
      }
      return Response{};
    }
  };
  auto source = std::make_shared<Source>();
  auto open = [source, path = response.file->path, conditions = conditions_,
               head_only = head_only_]() -> Result<Response> {
    source->fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat facts{};
    if (source->fd < 0 || ::fstat(source->fd, &facts) != 0 || !S_ISREG(facts.st_mode))
      return fail(Code::missing, "there is no such file");
    const auto mtime_ns = static_cast<std::int64_t>(facts.st_mtim.tv_sec) * 1'000'000'000 + facts.st_mtim.tv_nsec;
    source->answer = answer_for_file({static_cast<std::uint64_t>(facts.st_size), mtime_ns}, conditions);
    if (head_only) return Response{};
    return source->read(source->answer.from, source->answer.length);
  };
  asio::post(core_.pool, [open = std::move(open), reply = reply()]() mutable { reply(open()); });
  auto opened = co_await answered();
  if (!opened) {
    co_await send(finish(std::move(opened), entry_->route, request_id_));
    co_return;
  }
  const auto& answer = source->answer;
  response.status = answer.status;
  response.headers.insert(response.headers.end(), answer.headers.begin(), answer.headers.end());
  write_head(response, answer.length);
  const auto first = head_only_ || answer.length == 0 ? std::string_view{} : std::string_view(source->piece);
  const bool begun = co_await write(out_, first);
  if (!begun) co_return;
  for (std::uint64_t sent = first.size(); !head_only_ && sent < answer.length;) {
    asio::post(core_.pool, [source, at = answer.from + sent, left = answer.length - sent, reply = reply()]() mutable {
      reply(source->read(at, left));
    });
    auto read = co_await answered();
    if (!read) {
      // Too late for an error: the client sees a body that is too short.
      log::error("net.file_cut", {{"request", request_id_}, {"error", read.error().message}});
      gone_ = true;
      co_return;
    }
    const bool written = co_await write(source->piece);
    if (!written) co_return;
    sent += source->piece.size();
  }
}

// Ends the listening when the other side closes. Whatever it sends meanwhile is nobody's.
Task<void> Connection::watch_for_end(std::shared_ptr<Connection> self) {
  std::array<char, 512> nowhere;
  for (;;) {
    const auto [ec, n] = co_await self->socket_.async_read_some(asio::buffer(nowhere), asio::as_tuple(use_task));
    if (ec) break;
  }
  self->live_ended_ = true;
  self->wake();
}

void Connection::wake() {
  if (live_timer_) live_timer_->cancel();
}

Task<void> Connection::send_live(Live& live) {
  struct Mailbox {
    std::mutex mutex;
    std::deque<std::string> frames;
    bool behind = false, called = false;
  };
  struct Listening {
    Live& live;
    std::uint64_t id;
    ~Listening() { live.leave(id); }
  };
  keep_ = false;
  auto mailbox = std::make_shared<Mailbox>();
  const Listening listening{
      live, live.listen([mailbox, inbox = core_.inbox, core = &core_, id = id_](const std::string& frame) {
        std::lock_guard hold(mailbox->mutex);
        if (mailbox->frames.size() >= Live::behind_max) {
          mailbox->frames.clear();
          mailbox->behind = true;
        }
        if (!mailbox->behind) mailbox->frames.push_back(frame);
        if (std::exchange(mailbox->called, true)) return;
        inbox->put([core, id] {
          if (const auto at = core->connections.find(id); at != core->connections.end()) at->second->wake();
        });
      })};
  live_timer_.emplace(core_.io);
  asio::co_spawn(core_.io, watch_for_end(self_.lock()), asio::detached);
  write_head({.status = 200, .type = "text/event-stream", .headers = {{"Cache-Control", "no-cache"}}}, std::nullopt);
  out_ += "retry: 2000\n\n";
  while (!live_ended_ && !core_.stopping && !gone_) {
    if (!out_.empty()) {
      co_await write(out_);
      out_.clear();
      continue;
    }
    {
      std::lock_guard hold(mailbox->mutex);
      mailbox->called = false;
      for (const auto& frame : mailbox->frames) out_ += frame;
      mailbox->frames.clear();
      if (std::exchange(mailbox->behind, false)) out_ += "event: behind\ndata: {}\n\n";
    }
    if (!out_.empty()) continue;
    live_timer_->expires_after(core_.options.heartbeat);
    const auto [cancelled] = co_await live_timer_->async_wait(asio::as_tuple(use_task));
    if (!cancelled) out_ = ": beat\n\n";
  }
  live_timer_.reset();
  close();
}

}  // namespace pawl::net
