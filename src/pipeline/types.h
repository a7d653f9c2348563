// Repositories, pushes, and tasks: what a runner is asked and what it hands in. All described: this is also the API.
#pragma once
#include "datasets/types.h"
#include "jobs/jobs.h"
#include "pipeline/repro.h"

namespace pawl::pipeline {

// --- Repositories ---
struct Repository {
  std::string name{}, url{}, branch{}, created{};
  static constexpr auto fields =
      std::tuple{field("name", &Repository::name), field("url", &Repository::url), field("branch", &Repository::branch),
                 field("created", &Repository::created)};
};
struct NewRepository {
  std::string name{}, url{}, branch = "main";
  static constexpr auto fields =
      std::tuple{field("name", &NewRepository::name,
                       {.required = true, .chars_max = 100, .about = "Letters, digits, `-`, `_` and `.`"}),
                 field("url", &NewRepository::url,
                       {.required = true, .chars_max = 2000, .about = "Anything that `git fetch` takes"}),
                 field("branch", &NewRepository::branch, {.chars_max = 200})};
};
struct RepositoryList {
  std::vector<Repository> items{};
  static constexpr auto fields = std::tuple{field("items", &RepositoryList::items)};
};
struct RepositoryName {
  std::string name{};
  static constexpr auto fields = std::tuple{field("name", &RepositoryName::name, {.required = true})};
};
struct HookToken {
  std::string id{}, token{};  // the token is shown once
  static constexpr auto fields = std::tuple{field("id", &HookToken::id), field("token", &HookToken::token)};
};
struct Push {
  std::string name{};  // of the repository
  std::string ref{}, before{}, after{};
  static constexpr auto fields =
      std::tuple{field("name", &Push::name, {.required = true}),
                 field("ref", &Push::ref, {.required = true, .chars_max = 1000, .about = "refs/heads/main"}),
                 field("before", &Push::before, {.chars_max = 64}),
                 field("after", &Push::after, {.required = true, .chars_max = 64})};
};
struct PushTaken {
  std::string event{};
  static constexpr auto fields = std::tuple{field("event", &PushTaken::event)};
};

// --- What runners do ---
enum class TaskKind { inspect, pipeline, evaluate };
}  // namespace pawl::pipeline
template <> inline constexpr auto pawl::words<pawl::pipeline::TaskKind> =
    std::to_array<std::string_view>({"inspect", "pipeline", "evaluate"});

namespace pawl::pipeline {

using Texts = std::map<std::string, std::string, std::less<>>;
using Jsons = std::map<std::string, Json, std::less<>>;

// Fetch a commit and say what it declares.
struct InspectAsk {
  std::string repo{}, url{}, commit{}, ref{};
  std::string since{};                    // the live version's commit, or empty
  std::vector<std::string> data_paths{};  // whose digests are asked for
  static constexpr auto fields =
      std::tuple{field("repo", &InspectAsk::repo),     field("url", &InspectAsk::url),
                 field("commit", &InspectAsk::commit), field("ref", &InspectAsk::ref),
                 field("since", &InspectAsk::since),   field("data_paths", &InspectAsk::data_paths)};
};
struct InspectResult {
  std::string commit{}, parent{}, message{}, author_email{};
  std::vector<std::string> committers{};  // e-mail addresses: authors and committers since `since`, or of the commit
  Texts files{};         // pawl.yaml and each file that its gate or watch names; empty without a pawl.yaml
  Texts data_digests{};  // path -> digest; absent paths are not in it
  static constexpr auto fields = std::tuple{field("commit", &InspectResult::commit),
                                            field("parent", &InspectResult::parent),
                                            field("message", &InspectResult::message),
                                            field("author_email", &InspectResult::author_email),
                                            field("committers", &InspectResult::committers),
                                            field("files", &InspectResult::files),
                                            field("data_digests", &InspectResult::data_digests)};
};

struct DataPaths {
  std::string train{}, test{};
  static constexpr auto fields = std::tuple{field("train", &DataPaths::train), field("test", &DataPaths::test)};
};
// Run a pipeline on a commit and bring back what came of it.
struct PipelineAsk {
  std::string flow{}, model{}, repo{}, url{}, commit{};
  Jsons set{};  // "collect.until": "2013-03-01T00:00:00Z"; also "file.yaml:key"
  std::string pipeline = "dvc.yaml";
  std::string output{};  // the model file
  DataPaths data{};
  std::string time{};                   // the column that orders rows; empty: none
  std::string checks{}, checks_path{};  // text of checks.yaml in force, its name in messages
  static constexpr auto fields =
      std::tuple{field("flow", &PipelineAsk::flow),         field("model", &PipelineAsk::model),
                 field("repo", &PipelineAsk::repo),         field("url", &PipelineAsk::url),
                 field("commit", &PipelineAsk::commit),     field("set", &PipelineAsk::set),
                 field("pipeline", &PipelineAsk::pipeline), field("output", &PipelineAsk::output),
                 field("data", &PipelineAsk::data),         field("time", &PipelineAsk::time),
                 field("checks", &PipelineAsk::checks),     field("checks_path", &PipelineAsk::checks_path)};
};
struct OutputSeen {
  std::string path{}, sha256{}, md5{};
  std::int64_t size = 0;
  static constexpr auto fields = std::tuple{field("path", &OutputSeen::path), field("sha256", &OutputSeen::sha256),
                                            field("md5", &OutputSeen::md5), field("size", &OutputSeen::size)};
};
struct VersionRef {
  std::string name{};
  std::int64_t version = 0;
  static constexpr auto fields = std::tuple{field("name", &VersionRef::name), field("version", &VersionRef::version)};
};
struct PipelineResult {
  std::string lock{};  // dvc.lock afterwards
  std::vector<StageRun> stages{};
  Jsons params{}, metrics{};  // file -> what is in it
  bool nothing_new = false;   // no stage had to run
  std::optional<OutputSeen> output{};
  std::optional<VersionRef> version{};  // registered by the script, else by the runner
  std::vector<datasets::DatasetSeen> datasets{};
  Texts environment{};  // python, its packages, the machine
  std::vector<std::string> warnings{};
  static constexpr auto fields = std::tuple{field("lock", &PipelineResult::lock),
                                            field("stages", &PipelineResult::stages),
                                            field("params", &PipelineResult::params),
                                            field("metrics", &PipelineResult::metrics),
                                            field("nothing_new", &PipelineResult::nothing_new),
                                            field("output", &PipelineResult::output),
                                            field("version", &PipelineResult::version),
                                            field("datasets", &PipelineResult::datasets),
                                            field("environment", &PipelineResult::environment),
                                            field("warnings", &PipelineResult::warnings)};
};

// --- Tasks as the API has them ---
struct ClaimAsk {
  std::string runner{};
  std::vector<TaskKind> kinds{};  // empty: all
  bool wait = true;               // hold the answer up to 20 s until there is one
  static constexpr auto fields = std::tuple{field("runner", &ClaimAsk::runner, {.required = true, .chars_max = 200}),
                                            field("kinds", &ClaimAsk::kinds), field("wait", &ClaimAsk::wait)};
};
struct Claimed {
  std::string id{};  // empty: there was none
  std::int64_t epoch = 0;
  std::optional<TaskKind> kind{};
  Json payload{};
  std::string token{};  // of the flow, for a pipeline's stages
  std::int64_t lease_seconds = 0;
  std::optional<bool> closing{};  // the server ends in order: a runner of its own that has nothing to do ends as well
  static constexpr auto fields = std::tuple{field("id", &Claimed::id, {.empty = Empty::hide}),
                                            field("epoch", &Claimed::epoch),
                                            field("kind", &Claimed::kind),
                                            field("payload", &Claimed::payload, {.empty = Empty::hide}),
                                            field("token", &Claimed::token, {.empty = Empty::hide}),
                                            field("lease_seconds", &Claimed::lease_seconds),
                                            field("closing", &Claimed::closing)};
};
struct Held {
  std::string id{};
  std::int64_t epoch = 0;
  static constexpr auto fields =
      std::tuple{field("id", &Held::id, {.required = true}), field("epoch", &Held::epoch, {.required = true})};
};
struct LeaseUntil {
  std::string until{};
  static constexpr auto fields = std::tuple{field("until", &LeaseUntil::until)};
};
struct LogPiece {
  std::string id{};
  std::int64_t epoch = 0, offset = 0;  // bytes; a piece that is sent twice is written once
  std::string text{};
  static constexpr auto fields =
      std::tuple{field("id", &LogPiece::id, {.required = true}), field("epoch", &LogPiece::epoch, {.required = true}),
                 field("offset", &LogPiece::offset), field("text", &LogPiece::text)};
};
struct LogAsk {
  std::string id{};
  std::int64_t from = 0;
  static constexpr auto fields = std::tuple{field("id", &LogAsk::id, {.required = true}), field("from", &LogAsk::from)};
};
struct LogText {
  std::string text{};
  std::int64_t next = 0;
  static constexpr auto fields = std::tuple{field("text", &LogText::text), field("next", &LogText::next)};
};
struct FinishAsk {
  std::string id{};
  std::int64_t epoch = 0;
  bool ok = false;
  Json result{};
  std::string error{};
  bool again = false;  // not its own fault: try again later
  static constexpr auto fields = std::tuple{field("id", &FinishAsk::id, {.required = true}),
                                            field("epoch", &FinishAsk::epoch, {.required = true}),
                                            field("ok", &FinishAsk::ok, {.required = true}),
                                            field("result", &FinishAsk::result),
                                            field("error", &FinishAsk::error),
                                            field("again", &FinishAsk::again)};
};
// What a runner asks before it hands in.
struct Registered {
  std::optional<VersionRef> version{};  // the model version that this lease of the task has registered
  std::string newest_output{};          // SHA-256 of the output of the model's newest pipeline that made a version
  static constexpr auto fields =
      std::tuple{field("version", &Registered::version), field("newest_output", &Registered::newest_output)};
};
struct Task {
  std::string id{}, kind{}, flow{}, state{}, runner{}, created{}, error{};
  std::int64_t epoch = 0, attempts = 0;
  static constexpr auto fields =
      std::tuple{field("id", &Task::id),       field("kind", &Task::kind),     field("flow", &Task::flow),
                 field("state", &Task::state), field("runner", &Task::runner), field("created", &Task::created),
                 field("error", &Task::error), field("epoch", &Task::epoch),   field("attempts", &Task::attempts)};
};
struct TaskList {
  std::vector<Task> items{};
  static constexpr auto fields = std::tuple{field("items", &TaskList::items)};
};
struct TaskResult {
  TaskKind kind{};
  bool ok = false;
  Json result{};
  std::string error{}, flow{};
  static constexpr auto fields =
      std::tuple{field("kind", &TaskResult::kind), field("ok", &TaskResult::ok), field("result", &TaskResult::result),
                 field("error", &TaskResult::error), field("flow", &TaskResult::flow)};
};

}  // namespace pawl::pipeline
