#include "net/handle.h"

#include <future>

#include "core/log.h"

namespace pawl::net {

Response not_found(const Error& error, std::string_view path) {
  const auto dialect = dialect_of(path);
  const bool method = error.field == "method";
  auto out = method ? protocol_error(405, error.message, dialect) : error_response(error, dialect);
  if (method) out.headers.push_back({"Allow", error.detail});
  if (dialect == Dialect::mlflow) {  // its client knows an endpoint that a server lacks by a body that is no JSON
    out.type = "text/html; charset=utf-8";
    out.body =
        "<!doctype html>\n<title>" + std::string(method ? "405 Method Not Allowed" : "404 Not Found") + "</title>\n";
  }
  return out;
}

Response finish(Result<Response> result, const Route& route, std::string_view request_id) {
  if (result) {
    if (result->status == 0) result->status = result->body.empty() && !result->file ? 204 : 200;
    return std::move(*result);
  }
  auto& error = result.error();
  if (error.code == Code::internal || error.code == Code::unavailable)
    log::error("net.failed",
               {{"route", route.path}, {"request", request_id}, {"error", error.message}, {"detail", error.detail}});
  auto out = error_response(error, route.dialect);
  if (error.code == Code::internal) out.headers.push_back({"X-Request-Id", std::string(request_id)});
  return out;
}

Result<Response> caught(const Route& route, std::string_view request_id) {
  std::string what = "not a std::exception";
  try {
    throw;
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): named above
  }
  log::error("net.exception", {{"route", route.path}, {"request", request_id}, {"what", what}});
  return fail(Code::internal, "a mistake of the server, request " + std::string(request_id));
}

namespace {

constexpr std::size_t piece_bytes = 64 << 10;

Result<Response> take_upload(const Entry& entry, Ask& ask, const Request& request) {
  auto opened = entry.upload(ask, request);
  if (!opened) return std::unexpected(std::move(opened).error());
  for (std::size_t at = 0; at < request.body.size(); at += piece_bytes)
    TRY_((*opened)->write(std::string_view(request.body).substr(at, piece_bytes)));
  return (*opened)->finish();
}

Result<Response> run_async(const Entry& entry, Ask ask, std::shared_ptr<const Request> request) {
  std::promise<Result<Response>> promise;
  auto answer = promise.get_future();
  entry.async(std::move(ask), std::move(request),
              [promise = std::move(promise)](Result<Response> r) mutable { promise.set_value(std::move(r)); });
  return answer.get();
}

Result<Response> run_on_store(const Entry& entry, store::Store& store, const Ask& ask, const Request& request) {
  auto work = entry.on_store(request);
  if (!work) return decode_error_response(work.error(), entry.route.dialect);
  auto in_tx = [&](Tx& tx) -> Result<Response> {
    Call call(tx, ask);
    return (*work)(call);
  };
  return entry.route.on == On::writer ? store.write_for<Response>(in_tx) : store.read_for<Response>(in_tx);
}

Result<Response> run(const Entry& entry, store::Store& store, Ask ask, Request request) {
  if (request.body.size() > entry.route.body_max && !entry.upload)
    return protocol_error(413, "the body has more than " + std::to_string(entry.route.body_max) + " bytes",
                          entry.route.dialect);
  if (entry.on_store) return run_on_store(entry, store, ask, request);
  if (entry.upload) return take_upload(entry, ask, request);
  if (entry.live) return Response{.type = "text/event-stream"};
  auto shared = std::make_shared<const Request>(std::move(request));
  if (entry.async) return run_async(entry, std::move(ask), std::move(shared));
  auto work = entry.on_thread(shared);
  if (!work) return decode_error_response(work.error(), entry.route.dialect);
  return (*work)(ask);
}

}  // namespace

Response handle_now(const Router& router, store::Store& store, Authorizer& authorizer, const Clock& clock,
                    Request request) {
  constexpr std::string_view id = "now";
  auto found = router.find(request);
  if (!found) return not_found(found.error(), request.path);
  const Entry& entry = **found;
  Ask ask{.who = {}, .clock = &clock, .request_id = std::string(id)};
  auto answer = guarded(
      [&]() -> Result<Response> {
        if (entry.route.needs != May::anything_public) {
          auto who = authorizer.who(request);
          if (!who) who = authorizer.who_slowly(request);
          if (!*who) return std::unexpected(std::move(*who).error());
          ask.who = std::move(**who);
          TRY_(authorizer.allow(ask.who, entry.route.needs, request));
        }
        return run(entry, store, ask, std::move(request));
      },
      entry.route, id);
  return finish(std::move(answer), entry.route, id);
}

}  // namespace pawl::net
