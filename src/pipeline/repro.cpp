#include "pipeline/repro.h"

#include <unistd.h>

#include <cstdlib>

#include "datasets/locks.h"
#include "datasets/process.h"
#include "pipeline/run_cache.h"

extern char** environ;

namespace pawl::pipeline {
namespace fs = std::filesystem;
namespace {

using datasets::PathLocks;
using datasets::Repo;
using datasets::RepoLock;

std::vector<std::string> lines_of(const yaml::Value& cmd) {
  std::vector<std::string> out;
  const auto add = [&out](std::string_view text) {
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      if (const auto line = text.substr(0, end); line.find_first_not_of(" \t\r") != line.npos) out.emplace_back(line);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  };
  if (cmd.is(yaml::Value::Kind::text)) add(cmd.text);
  for (const auto& item : cmd.items) add(item.text);
  return out;
}

// As DVC starts a command: the user's shell without its start-up files.
std::vector<std::string> shell_for(const std::string& line) {
  const char* set = std::getenv("SHELL");
  const std::string shell = set && *set ? set : "/bin/sh";
  const auto name = fs::path(shell).filename().string();
  if (name == "bash") return {shell, "--noprofile", "--norc", "-c", line};
  if (name == "zsh") return {shell, "--no-rcs", "-c", line};
  return {shell, "-c", line};
}

std::vector<std::string> environment_for(const ReproAsk& ask, const Project& project, const Stage& stage) {
  std::vector<std::string> out;
  if (ask.environment) {
    out = *ask.environment;
  } else {
    for (char** e = environ; *e; ++e)
      if (const std::string_view text = *e; !text.starts_with("PAWL_TOKEN")) out.emplace_back(text);
  }
  std::erase_if(out, [](const std::string& e) { return e.starts_with("DVC_ROOT=") || e.starts_with("DVC_STAGE="); });
  out.push_back("DVC_ROOT=" + project.repo().root().string());
  out.push_back("DVC_STAGE=" + stage.address);
  return out;
}

class Run {
 public:
  Run(Project& project, const ReproAsk& ask, RepoLock& lock, Repro& done)
      : project_(project), ask_(ask), lock_(lock), done_(done) {}

  Result<void> all(const std::vector<std::size_t>& order) {
    for (const auto i : order) {
      const auto& stage = project_.stages()[i];
      const auto start = std::chrono::steady_clock::now();
      auto outcome = stage.is_data() ? data(stage) : one(stage);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      done_.stages.push_back({stage.address, outcome ? *outcome : Outcome::failed, took.count()});
      if (!outcome) return std::unexpected(outcome.error());
      if (*outcome == Outcome::ran || *outcome == Outcome::cached) done_.changed = true;
    }
    return {};
  }

 private:
  void say(const std::string& line) const {
    if (ask_.say) ask_.say(line);
  }
  std::string failed_to(const Stage& stage) const { return "failed to reproduce '" + stage.address + "': "; }

  // A data source: a lost output comes back from the cache, a changed one is taken as the new content, as DVC's repro does.
  Result<Outcome> data(const Stage& stage) {
    TRY(changes, changes_of(project_, stage));
    if (!changes.any()) {
      say("'" + stage.address + "' didn't change, skipping");
      return Outcome::skipped;
    }
    if (ask_.dry) return Outcome::would_run;
    bool took = false;
    for (const auto& entry : stage.tracked->content.outs) {
      const auto path = project_.path_of(stage, entry.path);
      TRY(state, datasets::state_of(project_.repo(), stage.dir, entry));
      if (state == datasets::OutState::deleted) {
        TRY_(project_.repo().checkout(path, entry.digest, entry.isexec, Repo::Unsaved::refuse, entry.hash.empty()));
      } else if (state != datasets::OutState::same && !stage.frozen) {
        say("Verifying data sources in stage: '" + stage.address + "'");
        TRY_(datasets::add(project_.repo(), path));
        took = true;
      }
    }
    return took ? Outcome::ran : Outcome::cached;
  }

  Result<Outcome> one(const Stage& stage) {
    TRY(changes, changes_of(project_, stage));
    const bool stale = changes.any() || changes.unknown;
    if (!stale && !ask_.force) {
      say("Stage '" + stage.address + "' didn't change, skipping");
      return Outcome::skipped;
    }
    if (stage.frozen && !ask_.force) {
      // Nobody asks for its inputs; only its outs can be brought back.
      if (!changes.only_outs()) return Outcome::skipped;
    }
    if (!ask_.force) {
      TRY(restored, from_cache(stage, changes));
      if (restored) return ask_.dry ? Outcome::cached : restored.value();
    }
    if (ask_.dry) {
      say("Running stage '" + stage.address + "':");
      for (const auto& line : lines_of(stage.cmd)) say("> " + line);
      return Outcome::would_run;
    }
    TRY_(inputs_of(project_, stage));  // what is missing is said before anything is deleted
    TRY_(execute(stage));
    TRY_(save(stage));
    return Outcome::ran;
  }

  // The outs of the same inputs, from the lock file or from the run cache.
  Result<std::optional<Outcome>> from_cache(const Stage& stage, const Changes& changes) {
    std::optional<dvc::LockedStage> found;
    const auto* locked = project_.locked(stage);
    if (locked && changes.only_outs()) {
      bool all = true;
      for (const auto& o : stage.outs) {
        const auto at = std::ranges::find(locked->outs, o.path, &dvc::Entry::path);
        if (at == locked->outs.end() || at->digest.empty() || o.persist) {
          all = false;
          break;
        }
        TRY(there, project_.repo().cache().has_all(at->digest,
                                                   at->hash.empty() ? datasets::Layout::v2 : datasets::Layout::v3));
        all = all && there;
      }
      if (all) found = *locked;
    }
    if (!found && !ask_.no_run_cache && !stage.always_changed && !stage.frozen) {
      auto inputs = inputs_of(project_, stage);
      if (!inputs) {
        if (ask_.dry) return std::nullopt;  // a dependency that a stage before would make
        return std::unexpected(inputs.error());
      }
      TRY(kept, find_run(project_, stage, *inputs));
      found = std::move(kept);
    }
    if (!found) return std::nullopt;
    say("Stage '" + stage.address + "' is cached - skipping run, checking out outputs");
    if (ask_.dry) return Outcome::cached;
    for (const auto& entry : found->outs)
      TRY_(project_.repo().checkout(project_.path_of(stage, entry.path), entry.digest, entry.isexec,
                                    Repo::Unsaved::overwrite, entry.hash.empty()));
    TRY_(hide(stage));
    if (!locked || dvc::python_json(dvc::locked_value(*locked)) != dvc::python_json(dvc::locked_value(*found)))
      TRY_(project_.save_lock(stage, *found));
    return Outcome::cached;
  }

  Result<void> execute(const Stage& stage) {
    std::vector<fs::path> reads, writes;
    for (const auto& dep : stage.deps) reads.push_back(project_.path_of(stage, dep));
    for (const auto& p : stage.params) reads.push_back(project_.path_of(stage, p.file));
    for (const auto& out : stage.outs) {
      const auto path = project_.path_of(stage, out.path);
      if (out.cache && !project_.repo().inside(path))
        return fail(
            Code::invalid,
            failed_to(stage) + "Saving cached external output " + path.string() + " is not supported since DVC 3.0.",
            out.path);
      writes.push_back(path);
    }
    std::error_code ec;
    const auto dir = project_.repo().root() / stage.dir;
    if (!fs::is_directory(dir, ec))
      return fail(Code::missing, failed_to(stage) + "stage working dir '" + dir.string() + "' does not exist",
                  stage.dir);
    for (const auto& out : stage.outs) {
      const auto path = project_.path_of(stage, out.path);
      if (!out.persist)
        fs::remove_all(path, ec);
      else if (fs::is_symlink(path, ec) || (fs::is_regular_file(path, ec) && fs::hard_link_count(path, ec) > 1))
        TRY_(unprotect(path));
      fs::create_directories(path.parent_path(), ec);
    }
    say("Running stage '" + stage.address + "':");
    auto paths = PathLocks::take(project_.repo(), std::move(reads), std::move(writes), "pawl repro");
    if (!paths) return std::unexpected(paths.error());
    lock_.release();
    const auto environment = environment_for(ask_, project_, stage);
    std::optional<Error> problem;
    for (const auto& line : lines_of(stage.cmd)) {
      say("> " + line);
      auto ended = datasets::run({.argv = shell_for(line),
                                  .dir = dir,
                                  .environment = environment,
                                  .on_output = ask_.output,
                                  .stop = ask_.stop});
      if (!ended)
        problem = ended.error();
      else if (ended->stopped)
        problem = Error{Code::unavailable, failed_to(stage) + "stopped", stage.address, {}};
      else if (ended->exit_code != 0)
        problem =
            Error{Code::unavailable,
                  failed_to(stage) + "failed to run: " + line + ", exited with " + std::to_string(ended->exit_code),
                  stage.address,
                  {}};
      if (problem) break;
    }
    TRY(again, RepoLock::take(project_.repo()));
    lock_ = std::move(again);
    if (problem) return std::unexpected(std::move(*problem));
    return {};
  }

  // A link into the cache becomes a file of its own before a command may write to it.
  Result<void> unprotect(const fs::path& path) {
    std::error_code ec;
    const fs::path temporary = path.string() + ".pawl-copy";
    fs::copy_file(path, temporary, fs::copy_options::overwrite_existing, ec);
    if (!ec) fs::permissions(temporary, fs::perms::owner_write, fs::perm_options::add, ec);
    if (!ec) fs::rename(temporary, path, ec);
    if (ec) return fail(Code::unavailable, "cannot copy '" + path.string() + "': " + ec.message(), path.string());
    return {};
  }

  Result<void> hide(const Stage& stage) {
    for (const auto& o : stage.outs)
      if (const auto inside = project_.repo().inside(project_.path_of(stage, o.path)); o.cache && inside)
        TRY_(project_.repo().hide_from_git(*inside));
    return {};
  }

  Result<void> save(const Stage& stage) {
    TRY(locked, inputs_of(project_, stage));
    const bool kept = may_be_kept(project_, stage);
    for (const auto& o : stage.outs) {
      const auto path = project_.path_of(stage, o.path);
      auto content = project_.repo().hash(path);
      if (!content) {
        if (content.error().code == Code::missing)
          return fail(Code::missing, failed_to(stage) + "output '" + o.path + "' does not exist", o.path);
        return std::unexpected(content.error());
      }
      if (o.cache || kept) TRY_(project_.repo().keep(path, *content));
      dvc::Entry entry;
      entry.path = o.path;
      datasets::set_content(entry, *content);
      locked.outs.push_back(std::move(entry));
    }
    TRY_(hide(stage));
    say(project_.locked(stage) || any_lock_ ? "Updating lock file 'dvc.lock'" : "Generating lock file 'dvc.lock'");
    any_lock_ = true;
    TRY_(project_.save_lock(stage, locked));
    return keep_run(project_, stage, locked);
  }

  Project& project_;
  const ReproAsk& ask_;
  RepoLock& lock_;
  Repro& done_;
  bool any_lock_ = false;
};

}  // namespace

Result<Repro> reproduce(Repo& repo, const ReproAsk& ask, Repro* done) {
  Repro own;
  Repro& out = done ? *done : own;
  TRY(lock, RepoLock::take(repo));
  TRY(project, Project::load(repo));
  TRY(order, project.select(ask.targets, ask.single));
  Run run(project, ask, lock, out);
  auto ran = run.all(order);
  (void)repo.state().save();
  if (!ran) return std::unexpected(ran.error());
  return out;
}

}  // namespace pawl::pipeline
