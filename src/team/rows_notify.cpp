#include "team/rows_notify.h"

#include "core/json.h"
#include "team/page_key.h"

namespace pawl::team::rows {
namespace {

constexpr Sql insert_destination_sql{"team.insert_destination", R"(
  INSERT INTO destination (id, project_id, name, kind, url, address, secret, events, mentions, allow_private, job, made_by, created)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, $12) ON CONFLICT (project_id, name) DO NOTHING)"};
constexpr Sql destination_sql{"team.destination", R"(
  SELECT id, name, kind, url, address, secret, events, mentions, allow_private, job, made_by, created FROM destination
  WHERE project_id = $1 AND name = $2)"};
constexpr Sql destination_by_id_sql{"team.destination_by_id", R"(
  SELECT id, name, kind, url, address, secret, events, mentions, allow_private, job, made_by, created FROM destination WHERE id = $1)"};
constexpr Sql destinations_sql{"team.destinations", R"(
  SELECT id, name, kind, url, address, secret, events, mentions, allow_private, job, made_by, created FROM destination
  WHERE project_id = $1 ORDER BY name)"};
constexpr Sql remove_destination_sql{"team.remove_destination", "DELETE FROM destination WHERE id = $1"};
constexpr Sql set_job_sql{"team.set_job", "UPDATE destination SET job = $2 WHERE id = $1"};

constexpr Sql insert_delivery_sql{"team.insert_delivery", R"(
  INSERT INTO destination_delivery (id, project_id, destination_id, destination, event, what, subject, state, attempts, status, answer, error, due, created)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, '', '', $9, $10) ON CONFLICT (destination_id, event) DO NOTHING)"};
constexpr Sql delivery_sql{"team.delivery", R"(
  SELECT id, destination, event, what, subject, state, attempts, status, answer, error, due, created, ended, destination_id
  FROM destination_delivery WHERE id = $1)"};
constexpr Sql list_deliveries_sql{"team.list_deliveries", R"(
  SELECT id, destination, event, what, subject, state, attempts, status, answer, error, due, created, ended, destination_id
  FROM destination_delivery
  WHERE project_id = $1 AND ($2 = '' OR destination = $2) AND ($3 = '' OR state = $3) AND (created < $4 OR (created = $4 AND id < $5))
  ORDER BY created DESC, id DESC LIMIT $6)"};
constexpr Sql update_delivery_sql{"team.update_delivery", R"(
  UPDATE destination_delivery SET state = $2, attempts = $3, status = $4, answer = $5, error = $6, due = $7, ended = $8 WHERE id = $1)"};
constexpr Sql next_due_sql{"team.next_due_delivery", R"(
  SELECT id, destination, event, what, subject, state, attempts, status, answer, error, due, created, ended, destination_id
  FROM destination_delivery WHERE destination_id = $1 AND state = 'waiting' AND due <= $2 ORDER BY due, created, id LIMIT 1)"};
constexpr Sql next_time_sql{"team.next_delivery_time", R"(
  SELECT due FROM destination_delivery WHERE destination_id = $1 AND state = 'waiting' ORDER BY due LIMIT 1)"};
constexpr Sql drop_waiting_sql{"team.drop_deliveries", R"(
  UPDATE destination_delivery SET state = 'dropped', ended = $2 WHERE destination_id = $1 AND state = 'waiting')"};
constexpr Sql forget_sql{"team.forget_deliveries", R"(
  DELETE FROM destination_delivery WHERE id IN (
    SELECT id FROM destination_delivery WHERE ended < $1 AND state <> 'waiting' ORDER BY created, id LIMIT 1000))"};

DestinationRow read_destination(const Row& r) {
  DestinationRow out{.shown = {.id = r.text(0),
                               .name = r.text(1),
                               .kind = from_word<DestinationKind>(r.view(2)).value_or(DestinationKind::webhook),
                               .address = r.text(4),
                               .is_signed = !r.view(5).empty(),
                               .mentions = r.text(7),
                               .allow_private = r.flag(8),
                               .made_by = r.text(10),
                               .created = to_rfc3339(r.time(11))},
                     .url = r.text(3),
                     .secret = r.text(5),
                     .job = r.text(9),
                     .created = r.time(11)};
  if (auto events = decode<std::vector<std::string>>(r.view(6))) out.shown.events = std::move(*events);
  return out;
}
DeliveryRow read_delivery(const Row& r) {
  DeliveryRow out{.shown = {.id = {r.text(0)},
                            .destination = r.text(1),
                            .event = r.text(2),
                            .what = r.text(3),
                            .subject = r.text(4),
                            .state = from_word<DeliveryState>(r.view(5)).value_or(DeliveryState::dead),
                            .attempts = r.i64(6),
                            .status = r.i64(7),
                            .error = r.text(9),
                            .answer = r.text(8),
                            .created = to_rfc3339(r.time(11)),
                            .ended = r.null(12) ? "" : to_rfc3339(r.time(12))},
                  .destination_id = r.text(13),
                  .due = r.time(10),
                  .created = r.time(11),
                  .ended = r.maybe<Time>(12)};
  if (out.shown.state == DeliveryState::waiting) out.shown.next = to_rfc3339(out.due);
  return out;
}

}  // namespace

Result<bool> insert(Tx& tx, const DestinationRow& row, std::string_view project) {
  const Destination& d = row.shown;
  TRY(changed, tx.exec(insert_destination_sql, d.id, project, d.name, d.kind, row.url, d.address, row.secret,
                       encode(d.events), d.mentions, d.allow_private, d.made_by, row.created));
  return changed == 1;
}
Result<std::optional<DestinationRow>> destination(Tx& tx, std::string_view project, std::string_view name) {
  return tx.one(destination_sql, read_destination, project, name);
}
Result<std::optional<DestinationRow>> destination_by_id(Tx& tx, std::string_view id) {
  return tx.one(destination_by_id_sql, read_destination, id);
}
Result<std::vector<DestinationRow>> destinations(Tx& tx, std::string_view project) {
  return tx.all(destinations_sql, read_destination, project);
}
Result<void> remove_destination(Tx& tx, std::string_view id) {
  TRY_(tx.exec(remove_destination_sql, id));
  return {};
}
Result<void> set_job(Tx& tx, std::string_view destination_id, std::string_view job) {
  TRY_(tx.exec(set_job_sql, destination_id, job));
  return {};
}

Result<bool> insert(Tx& tx, const DeliveryRow& row, std::string_view project) {
  const Delivery& d = row.shown;
  TRY(changed, tx.exec(insert_delivery_sql, d.id, project, row.destination_id, d.destination, d.event, d.what,
                       d.subject, d.state, row.due, row.created));
  return changed == 1;
}
Result<std::optional<DeliveryRow>> delivery(Tx& tx, const DeliveryId& id) {
  return tx.one(delivery_sql, read_delivery, id);
}
Result<List<Delivery>> list(Tx& tx, const DeliveriesAsk& ask, std::string_view project) {
  TRY(from, read_page_key(ask.after));
  const std::int64_t limit = page_size(ask.limit);
  TRY(items, tx.all(
                 list_deliveries_sql, [](const Row& r) { return read_delivery(r).shown; }, project, ask.destination,
                 ask.state ? word(*ask.state) : std::string_view{}, from.at, from.id, limit));
  List<Delivery> out{.items = std::move(items), .next = {}};
  if (std::ssize(out.items) == limit) out.next = page_key(out.items.back().created, out.items.back().id.text);
  return out;
}
Result<void> update(Tx& tx, const DeliveryRow& row) {
  const Delivery& d = row.shown;
  TRY_(tx.exec(update_delivery_sql, d.id, d.state, d.attempts, d.status, d.answer, d.error, row.due, row.ended));
  return {};
}
Result<std::optional<DeliveryRow>> next_due(Tx& tx, std::string_view destination_id, Time now) {
  return tx.one(next_due_sql, read_delivery, destination_id, now);
}
Result<std::optional<Time>> next_time(Tx& tx, std::string_view destination_id) {
  return tx.one(next_time_sql, [](const Row& r) { return r.time(0); }, destination_id);
}
Result<void> drop_waiting(Tx& tx, std::string_view destination_id, Time now) {
  TRY_(tx.exec(drop_waiting_sql, destination_id, now));
  return {};
}
Result<std::int64_t> forget(Tx& tx, Time ended_before) { return tx.exec(forget_sql, ended_before); }

}  // namespace pawl::team::rows
