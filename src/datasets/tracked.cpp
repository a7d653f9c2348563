#include "datasets/tracked.h"

#include "datasets/process.h"
#include "store/files.h"
#include "wire/dvc/pipeline.h"

namespace pawl::datasets {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t dvc_file_bytes_max = 16 << 20;

std::string folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? std::string{} : std::string(path.substr(0, slash));
}

}  // namespace

Result<Tracked> read_tracked(const Repo& repo, const std::string& file) {
  TRY(text, store::read_file(repo.root() / file, dvc_file_bytes_max));
  TRY(content, dvc::read_dvc_file(text, file));
  Tracked out{file, std::move(content), folder_of(file)};
  if (!out.content.wdir.empty()) {
    auto dir = dvc::inside_root(out.dir, out.content.wdir);
    if (!dir) return fail(Code::invalid, file + ": wdir '" + out.content.wdir + "' leaves the repository", file);
    out.dir = *dir;
  }
  return out;
}

void set_content(dvc::Entry& entry, const Content& content) {
  entry.digest_key = "md5";
  entry.digest = content.digest;
  entry.size = content.size;
  entry.nfiles = content.nfiles;
  entry.isexec = content.isexec;
  entry.hash = "md5";
}

Result<OutState> state_of(Repo& repo, const std::string& dir, const dvc::Entry& entry) {
  const auto path = (repo.root() / dir / entry.path).lexically_normal();
  const bool legacy = entry.hash.empty();
  auto now = repo.hash(path, legacy);
  if (!now) {
    if (now.error().code != Code::missing) return std::unexpected(now.error());
    return OutState::deleted;
  }
  if (entry.digest.empty()) return OutState::added;
  if (now->digest != entry.digest) return OutState::modified;
  if (entry.says("cache", true)) {
    TRY(there, repo.cache().has_all(entry.digest, legacy ? Layout::v2 : Layout::v3));
    if (!there) return OutState::not_in_cache;
  }
  return OutState::same;
}

Result<Added> add(Repo& repo, const fs::path& target, const Progress& progress) {
  const auto relative = repo.inside(target);
  if (!relative || relative->empty())
    return fail(Code::invalid,
                "Cached output(s) outside of DVC project: " + target.string() +
                    ". See https://dvc.org/doc/user-guide/pipelines/external-dependencies-and-outputs",
                target.string());
  std::error_code ec;
  if (!fs::exists(repo.root() / *relative, ec))
    return fail(Code::missing,
                "output '" + *relative + "' does not exist: [Errno 2] No such file or directory: '" +
                    (repo.root() / *relative).string() + "'",
                *relative);
  if (relative->ends_with(".dvc"))
    return fail(Code::invalid, "DVC file '" + *relative + "' cannot be an output.", *relative);
  if (relative->ends_with("dvc.yaml") || relative->ends_with("dvc.lock"))
    return fail(Code::invalid, "'" + *relative + "' cannot be an output.", *relative);
  const bool is_dir = fs::is_directory(repo.root() / *relative, ec);
  if (const auto* rule = repo.ignored(*relative, is_dir))
    return fail(
        Code::invalid,
        "Path '" + *relative + "' is ignored by " + rule->file + ":" + std::to_string(rule->line) + ":" + rule->pattern,
        *relative);

  // A file inside a tracked directory is a change of that directory; outs may not otherwise overlap.
  std::string out_path = *relative, file = *relative + ".dvc";
  TRY(found, repo.find_files());
  for (const auto& other : found.dvc_files) {
    TRY(tracked, read_tracked(repo, other));
    for (const auto& out : tracked.content.outs) {
      const auto path = dvc::inside_root(tracked.dir, out.path).value_or("");
      if (path.empty()) continue;
      if (relative->starts_with(path + "/")) {
        out_path = path;
        file = other;
      } else if (path.starts_with(dvc::under(*relative, ""))) {
        return fail(Code::conflict,
                    "The output paths:\n'" + *relative + "'('" + *relative + ".dvc')\n'" + path + "'('" + other +
                        "')\noverlap and are thus in the same tracked directory.",
                    *relative);
      } else if (path == *relative) {
        file = other;
      }
    }
  }
  if (repo.uses_git()) {
    TRY(by_git, output_of({"git", "ls-files", "-z", "--", out_path}, repo.root()));
    if (!by_git.empty())
      return fail(Code::conflict,
                  "output '" + out_path +
                      "' is already tracked by SCM (e.g. Git).\n    You can remove it from Git, then add to DVC.\n     "
                      "   To stop tracking from Git:\n            git rm -r --cached '" +
                      out_path + "'\n            git commit -m \"stop tracking " + out_path + "\"",
                  out_path);
  }
  const auto path = repo.root() / out_path;
  if (fs::is_symlink(path, ec) && !fs::is_directory(path, ec)) {  // what it points to is taken, not the link
    const auto real = fs::canonical(path, ec);
    if (!real.string().starts_with(fs::weakly_canonical(repo.cache().dir(), ec).string() + "/")) {
      const auto temporary = fs::path(path.string() + ".pawl-copy");
      fs::copy_file(real, temporary, fs::copy_options::overwrite_existing, ec);
      if (ec) return fail(Code::unavailable, "cannot copy '" + real.string() + "': " + ec.message(), out_path);
      fs::rename(temporary, path, ec);
    }
  }
  TRY(content, repo.hash(path, false, progress));
  TRY_(repo.keep(path, content));

  Added done;
  Tracked tracked{file, {}, folder_of(file)};
  if (fs::exists(repo.root() / file, ec)) {
    TRY(before, read_tracked(repo, file));
    tracked = std::move(before);
  }
  auto& outs = tracked.content.outs;
  auto entry = std::ranges::find_if(
      outs, [&](const dvc::Entry& e) { return dvc::inside_root(tracked.dir, e.path) == out_path; });
  if (entry == outs.end()) {
    outs.push_back({});
    entry = std::prev(outs.end());
    entry->path = fs::path(out_path).filename().string();
  }
  // A file of DVC 2.x stays one while its content does.
  bool unchanged = entry->digest == content.digest;
  if (entry->hash.empty() && !entry->digest.empty()) {
    auto legacy = repo.hash(path, true);
    unchanged = legacy && legacy->digest == entry->digest;
  }
  if (!unchanged || entry->isexec != content.isexec || !entry->size) {
    const bool legacy_same = unchanged && entry->hash.empty();
    if (!legacy_same) set_content(*entry, content);
  }
  const auto text = dvc::write_dvc_file(tracked.content);
  if (auto before = store::read_file(repo.root() / file); !before || (*before != text && !unchanged))
    TRY_(store::write_file(repo.root() / file, text));
  TRY(hidden, repo.hide_from_git(out_path));
  done.changed.push_back(file);
  if (hidden) done.changed.push_back(*hidden);
  done.file = file;
  done.digest = content.digest;
  done.size = content.size;
  return done;
}

}  // namespace pawl::datasets
