// Where runners ask for work: an ask that finds none is held until there is some, at most 20 s. The desk also sees to it that a runner of this
// machine is there when work waits and nobody asks for it.
#pragma once
#include "net/router.h"
#include "pipeline/service.h"

namespace pawl::pipeline {

class Desk {
 public:
  // `start_runner`: starts one beside the server, in a session of its own, and answers its process id; null: others look after runners.
  Desk(store::Store& store, Service& service, const Clock& clock, std::function<int()> start_runner);
  ~Desk();
  void take(Ask ask, const std::shared_ptr<const net::Request>& request, net::Reply reply);  // of an async route
  void wake();
  void close();  // answers all who wait; the server is about to stop
  void start();

 private:
  struct Waiting {
    Ask ask;
    ClaimAsk in;
    net::Reply reply;
    std::chrono::steady_clock::time_point until;
  };
  void run(const std::stop_token& stop);
  void try_claim(const std::shared_ptr<Waiting>& one);
  void look_after_runner();
  store::Store& store_;
  Service& service_;
  const Clock& clock_;
  std::function<int()> start_runner_;
  int runner_ = -1;  // process id of the one we started, while it lives
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::shared_ptr<Waiting>> waiting_;  // at the desk, not being tried
  bool work_ = false;
  bool closed_ = false;
  int trying_ = 0;
  std::jthread thread_;  // last: it uses the others
};

// Starts `pawl runner` of this very program: its own session, so that it outlives us and a training survives; single by its lock file.
struct LocalRunner {
  std::string server{};          // http://127.0.0.1:PORT
  std::filesystem::path data{};  // of the server: runner/, cache/, keys/, logs/
  std::string token{};
};
int start_local_runner(const LocalRunner& runner);  // its process id; -1: it could not be started

}  // namespace pawl::pipeline
