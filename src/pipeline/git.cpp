#include "pipeline/git.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <set>

#include "core/hash.h"
#include "datasets/process.h"

namespace pawl::pipeline {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t committers_max = 200;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}
bool is_commit(std::string_view id) {
  return (id.size() == 40 || id.size() == 64) && id.find_first_not_of("0123456789abcdef") == id.npos;
}

// One fetch into a mirror at a time, also between processes.
struct FolderLock {
  int fd;
  explicit FolderLock(const fs::path& file) : fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640)) {
    if (fd >= 0) ::flock(fd, LOCK_EX);
  }
  ~FolderLock() {
    if (fd >= 0) ::close(fd);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
};

}  // namespace

Result<std::string> Mirror::git(std::vector<std::string> arguments) const {
  std::vector<std::string> argv{"git", "-C", dir_.string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return datasets::output_of(std::move(argv));
}

Result<Mirror> Mirror::fetch(const fs::path& work, const std::string& repo, const std::string& url,
                             const std::string& commit) {
  if (!is_commit(commit)) return fail(Code::invalid, "'" + commit + "' is no commit id", "commit");
  std::error_code ec;
  fs::create_directories(work / "mirrors", ec);
  // The name says what it is, the digest keeps two urls of one name apart.
  Mirror out(work / "mirrors" / (fs::path(repo).filename().string() + "-" + sha256_hex(url).substr(0, 12) + ".git"),
             url);
  FolderLock lock(out.dir_.string() + ".lock");
  if (!fs::exists(out.dir_ / "HEAD", ec)) {
    TRY_(datasets::output_of({"git", "init", "-q", "--bare", out.dir_.string()}));
    TRY_(out.git({"remote", "add", "origin", url}));
  }
  if (!out.git({"cat-file", "-e", commit + "^{commit}"})) {
    TRY_(out.git({"fetch", "-q", "--prune", "origin", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}));
    if (!out.git({"cat-file", "-e", commit + "^{commit}"}))
      TRY_(out.git({"fetch", "-q", "origin", commit}));  // no branch has it any more
  }
  return out;
}

Result<std::string> Mirror::show(const std::string& commit, const std::string& path) const {
  const auto name = commit + ":" + path;
  if (!git({"cat-file", "-e", name}))
    return fail(Code::missing, "'" + path + "' is not in " + commit.substr(0, 12), path);
  return git({"cat-file", "blob", name});
}

Result<void> Mirror::check_out(const std::string& commit, const fs::path& dir) const {
  (void)git({"worktree", "prune"});
  TRY_(git({"worktree", "add", "-q", "--force", "--detach", dir.string(), commit}));
  return {};
}

void Mirror::drop(const fs::path& dir) const {
  std::error_code ec;
  fs::remove_all(dir, ec);
  (void)git({"worktree", "prune"});
}

Result<void> Mirror::pin(const std::string& commit, const std::string& ref) const {
  TRY_(git({"push", "-q", url_, commit + ":" + ref}));
  return {};
}

Result<InspectResult> inspect(const Mirror& mirror, const InspectAsk& ask) {
  InspectResult out;
  out.commit = ask.commit;
  TRY(head, mirror.git({"log", "-1", "--format=%P%n%ae%n%s", ask.commit}));
  const auto first = head.find('\n');
  const auto second = head.find('\n', first + 1);
  out.parent = head.substr(0, std::min(head.find(' '), first));
  out.author_email = head.substr(first + 1, second - first - 1);
  out.message = head.substr(second + 1);
  while (out.message.ends_with('\n')) out.message.pop_back();

  std::vector<std::string> range{"log", "--format=%ae%n%ce", "-n", std::to_string(committers_max)};
  if (is_commit(ask.since) && ask.since != ask.commit && mirror.git({"cat-file", "-e", ask.since + "^{commit}"}))
    range.push_back(ask.since + ".." + ask.commit);
  else
    range = {"log", "-1", "--format=%ae%n%ce", ask.commit};
  TRY(people, mirror.git(range));
  std::set<std::string> seen;
  for (auto& line : lines_of(people))
    if (seen.insert(line).second) out.committers.push_back(line);

  auto config = mirror.show(ask.commit, "pawl.yaml");
  if (config) {
    out.files["pawl.yaml"] = *config;
    // Every text below `gate` and `watch` that names a file of the commit is a file they name.
    if (auto read = yaml::read(*config, "pawl.yaml")) {
      const auto take = [&](auto&& self, const yaml::Value& v) -> void {
        if (v.is(yaml::Value::Kind::text) && dvc::inside_root("", v.text) == v.text && !v.text.contains(':'))
          if (auto text = mirror.show(ask.commit, v.text)) out.files[v.text] = std::move(*text);
        for (const auto& i : v.items) self(self, i);
        for (const auto& m : v.members) self(self, m.value);
      };
      for (const char* part : {"gate", "watch"})
        if (const auto* v = read->find(part)) take(take, *v);
    }
  } else if (config.error().code != Code::missing) {
    return std::unexpected(config.error());
  }

  // Of a path that DVC tracks its digest, else Git's own.
  for (const auto& path : ask.data_paths) {
    if (dvc::inside_root("", path) != path || path.contains(':')) continue;
    if (auto text = mirror.show(ask.commit, path + ".dvc"))
      if (auto tracked = dvc::read_dvc_file(*text, path + ".dvc"); tracked && !tracked->outs.empty()) {
        out.data_digests[path] = tracked->outs[0].digest;
        continue;
      }
    if (auto text = mirror.show(ask.commit, "dvc.lock"))
      if (auto lock = yaml::read(*text, "dvc.lock"))
        if (const auto* stages = lock->find("stages"))
          for (const auto& s : stages->members)
            if (const auto* outs = s.value.find("outs"))
              for (const auto& o : outs->items)
                if (const auto* p = o.find("path"); p && p->text == path)
                  if (const auto* md5 = o.find("md5")) out.data_digests[path] = md5->text;
    if (!out.data_digests.contains(path))
      if (auto blob = mirror.git({"rev-parse", "-q", "--verify", ask.commit + ":" + path}))
        out.data_digests[path] = blob->substr(0, blob->find('\n'));
  }
  return out;
}

}  // namespace pawl::pipeline
