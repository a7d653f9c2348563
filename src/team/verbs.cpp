// pawl approve, comment, ledger; notify is in verbs_notify.cpp.
#include <CLI/CLI.hpp>
#include <charconv>

#include "net/command.h"
#include "store/ledger.h"
#include "team/routes.h"

namespace pawl::team {
namespace {

using net::Command;
using net::Method;
constexpr std::string_view base = "/api/pawl/v1";

std::string lines(const Approval& a) {
  std::string out = a.id.text + "  " + a.what + "\n  state " + std::string(word(a.state)) + ", needs " +
                    std::to_string(a.rule.count) + " " + a.rule.by;
  for (std::size_t i = 0; i < a.rule.not_by.size(); ++i) out += (i == 0 ? ", not " : ", ") + a.rule.not_by[i];
  out += "\n";
  for (const Vote& v : a.votes)
    out += "  " + v.at + " " + v.by + (v.vote == VoteWord::grant ? " granted" : " refused") +
           (v.comment.empty() ? "" : ": " + v.comment) + "\n";
  if (!a.reason.empty()) out += "  " + a.reason + "\n";
  return out;
}
std::string lines(const List<Approval>& list) {
  if (list.items.empty()) return "nothing waits for an approval\n";
  std::string out;
  for (const Approval& a : list.items) out += lines(a);
  return out;
}
std::string lines(const List<store::LedgerEvent>& list) {
  std::vector<std::vector<std::string>> rows{{"seq", "at", "what", "subject", "by", "flow"}};
  for (const auto& e : list.items)
    rows.push_back({std::to_string(e.seq), e.at, e.what, e.subject.kind + " " + e.subject.id, e.by, e.flow});
  return net::table(rows);
}
// Oldest first, each with the number of the event that caused it.
std::string lines(const store::Story& story) {
  std::vector<std::vector<std::string>> rows{{"seq", "at", "what", "subject", "by", "caused by"}};
  std::map<std::string, std::int64_t> number;  // by id
  for (const auto& e : story.events) {
    const auto cause = number.find(e.cause);
    number[e.id] = e.seq;
    rows.push_back({std::to_string(e.seq), e.at, e.what, e.subject.kind + " " + e.subject.id, e.by,
                    cause == number.end() ? "" : std::to_string(cause->second)});
  }
  return net::table(rows) + (story.whole ? "" : "it goes on; this is the beginning\n");
}
std::string lines(const store::ChainState& chain) {
  if (chain.whole) return std::to_string(chain.events) + " events, the chain holds; head " + chain.head + "\n";
  return "the chain breaks at event " + std::to_string(chain.broken_at) + ": " + chain.reason + "\n";
}

struct Approving {
  std::string id{}, comment{};
  bool refuse = false;
};
void approve(Command& command, const Approving& in) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  if (in.id.empty())
    return command.finish(client->get<List<Approval>>(std::string(base) + "/approvals?state=open"),
                          [&](const auto& list) { command.print(list, [](const auto& l) { return lines(l); }); });
  const VoteAsk vote{.id = {in.id}, .vote = in.refuse ? VoteWord::refuse : VoteWord::grant, .comment = in.comment};
  command.finish(client->call<Approval>(
                     Method::POST, std::string(base) + "/approvals/" + net::percent_encode(in.id) + "/votes", vote),
                 [&](const Approval& done) { command.print(done, [](const Approval& a) { return lines(a); }); });
}

struct Reading {
  std::string story{}, flow{}, what{}, subject{}, by{}, about{};
  std::int64_t limit = 50;
  bool verify = false;
};
// The id of an event that is named by its number, as the table shows it, or by its id.
Result<std::string> event_id(net::Client& client, const std::string& named) {
  std::int64_t seq = 0;
  const auto [end, error] = std::from_chars(named.data(), named.data() + named.size(), seq);
  if (error != std::errc{} || end != named.data() + named.size() || seq < 1) return named;
  TRY(found,
      client.get<List<store::LedgerEvent>>(std::string(base) + "/ledger?limit=1&after=" + std::to_string(seq - 1)));
  if (found.items.empty() || found.items.front().seq != seq)
    return fail(Code::missing, "no event has the number " + named + ": pawl ledger lists the newest");
  return std::move(found.items.front().id);
}
void ledger(Command& command, const Reading& in) {
  auto client = command.client();
  if (!client) return command.failed(client.error());
  if (in.verify)
    return command.finish(client->get<store::ChainState>(std::string(base) + "/ledger/verify"),
                          [&](const store::ChainState& chain) {
                            command.print(chain, [](const auto& c) { return lines(c); });
                            if (!chain.whole) command.exit_code = 1;
                          });
  if (!in.story.empty()) {
    auto found = event_id(*client, in.story);
    if (!found) return command.failed(found.error());
    return command.finish(
        client->get<store::Story>(std::string(base) + "/ledger/" + net::percent_encode(*found) + "/story"),
        [&](const auto& story) { command.print(story, [](const auto& s) { return lines(s); }); });
  }
  const std::string query = "?order=newest&limit=" + std::to_string(in.limit) +
                            "&flow=" + net::percent_encode(in.flow) + "&what=" + net::percent_encode(in.what) +
                            "&subject=" + net::percent_encode(in.subject) + "&by=" + net::percent_encode(in.by) +
                            "&about=" + net::percent_encode(in.about);
  command.finish(client->get<List<store::LedgerEvent>>(std::string(base) + "/ledger" + query),
                 [&](const auto& list) { command.print(list, [](const auto& l) { return lines(l); }); });
}

}  // namespace

void verbs(CLI::App& app, Command& command) {
  auto vote = std::make_shared<Approving>();
  auto* approve_verb =
      app.add_subcommand("approve", "Grant (or refuse) an approval; without an id: list the open ones");
  approve_verb->add_option("id", vote->id, "The approval's id");
  approve_verb->add_flag("--refuse", vote->refuse, "Refuse instead");
  approve_verb->add_option("--comment", vote->comment, "Why");
  approve_verb->callback([vote, &command] { approve(command, *vote); });

  auto said = std::make_shared<NewComment>();
  auto* comment_verb = app.add_subcommand("comment", "Say something about a model, a version (MODEL@V), a flow, …");
  comment_verb->add_option("subject", said->subject, "MODEL, MODEL@V, or an id with --kind")->required();
  comment_verb->add_option("text", said->text, "What to say")->required();
  comment_verb->add_option("--kind", said->subject_kind, "flow, plan, rollout, endpoint, run or approval");
  comment_verb->callback([said, &command] {
    auto client = command.client();
    if (!client) return command.failed(client.error());
    command.finish(
        client->call<Comment>(Method::POST, std::string(base) + "/comments", *said), [&](const Comment& done) {
          command.print(done, [](const Comment& c) { return "noted on " + c.subject_kind + " " + c.subject + "\n"; });
        });
  });

  auto read = std::make_shared<Reading>();
  auto* ledger_verb = app.add_subcommand("ledger", "Who decided what, newest first; --verify checks the chain");
  ledger_verb->add_flag("--verify", read->verify,
                        "Read every event and check the hash chain; exit code 1 when it breaks");
  ledger_verb->add_option("--story", read->story, "What led to the event of this number (or id), and what came of it");
  ledger_verb->add_option("--flow", read->flow, "Only events of this flow");
  ledger_verb->add_option("--what", read->what, "Only these events; a last '.' makes it a prefix");
  ledger_verb->add_option("--subject", read->subject, "Only events about this");
  ledger_verb->add_option("--by", read->by, "Only what this person did");
  ledger_verb->add_option("--about", read->about, "Only events about this model or endpoint");
  ledger_verb->add_option("--limit", read->limit, "How many")->check(CLI::Range(1, 1000));
  ledger_verb->callback([read, &command] { ledger(command, *read); });

  verbs_notify(app, command);
}

}  // namespace pawl::team
