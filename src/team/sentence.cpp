#include "team/sentence.h"

#include <algorithm>

#include "core/json.h"
#include "team/rows.h"

namespace pawl::team {
namespace {

constexpr std::size_t quoted_max = 500;  // bytes of a comment that a message repeats

std::string cut(std::string text) {
  if (text.size() <= quoted_max) return text;
  std::size_t end = quoted_max;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "…";
}

// A member of the event's data as text; empty when absent.
std::string data_of(const store::LedgerEvent& event, std::string_view key) {
  const auto found = json_at(event.data.text, key);
  if (!found || *found == "null") return {};
  if (auto text = decode<std::string>(*found)) return std::move(*text);
  return *found;
}
std::string with(std::string_view before, const std::string& value, std::string_view after = {}) {
  return value.empty() ? std::string{} : std::string(before) + value + std::string(after);
}
std::string words_of(std::string_view what) {
  std::string out(what.substr(what.find('.') + 1));
  std::ranges::replace(out, '_', ' ');
  return out;
}

Result<std::string> of_approval(Tx& tx, const store::LedgerEvent& event) {
  TRY(approval, rows::find(tx, {event.subject.id}));
  const std::string what = approval ? approval->what : data_of(event, "subject");
  if (event.what == "approval.asked")
    return "An approval is asked for: " + what + with(" (by the role ", data_of(event, "by"), ")") + ". Its id is " +
           event.subject.id + ".";
  if (event.what == "approval.decided")
    return event.by + " " + data_of(event, "state") + " the approval: " + what + ".";
  return "The approval is void: " + what + with(", because ", data_of(event, "reason")) + ".";
}
Result<std::string> of_comment(Tx& tx, const store::LedgerEvent& event) {
  TRY(comment, rows::find_comment(tx, data_of(event, "comment")));
  return event.by + " on " + event.subject.kind + " " + event.subject.id +
         with(": ", comment ? cut(comment->text) : "");
}
// "temp, wind and 3 more"; empty when there is no such list.
std::string list_of(const store::LedgerEvent& event, std::string_view key) {
  constexpr std::size_t named_max = 10;
  const auto found = json_at(event.data.text, key);
  const auto list = found ? decode<std::vector<std::string>>(*found) : Result<std::vector<std::string>>{};
  if (!list) return {};
  std::string out;
  for (std::size_t i = 0; i < std::min(list->size(), named_max); ++i) out += (i == 0 ? "" : ", ") + (*list)[i];
  if (list->size() > named_max) out += " and " + std::to_string(list->size() - named_max) + " more";
  return out;
}
std::string of_alarm(const store::LedgerEvent& event) {
  const bool closed = event.what == "alarm.closed", silenced = event.what == "alarm.silenced";
  return "Alarm " + words_of(event.what) +
         (event.what == "alarm.acknowledged" || silenced ? with(" by ", event.by) : "") + " on endpoint " +
         data_of(event, "endpoint") + with(": ", data_of(event, "kind")) + with(" ", data_of(event, "column")) +
         with(" of ", closed ? "" : list_of(event, "columns")) + with(", ", data_of(event, "statistic")) +
         with(" against a limit of ", data_of(event, "limit")) + with(", window until ", data_of(event, "window_end")) +
         with(closed ? ", because: " : ", ", data_of(event, "reason")) + ".";
}
std::string of_window(const store::LedgerEvent& event) {
  return "Window " + data_of(event, "start") + " to " + data_of(event, "end") + " of endpoint " +
         data_of(event, "endpoint") + " is " + words_of(event.what) + ": " + data_of(event, "rows") + " rows, " +
         data_of(event, "labelled") + " labelled, " + data_of(event, "drifted") + " of " + data_of(event, "tested") +
         " columns drifted.";
}

}  // namespace

Result<std::string> sentence(Tx& tx, const store::LedgerEvent& event) {
  if (event.subject.kind == "approval") return of_approval(tx, event);
  if (event.what == "comment.made") return of_comment(tx, event);
  if (event.what.starts_with("alarm.")) return of_alarm(event);
  if (event.what.starts_with("window.")) return of_window(event);
  if (event.what == "retrain.held")
    return "Model " + event.subject.id + " is not retrained for " + data_of(event, "kind") +
           with(" on endpoint ", data_of(event, "endpoint")) + with(", window until ", data_of(event, "window_end")) +
           with(": ", data_of(event, "reason")) + ".";
  if (event.what.starts_with("flow."))
    return "Flow " + event.subject.id + with(" of ", data_of(event, "model")) + " is " + words_of(event.what) +
           with(": ", data_of(event, "reason")) + ".";
  if (event.what.starts_with("rollout."))
    return "Rollout of " + data_of(event, "to") + with(" on endpoint ", data_of(event, "endpoint")) + " is " +
           words_of(event.what) + with(": ", data_of(event, "reason")) + ".";
  if (event.what == "gate.judged")
    return "The gate of " + event.subject.id + " is judged" + with(": ", data_of(event, "state")) + ".";
  if (event.what == "destination.tested")
    return "pawl reaches the destination " + event.subject.id + ": " + event.by + " asked for a test.";
  return event.what + ": " + event.subject.kind + " " + event.subject.id + with(", by ", event.by) + ".";
}

}  // namespace pawl::team
