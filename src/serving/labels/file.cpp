// Sorted runs as files. One frame of entries, then one of texts, each with its check sum: the entries are read where they lie.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>

#include "serving/labels/labels.h"
#include "store/files.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

static_assert(std::endian::native == std::endian::little, "entries are written as they lie in memory");

struct Map {
  void* at = nullptr;
  std::size_t bytes = 0;
  ~Map() {
    if (at != nullptr) ::munmap(at, bytes);
  }
};

std::unexpected<Error> damaged(const fs::path& file) {
  return fail(Code::internal, "a file of labels is damaged", {}, file.string());
}

}  // namespace

Result<void> write_run(const LabelRun& run, const fs::path& to) {
  std::string bytes;
  bytes.reserve(run.entries.size_bytes() + 4096);
  append_frame(bytes, [&](std::string& out) {
    out.append(reinterpret_cast<const char*>(run.entries.data()), run.entries.size_bytes());
  });
  append_frame(bytes, [&](std::string& out) {
    Writer w(out);
    w.number(run.fresh);
    w.number(run.newest);
    w.number(static_cast<std::uint32_t>(run.texts.size()));
    for (const auto& text : run.texts) w.text(text);
  });
  return store::write_file(to, bytes);
}

Result<std::shared_ptr<const LabelRun>> open_run(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  std::error_code ec;
  auto map = std::make_shared<Map>();
  map->bytes = fs::file_size(file, ec);
  if (fd >= 0 && !ec && map->bytes > 0) map->at = ::mmap(nullptr, map->bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (fd >= 0) ::close(fd);
  if (map->at == nullptr || map->at == MAP_FAILED) {
    map->at = nullptr;
    return fail(Code::unavailable, "cannot read a file of labels", {}, file.string());
  }
  std::string_view left(static_cast<const char*>(map->at), map->bytes);
  const auto entries = take_frame(left), rest = take_frame(left);
  if (!entries || !rest || entries->size() % sizeof(LabelEntry) != 0) return damaged(file);
  auto out = std::make_shared<LabelRun>();
  out->entries = {reinterpret_cast<const LabelEntry*>(entries->data()), entries->size() / sizeof(LabelEntry)};
  Reader in(*rest);
  out->fresh = in.number<std::int64_t>();
  out->newest = in.number<std::int64_t>();
  const auto texts = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < texts && in.good(); ++i) out->texts.emplace_back(in.text());
  if (!in.good()) return damaged(file);
  for (const auto& l : out->entries)
    if (l.by >= texts || (l.kind == LabelKind::text && l.text >= texts)) return damaged(file);
  ::madvise(map->at, map->bytes, MADV_DONTNEED);  // read once, to be checked: it need not stay in memory
  out->map = std::move(map);
  return out;
}

}  // namespace pawl::serving
