// pawl watch, pawl alarm.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include "monitoring/junit.h"
#include "monitoring/service.h"
#include "net/command.h"
#include "store/files.h"

namespace pawl::monitoring {
namespace {

using net::Command;
using net::Method;
std::string api(std::string_view path) { return "/api/pawl/v1" + std::string(path); }
std::string of_endpoint(const std::string& name, std::string_view rest) {
  return api("/endpoints/" + net::percent_encode(name)) + std::string(rest);
}

std::string number(const std::optional<double>& x) { return x ? fmt::format("{:.4g}", *x) : ""; }
std::string between(const Measured& m) {
  if (!m.value) return "";
  return number(m.value) + (m.low && m.high ? " [" + number(m.low) + ", " + number(m.high) + "]" : "");
}
std::string day(const std::string& rfc3339) { return rfc3339.substr(0, 10); }
std::string performance(const WindowSeen& w) {
  if (!w.performance) return "";
  const auto& p = *w.performance;
  return std::string(word(p.watched.metric)) + " " + (p.watched.value ? between(p.watched) : "–") +
         (p.worse    ? " WORSE"
          : p.mature ? ""
                     : " immature");
}
std::vector<std::string> line(const WindowSeen& w) {
  return {day(w.start) + " – " + day(w.end),
          std::to_string(w.version),
          std::to_string(w.rows),
          std::to_string(w.labelled),
          fmt::format("{} of {}", w.drifted, w.tested),
          performance(w),
          w.performance ? number(w.performance->limit) : "",
          w.id};
}
const std::vector<std::string> window_head{"window",  "version",     "rows",  "labelled",
                                           "drifted", "performance", "limit", "id"};
std::string alarm_name(const Alarm& a) { return std::string(word(a.kind)) + (a.column.empty() ? "" : " " + a.column); }

struct WatchSeen {
  MonitorSeen monitor{};
  std::vector<WindowSeen> windows{};  // oldest first
  static constexpr auto fields =
      std::tuple{field("monitor", &WatchSeen::monitor), field("windows", &WatchSeen::windows)};
};

std::string lines(const Page<MonitorSeen>& all) {
  if (all.items.empty()) return "no endpoint is watched: pawl.yaml's `watch` declares it\n";
  std::vector<std::vector<std::string>> rows{{"endpoint"}};
  rows.front().insert(rows.front().end(), window_head.begin(), window_head.end() - 1);
  rows.front().emplace_back("alarms");
  for (const auto& m : all.items) {
    std::vector<std::string> row{m.monitor.endpoint};
    auto seen = m.last ? line(*m.last) : std::vector<std::string>{"none closed yet", "", "", "", "", "", "", ""};
    row.insert(row.end(), seen.begin(), seen.end() - 1);
    std::string open;
    for (const auto& a : m.open) open += (open.empty() ? "" : ", ") + alarm_name(a);
    row.push_back(open);
    rows.push_back(std::move(row));
  }
  return net::table(rows);
}
std::string columns_of(const WindowSeen& w) {
  std::vector<std::vector<std::string>> rows{
      {"column", "test", "statistic", "p", "q", "distance", "limit", "psi", "missing", "unseen", "", "note"}};
  for (const auto* list : {&w.columns, &w.outputs})
    for (const ColumnSeen& c : *list)
      rows.push_back({c.name, c.test, number(c.statistic), number(c.p), number(c.q), number(c.distance),
                      number(c.limit), number(c.psi), std::to_string(c.missing), std::to_string(c.unseen),
                      c.drifted            ? "DRIFTED"
                      : c.role == "output" ? "(output)"
                                           : "",
                      c.note});
  return net::table(rows);
}
std::string performance_of(const PerformanceSeen& p) {
  std::string out =
      fmt::format("{} {} of {} labelled rows; the reference has {}, the limit is {}{}\n", word(p.watched.metric),
                  between(p.watched), p.watched.n, number(p.reference), number(p.limit),
                  p.worse    ? ": WORSE"
                  : p.mature ? ""
                             : ": too few labels to judge");
  const auto version = [&](const VersionSeen& v, std::string_view what) {
    out += fmt::format("  version {}{}: {} rows, {} labelled", v.version, what, v.rows, v.labelled);
    for (const auto& m : v.metrics) out += fmt::format(", {} {}", word(m.metric), between(m));
    out += "\n";
  };
  for (const auto& v : p.versions) version(v, "");
  if (p.previous) version(*p.previous, " (would have answered)");
  if (p.gain) out += fmt::format("  better than it by {}\n", between(*p.gain));
  for (const auto& s : p.slices)
    out += fmt::format("  {} = {}: {} {} of {}{}\n", s.by, s.value, word(s.measured.metric), between(s.measured),
                       s.measured.n, s.judged ? "" : " (too few)");
  return out;
}
std::string lines(const Page<Alarm>& all) {
  if (all.items.empty()) return "no alarms\n";
  std::vector<std::vector<std::string>> rows{
      {"id", "endpoint", "alarm", "state", "statistic", "limit", "opened", "window until", "closed", "said"}};
  for (const Alarm& a : all.items) {
    std::string said = a.reason;
    if (!a.acknowledged_by.empty()) said += (said.empty() ? "" : "; ") + ("acknowledged by " + a.acknowledged_by);
    if (!a.silenced_until.empty()) said += (said.empty() ? "" : "; ") + ("silenced until " + a.silenced_until);
    rows.push_back({a.id, a.endpoint, alarm_name(a), std::string(word(a.state)), number(a.statistic), number(a.limit),
                    a.opened, day(a.window_end), a.closed, said});
  }
  return net::table(rows);
}
std::string lines(const WatchSeen& w) {
  const MonitorSeen& m = w.monitor;
  std::string out = fmt::format("{}: {} rows until {}, {} labelled", m.monitor.endpoint, m.rows,
                                m.watermark.empty() ? "–" : m.watermark, m.labelled);
  if (!m.next_end.empty()) out += fmt::format("; {} – {} closes next", day(m.next_start), day(m.next_end));
  out += "\n\n";
  if (w.windows.empty()) return out + "no window has closed yet\n";
  std::vector<std::vector<std::string>> rows{window_head};
  for (const auto& seen : w.windows) rows.push_back(line(seen));
  const WindowSeen& last = w.windows.back();
  out += net::table(rows) +
         fmt::format("\n{} – {}{}\n", day(last.start), day(last.end), last.note.empty() ? "" : ": " + last.note) +
         columns_of(last);
  if (last.performance) out += "\n" + performance_of(*last.performance);
  if (!m.open.empty()) out += "\n" + lines(Page<Alarm>{.items = m.open, .next = {}});
  return out;
}

struct WatchIn {
  std::string endpoint{}, window{}, junit{};
  std::int64_t limit = 20;
  bool check = false;
};
Result<WatchSeen> look_at(net::Client& client, const WatchIn& in) {
  WatchSeen out;
  TRY(monitor, client.get<MonitorSeen>(of_endpoint(in.endpoint, "/monitor")));
  out.monitor = std::move(monitor);
  if (!in.window.empty()) {
    TRY(one, client.get<WindowSeen>(of_endpoint(in.endpoint, "/windows/" + net::percent_encode(in.window))));
    out.windows.push_back(std::move(one));
    return out;
  }
  TRY(page, client.get<Page<WindowSeen>>(
                of_endpoint(in.endpoint, "/windows?order=newest&limit=" + std::to_string(in.limit))));
  out.windows.assign(std::make_move_iterator(page.items.rbegin()), std::make_move_iterator(page.items.rend()));
  return out;
}
void watch(Command& command, const WatchIn& in) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  if (in.endpoint.empty())
    return command.finish(client->get<Page<MonitorSeen>>(api("/monitors")), [&](const auto& all) {
      command.print(all, [](const auto& a) { return lines(a); });
      if (in.check && std::ranges::any_of(all.items, [](const MonitorSeen& m) { return !m.open.empty(); }))
        command.said_no();
    });
  auto seen = look_at(*client, in);
  if (!seen) return command.failed(seen.error());
  if (!in.junit.empty()) {
    if (seen->windows.empty())
      return command.failed({Code::missing, "no window of " + in.endpoint + " has closed yet", {}, {}});
    if (auto written = store::write_file(in.junit, junit_of(seen->monitor.monitor, seen->windows.back())); !written)
      return command.failed(written.error());
  }
  command.print(*seen, [](const WatchSeen& w) { return lines(w); });
  if (in.check && !seen->monitor.open.empty()) command.said_no();
}
void list_alarms(Command& command, const AlarmsAsk& in) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  command.finish(client->get<Page<Alarm>>(api("/alarms?endpoint=" + net::percent_encode(in.endpoint) + "&state=" +
                                              std::string(word(in.state)) + "&limit=" + std::to_string(in.limit))),
                 [&](const auto& all) { command.print(all, [](const auto& a) { return lines(a); }); });
}
template <class In> void change_alarm(Command& command, const In& in, std::string_view what) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  command.finish(
      client->call<Alarm>(Method::POST, api("/alarms/" + net::percent_encode(in.id) + "/") + std::string(what), in),
      [&](const Alarm& done) {
        command.print(done, [](const Alarm& a) { return lines(Page<Alarm>{.items = {a}, .next = {}}); });
      });
}

void watch_verb(CLI::App& app, Command& command) {
  auto in = std::make_shared<WatchIn>();
  auto* verb = app.add_subcommand("watch", "Closed windows of live traffic: drift, performance, alarms");
  verb->add_option("endpoint", in->endpoint, "One endpoint, with its windows and the columns of the newest");
  verb->add_option("--window", in->window, "One window, by its id");
  verb->add_option("--limit", in->limit, "How many windows")->check(CLI::Range(1, 200));
  verb->add_option("--junit", in->junit, "Write the newest window as JUnit XML to this file");
  verb->add_flag("--check", in->check, "Exit code 1 while an alarm is open");
  verb->callback([verb, in, &command] {
    if (verb->get_subcommands().empty()) watch(command, *in);
  });
  auto closing = std::make_shared<CloseAsk>();
  auto* close = verb->add_subcommand("close", "Close windows by hand: those that begin before a time");
  close->add_option("endpoint", closing->name, "The endpoint")->required();
  close->add_option("--until", closing->until, "The time, RFC 3339 or a date")->required();
  close->callback([closing, &command] {
    auto client = command.client();
    if (!client) return command.failed(client.error());
    command.finish(client->call<Page<WindowSeen>>(Method::POST, of_endpoint(closing->name, "/windows/close"), *closing),
                   [&](const auto& closed) {
                     command.print(closed, [](const auto& page) {
                       if (page.items.empty()) return std::string("there was nothing to close\n");
                       std::vector<std::vector<std::string>> rows{window_head};
                       for (const auto& w : page.items) rows.push_back(line(w));
                       return net::table(rows);
                     });
                   });
  });
}
void alarm_verb(CLI::App& app, Command& command) {
  auto in = std::make_shared<AlarmsAsk>();
  in->state = AlarmFilter::open;
  auto state = std::make_shared<std::string>("open");
  auto* verb = app.add_subcommand("alarm", "Open alarms; acknowledge or silence one");
  const auto list = [in, state, &command] {
    in->state = from_word<AlarmFilter>(*state).value_or(AlarmFilter::open);
    list_alarms(command, *in);
  };
  const auto filters = [&](CLI::App* at) {
    at->add_option("--endpoint", in->endpoint, "Only of this endpoint");
    at->add_option("--state", *state, "open, closed or all")->check(CLI::IsMember({"open", "closed", "all"}));
    at->add_option("--limit", in->limit, "How many")->check(CLI::Range(1, 1000));
  };
  filters(verb);
  verb->callback([verb, list] {
    if (verb->get_subcommands().empty()) list();
  });
  auto* listed = verb->add_subcommand("list", "The same");
  filters(listed);
  listed->callback(list);

  auto acknowledged = std::make_shared<AlarmAsk>();
  auto* ack = verb->add_subcommand("ack", "Say that you are on it");
  ack->add_option("id", acknowledged->id, "The alarm")->required();
  ack->callback([acknowledged, &command] { change_alarm(command, *acknowledged, "acknowledge"); });

  auto silenced = std::make_shared<SilenceAsk>();
  auto* silence = verb->add_subcommand("silence", "Notify nobody of it until then");
  silence->add_option("id", silenced->id, "The alarm")->required();
  silence->add_option("--until", silenced->until, "RFC 3339; without it the alarm is heard again");
  silence->callback([silenced, &command] { change_alarm(command, *silenced, "silence"); });
}

}  // namespace

void verbs(CLI::App& app, Command& command) {
  watch_verb(app, command);
  alarm_verb(app, command);
}

}  // namespace pawl::monitoring
