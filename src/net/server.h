// The HTTP/1.1 server: keep-alive, streaming bodies, limits, graceful stop. One io thread runs coroutines and never blocks (more threads on one
// context were slower: half the requests a second with two); SQL runs on the store's threads, files and models on a small pool.
#pragma once
#include <filesystem>

#include "net/metrics.h"
#include "net/router.h"

namespace pawl::net {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;                      // 0: any free one
  std::filesystem::path owner_socket{};        // a Unix socket that only the owner can open; its callers are local admins. Empty: none
  std::vector<std::string> hosts_allowed{};    // further names for the Host header; loopback and the bound address are always allowed
  std::size_t header_bytes_max = 64 << 10;
  Micros header_time_max = std::chrono::seconds(10);  // from the first byte to the end of the head
  Micros idle_time_max = std::chrono::seconds(75);
  Micros stop_time_max = std::chrono::milliseconds(1500);
  int pool_threads = 2;
  std::size_t connections_max = 4096;          // past it: 503 and closed
  Micros heartbeat = std::chrono::seconds(15); // of server-sent events, so that proxies keep the connection
  Metrics* metrics = nullptr;                  // requests by route and status, latency; null: not counted
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, const Router& router, store::Store& store, Authorizer& authorizer, const Clock& clock);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  virtual void run() = 0;   // until stop(); then answers what has begun and closes, within stop_time_max
  virtual void stop() = 0;  // from any thread, or a signal handler's thread
  // Runs `work` on the pool of files and models.
  virtual void on_pool(std::move_only_function<void()> work) = 0;
  // Runs `work` on the io thread, after what is under way there: the end of this turn of the loop.
  virtual void on_io(std::move_only_function<void()> work) = 0;
};

}  // namespace pawl::net
