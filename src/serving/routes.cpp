#include <charconv>

#include "net/router.h"
#include "serving/service.h"

namespace pawl::serving {
namespace {

using net::Dialect;
using net::Method;
using net::Request;
using net::Response;

constexpr std::size_t infer_bytes_max = 64 << 20;
constexpr std::string_view parquet_type = "application/vnd.apache.parquet";

struct ById {
  std::string id{};
  static constexpr auto fields = std::tuple{field("id", &ById::id, {.required = true})};
};
struct ByName {
  std::string name{};
  static constexpr auto fields = std::tuple{field("name", &ByName::name, {.required = true})};
};

Result<std::optional<std::int64_t>> version_of(const Request& request) {
  const auto text = request.param("version");
  if (text.empty()) return std::optional<std::int64_t>{};
  std::int64_t number = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (bad != std::errc{} || end != text.data() + text.size() || number < 1)
    return fail(Code::missing,
                "there is no version \"" + std::string(text.substr(0, 100)) + "\": expected a whole number from 1",
                "version");
  return std::optional(number);
}

// Where the JSON of a request ends and binary values begin, when it has such.
constexpr std::string_view json_length = "Inference-Header-Content-Length";
Result<std::optional<std::size_t>> json_bytes_of(const Request& request) {
  const auto text = request.header("inference-header-content-length");
  if (text.empty()) return std::optional<std::size_t>{};
  std::size_t number = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (bad != std::errc{} || end != text.data() + text.size())
    return fail(Code::invalid, std::string(json_length) + ": expected a number of bytes, got \"" +
                                   std::string(text.substr(0, 100)) + "\"");
  return std::optional(number);
}
Response response_of(v2::Body body) {
  if (!body.json_bytes) return {.body = std::move(body.bytes)};
  return {.type = "application/octet-stream",
          .body = std::move(body.bytes),
          .headers = {{std::string(json_length), std::to_string(*body.json_bytes)}}};
}

void mount_v2(net::Router& at, Service& serving) {
  const auto route = [](Method method, std::string path, May needs, std::string about) {
    return net::Route{.method = method,
                      .path = std::move(path),
                      .needs = needs,
                      .on = On::io,
                      .about = std::move(about),
                      .dialect = Dialect::v2,
                      .body_max = infer_bytes_max};
  };
  at.add_raw(
      route(Method::GET, "/v2", May::anything_public, "V2: about this server"),
      [](Ask&, const Request&) -> Result<Response> { return Response{.body = v2::server_metadata(PAWL_VERSION)}; });
  at.add_raw(route(Method::GET, "/v2/health/live", May::anything_public, "V2: the server is up"),
             [](Ask&, const Request&) -> Result<Response> { return Response{.body = R"({"live":true})"}; });
  at.add_raw(route(Method::GET, "/v2/health/ready", May::anything_public, "V2: every live version is loaded"),
             [&serving](Ask&, const Request&) -> Result<Response> {
               if (!serving.ready()) return fail(Code::unavailable, "live versions are being loaded");
               return Response{.body = R"({"ready":true})"};
             });
  for (const std::string prefix : {"/v2/models/{name}", "/v2/models/{name}/versions/{version}"}) {
    at.add_raw(route(Method::GET, prefix, May::predict, "V2: inputs and outputs of a model"),
               [&serving](Ask&, const Request& r) -> Result<Response> {
                 TRY(version, version_of(r));
                 TRY(metadata, serving.metadata(r.param("name"), version));
                 return Response{.body = v2::write_metadata(metadata)};
               });
    at.add_raw(route(Method::GET, prefix + "/ready", May::predict, "V2: whether a model can answer"),
               [&serving](Ask&, const Request& r) -> Result<Response> {
                 TRY(version, version_of(r));
                 TRY(ready, serving.ready(r.param("name"), version));
                 if (!ready)
                   return fail(Code::unavailable, "the model " + std::string(r.param("name")) + " is not loaded");
                 return Response{.body = R"({"name":)" + encode(std::string(r.param("name"))) + R"(,"ready":true})"};
               });
    at.add_async(route(Method::POST, prefix + "/infer", May::predict, "V2: predict"),
                 [&serving](const Ask& ask, const std::shared_ptr<const Request>& r, net::Reply reply) {
                   auto version = version_of(*r);
                   if (!version) return reply(std::unexpected(std::move(version).error()));
                   auto json_bytes = json_bytes_of(*r);
                   if (!json_bytes) return reply(std::unexpected(std::move(json_bytes).error()));
                   serving.infer({.endpoint = std::string(r->param("name")),
                                  .version = *version,
                                  .body = std::shared_ptr<const std::string>(r, &r->body),
                                  .json_bytes = *json_bytes,
                                  .received = ask.now(),
                                  .begun = ask.clock->steady(),
                                  .project = ask.project},
                                 [reply = std::move(reply)](Result<v2::Body> answer) mutable {
                                   if (!answer) return reply(std::unexpected(std::move(answer).error()));
                                   reply(response_of(std::move(*answer)));
                                 });
                 });
  }
}

}  // namespace

void mount(net::Router& at, Service& serving) {
  mount_v2(at, serving);
  at.add({.method = Method::GET,
          .path = "/api/pawl/v1/endpoints",
          .needs = May::read,
          .on = On::pool,
          .about = "Endpoints with their arms and what these did"},
         [&serving](Ask&, const Nothing&) -> Result<EndpointList> {
           TRY(items, serving.endpoints());
           return EndpointList{.items = std::move(items)};
         });
  at.add({.method = Method::GET,
          .path = "/api/pawl/v1/endpoints/{name}",
          .needs = May::read,
          .on = On::pool,
          .about = "One endpoint"},
         [&serving](Ask&, const ByName& in) { return serving.endpoint(in.name); });
  // Decoded on the pool: a hundred thousand labels take the loop's thread too long.
  at.add_raw(
      {.method = Method::POST,
       .path = "/api/pawl/v1/endpoints/{name}/labels",
       .needs = May::predict,
       .on = On::pool,
       .about = "The truth of earlier predictions; also as a Parquet file (application/vnd.apache.parquet)"},
      [&serving](Ask& ask, const Request& request) -> Result<Response> {
        LabelsTaken taken;
        if (request.header("content-type").starts_with(parquet_type)) {
          TRY(got, serving.take_labels_parquet(ask, std::string(request.param("name")), request.body));
          taken = got;
        } else {
          NewLabels in;
          DecodeError problem;
          if (!net::decode_request(request, shape<NewLabels>, &in, Dialect::pawl, problem))
            return std::unexpected(to_error(problem));
          TRY(got, serving.take_labels(ask, in));
          taken = got;
        }
        return net::json_response(shape<LabelsTaken>, &taken);
      },
      &shape<NewLabels>, &shape<LabelsTaken>);
  at.add({.method = Method::GET,
          .path = "/api/pawl/v1/predictions/{id}",
          .needs = May::read,
          .on = On::pool,
          .about = "One prediction as it was kept"},
         [&serving](Ask&, const ById& in) { return serving.prediction(in.id); });
}

}  // namespace pawl::serving
