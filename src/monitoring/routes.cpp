#include "net/router.h"

#include "monitoring/service.h"

namespace pawl::monitoring {
namespace {
std::string at_base(std::string_view path) { return "/api/pawl/v1" + std::string(path); }
}  // namespace

void mount(net::Router& at, Service& monitoring) {
  using enum net::Method;
  at.add({.method = GET,
          .path = at_base("/monitors"),
          .needs = May::read,
          .on = On::pool,
          .about = "Every watched endpoint with its newest window"},
         [&monitoring](Ask&, const Nothing&) { return monitoring.monitors(); });
  at.add({.method = GET,
          .path = at_base("/endpoints/{name}/monitor"),
          .needs = May::read,
          .on = On::pool,
          .about = "How an endpoint is watched, and how it stands"},
         [&monitoring](Ask&, const MonitorAsk& in) { return monitoring.monitor(in.name); });
  at.add({.method = GET,
          .path = at_base("/endpoints/{name}/windows"),
          .needs = May::read,
          .on = On::reader,
          .about = "An endpoint's closed windows"},
         [&monitoring](Call& call, const WindowsAsk& in) { return monitoring.windows(call.tx, in); });
  at.add({.method = POST,
          .path = at_base("/endpoints/{name}/windows/close"),
          .needs = May::operate,
          .on = On::pool,
          .about = "Close windows by hand"},
         [&monitoring](Ask& ask, const CloseAsk& in) { return monitoring.close(ask, in); });
  at.add({.method = GET,
          .path = at_base("/endpoints/{name}/windows/{id}"),
          .needs = May::read,
          .on = On::reader,
          .about = "One window: its columns, its performance"},
         [&monitoring](Call& call, const WindowAsk& in) { return monitoring.window(call.tx, in); });
  at.add({.method = GET,
          .path = at_base("/endpoints/{name}/windows/{id}/columns/{column...}"),
          .needs = May::read,
          .on = On::reader,
          .about = "A column's two distributions side by side"},
         [&monitoring](Call& call, const ColumnAsk& in) { return monitoring.bins(call.tx, in); });
  at.add({.method = GET,
          .path = at_base("/alarms"),
          .needs = May::read,
          .on = On::reader,
          .about = "Alarms, newest first"},
         [&monitoring](Call& call, const AlarmsAsk& in) { return monitoring.alarms(call.tx, in); });
  at.add({.method = POST,
          .path = at_base("/alarms/{id}/acknowledge"),
          .needs = May::operate,
          .on = On::writer,
          .about = "Somebody is on it"},
         [&monitoring](Call& call, const AlarmAsk& in) { return monitoring.acknowledge(call, in); });
  at.add({.method = POST,
          .path = at_base("/alarms/{id}/silence"),
          .needs = May::operate,
          .on = On::writer,
          .about = "Notify nobody of it until then"},
         [&monitoring](Call& call, const SilenceAsk& in) { return monitoring.silence(call, in); });
}

}  // namespace pawl::monitoring
