// Bodies of requests, sized or chunked: read whole, streamed into an Upload, or thrown away.
#include <boost/asio/buffer.hpp>
#include <cstring>

#include "net/connection.h"

namespace pawl::net {
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {
constexpr std::size_t piece_bytes = 256 << 10;
}  // namespace

Task<std::optional<Response>> Connection::read_body(std::string& body) {
  const auto bytes_max = entry_->route.body_max;
  std::size_t have = 0;
  // Memory follows what has come, not what was announced.
  for (std::size_t room = piece_bytes;; room *= 2) {
    body.resize(chunked_ ? have + room : std::min<std::size_t>(have + room, have + body_left_));
    std::size_t got = 0;
    const auto state = co_await read_piece(body.data() + have, body.size() - have, got);
    have += got;
    if (state == Body::closed) co_return std::nullopt;
    if (state == Body::bad) {
      keep_ = false;
      co_return protocol_error(400, "the chunks of the body are broken", entry_->route.dialect);
    }
    if (have > bytes_max)
      co_return protocol_error(413, "the body has more than " + std::to_string(bytes_max) + " bytes",
                               entry_->route.dialect);
    if (state == Body::done) break;
  }
  body.resize(have);
  co_return std::nullopt;
}

Task<Connection::Body> Connection::read_piece(char* to, std::size_t size, std::size_t& got) {
  got = 0;
  // Plain calls, not one expression with `?:`: what is awaited has a name.
  if (chunked_) {
    const auto state = co_await read_chunked(to, size, got);
    co_return state;
  }
  const auto state = co_await read_sized(to, size, got);
  co_return state;
}

Task<Connection::Body> Connection::read_sized(char* to, std::size_t size, std::size_t& got) {
  size = std::min<std::uint64_t>(size, body_left_);
  const auto here = std::min(size, buffer_.size());
  std::memcpy(to, buffer_.data().data(), here);
  buffer_.consume(here);
  got = here;
  while (got < size) {
    deadline_ = Steady::now() + core_.options.idle_time_max;
    const auto [ec, n] = co_await socket_.async_read_some(asio::buffer(to + got, size - got), asio::as_tuple(use_task));
    deadline_ = Steady::time_point::max();
    got += n;
    if (ec) {
      gone_ = true;
      co_return Body::closed;
    }
  }
  body_left_ -= got;
  co_return body_left_ ? Body::more : Body::done;
}

Task<Connection::Body> Connection::read_chunked(char* to, std::size_t size, std::size_t& got) {
  auto& body = parser_->get().body();
  body.data = to;
  body.size = size;
  parser_->eager(true);
  for (;;) {
    error_code ec;
    std::size_t taken = 0;
    if (buffer_.size()) buffer_.consume(taken = parser_->put(buffer_.data(), ec));
    got = size - body.size;
    if (parser_->is_done()) {
      chunked_ = false;
      co_return Body::done;
    }
    if (ec == http::error::need_buffer || body.size == 0) co_return Body::more;
    if (ec && ec != http::error::need_more) co_return Body::bad;
    if (!ec && taken && buffer_.size()) continue;
    const bool came = co_await fill(core_.options.idle_time_max);
    if (!came) co_return Body::closed;
  }
}

Task<bool> Connection::drain(std::size_t bytes_max) {
  std::string nowhere(16 << 10, '\0');
  for (std::size_t all = 0; all <= bytes_max;) {
    std::size_t got = 0;
    const auto state = co_await read_piece(nowhere.data(), nowhere.size(), got);
    all += got;
    if (state == Body::done) co_return true;
    if (state != Body::more) co_return false;
  }
  co_return false;
}

Task<Response> Connection::take_upload(Request request, Ask ask) {
  const Entry& entry = *entry_;
  const Route& route = entry.route;
  // The Upload and the piece it is given belong to both threads; whoever lets go last destroys them, the pool in any case but a forced stop.
  struct Feed {
    Request request;
    Ask ask;
    std::unique_ptr<Upload> upload{};
    std::string piece{};
  };
  auto feed = std::make_shared<Feed>(std::move(request), std::move(ask));
  struct DestroyOnPool {
    asio::thread_pool& pool;
    std::shared_ptr<Feed>& feed;
    ~DestroyOnPool() {
      asio::post(pool, [feed = std::move(feed)] { feed->upload.reset(); });
    }
  } at_the_end{core_.pool, feed};
  const auto id = request_id_;

  auto open = [feed, &entry, &route, id]() -> Result<Response> {
    return guarded(
        [&]() -> Result<Response> {
          TRY(upload, entry.upload(feed->ask, feed->request));
          feed->upload = std::move(upload);
          return Response{};
        },
        route, id);
  };
  auto opened = co_await on_pool(std::move(open));
  if (!opened) co_return finish(std::move(opened), route, id);

  auto state = chunked_ || body_left_ ? Body::more : Body::done;
  while (state == Body::more) {
    feed->piece.resize(piece_bytes);
    std::size_t got = 0;
    state = co_await read_piece(feed->piece.data(), feed->piece.size(), got);
    if (state == Body::closed) co_return Response{};
    if (state == Body::bad) {
      keep_ = false;
      co_return protocol_error(400, "the chunks of the body are broken", route.dialect);
    }
    feed->piece.resize(got);
    auto write_piece = [feed, &route, id]() -> Result<Response> {
      return guarded(
          [&]() -> Result<Response> {
            TRY_(feed->upload->write(feed->piece));
            return Response{};
          },
          route, id);
    };
    auto written = co_await on_pool(std::move(write_piece));
    if (!written) co_return finish(std::move(written), route, id);
  }
  auto end = [feed, &route, id]() -> Result<Response> {
    return guarded([&] { return feed->upload->finish(); }, route, id);
  };
  auto out = co_await on_pool(std::move(end));
  co_return finish(std::move(out), route, id);
}

}  // namespace pawl::net
