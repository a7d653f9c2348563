#include "datasets/repo.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "datasets/process.h"
#include "store/files.h"

namespace pawl::datasets {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t config_bytes_max = 1 << 20;
constexpr int hash_threads = 2;
constexpr int depth_max = 128;
constexpr std::string_view always_ignored = ".git\n.git/\n.hg/\n.dvc/\n";

bool is_root(const fs::path& dir) {
  std::error_code ec;
  return fs::is_directory(dir / ".dvc", ec);
}

std::vector<Link> links_of(const dvc::Config& config) {
  std::vector<Link> out;
  const auto text = config.get("cache", "type").value_or("reflink,copy");
  for (std::string_view rest = text; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    auto word_text = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    while (word_text.starts_with(' ')) word_text.remove_prefix(1);
    while (word_text.ends_with(' ')) word_text.remove_suffix(1);
    if (const auto link = from_word<Link>(word_text)) out.push_back(*link);
  }
  return out.empty() ? std::vector{Link::reflink, Link::copy} : out;
}

bool is_executable(const fs::path& path) {
  struct stat s{};
  return ::stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) && (s.st_mode & 0100);
}

// Legacy digests are another function of the bytes: they have their own names in the state.
fs::path state_name(const fs::path& path, bool legacy) { return legacy ? fs::path(path.string() + "\n2.x") : path; }

}  // namespace

Repo::Repo(fs::path root, dvc::Config config, Cache cache)
    : root_(std::move(root)),
      config_(std::move(config)),
      cache_(std::move(cache)),
      state_(root_ / ".dvc" / "tmp" / "pawl-state") {
  uses_git_ = !config_.flag("core", "no_scm").value_or(false);
  ignore_.add(always_ignored, "", ".dvcignore");
}

Result<std::unique_ptr<Repo>> Repo::find(const fs::path& from) {
  std::error_code ec;
  auto dir = fs::weakly_canonical(fs::absolute(from), ec);
  while (!is_root(dir)) {
    if (dir == dir.parent_path())
      return fail(Code::missing,
                  "you are not inside of a DVC repository (checked up to mount point '/'): `pawl init` makes one",
                  from.string());
    dir = dir.parent_path();
  }
  dvc::Config config;
  std::optional<std::string> cache_dir;
  for (const char* name : {"config", "config.local"}) {
    const auto file = dir / ".dvc" / name;
    auto text = store::read_file(file, config_bytes_max);
    if (!text) continue;
    TRY_(config.add(*text, file.string()));
    dvc::Config alone;  // relative paths start at the file that holds them
    TRY_(alone.add(*text, file.string()));
    if (auto set = alone.get("cache", "dir"))
      cache_dir = (fs::path(*set).is_absolute() ? fs::path(*set) : dir / ".dvc" / *set).lexically_normal().string();
  }
  if (!cache_dir)
    if (const char* set = std::getenv("PAWL_DVC_CACHE"); set && *set) cache_dir = set;
  Cache cache(cache_dir ? fs::path(*cache_dir) : dir / ".dvc" / "cache", links_of(config));
  return std::unique_ptr<Repo>(new Repo(dir, std::move(config), std::move(cache)));
}

std::optional<std::string> Repo::inside(const fs::path& path) const {
  std::error_code ec;
  const auto whole = fs::absolute(path).lexically_normal();
  // The parent may be reached by links, the last name stays: it may itself be a link that is tracked.
  auto parent = fs::weakly_canonical(whole.parent_path(), ec);
  auto name = whole.filename();
  if (name.empty()) {
    parent = fs::weakly_canonical(whole.parent_path().parent_path(), ec);
    name = whole.parent_path().filename();
  }
  const auto relative = (parent / name).lexically_relative(root_).generic_string();
  if (relative.empty() || relative == ".." || relative.starts_with("../")) return std::nullopt;
  return relative == "." ? "" : relative;
}

const dvc::Ignore::Rule* Repo::ignored(const std::string& relative, bool is_dir) {
  const auto load = [this](const std::string& dir) {
    if (!ignore_loaded_.insert(dir).second) return;
    const auto file = (dir.empty() ? "" : dir + "/") + ".dvcignore";
    if (auto text = store::read_file(root_ / file, config_bytes_max)) ignore_.add(*text, dir, file);
  };
  load("");
  for (auto slash = relative.find('/'); slash != relative.npos; slash = relative.find('/', slash + 1))
    load(relative.substr(0, slash));
  return ignore_.ignores_within(relative, is_dir);
}

// Relative to `dir`, POSIX. Links are followed, as DVC follows them; a directory that holds itself ends at depth_max.
Result<std::vector<std::string>> Repo::files_below(const fs::path& dir) {
  std::vector<std::string> out;
  const auto base = inside(dir);
  const auto walk = [&](auto&& self, const std::string& below, int depth) -> Result<void> {
    if (depth > depth_max)
      return fail(Code::invalid, "'" + dir.string() + "': folders nested deeper than " + std::to_string(depth_max),
                  dir.string());
    const auto here = below.empty() ? dir : dir / below;
    DIR* handle = ::opendir(here.c_str());
    if (!handle)
      return fail(Code::unavailable, "cannot list '" + here.string() + "': " + std::strerror(errno), here.string());
    std::vector<std::pair<std::string, bool>> entries;
    std::optional<Error> problem;
    while (const dirent* e = ::readdir(handle)) {
      const std::string_view name = e->d_name;
      if (name == "." || name == "..") continue;
      bool is_dir = e->d_type == DT_DIR;
      if (e->d_type != DT_DIR && e->d_type != DT_REG) {
        struct stat s{};
        if (::fstatat(::dirfd(handle), e->d_name, &s, 0) != 0) {
          problem = Error{Code::missing,
                          "[Errno 2] No such file or directory: '" + (here / name).string() + "' (a broken link)",
                          (here / name).string(),
                          {}};
          break;
        }
        is_dir = S_ISDIR(s.st_mode);
        if (!is_dir && !S_ISREG(s.st_mode)) {
          problem = Error{Code::invalid,
                          "'" + (here / name).string() + "' is neither a file nor a folder",
                          (here / name).string(),
                          {}};
          break;
        }
      }
      entries.emplace_back(std::string(name), is_dir);
    }
    ::closedir(handle);
    if (problem) return std::unexpected(std::move(*problem));
    for (const auto& [name, is_dir] : entries) {
      const auto path = dvc::under(below, name);
      if (name == ".dvcignore")
        return fail(Code::invalid, ".dvcignore file should not be in collected dir path: '" + here.string() + "'",
                    (here / name).string());
      if (base && ignored(base->empty() ? path : *base + "/" + path, is_dir)) continue;
      if (is_dir)
        TRY_(self(self, path, depth + 1));
      else
        out.push_back(path);
    }
    return {};
  };
  TRY_(walk(walk, "", 0));
  return out;
}

Result<Content> Repo::hash(const fs::path& path, bool legacy, const Progress& progress) {
  std::error_code ec;
  const auto kind = fs::status(path, ec).type();
  if (kind == fs::file_type::not_found)
    return fail(Code::missing, "'" + path.string() + "' does not exist", path.string());
  if (kind != fs::file_type::regular && kind != fs::file_type::directory)
    return fail(Code::invalid, "'" + path.string() + "' is neither a file nor a folder", path.string());

  struct File {
    fs::path path;
    Stamp stamp{};
    std::string digest{};
  };
  std::vector<File> files;
  std::vector<std::string> names;
  if (kind == fs::file_type::directory) {
    TRY(below, files_below(path));
    names = std::move(below);
    for (const auto& name : names) files.push_back({path / name});
  } else {
    files.push_back({path});
  }
  std::int64_t size = 0, to_read = 0;
  std::vector<File*> unknown;
  for (auto& f : files) {
    TRY(stamp, stamp_of(f.path));
    f.stamp = stamp;
    size += stamp.size;
    if (auto known = state_.find(state_name(f.path, legacy), stamp))
      f.digest = *known;
    else
      unknown.push_back(&f), to_read += stamp.size;
  }
  std::atomic<std::size_t> next = 0;
  std::atomic<std::int64_t> done = 0;
  std::mutex mutex;
  std::optional<Error> problem;
  const auto work = [&] {
    for (std::size_t i = next++; i < unknown.size(); i = next++) {
      auto& f = *unknown[i];
      auto digest = md5_of_file(f.path, legacy);
      if (!digest) {
        std::lock_guard hold(mutex);
        problem = digest.error();
        return;
      }
      f.digest = std::move(*digest);
      // What changed while it was read is not remembered: the next look reads it again.
      if (auto again = stamp_of(f.path); again && *again == f.stamp)
        state_.put(state_name(f.path, legacy), f.stamp, f.digest);
      done += f.stamp.size;
      if (progress) progress(done, to_read);
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < hash_threads && unknown.size() > static_cast<std::size_t>(i); ++i) helpers.emplace_back(work);
    work();
  }
  if (problem) return std::unexpected(std::move(*problem));

  Content out;
  out.size = size;
  if (kind == fs::file_type::regular) {
    out.digest = files[0].digest;
    out.isexec = is_executable(path);
    return out;
  }
  for (std::size_t i = 0; i < files.size(); ++i) out.tree.push_back({names[i], files[i].digest});
  std::ranges::sort(out.tree, {}, &dvc::TreeFile::relpath);
  out.nfiles = static_cast<std::int64_t>(files.size());
  out.digest = dvc::tree_digest(dvc::write_tree(out.tree));
  return out;
}

Result<void> Repo::keep(const fs::path& path, const Content& content) {
  if (!content.is_dir()) {
    TRY(stamp, stamp_of(path));
    return cache_.put_file(path, content.digest, stamp, true);
  }
  for (const auto& f : content.tree) {
    const auto file = path / f.relpath;
    TRY(stamp, stamp_of(file));
    TRY_(cache_.put_file(file, f.md5, stamp, true));
    if (auto now = stamp_of(file); now && *now != stamp) state_.put(file, *now, f.md5);  // it became a link
  }
  return cache_.put_bytes(content.digest,
                          dvc::write_tree(content.tree));  // after its files: who finds it may count on them
}

Result<bool> Repo::checkout(const fs::path& path, std::string_view digest, bool executable, Unsaved unsaved,
                            bool legacy) {
  const auto layout = legacy ? Layout::v2 : Layout::v3;
  std::error_code ec;
  TRY(there, cache_.has_all(digest, layout));
  std::optional<Content> now;
  if (fs::symlink_status(path, ec).type() != fs::file_type::not_found) {
    auto hashed = hash(path, legacy);
    if (hashed)
      now = std::move(*hashed);
    else if (hashed.error().code != Code::missing)
      return std::unexpected(hashed.error());
  }
  if (now && now->digest == digest) {
    if (!now->is_dir() && executable && !now->isexec) {
      fs::permissions(path, fs::perms::owner_exec, fs::perm_options::add, ec);
      return true;
    }
    return false;
  }
  if (!there)
    return fail(Code::missing,
                "Checkout failed for following targets:\n" + path.string() + "\nIs your cache up to date?",
                path.string());
  const auto must_be_saved = [&](const fs::path& file, const std::string& md5) -> Result<void> {
    if (unsaved == Unsaved::overwrite) return {};
    TRY(saved, cache_.has(md5, layout));
    if (!saved)
      return fail(
          Code::conflict,
          "Can't remove the following unsaved files without confirmation. Use `--force` to force.\n" + file.string(),
          file.string());
    return {};
  };
  const auto remember = [&](const fs::path& file, const std::string& md5) {
    if (auto stamp = stamp_of(file)) state_.put(state_name(file, legacy), *stamp, md5);
  };
  const bool wants_dir = digest.ends_with(".dir");
  if (now && now->is_dir() != wants_dir) {
    if (now->is_dir())
      for (const auto& f : now->tree) TRY_(must_be_saved(path / f.relpath, f.md5));
    else
      TRY_(must_be_saved(path, now->digest));
    fs::remove_all(path, ec);
    now.reset();
  }
  if (!wants_dir) {
    if (now) TRY_(must_be_saved(path, now->digest));
    TRY_(cache_.place(digest, path, executable, layout));
    remember(path, std::string(digest));
    return true;
  }
  TRY(wanted, cache_.tree(digest, layout));
  std::map<std::string, std::string> have;
  if (now)
    for (const auto& f : now->tree) have.emplace(f.relpath, f.md5);
  std::set<std::string> keep_names;
  for (const auto& f : wanted) keep_names.insert(f.relpath);
  for (const auto& [name, md5] : have) {
    const auto want = std::ranges::lower_bound(wanted, name, {}, &dvc::TreeFile::relpath);
    if (want == wanted.end() || want->relpath != name || want->md5 != md5) TRY_(must_be_saved(path / name, md5));
  }
  for (const auto& [name, md5] : have) {
    if (keep_names.contains(name)) continue;
    fs::remove(path / name, ec);
    for (auto dir = (path / name).parent_path(); dir != path && fs::is_empty(dir, ec) && !ec; dir = dir.parent_path())
      fs::remove(dir, ec);
  }
  fs::create_directories(path, ec);
  for (const auto& f : wanted) {
    const auto at = have.find(f.relpath);
    if (at != have.end() && at->second == f.md5) continue;
    TRY_(cache_.place(f.md5, path / f.relpath, false, layout));
    remember(path / f.relpath, f.md5);
  }
  return true;
}

Result<Repo::Found> Repo::find_files() {
  Found out;
  const auto walk = [&](auto&& self, const std::string& dir, int depth) -> Result<void> {
    if (depth > depth_max) return {};
    std::error_code ec;
    for (const auto& e : fs::directory_iterator(root_ / dir, fs::directory_options::skip_permission_denied, ec)) {
      const auto name = e.path().filename().string();
      const auto path = dvc::under(dir, name);
      const bool is_dir = e.is_directory(ec) && !e.is_symlink(ec);
      const bool ours = name == "dvc.yaml" || (name.ends_with(".dvc") && name.size() > 4);
      if (!is_dir && !ours) continue;
      if (ignored(path, is_dir)) continue;
      if (is_dir) {
        if (is_root(e.path())) continue;
        TRY_(self(self, path, depth + 1));
      } else if (name == "dvc.yaml") {
        out.pipelines.push_back(path);
      } else {
        out.dvc_files.push_back(path);
      }
    }
    return {};
  };
  TRY_(walk(walk, "", 0));
  std::ranges::sort(out.dvc_files);
  std::ranges::sort(out.pipelines);
  return out;
}

Result<std::optional<std::string>> Repo::hide_from_git(const std::string& relative) {
  if (!uses_git_) return std::nullopt;
  if (output_of({"git", "check-ignore", "-q", "--no-index", "--", relative}, root_)) return std::nullopt;
  const auto slash = relative.rfind('/');
  const auto dir = slash == relative.npos ? std::string{} : relative.substr(0, slash + 1);
  auto file = dir + ".gitignore";
  auto text = store::read_file(root_ / file, config_bytes_max).value_or("");
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  text += dvc::ignore_line(relative.substr(dir.size())) + "\n";
  TRY_(store::write_file(root_ / file, text));
  return file;
}

Result<fs::path> init_repo(const fs::path& dir, bool no_scm, bool force) {
  std::error_code ec;
  auto root = fs::weakly_canonical(fs::absolute(dir), ec);
  if (!no_scm && !fs::exists(root / ".git", ec))
    return fail(
        Code::invalid,
        "failed to initiate DVC - " + root.string() +
            " is not tracked by any supported SCM tool (e.g. Git). Use `--no-scm` if you don't want to use any SCM.");
  if (fs::exists(root / ".dvc", ec)) {
    if (!force) return fail(Code::exists, "failed to initiate DVC - '.dvc' exists. Use `-f` to force.", ".dvc");
    fs::remove_all(root / ".dvc", ec);
  }
  TRY_(store::write_file(root / ".dvc" / "config", no_scm ? "[core]\n    no_scm = True\n" : ""));
  TRY_(store::write_file(root / ".dvc" / "tmp" / "btime", ""));
  if (!fs::exists(root / ".dvcignore", ec))
    TRY_(store::write_file(root / ".dvcignore",
                           "# Add patterns of files dvc should ignore, which could improve\n# the performance. Learn "
                           "more at\n# https://dvc.org/doc/user-guide/dvcignore\n"));
  if (!no_scm) {
    TRY_(store::write_file(root / ".dvc" / ".gitignore", "/config.local\n/tmp\n/cache\n"));
    TRY_(output_of({"git", "add", "--", ".dvc/config", ".dvc/.gitignore", ".dvcignore"}, root));
  }
  return root;
}

}  // namespace pawl::datasets
