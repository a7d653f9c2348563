#include "datasets/service.h"

#include "core/hash.h"
#include "core/json.h"

namespace pawl::datasets {

Result<DatasetId> Service::record(Call& call, std::string_view repo, std::string_view flow, const DatasetSeen& seen) {
  DatasetVersion version{.name = std::string(repo) + "/" + seen.path,
                         .md5 = seen.md5,
                         .size = seen.size,
                         .rows = seen.rows,
                         .time_min = seen.time_min,
                         .time_max = seen.time_max,
                         .columns = {encode(seen.columns)},
                         .profile = {seen.profile.text.empty() ? "{}" : seen.profile.text}};
  version.id = {sha256_hex(version.name + "\n" + version.md5 + "\n" + version.columns.text).substr(0, 16)};
  TRY(made, put_version(call.tx, version, call.project, call.now()));
  TRY_(put_use(call.tx, {.flow = std::string(flow),
                         .role = seen.role,
                         .path = seen.path,
                         .version = version.id,
                         .findings = {encode(seen.findings)}}));
  if (made) {
    std::string digests = "{\"md5\":";
    write_json_text(digests, version.md5);
    call.tell({.what = "dataset.made",
               .subject_kind = "dataset",
               .subject = version.id.text,
               .flow = std::string(flow),
               .digests = digests + "}"});
  }
  return version.id;
}

Result<DatasetVersion> Service::find(Tx& tx, const DatasetId& id) {
  TRY(found, find_version(tx, id));
  if (!found) return fail(Code::missing, "there is no dataset version '" + id.text + "'", "id");
  return std::move(*found);
}

}  // namespace pawl::datasets
