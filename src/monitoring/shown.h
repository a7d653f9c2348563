// What routes and verbs ask and answer beside windows and alarms.
#pragma once
#include "monitoring/types.h"

namespace pawl::monitoring {

template <class T> struct Page {
  std::vector<T> items{};
  std::string next{};
  static constexpr auto fields = std::tuple{field("items", &Page::items), field("next", &Page::next)};
};

// Where one watched statistic stands, alarm or not.
struct Stand {
  AlarmKind kind{};
  std::string column{};
  AlarmState state{};
  std::int64_t over = 0, quiet = 0;  // windows in a row
  static constexpr auto fields =
      std::tuple{field("kind", &Stand::kind), field("column", &Stand::column), field("state", &Stand::state),
                 field("over", &Stand::over), field("quiet", &Stand::quiet)};
};
struct MonitorSeen {
  Monitor monitor{};
  std::string next_start{}, next_end{};  // of the window that closes next
  std::string watermark{}, oldest{};     // newest and oldest event time
  std::int64_t rows = 0, labelled = 0;   // of the endpoint, all versions
  std::vector<Stand> stands{};
  std::vector<Alarm> open{};
  std::optional<WindowSeen> last{};  // the newest closed window
  static constexpr auto fields =
      std::tuple{field("monitor", &MonitorSeen::monitor),   field("next_start", &MonitorSeen::next_start),
                 field("next_end", &MonitorSeen::next_end), field("watermark", &MonitorSeen::watermark),
                 field("oldest", &MonitorSeen::oldest),     field("rows", &MonitorSeen::rows),
                 field("labelled", &MonitorSeen::labelled), field("stands", &MonitorSeen::stands),
                 field("open", &MonitorSeen::open),         field("last", &MonitorSeen::last)};
};

enum class Order { oldest, newest };
struct MonitorAsk {
  std::string name{};  // the endpoint
  static constexpr auto fields = std::tuple{field("name", &MonitorAsk::name, {.required = true})};
};
struct WindowsAsk {
  std::string name{}, after{};
  std::int64_t limit = 50;
  Order order = Order::oldest;
  static constexpr auto fields =
      std::tuple{field("name", &WindowsAsk::name, {.required = true}), field("after", &WindowsAsk::after),
                 field("limit", &WindowsAsk::limit), field("order", &WindowsAsk::order)};
};
struct WindowAsk {
  std::string name{}, id{};
  static constexpr auto fields =
      std::tuple{field("name", &WindowAsk::name, {.required = true}), field("id", &WindowAsk::id, {.required = true})};
};
struct ColumnAsk {
  std::string name{}, id{}, column{};
  static constexpr auto fields =
      std::tuple{field("name", &ColumnAsk::name, {.required = true}), field("id", &ColumnAsk::id, {.required = true}),
                 field("column", &ColumnAsk::column, {.required = true})};
};
struct CloseAsk {
  std::string name{}, until{};
  static constexpr auto fields = std::tuple{
      field("name", &CloseAsk::name, {.required = true}),
      field("until", &CloseAsk::until, {.required = true, .about = "RFC 3339: windows that begin before it"})};
};
enum class AlarmFilter { all, open, closed };
struct AlarmsAsk {
  std::string endpoint{}, after{};
  AlarmFilter state{};
  std::int64_t limit = 100;
  static constexpr auto fields = std::tuple{field("endpoint", &AlarmsAsk::endpoint), field("after", &AlarmsAsk::after),
                                            field("state", &AlarmsAsk::state), field("limit", &AlarmsAsk::limit)};
};
struct AlarmAsk {
  std::string id{};
  static constexpr auto fields = std::tuple{field("id", &AlarmAsk::id, {.required = true})};
};
struct SilenceAsk {
  std::string id{}, until{};
  static constexpr auto fields =
      std::tuple{field("id", &SilenceAsk::id, {.required = true}),
                 field("until", &SilenceAsk::until, {.about = "RFC 3339; empty: it is heard again"})};
};

}  // namespace pawl::monitoring
template <> inline constexpr auto pawl::words<pawl::monitoring::Order> =
    std::to_array<std::string_view>({"oldest", "newest"});
template <> inline constexpr auto pawl::words<pawl::monitoring::AlarmFilter> =
    std::to_array<std::string_view>({"all", "open", "closed"});
