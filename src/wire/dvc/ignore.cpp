#include "wire/dvc/ignore.h"

namespace pawl::dvc {
namespace {

// `[…]` at the start of `glob`: whether `c` is in it, and how many characters of the pattern it takes; 0: no class after all.
std::pair<bool, std::size_t> in_class(std::string_view glob, char c) {
  std::size_t i = 1;
  const bool negated = i < glob.size() && (glob[i] == '!' || glob[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < glob.size(); first = false) {
    if (glob[i] == ']' && !first) return {found != negated && c != '/', i + 1};
    if (glob[i] == '\\' && i + 1 < glob.size()) ++i;
    const char low = glob[i++];
    char high = low;
    if (i + 1 < glob.size() && glob[i] == '-' && glob[i + 1] != ']') {
      high = glob[i + 1];
      i += 2;
    }
    if (low <= c && c <= high) found = true;
  }
  return {false, 0};
}

// Steps are counted: `*a*a*a*b` against a long name would else take exponential time.
bool match(std::string_view glob, std::string_view path, int& steps) {
  while (true) {
    if (++steps > 20'000) return false;
    if (glob.empty()) return path.empty();
    if (glob.starts_with("**")) {
      auto rest = glob.substr(2);
      if (rest.empty()) return !path.empty();
      if (rest.starts_with('/')) {  // `**/x`: at any depth, none included
        rest.remove_prefix(1);
        if (match(rest, path, steps)) return true;
        for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
          if (match(rest, path.substr(slash + 1), steps)) return true;
        return false;
      }
      glob.remove_prefix(1);
    }
    if (glob[0] == '*') {
      const auto rest = glob.substr(1);
      for (std::size_t i = 0;; ++i) {
        if (match(rest, path.substr(i), steps)) return true;
        if (i == path.size() || path[i] == '/') return false;
      }
    }
    if (path.empty()) return false;
    if (glob[0] == '?') {
      if (path[0] == '/') return false;
      glob.remove_prefix(1);
    } else if (const auto [inside, taken] = glob[0] == '[' ? in_class(glob, path[0]) : std::pair{false, std::size_t{0}};
               taken > 0) {
      if (!inside) return false;
      glob.remove_prefix(taken);
    } else {
      if (glob[0] == '\\' && glob.size() > 1) glob.remove_prefix(1);
      if (glob[0] != path[0]) return false;
      glob.remove_prefix(1);
    }
    path.remove_prefix(1);
  }
}

}  // namespace

bool glob_match(std::string_view glob, std::string_view path) {
  int steps = 0;
  return match(glob, path, steps);
}

void Ignore::add(std::string_view lines, std::string_view dir, std::string_view file) {
  for (int number = 1; !lines.empty(); ++number) {
    const auto end = std::min(lines.find('\n'), lines.size());
    auto line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (line.ends_with(' ') && !line.ends_with("\\ ")) line.remove_suffix(1);
    if (line.empty() || line[0] == '#') continue;
    Pattern p{.rule = {std::string(file), number, std::string(line)}, .dir = std::string(dir), .glob = {}};
    if (line[0] == '!') {
      p.negated = true;
      line.remove_prefix(1);
    }
    if (line.ends_with('/')) {
      p.only_dirs = true;
      line.remove_suffix(1);
    }
    p.anchored = line.contains('/');
    if (line.starts_with('/')) line.remove_prefix(1);
    if (line.empty()) continue;
    p.glob = line;
    patterns_.push_back(std::move(p));
  }
}

const Ignore::Rule* Ignore::ignores(std::string_view path, bool is_dir) const {
  for (auto p = patterns_.rbegin(); p != patterns_.rend(); ++p) {
    if (p->only_dirs && !is_dir) continue;
    auto below = path;
    if (!p->dir.empty()) {
      if (!path.starts_with(p->dir) || path.size() <= p->dir.size() || path[p->dir.size()] != '/') continue;
      below = path.substr(p->dir.size() + 1);
    }
    if (!p->anchored) below = below.substr(below.rfind('/') + 1);
    if (glob_match(p->glob, below)) return p->negated ? nullptr : &p->rule;
  }
  return nullptr;
}

const Ignore::Rule* Ignore::ignores_within(std::string_view path, bool is_dir) const {
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
    if (const auto* rule = ignores(path.substr(0, slash), true)) return rule;
  return ignores(path, is_dir);
}

std::string ignore_line(std::string_view name) {
  std::string out = "/";
  for (char c : name) {
    if (std::string_view("\\*?[]#!").contains(c)) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace pawl::dvc
