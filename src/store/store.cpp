#include "store/store.h"

#include <deque>
#include <future>

#include "core/log.h"
#include "store/engine.h"
#include "store/ledger.h"

namespace pawl::store {

std::string Call::tell(Event event) {
  event.by = who.name;
  event.project = project;
  event.at = now();
  return stage_event(tx, std::move(event));
}

// A connection with its thread and what waits for it.
class Lane {
 public:
  struct Item {
    Work work;
    Done done;
  };
  using Listener = std::function<void(std::int64_t)>;
  using Noticed = std::function<void(std::string_view)>;

  Lane(std::unique_ptr<Connection> connection, const Options& options, Access access)
      : connection_(std::move(connection)), options_(options), access_(access) {}
  ~Lane() { stop(); }

  void start() {
    thread_ = std::thread([this] { loop(); });
  }
  void stop() {
    {
      std::lock_guard hold(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  void put(Work work, Done done) {
    {
      std::lock_guard hold(mutex_);
      if (!stopping_ && waiting_.size() < options_.queue_max) {
        waiting_.push_back({std::move(work), std::move(done)});
        wake_.notify_one();
        return;
      }
    }
    done(pawl::fail(Code::busy,
                    stopping_ ? "the server is stopping" : "too many requests wait for the store: try again"));
  }
  std::size_t depth() {
    std::lock_guard hold(mutex_);
    return waiting_.size();
  }
  void on_events(Listener f) {
    std::lock_guard hold(mutex_);
    listeners_.push_back(std::move(f));
  }
  void on_notice(Noticed f) {
    std::lock_guard hold(mutex_);
    noticed_.push_back(std::move(f));
  }
  Connection& connection() { return *connection_; }

 private:
  void loop() {
    for (;;) {
      std::vector<Item> group;
      {
        std::unique_lock hold(mutex_);
        wake_.wait(hold, [&] { return stopping_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        const std::size_t n = access_ == Access::write ? std::min(waiting_.size(), options_.group_max) : 1;
        for (std::size_t i = 0; i < n; ++i) {
          group.push_back(std::move(waiting_.front()));
          waiting_.pop_front();
        }
      }
      run(group);
    }
  }

  // One transaction for the group. What a work wrote goes with its savepoint; what the commit refuses, all of them hear.
  void run(std::vector<Item>& group) {
    Tx tx(*connection_);
    std::vector<Result<void>> outcomes(group.size());
    bool refused = false;  // by the work itself, not by the store
    auto committed = [&]() -> Result<void> {
      TRY_(begin());
      const bool alone = group.size() == 1;
      for (std::size_t i = 0; i < group.size(); ++i) {
        const Mark mark{tx.events_.size(), tx.after_.size()};
        if (!alone) TRY_(connection_->script("SAVEPOINT work"));
        outcomes[i] = guarded(group[i].work, tx);
        if (!outcomes[i]) rewind(tx, mark);
        refused = alone && !outcomes[i];
        if (refused) return outcomes[i];
        if (!alone)
          TRY_(connection_->script(outcomes[i] ? "RELEASE SAVEPOINT work"
                                               : "ROLLBACK TO SAVEPOINT work; RELEASE SAVEPOINT work"));
      }
      if (!tx.events_.empty()) TRY_(write_ledger(tx));
      return connection_->script("COMMIT");
    }();
    if (!committed) {
      (void)connection_->script("ROLLBACK");
      if (!refused)
        log::error("store.failed", {{"message", committed.error().message}, {"detail", committed.error().detail}});
      for (auto& outcome : outcomes)
        if (outcome) outcome = committed;
    } else {
      after_commit(tx);
    }
    for (std::size_t i = 0; i < group.size(); ++i) group[i].done(std::move(outcomes[i]));
  }

  Result<void> begin() {
    if (connection_->engine() == Engine::sqlite)
      return connection_->script(access_ == Access::write ? "BEGIN IMMEDIATE" : "BEGIN");
    TRY_(connection_->script("BEGIN"));
    if (access_ == Access::write) TRY_(connection_->script("SELECT pg_advisory_xact_lock(7010)"));
    return {};
  }
  static Result<void> guarded(Work& work, Tx& tx) {
    try {
      return work(tx);
    } catch (const std::exception& e) {
      log::error("store.exception", {{"what", e.what()}});
      return pawl::fail(Code::internal, "an unexpected failure: the log has more", {}, e.what());
    }
  }
  struct Mark {
    std::size_t events, after;
  };
  static void rewind(Tx& tx, Mark m) {
    tx.events_.resize(m.events);
    tx.after_.erase(tx.after_.begin() + static_cast<std::ptrdiff_t>(m.after), tx.after_.end());
  }
  void after_commit(Tx& tx) {
    for (auto& f : tx.after_) f();
    if (tx.events_.empty() && tx.notices_.empty()) return;
    std::vector<Listener> listeners;
    std::vector<Noticed> noticed;
    {
      std::lock_guard hold(mutex_);
      if (!tx.events_.empty()) listeners = listeners_;
      noticed = noticed_;
    }
    for (auto& f : listeners) f(tx.newest_seq_);
    for (auto& topic : tx.notices_)
      for (auto& f : noticed) f(topic);
  }

  std::unique_ptr<Connection> connection_;
  const Options& options_;
  Access access_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> waiting_;
  bool stopping_ = false;
  std::vector<Listener> listeners_;
  std::vector<Noticed> noticed_;
  std::thread thread_;
};

struct Store::Impl {
  Options options{};
  std::unique_ptr<Lane> writer{};
  std::vector<std::unique_ptr<Lane>> readers{};  // none for a store in memory: its one connection reads too
  std::atomic<std::size_t> next_reader{0};
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() {
  for (auto& lane : impl_->readers) lane->stop();
  impl_->writer->stop();
}

Result<std::unique_ptr<Store>> Store::open(Options options) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  const auto& o = impl->options;
  auto open_one = [&](Access access) { return o.postgres.empty() ? open_sqlite(o, access) : open_postgres(o, access); };
  TRY(writer, open_one(Access::write));
  TRY_(migrate(*writer));
  impl->writer = std::make_unique<Lane>(std::move(writer), o, Access::write);
  const bool in_memory = o.postgres.empty() && o.file.empty();
  for (int i = 0; !in_memory && i < o.readers; ++i) {
    TRY(reader, open_one(Access::read_only));
    impl->readers.push_back(std::make_unique<Lane>(std::move(reader), o, Access::read_only));
  }
  impl->writer->start();
  for (auto& lane : impl->readers) lane->start();
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

void Store::write_async(Work work, Done done) { impl_->writer->put(std::move(work), std::move(done)); }

// To the reader with the shortest queue, in turn among equals.
void Store::read_async(Work work, Done done) {
  auto& readers = impl_->readers;
  if (readers.empty()) return impl_->writer->put(std::move(work), std::move(done));
  const std::size_t first = impl_->next_reader++ % readers.size();
  std::size_t best = first, depth = readers[first]->depth();
  for (std::size_t i = 1; depth > 0 && i < readers.size(); ++i) {
    const std::size_t k = (first + i) % readers.size();
    if (const auto d = readers[k]->depth(); d < depth) best = k, depth = d;
  }
  readers[best]->put(std::move(work), std::move(done));
}

namespace {
template <class Put> Result<void> wait_for(Put put, Work work) {
  std::promise<Result<void>> promise;
  auto future = promise.get_future();
  put(std::move(work), [&promise](Result<void> outcome) { promise.set_value(std::move(outcome)); });
  return future.get();
}
}  // namespace

Result<void> Store::write(Work work) {
  return wait_for([this](Work w, Done d) { write_async(std::move(w), std::move(d)); }, std::move(work));
}
Result<void> Store::read(Work work) {
  return wait_for([this](Work w, Done d) { read_async(std::move(w), std::move(d)); }, std::move(work));
}
void Store::on_events(std::function<void(std::int64_t)> f) { impl_->writer->on_events(std::move(f)); }
void Store::on_notice(std::function<void(std::string_view)> f) { impl_->writer->on_notice(std::move(f)); }
Engine Store::engine() const { return impl_->writer->connection().engine(); }

}  // namespace pawl::store
