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

struct LabelFile {
  std::vector<NewLabel> labels{};
  static constexpr auto fields = std::tuple{field("labels", &LabelFile::labels, {.required = true})};
};
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

constexpr std::size_t labels_at_once = 100'000;  // as many as one request may have

std::string taken_text(const LabelsTaken& t) {
  return fmt::format("{} labels taken; {} repeated, {} changed, {} wait for their prediction\n", t.taken, t.repeated,
                     t.changed, t.waiting);
}

// A Parquet file goes as it is. Else the file is a list of {prediction_id, label}, or an object with such a list under `labels`; long lists go in pieces.
Result<LabelsTaken> send_labels(net::Client& client, const Words& words) {
  TRY(text, store::read_file(words.file, 512 << 20));
  const auto target = "/api/pawl/v1/endpoints/" + net::percent_encode(words.endpoint) + "/labels";
  if (text.starts_with("PAR1")) {
    TRY(body, client.call_text(net::Method::POST, target, text, "application/vnd.apache.parquet"));
    return decode<LabelsTaken>(body);
  }
  const auto start = text.find_first_not_of(" \t\r\n");
  if (start != text.npos && text[start] == '[') text = R"({"labels":)" + text + "}";
  TRY(all, decode<LabelFile>(text));
  LabelsTaken out;
  for (std::size_t from = 0; from == 0 || from < all.labels.size(); from += labels_at_once) {
    LabelFile piece;
    const auto n = std::min(labels_at_once, all.labels.size() - from);
    piece.labels.assign(std::make_move_iterator(all.labels.begin() + static_cast<std::ptrdiff_t>(from)),
                        std::make_move_iterator(all.labels.begin() + static_cast<std::ptrdiff_t>(from + n)));
    TRY(body, client.call_text(net::Method::POST, target, encode(piece)));
    TRY(taken, decode<LabelsTaken>(body));
    out.taken += taken.taken;
    out.repeated += taken.repeated;
    out.changed += taken.changed;
    out.waiting += taken.waiting;
  }
  return out;
}

}  // namespace

void verbs(CLI::App& app, net::Command& command) {
  auto words = std::make_shared<Words>();
  auto* endpoint = app.add_subcommand("endpoint", "Endpoints, their versions and what these did");
  endpoint->add_option("NAME", words->name, "one endpoint; without it, all");
  endpoint->callback([&command, words] { show_endpoint(command, *words); });
  auto* label = app.add_subcommand("label", "Tell the truth of earlier predictions");
  label->add_option("ENDPOINT", words->endpoint)->required();
  label
      ->add_option("--file", words->file,
                   "JSON: [{\"prediction_id\": …, \"label\": …}, …], or Parquet with these columns")
      ->required();
  label->callback([&command, words] {
    auto client = command.client();
    if (!client) return command.failed(client.error());
    command.finish(send_labels(*client, *words), [&](const LabelsTaken& t) { command.print(t, taken_text); });
  });
}

}  // namespace pawl::serving
