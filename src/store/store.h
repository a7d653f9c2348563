// The store: one place for durable state. Who writes waits until the commit reached the disk; all who wait share one commit.
//
// One writer thread takes everything that waits, runs each piece of work in its own savepoint, commits once, then answers them all. Readers are a
// pool of connections, each read sees one snapshot. SQLite commits with synchronous=FULL. On PostgreSQL it is the same, and the transaction holds
// an advisory lock from its beginning, so that several servers write one after the other and no service has to think of races.
//
// A piece of work that returns an error, or throws, leaves nothing behind. A commit that fails (full disk) fails every work of its group.
#pragma once
#include "store/sql.h"

namespace pawl::store {

struct Options {
  std::filesystem::path file{};  // SQLite; empty: in memory, for tests
  std::string postgres{};        // a connection string: PostgreSQL instead
  int readers = 2;
  std::size_t queue_max = 10'000;  // work that waits; past it Code::busy
  std::size_t group_max = 256;     // works sharing one commit
  std::string vfs{};               // SQLite's file layer, for tests that fill the disk
};

// Work for the writer or a reader. It runs on the store's thread; keep it bounded (1,000 rows a call, bigger work is a job in slices).
using Work = std::move_only_function<Result<void>(Tx&)>;
using Done = std::move_only_function<void(Result<void>)>;  // on the store's thread: hand over at once

class Store {
 public:
  // Opens, migrates, starts the threads. Refuses a database that a newer pawl has written.
  static Result<std::unique_ptr<Store>> open(Options options);
  ~Store();  // finishes what waits
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  void write_async(Work work, Done done);
  void read_async(Work work, Done done);

  // The same, waiting. Never call these from a store thread or an io thread.
  Result<void> write(Work work);
  Result<void> read(Work work);
  template <class T, class F> Result<T> write_for(F work) { return keep<T>(&Store::write, std::move(work)); }
  template <class T, class F> Result<T> read_for(F work) { return keep<T>(&Store::read, std::move(work)); }

  // Called on the writer's thread after every commit that wrote events, with the newest sequence number: jobs and live pages wake up by it.
  void on_events(std::function<void(std::int64_t seq)> f);
  // Called on the writer's thread for every topic that a committed work gave notice of.
  void on_notice(std::function<void(std::string_view topic)> f);
  Engine engine() const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  template <class T, class F> Result<T> keep(Result<void> (Store::*how)(Work), F work) {
    std::optional<Result<T>> out;
    auto ran = (this->*how)([&](Tx& tx) -> Result<void> {
      out.emplace(work(tx));
      if (!*out) return std::unexpected(out->error());
      return {};
    });
    if (!ran) return std::unexpected(std::move(ran).error());
    return std::move(*out);
  }
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawl::store
