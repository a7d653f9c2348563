// The composition root: every part of the server, declared in the order of the floors, each given what it needs from those above it in this
// list. What is declared first outlives what follows. Nothing registers itself; routes are mounted by name in house.cpp.
#pragma once
#include "access/service.h"
#include "app/server.h"
#include "delivery/house.h"
#include "delivery/service.h"
#include "datasets/service.h"
#include "jobs/jobs.h"
#include "monitoring/service.h"
#include "net/metrics.h"
#include "net/server.h"
#include "pipeline/desk.h"
#include "registry/service.h"
#include "serving/service.h"
#include "store/files.h"
#include "team/feed.h"
#include "team/notify.h"
#include "team/service.h"
#include "tracking/service.h"

namespace pawl::app {

class House {
 public:
  // Opens the store and the keys, wires the rooms, listens. Nothing is served before run().
  static Result<std::unique_ptr<House>> open(const ServerSettings& settings);
  ~House();
  std::uint16_t port() const { return server_->port(); }
  void run();  // until stop()
  void stop();
  const net::Router& router() const { return router_; }

 private:
  explicit House(const ServerSettings& settings);
  Result<void> build();
  void mount();

  const ServerSettings settings_;
  SystemClock clock_;
  SystemRandom random_;
  net::Metrics metrics_;
  net::Live live_;
  net::Router router_;
  store::Artifacts artifacts_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<jobs::Worker> worker_;
  std::unique_ptr<access::Service> access_;
  std::unique_ptr<tracking::Service> tracking_;
  datasets::Service datasets_;
  std::unique_ptr<registry::Service> registry_;
  std::unique_ptr<pipeline::Service> pipeline_;
  std::unique_ptr<pipeline::Desk> desk_;
  std::unique_ptr<serving::Service> serving_;
  std::unique_ptr<monitoring::ServingLog> log_;
  std::unique_ptr<monitoring::Service> monitoring_;
  std::unique_ptr<jobs::Worker> measurer_;  // its own thread: windows that close for seconds keep no rollout waiting
  std::unique_ptr<team::Service> team_;
  std::unique_ptr<team::Feed> feed_;
  std::unique_ptr<team::Notifier> notifier_;
  std::unique_ptr<jobs::Worker> messenger_;  // its own threads: who waits for a receiver keeps no rollout waiting
  std::unique_ptr<delivery::House> below_;
  std::unique_ptr<delivery::Service> delivery_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace pawl::app
