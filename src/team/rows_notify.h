// Rows of destinations and of what is sent to them.
#pragma once
#include "store/sql.h"
#include "team/types_notify.h"

namespace pawl::team::rows {

// With what is shown to nobody.
struct DestinationRow {
  Destination shown{};
  std::string url{}, secret{};
  std::string job{};  // the job that sends next; empty when nothing waits
  Time created{};
};
struct DeliveryRow {
  Delivery shown{};
  std::string destination_id{};
  Time due{}, created{};
  std::optional<Time> ended{};
};

Result<bool> insert(Tx& tx, const DestinationRow& row, std::string_view project);  // false: the name is taken
Result<std::optional<DestinationRow>> destination(Tx& tx, std::string_view project, std::string_view name);
Result<std::optional<DestinationRow>> destination_by_id(Tx& tx, std::string_view id);
Result<std::vector<DestinationRow>> destinations(Tx& tx, std::string_view project);
Result<void> remove_destination(Tx& tx, std::string_view id);
Result<void> set_job(Tx& tx, std::string_view destination_id, std::string_view job);

Result<bool> insert(Tx& tx, const DeliveryRow& row, std::string_view project);  // false: this event is there already
Result<std::optional<DeliveryRow>> delivery(Tx& tx, const DeliveryId& id);
Result<List<Delivery>> list(Tx& tx, const DeliveriesAsk& ask, std::string_view project);
Result<void> update(Tx& tx, const DeliveryRow& row);
Result<std::optional<DeliveryRow>> next_due(Tx& tx, std::string_view destination_id, Time now);
Result<std::optional<Time>> next_time(Tx& tx, std::string_view destination_id);  // when the next one is due
Result<void> drop_waiting(Tx& tx, std::string_view destination_id, Time now);
Result<std::int64_t> forget(Tx& tx, Time ended_before);  // at most 1,000 a call

}  // namespace pawl::team::rows
