#include "net/router.h"
#include "team/notify.h"
#include "team/routes.h"

namespace pawl::team {

void mount_notify(net::Router& at, Notifier& notifier) {
  using enum net::Method;
  const std::string destinations = "/api/pawl/v1/destinations", deliveries = "/api/pawl/v1/deliveries";
  at.add(
      {.method = GET, .path = destinations, .needs = May::operate, .on = On::reader, .about = "Who is told of events"},
      [&notifier](Call& call, const Nothing&) { return notifier.destinations(call); });
  at.add({.method = POST,
          .path = destinations,
          .needs = May::operate,
          .on = On::writer,
          .about = "Tell somebody of events"},
         [&notifier](Call& call, const NewDestination& in) { return notifier.add(call, in); });
  at.add({.method = DELETE,
          .path = destinations + "/{name}",
          .needs = May::operate,
          .on = On::writer,
          .about = "Tell them no more"},
         [&notifier](Call& call, const DestinationName& in) { return notifier.remove(call, in); });
  at.add({.method = POST,
          .path = destinations + "/{name}/test",
          .needs = May::operate,
          .on = On::pool,
          .about = "Send one message now and say what became of it"},
         [&notifier](Ask& ask, const DestinationName& in) { return notifier.test(ask, in); });
  at.add({.method = GET,
          .path = deliveries,
          .needs = May::operate,
          .on = On::reader,
          .about = "What was sent, newest first"},
         [&notifier](Call& call, const DeliveriesAsk& in) { return notifier.deliveries(call, in); });
  at.add({.method = POST,
          .path = deliveries + "/{id}/redeliver",
          .needs = May::operate,
          .on = On::writer,
          .about = "Send one again that has ended"},
         [&notifier](Call& call, const DeliveryAsk& in) { return notifier.redeliver(call, in); });
}

}  // namespace pawl::team
