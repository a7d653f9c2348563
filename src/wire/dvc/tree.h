// A `.dir` object: what is in a tracked directory. Its bytes are fixed to the last blank, since their MD5 is the directory's digest.
#pragma once
#include <cstdint>
#include <initializer_list>

#include "core/result.h"

namespace pawl::dvc {

struct TreeFile {
  std::string relpath;  // POSIX, beneath the directory
  std::string md5;
  bool operator==(const TreeFile&) const = default;
};

std::string write_tree(std::vector<TreeFile> files);               // sorts by relpath, bytewise
std::string tree_digest(std::string_view object);                  // `<md5 of the bytes>.dir`
Result<std::vector<TreeFile>> read_tree(std::string_view object);  // refuses names that would leave the directory
std::string concat(std::initializer_list<std::string_view> parts);
std::string under(std::string_view dir, std::string_view name);  // dir/name; name alone under "" or "."
bool stays_inside(std::string_view relpath);                     // no empty, `.` or `..` part, not absolute, no NUL

}  // namespace pawl::dvc
