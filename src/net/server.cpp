// Listening, accepting, stopping. The server's one io thread is the one that calls run().
#include "net/server.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include "core/log.h"
#include "net/connection.h"
#include "net/unix_path.h"

namespace pawl::net {
using boost::system::error_code;
using tcp = asio::ip::tcp;
using local = asio::local::stream_protocol;

namespace {

using Timer = asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, Executor>;

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, const Router& router, store::Store& store, Authorizer& authorizer,
             const Clock& clock)
      : core_(std::move(options), router, store, authorizer, clock),
        sweep_timer_(core_.io),
        stop_timer_(core_.io),
        acceptor_(core_.io),
        owner_(core_.io) {
    if (core_.options.metrics) open_ = core_.options.metrics->gauge("pawl_http_connections", "Open connections.");
  }
  ~ServerImpl() override;
  Result<void> open();
  std::uint16_t port() const override { return port_; }
  void run() override;
  void stop() override {
    core_.inbox->put([this] { begin_stop(); });
  }
  void on_pool(std::move_only_function<void()> work) override { asio::post(core_.pool, std::move(work)); }
  void on_io(std::move_only_function<void()> work) override { core_.inbox->put(std::move(work)); }

 private:
  using TcpAcceptor = asio::basic_socket_acceptor<tcp, Executor>;
  using LocalAcceptor = asio::basic_socket_acceptor<local, Executor>;
  Result<void> open_tcp();
  Result<void> open_owner();
  template <class Acceptor> static Task<void> accept(ServerImpl& server, Acceptor& acceptor);
  void begin(Socket socket, std::string peer);
  static Task<void> sweep(ServerImpl& server);
  void begin_stop();
  void finish_stop();

  Core core_;
  Timer sweep_timer_, stop_timer_;
  TcpAcceptor acceptor_;
  LocalAcceptor owner_;
  std::uint16_t port_ = 0;
  bool sweeping_ = false;
  Metrics::Gauge open_{};
};

Error system_error(const std::string& what, const error_code& ec) {
  return {Code::unavailable, what + ": " + ec.message(), {}, {}};
}

Result<void> ServerImpl::open() {
  TRY_(open_tcp());
  if (!core_.options.owner_socket.empty()) TRY_(open_owner());
  asio::co_spawn(core_.io, accept(*this, acceptor_), asio::detached);
  if (owner_.is_open()) asio::co_spawn(core_.io, accept(*this, owner_), asio::detached);
  return {};
}

Result<void> ServerImpl::open_tcp() {
  error_code ec;
  const auto& host = core_.options.host;
  auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
  if (ec) {
    tcp::resolver resolver(core_.io);
    const auto found = resolver.resolve(host, "", ec);
    if (ec || found.empty()) return fail(Code::invalid, "no such address: " + host, "host");
    address = found.begin()->endpoint().address();
  }
  const tcp::endpoint endpoint(address, core_.options.port);
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return std::unexpected(system_error("cannot listen on " + host + ":" + std::to_string(core_.options.port), ec));
  port_ = acceptor_.local_endpoint().port();
  return {};
}

Result<void> ServerImpl::open_owner() {
  const auto& path = core_.options.owner_socket;
  const ShortPath short_path(path);
  error_code ec;
  if (std::filesystem::exists(path)) {
    // Left behind by a killed server, or in use by a living one?
    asio::basic_stream_socket<local, Executor> probe(core_.io);
    probe.connect(local::endpoint(short_path.text()), ec);
    if (!ec) return fail(Code::exists, "another server serves " + path.string());
    std::filesystem::remove(path, ec);
  }
  owner_.open(local(), ec);
  // Born closed to everybody else; changed afterwards, it would stand open for a moment.
  const auto before = ::umask(0177);
  if (!ec) owner_.bind(local::endpoint(short_path.text()), ec);
  ::umask(before);
  if (!ec) owner_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return std::unexpected(system_error("cannot listen on " + path.string(), ec));
  return {};
}

bool is_owner(int fd) {
  ucred other{};
  socklen_t size = sizeof other;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &size) == 0 && (other.uid == ::geteuid() || other.uid == 0);
}

template <class Acceptor> Task<void> ServerImpl::accept(ServerImpl& server, Acceptor& acceptor) {
  using Protocol = typename Acceptor::protocol_type;
  for (;;) {
    asio::basic_stream_socket<Protocol, Executor> socket(server.core_.io);
    const auto [ec] = co_await acceptor.async_accept(socket, asio::as_tuple(use_task));
    if (!acceptor.is_open() || server.core_.stopping) co_return;
    if (ec) {
      log::warn("net.accept_failed", {{"why", ec.message()}});
      Timer pause(server.core_.io, std::chrono::milliseconds(50));  // out of descriptors: give them time to come back
      const auto [woken] = co_await pause.async_wait(asio::as_tuple(use_task));
      (void)woken;
      continue;
    }
    std::string peer = "unix";
    error_code ignored;
    if constexpr (std::is_same_v<Protocol, tcp>) {
      socket.set_option(tcp::no_delay(true), ignored);
      const auto other = socket.remote_endpoint(ignored);
      if (ignored) continue;
      peer = other.address().to_string();
    } else if (!is_owner(socket.native_handle())) {
      continue;
    }
    socket.non_blocking(true, ignored);
    server.begin(Socket(std::move(socket)), std::move(peer));
  }
}

void ServerImpl::begin(Socket socket, std::string peer) {
  if (core_.connections.size() >= core_.options.connections_max) {
    constexpr std::string_view refused =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";
    error_code ignored;
    socket.write_some(asio::buffer(refused), ignored);
    return;
  }
  auto connection = std::make_shared<Connection>(core_, std::move(socket), std::move(peer));
  asio::co_spawn(core_.io, Connection::serve(std::move(connection)), asio::detached);
  if (core_.options.metrics) open_.set(static_cast<double>(core_.connections.size()));
  if (!std::exchange(sweeping_, true)) asio::co_spawn(core_.io, sweep(*this), asio::detached);
}

// Looks at every connection's limit of time, only while there are connections. One timer for all is cheaper than one for each.
Task<void> ServerImpl::sweep(ServerImpl& server) {
  const auto& options = server.core_.options;
  const Micros step = std::clamp<Micros>(std::min(options.header_time_max, options.idle_time_max) / 4,
                                         std::chrono::milliseconds(5), std::chrono::seconds(1));
  while (!server.core_.connections.empty()) {
    server.sweep_timer_.expires_after(step);
    const auto [cancelled] = co_await server.sweep_timer_.async_wait(asio::as_tuple(use_task));
    if (cancelled) break;
    const auto now = Steady::now();
    for (auto& [id, connection] : server.core_.connections) connection->sweep(now);
    if (options.metrics) server.open_.set(static_cast<double>(server.core_.connections.size()));
  }
  server.sweeping_ = false;
}

void ServerImpl::begin_stop() {
  if (std::exchange(core_.stopping, true)) return;
  error_code ignored;
  acceptor_.close(ignored);
  if (owner_.is_open()) {
    owner_.close(ignored);
    std::filesystem::remove(core_.options.owner_socket, ignored);
  }
  if (core_.connections.empty()) return finish_stop();
  core_.emptied = [this] { finish_stop(); };
  std::vector<std::uint64_t> ids;
  ids.reserve(core_.connections.size());
  for (const auto& [id, connection] : core_.connections) ids.push_back(id);
  for (const auto id : ids)
    if (const auto at = core_.connections.find(id); at != core_.connections.end()) at->second->begin_stop();
  stop_timer_.expires_after(core_.options.stop_time_max);
  stop_timer_.async_wait([this](const error_code& cancelled) {
    if (cancelled) return;
    log::warn("net.stop_forced", {{"connections", core_.connections.size()}});
    core_.io.stop();
  });
}

void ServerImpl::finish_stop() {
  stop_timer_.cancel();
  core_.io.stop();
}

void ServerImpl::run() {
  auto work = asio::make_work_guard(core_.io);
  core_.inbox->begin();
  core_.io.run();
  core_.inbox->close();
}

ServerImpl::~ServerImpl() {
  core_.emptied = {};
  core_.inbox->close();
  core_.pool.stop();
  core_.pool.join();
  std::vector<Connection*> waiting;
  waiting.reserve(core_.connections.size());
  for (const auto& [id, connection] : core_.connections) waiting.push_back(connection);
  for (auto* connection : waiting) connection->drop_waiting();
  // Whatever still waits for its socket is destroyed with the io context.
  if (owner_.is_open()) {
    error_code ignored;
    std::filesystem::remove(core_.options.owner_socket, ignored);
  }
}

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, const Router& router, store::Store& store,
                                               Authorizer& authorizer, const Clock& clock) {
  auto server = std::make_unique<ServerImpl>(std::move(options), router, store, authorizer, clock);
  TRY_(server->open());
  return server;
}

}  // namespace pawl::net
