// Any bytes as the target of a request: the codecs answer, what they decode they encode back, and a route's parameters come from the path.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "net/router.h"

using namespace pawl;
using namespace pawl::net;

namespace {

struct In {
  std::string name{};
  std::int64_t n = 0;
  std::optional<double> x{};
  std::vector<std::string> tags{};
  static constexpr auto fields = std::tuple{field("name", &In::name, {.required = true}), field("n", &In::n),
                                            field("x", &In::x), field("tags", &In::tags, {.alias = "tag"})};
};

const Router& table() {
  static const Router router = [] {
    Router r;
    for (const auto* path : {"/", "/a/{name}", "/a/{name}/b", "/a/fixed/{n}", "/files/{name...}"})
      for (const auto method : {Method::GET, Method::POST, Method::DELETE})
        r.add({.method = method, .path = path, .needs = May::read, .on = On::io, .about = ""},
              [](Ask&, const In& in) -> Result<In> { return in; });
    return r;
  }();
  return router;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto method = static_cast<Method>(data[0] % 5);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  if (percent_decode(percent_encode(text), false) != text) std::abort();
  const auto query = parse_query(text);
  const auto again = parse_query(text_of_query(query));
  // A pair without name and value is written as "=", which reads back as itself.
  if (again.size() != query.size()) std::abort();
  for (std::size_t i = 0; i < query.size(); ++i)
    if (again[i].name != query[i].name || again[i].value != query[i].value) std::abort();

  const auto line_end = text.find('\n');
  auto request = make_request(method, text.substr(0, line_end),
                              line_end == text.npos ? "" : std::string(text.substr(line_end + 1)));
  const auto found = table().find(request);
  if (!found) return 0;
  const std::size_t named = static_cast<std::size_t>(std::ranges::count((*found)->route.path, '{'));
  if (request.params.size() != named) std::abort();
  for (const auto dialect : {Dialect::pawl, Dialect::mlflow, Dialect::v2}) {
    In in;
    DecodeError problem;
    if (!decode_request(request, shape<In>, &in, dialect, problem) &&
        decode_error_response(problem, dialect).status < 400)
      std::abort();
  }
  return 0;
}
