// One out or dependency as .dvc files and dvc.lock write it: where it lies and what was in it.
#pragma once
#include "wire/yaml/value.h"

namespace pawl::dvc {

struct Entry {
  std::string path;                // POSIX, relative to the stage's wdir
  std::string digest_key = "md5";  // md5; of imports also etag, checksum
  std::string digest;              // lower hex, `.dir` behind a directory's; empty: not known yet
  std::optional<std::int64_t> size, nfiles;
  bool isexec = false;
  std::string hash = "md5";  // empty: a file of DVC 2.x (MD5 after CRLF->LF, the older cache layout)
  yaml::Value extra =
      yaml::Value::map();  // every other key, kept as it is: cache, push, persist, remote, desc, cloud, files…

  bool is_dir() const { return digest.ends_with(".dir"); }
  bool says(std::string_view key, bool otherwise) const {
    const auto* v = extra.find(key);
    return v && v->is(yaml::Value::Kind::flag) ? v->flag : otherwise;
  }
};

// `where` is what errors call it: "outs -> 0".
Result<Entry> read_entry(const yaml::Value& map, std::string_view file, std::string_view where);
// As dvc.lock orders the keys: path, hash, md5, size, nfiles, isexec.
yaml::Value lock_entry(const Entry& entry);

// A digest of ours: 32 lower hex digits, `.dir` allowed behind.
bool valid_md5(std::string_view digest);

// A whole .dvc file: usually one out, tracked without a stage.
struct DvcFile {
  std::vector<Entry> outs, deps;
  std::string wdir, desc;
  bool frozen = false;
  yaml::Value document = yaml::Value::map();  // as read: what we do not know stays, at its place
};
Result<DvcFile> read_dvc_file(std::string_view text, std::string_view name);
// New files get DVC's key order; in one that was read, values change in place and new keys go to the end, as DVC does it.
std::string write_dvc_file(const DvcFile& file);

}  // namespace pawl::dvc
