// The ledger: the append-only, hash-chained list of what was decided. Events are staged in their transaction (Call::tell); their place and
// hash are given by its last statements before COMMIT, once a group, so that a reader with a cursor never skips a late commit.
//
// hash = SHA-256 over the RFC 8785 form of {v, seq, id, at, project, what, subject {kind, id}, by, cause, flow, digests, data, prev}.
#pragma once
#include "store/sql.h"

namespace pawl::store {

struct Subject {
  std::string kind{}, id{};
  static constexpr auto fields = std::tuple{field("kind", &Subject::kind), field("id", &Subject::id)};
};
struct LedgerEvent {
  std::int64_t v = 1, seq = 0;
  std::string id{}, at{}, project{}, what{};
  Subject subject{};
  std::string by{}, cause{}, flow{};
  Json digests{}, data{};
  std::string prev{}, hash{};
  static constexpr auto fields = std::tuple{field("v", &LedgerEvent::v),
                                            field("seq", &LedgerEvent::seq),
                                            field("id", &LedgerEvent::id),
                                            field("at", &LedgerEvent::at),
                                            field("project", &LedgerEvent::project),
                                            field("what", &LedgerEvent::what),
                                            field("subject", &LedgerEvent::subject),
                                            field("by", &LedgerEvent::by),
                                            field("cause", &LedgerEvent::cause),
                                            field("flow", &LedgerEvent::flow),
                                            field("digests", &LedgerEvent::digests),
                                            field("data", &LedgerEvent::data),
                                            field("prev", &LedgerEvent::prev),
                                            field("hash", &LedgerEvent::hash)};
};
struct LedgerFilter {
  std::int64_t after = 0;  // sequence number; the page starts behind it
  std::int64_t limit = 100;
  std::string what{}, flow{}, subject{};  // exact; a `what` that ends in '.' is a prefix. Empty: any
  std::string by{}, cause{};              // exact
  std::string
      about{};  // a model or an endpoint: it, its versions, and events whose data name it. Reads on until it has found enough
  bool newest_first = false;  // then `after` counts down; 0: from the end
};
Result<std::vector<LedgerEvent>> read_ledger(Tx& tx, const LedgerFilter& filter);
Result<std::optional<LedgerEvent>> find_event(Tx& tx, std::string_view id);

// An event with what led to it and what came of it: all events that hang together with it by `cause`, in the ledger's order.
struct Story {
  std::vector<LedgerEvent> events{};
  bool whole = true;  // false: it goes on, but is not read further
  static constexpr auto fields = std::tuple{field("events", &Story::events), field("whole", &Story::whole)};
};
Result<std::optional<Story>> read_story(Tx& tx, std::string_view id);

struct ChainState {
  bool whole = true;
  std::int64_t events = 0, broken_at = 0;
  std::string reason{}, head{};
  static constexpr auto fields = std::tuple{field("whole", &ChainState::whole), field("events", &ChainState::events),
                                            field("broken_at", &ChainState::broken_at),
                                            field("reason", &ChainState::reason), field("head", &ChainState::head)};
};
Result<ChainState> verify_ledger(Tx& tx);  // reads every event: cost grows with their number

Result<void> write_ledger(Tx& tx);  // store's own: called before COMMIT
std::string stage_event(Tx& tx, Event event);

}  // namespace pawl::store
