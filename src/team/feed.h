// The ledger as a live stream for pages: every committed event, once and in order. What a listener missed it reads from the list.
#pragma once
#include "net/http.h"
#include "store/store.h"

namespace pawl::team {

class Feed {
 public:
  // Both must outlive the feed's last event: the store is stopped first.
  Feed(store::Store& store, net::Live& live);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pawl::team
