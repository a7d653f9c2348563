// The words of the command line: endpoint, label.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "net/command.h"
#include "serving/service.h"
#include "store/files.h"

namespace pawl::serving {
namespace {

std::string percent(double share) { return fmt::format("{:g}%", share * 100); }

std::string list_text(const EndpointList& list) {
  std::vector<std::vector<std::string>> rows{{"ENDPOINT", "MODEL", "VERSIONS", "READY", "PREDICTIONS"}};
  for (const auto& e : list.items) {
    std::string arms;
    for (const auto& a : e.arms) arms += fmt::format("{}{}: {}", arms.empty() ? "" : ", ", a.version, percent(a.share));
    rows.push_back(
        {e.name, e.model, arms.empty() ? "none" : arms, e.ready ? "yes" : "no", std::to_string(e.predictions)});
  }
  return net::table(rows);
}

std::string one_text(const Endpoint& e) {
  std::string out =
      fmt::format("{}  model {}, {} predictions{}\n", e.name, e.model, e.predictions, e.replay ? ", replay" : "");
  if (!e.rollout.empty()) out += fmt::format("rollout {}, step {}\n", e.rollout, e.step);
  std::vector<std::vector<std::string>> rows{
      {"VERSION", "ARM", "SHARE", "READY", "ROWS", "REQUESTS", "ERRORS", "P50 MS", "P99 MS"}};
  for (const auto& a : e.arms)
    rows.push_back({std::to_string(a.version), std::string(word(a.arm)), percent(a.share), a.ready ? "yes" : "no",
                    std::to_string(a.tally.rows), std::to_string(a.tally.requests), std::to_string(a.tally.errors),
                    fmt::format("{:.3f}", a.tally.p50_ms), fmt::format("{:.3f}", a.tally.p99_ms)});
  return out + net::table(rows);
}

struct Words {
  std::string name{}, endpoint{}, file{};
};

void show_endpoint(net::Command& command, const Words& words) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  if (words.name.empty())
    return command.finish(client->get<EndpointList>("/api/pawl/v1/endpoints"),
                          [&](const EndpointList& list) { command.print(list, list_text); });
  command.finish(client->get<Endpoint>("/api/pawl/v1/endpoints/" + net::percent_encode(words.name)),
                 [&](const Endpoint& e) { command.print(e, one_text); });
}

// The file is a list of {prediction_id, label}, or an object with such a list under `labels`.
void send_labels(net::Command& command, const Words& words) {
  auto text = store::read_file(words.file);
  if (!text) return command.failed(text.error());
  const auto start = text->find_first_not_of(" \t\r\n");
  if (start != text->npos && (*text)[start] == '[') *text = R"({"labels":)" + *text + "}";
  auto client = command.client();
  if (!client) return command.failed(client.error());
  auto body = client->call_text(net::Method::POST,
                                "/api/pawl/v1/endpoints/" + net::percent_encode(words.endpoint) + "/labels", *text);
  if (!body) return command.failed(body.error());
  command.finish(decode<LabelsTaken>(*body), [&](const LabelsTaken& t) {
    command.print(t, [](const LabelsTaken& l) { return fmt::format("{} labels taken\n", l.taken); });
  });
}

}  // namespace

void verbs(CLI::App& app, net::Command& command) {
  auto words = std::make_shared<Words>();
  auto* endpoint = app.add_subcommand("endpoint", "Endpoints, their versions and what these did");
  endpoint->add_option("NAME", words->name, "one endpoint; without it, all");
  endpoint->callback([&command, words] { show_endpoint(command, *words); });
  auto* label = app.add_subcommand("label", "Tell the truth of earlier predictions");
  label->add_option("ENDPOINT", words->endpoint)->required();
  label->add_option("--file", words->file, "JSON: [{\"prediction_id\": …, \"label\": …}, …]")->required();
  label->callback([&command, words] { send_labels(command, *words); });
}

}  // namespace pawl::serving
