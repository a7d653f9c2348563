#include "wire/dvc/tree.h"

#include "core/hash.h"
#include "core/json.h"
#include "wire/dvc/entry.h"

namespace pawl::dvc {
namespace {

struct Item {
  std::string relpath{}, md5{};
  static constexpr auto fields =
      std::tuple{field("relpath", &Item::relpath, {.required = true}), field("md5", &Item::md5, {.required = true})};
};

// As Python's json.dumps: everything outside ASCII as \uXXXX in lower hex, pairs for what lies above U+FFFF. Bytes that are no UTF-8 come
// out as the lone surrogates that Python makes of them (os.fsdecode), so that such a name keeps its digest.
void write_ascii(std::string& out, std::string_view text) {
  const auto unit = [&out](std::uint32_t u) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += "0123456789abcdef"[(u >> shift) & 15];
  };
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"')
      out += "\\\"";
    else if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\b')
      out += "\\b";
    else if (c == '\f')
      out += "\\f";
    else if (c >= 0x20 && c < 0x7F)
      out += static_cast<char>(c);
    else if (c < 0x20 || c == 0x7F) {
      if (c == 0x7F)
        out += static_cast<char>(c);
      else
        unit(c);
    } else {
      const std::size_t n = (c >> 5) == 6 ? 2 : (c >> 4) == 14 ? 3 : (c >> 3) == 30 ? 4 : 0;
      std::uint32_t p = n ? c & (0xFFu >> (n + 1)) : 0;
      bool good = n != 0 && i + n <= text.size();
      for (std::size_t k = 1; good && k < n; ++k) {
        const auto next = static_cast<unsigned char>(text[i + k]);
        good = (next >> 6) == 2;
        p = (p << 6) | (next & 0x3F);
      }
      if (!good) {
        unit(0xDC00 + c);
        continue;
      }
      i += n - 1;
      if (p < 0x10000)
        unit(p);
      else
        unit(0xD800 + ((p - 0x10000) >> 10)), unit(0xDC00 + ((p - 0x10000) & 0x3FF));
    }
  }
  out += '"';
}

}  // namespace

std::string write_tree(std::vector<TreeFile> files) {
  std::ranges::sort(files, {}, &TreeFile::relpath);
  std::string out = "[";
  for (const auto& f : files) {
    if (out.size() > 1) out += ", ";
    out += "{\"md5\": \"" + f.md5 + "\", \"relpath\": ";
    write_ascii(out, f.relpath);
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
