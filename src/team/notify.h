// Tells people outside: events of the ledger become messages to named destinations. A reader of the ledger writes one delivery per event and
// destination that wants it; jobs send them. Each destination has at most one message under way, and one job at a time that sends its next
// one: a receiver that is dead or slow keeps nobody waiting but itself.
//
// A message is sent at least once, always with the same id: 2xx ends it, anything else is tried again with growing waits and is dead after
// the last one. An address that is not public ends it at once. What is sent is signed: base64(HMAC-SHA256(secret, "ID.TIMESTAMP.BODY")).
//
// Events: destination.added, destination.removed, destination.tested; their subject is the destination's name.
#pragma once
#include <stop_token>

#include "jobs/jobs.h"
#include "net/webhook.h"
#include "team/rows_notify.h"

namespace pawl::team {

class Notifier {
 public:
  Notifier(store::Store& store, const Clock& clock, Random& random) : store_(store), clock_(clock), random_(random) {}
  // A worker of its own: what waits for receivers must not wait in front of rollouts.
  void attach(jobs::Worker& worker);
  void close() { closing_.request_stop(); }  // a test that waits for its receiver waits no longer

  Result<Destination> add(Call& call, const NewDestination& in);
  Result<List<Destination>> destinations(Call& call);
  Result<Destination> remove(Call& call, const DestinationName& in);
  // Sends one message now, without trying again, and says what became of it. Outside any transaction: it waits for the receiver.
  Result<Delivery> test(const Ask& ask, const DestinationName& in);
  Result<List<Delivery>> deliveries(Call& call, const DeliveriesAsk& in);
  Result<Delivery> redeliver(Call& call, const DeliveryAsk& in);

  Result<void> take_event(Call& call, const store::LedgerEvent& event);

 private:
  Result<std::string> send_next(const jobs::Job& job, const std::stop_token& stop);
  // Sends it and writes down what became of it; with `again`, a failure is tried again later.
  Result<Delivery> attempt(const rows::DestinationRow& to, rows::DeliveryRow delivery, bool again,
                           const std::stop_token& stop);
  Result<net::Webhook> message(Tx& tx, const rows::DestinationRow& to, const Delivery& delivery);
  Result<void> see_to(Call& call, const rows::DestinationRow& to);  // that a job sends what is due
  Result<void> schedule(Call& call, std::string_view destination_id);

  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  std::stop_source closing_;
};

}  // namespace pawl::team
