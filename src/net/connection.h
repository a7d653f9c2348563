// One connection and what all connections share. Everything here lives on the io thread; other threads come in through the Inbox.
//
// A connection reads a head, finds the route, asks who may, reads the body, runs the handler where it belongs, writes the answer, and begins
// again. It never reads ahead of an answer: pipelined requests wait in its buffer.
#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "net/handle.h"
#include "net/hosts.h"
#include "net/idempotency.h"
#include "net/inbox.h"
#include "net/server.h"

namespace pawl::net {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
template <class T> using Task = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> use_task{};
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using Steady = std::chrono::steady_clock;

class Connection;

// Requests by route and status, and how long they took.
class RouteNumbers {
 public:
  RouteNumbers(Metrics* metrics, const Router& router);
  void count(const Entry* entry, int status, Steady::duration took);

 private:
  struct Of {
    std::string route{};
    Metrics::Histogram seconds{};
    std::vector<std::pair<int, Metrics::Counter>> by_status{};
  };
  Of make(const std::string& route);
  Metrics* metrics_;
  std::unordered_map<const Entry*, Of> routes_;
  Of none_{};
};

// What the connections of one server share.
struct Core {
  Core(ServerOptions o, const Router& r, store::Store& s, Authorizer& a, const Clock& c);

  ServerOptions options;
  const Router& router;
  store::Store& store;
  Authorizer& authorizer;
  const Clock& clock;
  Hosts hosts;
  Idempotency remembered;
  RouteNumbers numbers;
  std::unordered_map<std::uint64_t, Connection*> connections;
  std::uint64_t next_connection = 1;
  bool stopping = false;
  std::function<void()> emptied{};  // called when the last connection has gone
  asio::io_context io{1};
  asio::thread_pool pool;
  std::shared_ptr<Inbox> inbox;

  std::string request_id();
  const std::string& date();  // of this second, as HTTP writes it
  void deliver(std::uint64_t connection, std::uint64_t ticket, Result<Response> answer);

 private:
  std::string boot_;  // sets this process's request ids apart from the last one's
  std::uint64_t requests_ = 0;
  std::time_t date_at_ = 0;
  std::string date_;
};

class Connection {
 public:
  Connection(Core& core, Socket socket, std::string peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static Task<void> serve(std::shared_ptr<Connection> self);
  void deliver(std::uint64_t ticket, Result<Response> answer);
  bool waits() const { return static_cast<bool>(resume_); }
  void wake();                         // new frames to send
  void sweep(Steady::time_point now);  // a limit of time has passed?
  void begin_stop();                   // no further request
  void close();
  void drop_waiting() { resume_ = {}; }  // destroys what waits for an answer: the server goes

 private:
  enum class Body { more, done, closed, bad };

  // connection.cpp: heads, and what is run for them
  Task<void> run();
  Task<bool> read_head();
  Task<bool> fill(Micros limit);
  void take_head(Request& request);
  Task<void> answer_one();
  Task<Response> respond(Request request);
  Task<Result<Response>> authorize(Request& request, Ask& ask);
  Task<Result<Response>> run_entry(Request request, Ask ask);
  Task<Result<Response>> answered();
  Reply reply();
  template <class F> Task<Result<Response>> on_pool(F work);

  // receive.cpp: bodies
  Task<Body> read_piece(char* to, std::size_t size, std::size_t& got);
  Task<Body> read_sized(char* to, std::size_t size, std::size_t& got);
  Task<Body> read_chunked(char* to, std::size_t size, std::size_t& got);
  Task<std::optional<Response>> read_body(std::string& body);
  Task<Response> take_upload(Request request, Ask ask);
  Task<bool> drain(std::size_t bytes_max);

  // send.cpp: writing
  Task<void> send(Response response);
  Task<void> send_file(Response response);
  Task<void> send_live(Live& live);
  static Task<void> watch_for_end(std::shared_ptr<Connection> self);
  void write_head(const Response& response, std::optional<std::uint64_t> length);
  Task<bool> write(std::string_view first, std::string_view second = {});
  Task<void> linger();

  Core& core_;
  Socket socket_;
  std::string peer_;
  std::uint64_t id_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::buffer_body>> parser_;
  std::string out_;  // the head of the answer and a small body; its memory is kept

  // The request under way.
  const Entry* entry_ = nullptr;
  std::string request_id_;
  std::vector<Pair> conditions_;  // its Range and If-… headers, for send_file
  std::uint64_t body_left_ = 0;   // sized bodies
  bool chunked_ = false, expects_continue_ = false, head_only_ = false, old_http_ = false;
  bool keep_ = true;     // another request may follow
  bool gone_ = false;    // the other side went away, or must
  bool unread_ = false;  // we close although the other side may still be sending
  bool between_ = true;  // waiting for the first byte of a request

  // Limits of time, watched by the server's sweep.
  Steady::time_point deadline_ = Steady::time_point::max();
  bool timed_out_ = false;

  // Waiting for an answer from another thread.
  std::uint64_t ticket_ = 0;
  bool droppable_ = false;  // waits for something that a stopping server does not wait for
  std::optional<Result<Response>> answer_;
  std::move_only_function<void()> resume_;

  std::optional<asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, Executor>> live_timer_;
  bool live_ended_ = false;
  std::weak_ptr<Connection> self_;
};

// `work` owns all it touches: when the server is forced to stop, we are gone before it ends.
template <class F> Task<Result<Response>> Connection::on_pool(F work) {
  asio::post(core_.pool, [work = std::move(work), reply = reply()]() mutable { reply(work()); });
  auto out = co_await answered();
  co_return out;
}

}  // namespace pawl::net
