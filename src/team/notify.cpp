#include "team/notify.h"

#include <algorithm>

#include "core/json.h"
#include "core/log.h"
#include "team/sentence.h"

namespace pawl::team {
namespace {

constexpr std::string_view job_kind = "team.deliver";
constexpr std::size_t destinations_max = 100;
constexpr std::size_t secret_chars_min = 8;
constexpr Micros kept = std::chrono::days(30);
// The waits between attempts: some two hours until a message is dead.
constexpr std::array<Micros, 8> waits{std::chrono::seconds(1),  std::chrono::seconds(5),  std::chrono::seconds(30),
                                      std::chrono::minutes(2),  std::chrono::minutes(10), std::chrono::minutes(30),
                                      std::chrono::minutes(30), std::chrono::minutes(60)};

struct Message {
  std::string id{};
  store::LedgerEvent event{};
  std::string text{};
  static constexpr auto fields =
      std::tuple{field("id", &Message::id), field("event", &Message::event), field("text", &Message::text)};
};
struct ChatMessage {
  std::string text{};
  static constexpr auto fields = std::tuple{field("text", &ChatMessage::text)};
};
// What these signs start in a chat, nobody may write through us.
std::string for_chat(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::vector<std::string> events_by_default() { return {"alarm.", "approval.", "flow.", "retrain.", "rollout."}; }
bool good_name(std::string_view name) {
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}
bool good_event(std::string_view what) {
  return !what.empty() && std::ranges::all_of(what, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
  });
}
// Whether the list of texts at `key` of the event's data has this one. Nothing: there is no such list.
std::optional<bool> listed(const store::LedgerEvent& event, std::string_view key, std::string_view text) {
  const auto found = json_at(event.data.text, key);
  if (!found) return std::nullopt;
  const auto list = decode<std::vector<std::string>>(*found);
  return list && std::ranges::find(*list, text) != list->end();
}
bool wants(const rows::DestinationRow& to, const store::LedgerEvent& event, Time at) {
  if (at < to.created) return false;  // it was added later than this happened
  const Destination& d = to.shown;
  if (!d.mentions.empty()) return event.what == "comment.made" && listed(event, "mentions", d.mentions).value_or(false);
  // `watch.alert` of a model's pawl.yaml names who is told of its alarms.
  if (event.what.starts_with("alarm.") && !listed(event, "alert", d.name).value_or(true)) return false;
  return std::ranges::any_of(d.events, [&](const std::string& wanted) {
    return wanted.ends_with('.') ? event.what.starts_with(wanted) : event.what == wanted;
  });
}
Error no_destination(std::string_view name) {
  return {Code::missing, "there is no destination " + std::string(name), "name", {}};
}

}  // namespace

void Notifier::attach(jobs::Worker& worker) {
  worker.follow("team.notify", [this](Call& call, const store::LedgerEvent& event) { return take_event(call, event); });
  worker.handle(std::string(job_kind),
                [this](const jobs::Job& job, const std::stop_token& stop) { return send_next(job, stop); });
  worker.every("team.forget_deliveries", std::chrono::hours(1), [](Call& call) -> Result<void> {
    TRY_(rows::forget(call.tx, call.now() - kept));
    return {};
  });
}

Result<Destination> Notifier::add(Call& call, const NewDestination& in) {
  if (!good_name(in.name)) return fail(Code::invalid, "name: expected small letters, digits, - and _", "name");
  TRY(address, net::check_webhook(in.url, in.allow_private));
  if (!in.secret.empty() && in.secret.size() < secret_chars_min)
    return fail(Code::invalid, "secret: expected at least " + std::to_string(secret_chars_min) + " characters",
                "secret");
  for (const auto& what : in.events)
    if (!good_event(what))
      return fail(Code::invalid, "events: expected names like alarm.opened, or alarm. for all of them", "events");
  TRY(others, rows::destinations(call.tx, call.project));
  if (others.size() >= destinations_max)
    return fail(Code::conflict, "there are " + std::to_string(destinations_max) + " destinations already: no more fit");
  rows::DestinationRow row{
      .shown = {.id = random_.hex_bytes(8),
                .name = in.name,
                .kind = in.kind,
                .address = address,
                .is_signed = !in.secret.empty(),
                .events = in.events.empty() && in.mentions.empty() ? events_by_default() : in.events,
                .mentions = in.mentions,
                .allow_private = in.allow_private,
                .made_by = call.who.name,
                .created = to_rfc3339(call.now())},
      .url = in.url,
      .secret = in.secret,
      .created = call.now()};
  TRY(added, rows::insert(call.tx, row, call.project));
  if (!added) return fail(Code::exists, "there is a destination " + in.name + " already", "name");
  call.tell({.what = "destination.added", .subject_kind = "destination", .subject = in.name});
  return std::move(row.shown);
}

Result<List<Destination>> Notifier::destinations(Call& call) {
  TRY(found, rows::destinations(call.tx, call.project));
  List<Destination> out;
  for (auto& row : found) out.items.push_back(std::move(row.shown));
  return out;
}

Result<Destination> Notifier::remove(Call& call, const DestinationName& in) {
  TRY(found, rows::destination(call.tx, call.project, in.name));
  if (!found) return std::unexpected(no_destination(in.name));
  TRY_(rows::remove_destination(call.tx, found->shown.id));
  TRY_(rows::drop_waiting(call.tx, found->shown.id, call.now()));
  call.tell({.what = "destination.removed", .subject_kind = "destination", .subject = in.name});
  return std::move(found->shown);
}

Result<Delivery> Notifier::test(const Ask& ask, const DestinationName& in) {
  std::optional<rows::DestinationRow> to;
  rows::DeliveryRow row;
  TRY_(store_.write([&](Tx& tx) -> Result<void> {
    Call call(tx, ask);
    TRY(found, rows::destination(tx, call.project, in.name));
    if (!found) return std::unexpected(no_destination(in.name));
    to = std::move(found);
    const std::string event =
        call.tell({.what = "destination.tested", .subject_kind = "destination", .subject = in.name});
    row = {.shown = {.id = {random_.hex_bytes(8)},
                     .destination = in.name,
                     .event = event,
                     .what = "destination.tested",
                     .subject = in.name,
                     .created = to_rfc3339(call.now())},
           .destination_id = to->shown.id,
           .due = call.now() + std::chrono::minutes(1),  // not before this attempt has ended, whatever becomes of it
           .created = call.now()};
    TRY_(rows::insert(tx, row, call.project));
    return {};
  }));
  return attempt(*to, std::move(row), false, closing_.get_token());
}

Result<List<Delivery>> Notifier::deliveries(Call& call, const DeliveriesAsk& in) {
  TRY(found, rows::list(call.tx, in, call.project));
  if (found.items.empty() && !in.destination.empty()) {  // one that was removed is still known by its deliveries
    TRY(to, rows::destination(call.tx, call.project, in.destination));
    if (!to && in.after.empty() && !in.state) return std::unexpected(no_destination(in.destination));
  }
  return std::move(found);
}

Result<Delivery> Notifier::redeliver(Call& call, const DeliveryAsk& in) {
  TRY(row, rows::delivery(call.tx, in.id));
  if (!row) return fail(Code::missing, "there is no delivery " + in.id.text, "id");
  if (row->shown.state == DeliveryState::waiting)
    return fail(Code::conflict, "delivery " + in.id.text + " waits already", "id");
  TRY(to, rows::destination_by_id(call.tx, row->destination_id));
  if (!to) return std::unexpected(no_destination(row->shown.destination));
  row->shown.state = DeliveryState::waiting;
  row->shown.attempts = 0;
  row->shown.error.clear();
  row->shown.ended.clear();
  row->due = call.now();
  row->ended.reset();
  row->shown.next = to_rfc3339(row->due);
  TRY_(rows::update(call.tx, *row));
  TRY_(see_to(call, *to));
  return std::move(row->shown);
}

Result<void> Notifier::take_event(Call& call, const store::LedgerEvent& event) {
  TRY(all, rows::destinations(call.tx, event.project));
  const auto at = parse_rfc3339(event.at);
  for (const auto& to : all) {
    if (!wants(to, event, at.value_or(call.now()))) continue;
    TRY(is_new, rows::insert(call.tx,
                             rows::DeliveryRow{.shown = {.id = {random_.hex_bytes(8)},
                                                         .destination = to.shown.name,
                                                         .event = event.id,
                                                         .what = event.what,
                                                         .subject = event.subject.id},
                                               .destination_id = to.shown.id,
                                               .due = call.now(),
                                               .created = call.now()},
                             event.project));
    if (is_new) TRY_(see_to(call, to));
  }
  return {};
}

// The job in the destination's row is the one that sends next; another that comes to run meanwhile has nothing to do.
Result<void> Notifier::see_to(Call& call, const rows::DestinationRow& to) {
  if (!to.job.empty()) {
    const auto job = jobs::find(call.tx, {to.job});
    if (job &&
        (job->state == jobs::JobState::running || (job->state == jobs::JobState::waiting && job->run_at <= call.now())))
      return {};  // it looks again when it has sent its own
  }
  return schedule(call, to.shown.id);
}
Result<void> Notifier::schedule(Call& call, std::string_view destination_id) {
  TRY(due, rows::next_time(call.tx, destination_id));
  if (!due) return rows::set_job(call.tx, destination_id, "");
  TRY(job, jobs::add(call, {.kind = std::string(job_kind),
                            .payload = encode(DestinationName{std::string(destination_id)}),
                            .wait = std::max(Micros{0}, *due - call.now()),
                            .attempts_max = 100}));  // of a store that fails; a receiver's are counted in the delivery
  return rows::set_job(call.tx, destination_id, job.text);
}

Result<std::string> Notifier::send_next(const jobs::Job& job, const std::stop_token& stop) {
  TRY(payload, decode<DestinationName>(job.payload));
  std::optional<rows::DestinationRow> to;
  std::optional<rows::DeliveryRow> delivery;
  TRY_(store_.read([&](Tx& tx) -> Result<void> {
    TRY(found, rows::destination_by_id(tx, payload.name));
    if (!found || found->job != job.id.text) return {};
    to = std::move(found);
    TRY(next, rows::next_due(tx, payload.name, clock_.now()));
    delivery = std::move(next);
    return {};
  }));
  if (!to) return "{}";
  if (delivery) TRY_(attempt(*to, std::move(*delivery), true, stop));
  TRY_(store_.write([&](Tx& tx) -> Result<void> {
    Call call(tx, {.who = pawl_itself(), .clock = &clock_});
    TRY(now, rows::destination_by_id(tx, payload.name));
    if (!now || now->job != job.id.text) return {};
    return schedule(call, payload.name);
  }));
  return "{}";
}

Result<net::Webhook> Notifier::message(Tx& tx, const rows::DestinationRow& to, const Delivery& delivery) {
  TRY(event, store::find_event(tx, delivery.event));
  if (!event) return fail(Code::missing, "the ledger has no event " + delivery.event);
  TRY(text, sentence(tx, *event));
  net::Webhook out{.url = to.url, .allow_private = to.shown.allow_private};
  out.body = to.shown.kind == DestinationKind::slack
                 ? encode(ChatMessage{for_chat(text)})
                 : encode(Message{.id = delivery.id.text, .event = std::move(*event), .text = std::move(text)});
  const std::string timestamp = std::to_string(clock_.now().us / 1'000'000);
  out.headers = {{"X-Pawl-Delivery", delivery.id.text}, {"X-Pawl-Timestamp", timestamp}};
  if (!to.secret.empty())
    out.headers.push_back({"X-Pawl-Signature", "v1," + base64(hmac_sha256(to.secret, delivery.id.text + "." +
                                                                                         timestamp + "." + out.body))});
  return out;
}

Result<Delivery> Notifier::attempt(const rows::DestinationRow& to, rows::DeliveryRow row, bool again,
                                   const std::stop_token& stop) {
  TRY(webhook, store_.read_for<net::Webhook>([&](Tx& tx) { return message(tx, to, row.shown); }));
  const auto answer = net::post(webhook, stop);
  if (stop.stop_requested() && !answer)
    return std::unexpected(answer.error());  // the server ends: the next one sends it
  Delivery& d = row.shown;
  ++d.attempts;
  d.status = answer ? answer->status : 0;
  d.answer = answer ? answer->body : "";
  d.error = !answer          ? answer.error().message
            : answer->good() ? ""
                             : to.shown.address + " answered with status " + std::to_string(answer->status);
  const bool refused = !answer && answer.error().code == Code::denied;
  if (answer && answer->good())
    d.state = DeliveryState::done;
  else if (refused || !again || d.attempts > std::ssize(waits))
    d.state = DeliveryState::dead;
  const Time now = clock_.now();
  if (d.state == DeliveryState::waiting) {
    row.due = now + waits[static_cast<std::size_t>(d.attempts - 1)];
    d.next = to_rfc3339(row.due);
  } else {
    row.ended = now;
    d.ended = to_rfc3339(now);
    d.next.clear();
  }
  TRY_(store_.write([&](Tx& tx) -> Result<void> {
    TRY(there, rows::delivery(tx, d.id));
    if (!there || there->shown.state == DeliveryState::dropped) return {};  // its destination was removed meanwhile
    return rows::update(tx, row);
  }));
  if (d.state != DeliveryState::done)
    log::warn("notify.failed", {{"delivery", d.id.text},
                                {"destination", d.destination},
                                {"attempt", d.attempts},
                                {"state", word(d.state)},
                                {"message", d.error}});
  return std::move(d);
}

}  // namespace pawl::team
