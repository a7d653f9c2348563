#include "store/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/hash.h"
#include "core/json.h"

namespace pawl::store {
namespace {

constexpr std::string_view columns =
    "seq, id, at, project_id, what, subject_kind, subject_id, by_whom, cause, flow, digests, data, prev, hash";
constexpr Sql head_sql{"ledger.head", "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1"};
constexpr Sql put_sql{
    "ledger.put",
    R"(INSERT INTO ledger (seq, id, at, project_id, what, subject_kind, subject_id, by_whom, cause, flow, digests, data, prev, hash)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14))"};
constexpr Sql find_sql{"ledger.find",
                       "SELECT seq, id, at, project_id, what, subject_kind, subject_id, by_whom, cause, flow, digests, "
                       "data, prev, hash FROM ledger WHERE id = $1"};
constexpr std::int64_t page_max = 1000;
constexpr std::size_t story_max = 300;       // events
constexpr std::string_view first_prev = "";  // the first event has nothing before it

LedgerEvent from_row(const Row& r) {
  return {.seq = r.i64(0),
          .id = r.text(1),
          .at = to_rfc3339(r.time(2)),
          .project = r.text(3),
          .what = r.text(4),
          .subject = {r.text(5), r.text(6)},
          .by = r.text(7),
          .cause = r.text(8),
          .flow = r.text(9),
          .digests = {r.text(10)},
          .data = {r.text(11)},
          .prev = r.text(12),
          .hash = r.text(13)};
}

// The hash of an event: over everything but the hash itself. Empty when digests or data are not JSON.
std::string digest_of(LedgerEvent e) {
  e.hash.clear();
  auto text = encode(e);
  // `hash` is the last member: it is cut, so that the digest covers {v … prev} as the contract says.
  constexpr std::string_view tail = R"(,"hash":""})";
  text.replace(text.size() - tail.size(), tail.size(), "}");
  auto canonical = canonical_json(text);
  return canonical ? sha256_hex(*canonical) : std::string{};
}

// A text as it stands between the `%` of a pattern.
std::string like_of(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '!') out += '!';
    out += c;
  }
  return out;
}

}  // namespace

std::string stage_event(Tx& tx, Event event) {
  if (event.id.empty()) event.id = SystemRandom{}.hex_bytes(8);
  tx.events_.push_back(std::move(event));
  return tx.events_.back().id;
}

Result<void> write_ledger(Tx& tx) {
  struct Head {
    std::int64_t seq = 0;
    std::string hash;
  };
  TRY(found, tx.one(head_sql, [](const Row& r) { return Head{r.i64(0), r.text(1)}; }));
  Head head = found.value_or(Head{0, std::string(first_prev)});
  for (auto& event : tx.events_) {
    LedgerEvent e{.seq = head.seq + 1,
                  .id = event.id,
                  .at = to_rfc3339(event.at),
                  .project = event.project,
                  .what = event.what,
                  .subject = {event.subject_kind, event.subject},
                  .by = event.by,
                  .cause = event.cause,
                  .flow = event.flow,
                  .digests = {event.digests.empty() ? "{}" : event.digests},
                  .data = {event.data.empty() ? "{}" : event.data},
                  .prev = head.hash};
    e.hash = digest_of(e);
    if (e.hash.empty()) return pawl::fail(Code::internal, "event " + e.what + " carries what is not JSON");
    TRY_(tx.exec(put_sql, e.seq, e.id, event.at, e.project, e.what, e.subject.kind, e.subject.id, e.by, e.cause, e.flow,
                 e.digests, e.data, e.prev, e.hash));
    head = {e.seq, e.hash};
  }
  tx.newest_seq_ = head.seq;
  return {};
}

Result<std::vector<LedgerEvent>> read_ledger(Tx& tx, const LedgerFilter& f) {
  std::string text = "SELECT " + std::string(columns) + " FROM ledger WHERE ";
  text += f.newest_first ? (f.after > 0 ? "seq < $1" : "seq > $1") : "seq > $1";
  const auto limit = std::clamp<std::int64_t>(f.limit, 1, page_max);
  const std::string prefix_end =
      f.what.ends_with('.') ? f.what.substr(0, f.what.size() - 1) + '/' : f.what;  // '/' follows '.'
  const std::string like = like_of(f.about);
  const std::pair<std::string_view, std::string> named[] = {{"subject_id", like + "@%"},
                                                            {"data", R"(%"model":")" + like + "\"%"},
                                                            {"data", R"(%"endpoint":")" + like + "\"%"}};
  std::vector<Value> values{f.after, limit};  // texts are views
  auto also = [&](std::string_view condition, std::string_view value) {
    values.emplace_back(value);
    text.append(" AND ").append(condition).append("$").append(std::to_string(values.size()));
  };
  if (f.what.ends_with('.')) {
    also("what >= ", f.what);
    also("what < ", prefix_end);
  } else if (!f.what.empty()) {
    also("what = ", f.what);
  }
  if (!f.flow.empty()) also("flow = ", f.flow);
  if (!f.subject.empty()) also("subject_id = ", f.subject);
  if (!f.by.empty()) also("by_whom = ", f.by);
  if (!f.cause.empty()) also("cause = ", f.cause);
  if (!f.about.empty()) {
    also("(subject_id = ", f.about);
    for (const auto& [column, pattern] : named) {
      values.emplace_back(std::string_view(pattern));
      text.append(fmt::format(" OR {} LIKE ${} ESCAPE '!'", column, values.size()));
    }
    text += ')';
  }
  text.append(" ORDER BY seq ").append(f.newest_first ? "DESC" : "ASC").append(" LIMIT $2");
  std::vector<LedgerEvent> out;
  TRY_(tx.each_bound({"ledger.read", text}, values, [&](const Row& r) { out.push_back(from_row(r)); }));
  return out;
}

Result<std::optional<Story>> read_story(Tx& tx, std::string_view id) {
  TRY(found, find_event(tx, id));
  if (!found) return std::nullopt;
  Story story{.events = {std::move(*found)}};
  auto& events = story.events;
  while (!events.back().cause.empty() && events.size() < story_max / 2) {
    TRY(cause, find_event(tx, events.back().cause));
    if (!cause) break;  // of another server's ledger, say
    events.push_back(std::move(*cause));
  }
  story.whole = events.size() < story_max / 2;
  // From the first cause on, level by level: what came of it, and the branches beside the way to the event that was asked for.
  std::ranges::reverse(events);
  std::set<std::string, std::less<>> known;
  for (const auto& e : events) known.insert(e.id);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto room = static_cast<std::int64_t>(story_max - events.size()) + 1;
    TRY(next, read_ledger(tx, {.limit = room, .cause = events[i].id}));
    for (auto& e : next) {
      if (!known.insert(e.id).second) continue;
      if (events.size() >= story_max) {
        story.whole = false;
        break;
      }
      events.push_back(std::move(e));
    }
  }
  std::ranges::sort(events, {}, &LedgerEvent::seq);
  return story;
}

Result<std::optional<LedgerEvent>> find_event(Tx& tx, std::string_view id) { return tx.one(find_sql, from_row, id); }

Result<ChainState> verify_ledger(Tx& tx) {
  ChainState state;
  state.head = first_prev;
  for (;;) {
    TRY(page, read_ledger(tx, {.after = state.events, .limit = page_max}));
    for (const auto& e : page) {
      std::string_view reason = e.seq != state.events + 1 ? "an event is missing"
                                : e.prev != state.head    ? "it does not follow the one before"
                                : digest_of(e) != e.hash  ? "its content was changed"
                                                          : "";
      if (!reason.empty()) {
        state.whole = false;
        state.broken_at = e.seq;
        state.reason = reason;
        return state;
      }
      state.events = e.seq;
      state.head = e.hash;
    }
    if (page.size() < static_cast<std::size_t>(page_max)) return state;
  }
}

}  // namespace pawl::store
