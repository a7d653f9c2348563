// SQL as the rooms see it: named texts, bound values, typed rows, one transaction (`Tx`). SQLite and PostgreSQL stand behind `Connection`;
// what differs between them is listed in store/README.md.
#pragma once
#include <algorithm>
#include <span>
#include <variant>

#include "core/result.h"
#include "core/time.h"
#include "core/who.h"

namespace pawl::store {

// `name` labels timing and the slow log; `text` uses $1, $2, … (a text that depends on a search is built once, values still bound).
struct Sql {
  std::string_view name;
  std::string_view text;
};

using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string_view, std::span<const std::byte>>;
namespace detail {
template <class T> Value to_value(const T& v) {
  if constexpr (std::is_same_v<T, Value> || std::is_same_v<T, std::nullptr_t> ||
                std::is_same_v<T, std::span<const std::byte>>)
    return v;
  else if constexpr (std::is_same_v<T, Time>)
    return v.us;
  else if constexpr (std::is_same_v<T, Json>)
    return std::string_view(v.text);
  else if constexpr (std::is_enum_v<T>)
    return word(v);
  else if constexpr (std::is_floating_point_v<T>)
    return static_cast<double>(v);
  else if constexpr (std::is_integral_v<T>)
    return static_cast<std::int64_t>(v);
  else if constexpr (std::is_convertible_v<const T&, std::string_view>)
    return std::string_view(v);
  else if constexpr (requires {
                       v.has_value();
                       *v;
                     })
    return v ? to_value(*v) : Value{nullptr};
  else
    return std::string_view(v.text);  // an Id
}
}  // namespace detail

class Row {
 public:
  virtual ~Row() = default;
  virtual bool null(int i) const = 0;
  virtual std::int64_t i64(int i) const = 0;  // 0 for NULL
  virtual double real(int i) const = 0;
  virtual std::string_view view(int i) const = 0;  // text or bytes, valid until the next row
  std::string text(int i) const { return std::string(view(i)); }
  bool flag(int i) const { return i64(i) != 0; }
  Time time(int i) const { return {i64(i)}; }
  template <class T> std::optional<T> maybe(int i) const {
    if (null(i)) return std::nullopt;
    if constexpr (std::is_same_v<T, std::string>)
      return text(i);
    else if constexpr (std::is_same_v<T, double>)
      return real(i);
    else if constexpr (std::is_same_v<T, Time>)
      return time(i);
    else if constexpr (std::is_integral_v<T>)
      return static_cast<T>(i64(i));
    else
      return T{text(i)};
  }
};

enum class Engine { sqlite, postgres };
class Lane;  // a connection with its thread and what waits for it, in store.cpp

// One connection of either engine. Only store's own files implement or open one.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual Engine engine() const = 0;
  // Runs one statement; `each` sees every row. Answers the number of rows changed. A full disk is Code::unavailable, a locked store Code::busy.
  virtual Result<std::int64_t> run(const Sql& sql, std::span<const Value> values,
                                   const std::function<void(const Row&)>* each) = 0;
  virtual Result<void> script(
      std::string_view statements) = 0;  // several statements without values: migrations, BEGIN, COMMIT
};

// What happened, before it has its place in the ledger. Decisions and lifecycles only: ids and digests, no personal values.
struct Event {
  std::string what;          // version.made
  std::string subject_kind;  // version
  std::string subject;       // arrival-delay@3
  std::string flow{};        // the flow it belongs to
  std::string cause{};       // id of the event that led to it
  std::string digests{};     // JSON object, or empty
  std::string data{};        // JSON object, or empty
  // Filled in by Call::tell.
  std::string project{}, by{}, id{};
  Time at{};
};

// A transaction that somebody else begins and ends. A unit of work gets one, writes, and hands errors up: an error rolls its work back.
class Tx {
 public:
  explicit Tx(Connection& c) : connection_(c) {}
  Tx(const Tx&) = delete;
  Tx& operator=(const Tx&) = delete;

  // Rows changed.
  template <class... V> Result<std::int64_t> exec(const Sql& sql, const V&... values) {
    const std::array<Value, sizeof...(V)> bound{detail::to_value(values)...};
    return connection_.run(sql, bound, nullptr);
  }
  // `read(row)` for every row.
  template <class F, class... V> Result<void> each(const Sql& sql, F&& read, const V&... values) {
    const std::array<Value, sizeof...(V)> bound{detail::to_value(values)...};
    return each_bound(sql, std::span<const Value>(bound), std::forward<F>(read));
  }
  template <class F> Result<void> each_bound(const Sql& sql, std::span<const Value> values, F&& read) {
    const std::function<void(const Row&)> f = std::ref(read);
    if (auto ran = connection_.run(sql, values, &f); !ran) return std::unexpected(std::move(ran).error());
    return {};
  }
  template <class F, class... V> auto all(const Sql& sql, F&& read, const V&... values)
      -> Result<std::vector<std::invoke_result_t<F&, const Row&>>> {
    std::vector<std::invoke_result_t<F&, const Row&>> out;
    TRY_(each(sql, [&](const Row& row) { out.push_back(read(row)); }, values...));
    return out;
  }
  // The first row, or nothing.
  template <class F, class... V> auto one(const Sql& sql, F&& read, const V&... values)
      -> Result<std::optional<std::invoke_result_t<F&, const Row&>>> {
    std::optional<std::invoke_result_t<F&, const Row&>> out;
    TRY_(each(
        sql,
        [&](const Row& row) {
          if (!out) out.emplace(read(row));
        },
        values...));
    return out;
  }
  Engine engine() const { return connection_.engine(); }
  Connection& connection() { return connection_; }

  // Tells those who wait in this process, once the transaction is durable, that something of `topic` changed. Not kept, said once a commit.
  void notice(std::string_view topic) {
    if (std::ranges::find(notices_, topic) == notices_.end()) notices_.emplace_back(topic);
  }
  // Runs once the transaction is durable, on the writer's thread: swap a snapshot, wake a worker. Dropped when the work is rolled back.
  void after_commit(std::move_only_function<void()> f) { after_.push_back(std::move(f)); }

 private:
  friend class Lane;
  friend Result<void> write_ledger(Tx& tx);
  friend std::string stage_event(Tx& tx, Event event);
  Connection& connection_;
  std::vector<Event> events_;
  std::vector<std::string> notices_;
  std::int64_t newest_seq_ = 0;  // of the ledger, once written
  std::vector<std::move_only_function<void()>> after_;
};

// What a handler is given: the transaction, who asks, the time. `Ask` where there is no transaction.
struct Ask {
  Who who{};
  const Clock* clock = nullptr;
  std::string request_id{};
  std::string project = "default";
  Time now() const { return clock->now(); }
};
struct Call : Ask {
  Call(Tx& t, Ask ask) : Ask(std::move(ask)), tx(t) {}
  Tx& tx;
  // Puts the event into the ledger with this transaction; answers its id, to be named as the cause of what follows.
  std::string tell(Event event);
};

}  // namespace pawl::store
namespace pawl {
using store::Ask;
using store::Call;
using store::Event;
using store::Row;
using store::Sql;
using store::Tx;
}  // namespace pawl
