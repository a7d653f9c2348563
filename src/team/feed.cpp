#include "team/feed.h"

#include "store/ledger.h"

namespace pawl::team {

struct Feed::State {
  store::Store& store;
  net::Live& live;
  std::mutex mutex{};
  std::int64_t sent = -1;  // -1: nothing yet, the first commit says where to begin
  std::int64_t newest = 0;
  bool reading = false;

  // Called with the mutex held; one read at a time keeps the order.
  static void read_on(const std::shared_ptr<State>& self) {
    self->reading = true;
    auto page = std::make_shared<std::vector<store::LedgerEvent>>();
    self->store.read_async(
        [page, after = self->sent](Tx& tx) -> Result<void> {
          TRY(events, store::read_ledger(tx, {.after = after, .limit = 500}));
          *page = std::move(events);
          return {};
        },
        [self, page](Result<void> read) {
          for (const auto& event : *page) self->live.publish("ledger", encode(event));
          std::lock_guard hold(self->mutex);
          self->reading = false;
          if (!page->empty()) self->sent = page->back().seq;
          if (read && !page->empty() && self->sent < self->newest) read_on(self);
        });
  }
};

Feed::Feed(store::Store& store, net::Live& live) : state_(std::make_shared<State>(store, live)) {
  store.on_events([state = std::weak_ptr(state_)](std::int64_t seq) {
    const auto self = state.lock();
    if (!self || self->live.listeners() == 0) {
      if (self) {
        std::lock_guard hold(self->mutex);
        if (!self->reading) self->sent = self->newest = seq;  // nobody listens: nothing to read
      }
      return;
    }
    std::lock_guard hold(self->mutex);
    if (self->sent < 0) self->sent = seq - 1;
    self->newest = std::max(self->newest, seq);
    if (!self->reading) State::read_on(self);
  });
}

}  // namespace pawl::team
