// pawl notify add, list, remove, test, deliveries, redeliver.
#include <CLI/CLI.hpp>

#include "net/command.h"
#include "team/routes.h"
#include "team/types_notify.h"

namespace pawl::team {
namespace {

using net::Command;
using net::Method;
constexpr std::string_view base = "/api/pawl/v1";

template <class Out, class In = Nothing>
Result<Out> ask(Command& command, Method method, const std::string& path, const In& in = {}) {
  TRY(client, command.client());
  if (method == Method::GET) return client.get<Out>(std::string(base) + path);
  return client.call<Out>(method, std::string(base) + path, in);
}
std::string of(const std::string& part) { return "/" + net::percent_encode(part); }

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}
std::string lines(const List<Destination>& list) {
  if (list.items.empty()) return "nobody is told of anything: pawl notify add NAME --webhook URL\n";
  std::vector<std::vector<std::string>> rows{{"name", "kind", "address", "signed", "events"}};
  for (const auto& d : list.items)
    rows.push_back({d.name, std::string(word(d.kind)), d.address, d.is_signed ? "yes" : "no",
                    d.mentions.empty() ? joined(d.events) : "mentions of " + d.mentions});
  return net::table(rows);
}
std::string lines(const List<Delivery>& list) {
  if (list.items.empty()) return "nothing was sent\n";
  std::vector<std::vector<std::string>> rows{
      {"id", "destination", "event", "subject", "state", "attempts", "status", "next"}};
  for (const auto& d : list.items)
    rows.push_back({d.id.text, d.destination, d.what, d.subject, std::string(word(d.state)), std::to_string(d.attempts),
                    d.status == 0 ? "" : std::to_string(d.status), d.next});
  std::string out = net::table(rows);
  for (const auto& d : list.items)
    if (!d.error.empty()) out += d.id.text + ": " + d.error + "\n";
  return out;
}

struct Adding {
  NewDestination what{};
  std::string kind = "webhook", url_file{}, secret_file{};
};
void add(Command& command, Adding in) {
  in.what.kind = from_word<DestinationKind>(in.kind).value_or(DestinationKind::webhook);
  if (in.what.url.empty() == in.url_file.empty())
    return command.failed({Code::invalid, "expected either --webhook or --webhook-file", "--webhook", {}});
  if (!in.url_file.empty()) {
    auto url = net::read_secret(in.url_file, "address: ");
    if (!url) return command.failed(url.error());
    in.what.url = std::move(*url);
  }
  if (!in.secret_file.empty()) {
    auto secret = net::read_secret(in.secret_file, "secret: ");
    if (!secret) return command.failed(secret.error());
    in.what.secret = std::move(*secret);
  }
  command.finish(ask<Destination>(command, Method::POST, "/destinations", in.what), [&](const Destination& added) {
    command.print(added, [](const Destination& d) {
      return d.name + " is told at " + d.address + (d.is_signed ? "" : ", unsigned: --secret-file signs what is sent") +
             "\n";
    });
  });
}

}  // namespace

void verbs_notify(CLI::App& app, Command& command) {
  auto* notify = app.add_subcommand("notify", "Tell people of events: webhooks and chats")->require_subcommand(1);
  notify->fallthrough();

  auto adding = std::make_shared<Adding>();
  auto* add_verb = notify->add_subcommand("add", "Send events to an address");
  add_verb->add_option("NAME", adding->what.name)->required();
  add_verb->add_option("--webhook", adding->what.url, "Where to send: http or https");
  add_verb->add_option("--webhook-file", adding->url_file,
                       "File with the address, when it holds a secret; - reads stdin");
  add_verb->add_option("--kind", adding->kind, "webhook: {id, event, text}; slack: {text}, for chats")
      ->check(CLI::IsMember({"webhook", "slack"}));
  add_verb->add_option("--secret-file", adding->secret_file,
                       "File with the secret that signs each message; - reads stdin");
  auto* events = add_verb->add_option("--events", adding->what.events, "Which: names, or beginnings that end in '.'")
                     ->delimiter(',');
  add_verb->add_option("--mentions", adding->what.mentions, "Only comments that mention this user")->excludes(events);
  add_verb->add_flag("--allow-private", adding->what.allow_private, "It may be this machine or a private network");
  add_verb->callback([adding, &command] { add(command, *adding); });

  notify->add_subcommand("list", "Who is told of what")->callback([&command] {
    command.finish(ask<List<Destination>>(command, Method::GET, "/destinations"),
                   [&](const auto& list) { command.print(list, [](const auto& l) { return lines(l); }); });
  });

  auto name = std::make_shared<std::string>();
  auto* remove = notify->add_subcommand("remove", "Tell them no more; what still waits is dropped");
  remove->add_option("NAME", *name)->required();
  remove->callback([name, &command] {
    command.finish(ask<Destination>(command, Method::DELETE, "/destinations" + of(*name)),
                   [&](const Destination& gone) {
                     command.print(gone, [](const Destination& d) { return d.name + " is told no more\n"; });
                   });
  });

  auto* test = notify->add_subcommand("test", "Send one message now; exit code 1 when it did not arrive");
  test->add_option("NAME", *name)->required();
  test->callback([name, &command] {
    command.finish(ask<Delivery>(command, Method::POST, "/destinations" + of(*name) + "/test"),
                   [&](const Delivery& sent) {
                     command.print(sent, [](const Delivery& d) {
                       return d.state == DeliveryState::done
                                  ? d.destination + " answered with status " + std::to_string(d.status) + "\n"
                                  : d.destination + " was not reached: " + d.error + "\n";
                     });
                     if (sent.state != DeliveryState::done) command.said_no();
                   });
  });

  auto* deliveries = notify->add_subcommand("deliveries", "What was sent and what became of it, newest first");
  deliveries->add_option("NAME", *name, "Only to this destination");
  deliveries->callback([name, &command] {
    command.finish(ask<List<Delivery>>(command, Method::GET, "/deliveries?destination=" + net::percent_encode(*name)),
                   [&](const auto& list) { command.print(list, [](const auto& l) { return lines(l); }); });
  });

  auto* redeliver = notify->add_subcommand("redeliver", "Send one again that has ended");
  redeliver->add_option("ID", *name, "The delivery's id")->required();
  redeliver->callback([name, &command] {
    command.finish(
        ask<Delivery>(command, Method::POST, "/deliveries" + of(*name) + "/redeliver"), [&](const Delivery& again) {
          command.print(again,
                        [](const Delivery& d) { return d.id.text + " is sent again to " + d.destination + "\n"; });
        });
  });
}

}  // namespace pawl::team
