// What is sent of a file: all of it, a part, or nothing because the client has it (RFC 9110 sections 13 and 14). Pure.
#pragma once
#include "net/http.h"

namespace pawl::net {

struct FileFacts {
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
};
struct FileAnswer {
  int status = 0;
  std::uint64_t from = 0, length = 0;  // length is 0 for 304 and 416
  std::vector<Pair> headers{};
};
// `conditions` are the request's Range and If-… headers, names in lower case. Of several ranges the whole file is sent, which is allowed.
FileAnswer answer_for_file(const FileFacts& file, const std::vector<Pair>& conditions);

}  // namespace pawl::net
