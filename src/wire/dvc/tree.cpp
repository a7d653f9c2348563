#include "wire/dvc/tree.h"

#include "core/hash.h"
#include "core/json.h"
#include "wire/dvc/entry.h"
#include "wire/python_json.h"

namespace pawl::dvc {
namespace {

struct Item {
  std::string relpath{}, md5{};
  static constexpr auto fields =
      std::tuple{field("relpath", &Item::relpath, {.required = true}), field("md5", &Item::md5, {.required = true})};
};

}  // namespace

std::string write_tree(std::vector<TreeFile> files) {
  std::ranges::sort(files, {}, &TreeFile::relpath);
  std::string out = "[";
  for (const auto& f : files) {
    if (out.size() > 1) out += ", ";
    out += "{\"md5\": \"" + f.md5 + "\", \"relpath\": ";
    write_python_json(out, f.relpath);
    out += '}';
  }
  return out + "]";
}

std::string tree_digest(std::string_view object) { return md5_hex(object) + ".dir"; }

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const auto part : parts) out += part;
  return out;
}

std::string under(std::string_view dir, std::string_view name) {
  if (dir.empty() || dir == ".") return std::string(name);
  std::string out(dir);
  out += '/';
  out += name;
  return out;
}

bool stays_inside(std::string_view relpath) {
  if (relpath.empty() || relpath.front() == '/' || relpath.contains('\0')) return false;
  while (true) {
    const auto slash = std::min(relpath.find('/'), relpath.size());
    const auto part = relpath.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == relpath.size()) return true;
    relpath.remove_prefix(slash + 1);
  }
}

Result<std::vector<TreeFile>> read_tree(std::string_view object) {
  TRY(items, decode<std::vector<Item>>(object, {.unknown = UnknownKeys::ignore}));
  std::vector<TreeFile> out;
  out.reserve(items.size());
  for (auto& item : items) {
    if (!stays_inside(item.relpath))
      return fail(Code::invalid, "directory object: the path '" + item.relpath + "' leaves its directory", "relpath");
    if (!valid_md5(item.md5) || item.md5.ends_with(".dir"))
      return fail(Code::invalid, "directory object: '" + item.md5 + "' is no MD5", "md5");
    out.push_back({std::move(item.relpath), std::move(item.md5)});
  }
  return out;
}

}  // namespace pawl::dvc
