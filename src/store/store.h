// The store: one place for durable state. Who writes waits until the commit reached the disk; all who wait share one commit.
//
//   SQLite      one writer thread takes everything that waits, runs each piece of work in its own savepoint, commits once (synchronous=FULL),
//               then answers them all. Readers are a pool of connections, each read sees one snapshot.
//   PostgreSQL  every piece of work is a transaction of its own on a pool of connections.
//
// A piece of work that returns an error, or throws, leaves nothing behind. A commit that fails (full disk) fails every work of its group.
#pragma once
#include "store/sql.h"

namespace pawl::store {

struct Options {
  std::filesystem::path file{};   // SQLite; empty: in memory, for tests
  std::string postgres{};         // a connection string: PostgreSQL instead
  int readers = 2;
  std::size_t queue_max = 10'000; // work that waits; past it Code::busy
  std::size_t group_max = 256;    // works sharing one commit
};

// Work for the writer or a reader. It runs on the store's thread; keep it bounded (1,000 rows a call, bigger work is a job in slices).
using Work = std::move_only_function<Result<void>(Tx&)>;
using Done = std::move_only_function<void(Result<void>)>;  // on the store's thread: hand over at once

class Store {
 public:
  // Opens, migrates, starts the threads. Refuses a database that a newer pawl has written.
  static Result<std::unique_ptr<Store>> open(Options options, const Clock& clock);
  virtual ~Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  virtual void write_async(Work work, Done done) = 0;
  virtual void read_async(Work work, Done done) = 0;

  // The same, waiting. Never call these from a store thread or an io thread.
  Result<void> write(Work work) { return wait(&Store::write_async, std::move(work)); }
  Result<void> read(Work work) { return wait(&Store::read_async, std::move(work)); }
  template <class T, class F> Result<T> write_for(F work) { return wait_for<T>(&Store::write_async, std::move(work)); }
  template <class T, class F> Result<T> read_for(F work) { return wait_for<T>(&Store::read_async, std::move(work)); }

  // Called on a store thread after every commit that wrote events, with the newest sequence number: jobs and live pages wake up by it.
  void on_events(std::function<void(std::int64_t seq)> f);
  virtual Engine engine() const = 0;

 protected:
  Store() = default;
  static Result<void> finish(Tx& tx);     // the ledger's rows: the last statements before COMMIT
  static bool told(const Tx& tx) { return !tx.events_.empty(); }
  struct Mark { std::size_t events, after; };
  static Mark mark(const Tx& tx) { return {tx.events_.size(), tx.after_.size()}; }
  static void rewind(Tx& tx, Mark m) { tx.events_.resize(m.events); tx.after_.resize(m.after); }
  void committed(Tx& tx);                 // runs what waited for the commit

 private:
  Result<void> wait(void (Store::*how)(Work, Done), Work work);
  template <class T, class F> Result<T> wait_for(void (Store::*how)(Work, Done), F work) {
    std::optional<Result<T>> out;
    if (auto ran = wait(how, [&](Tx& tx) -> Result<void> {
          out.emplace(work(tx));
          if (!*out) return std::unexpected(out->error());
          return {};
        }); !ran)
      return std::unexpected(ran.error());
    return std::move(*out);
  }
  std::mutex listeners_mutex_;
  std::vector<std::function<void(std::int64_t)>> listeners_;
};

}  // namespace pawl::store
