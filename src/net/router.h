// Typed routes: one line declares method, path, who may, where it runs and what it is; the handler's types say what goes in and out. JSON,
// validation, the error envelope, authorisation, the metric's name and the OpenAPI page follow from it. Nothing else lists endpoints.
//
//   at.add({.method = POST, .path = "/mlflow/runs/set-tag", .needs = May::track, .on = On::writer, .about = "Tag a run"},
//          [&runs](Call& call, const SetTag& in) { return runs.set_tag(call, in); });        // -> Result<Answer>
//
// `In` is filled from the path's {names}, the query string (GET, DELETE) and the JSON body (the others).
#pragma once
#include "net/http.h"
#include "store/store.h"

namespace pawl::net {

// How errors look and how lenient bodies are read: pawl's own (RFC 9457), MLflow's envelope, V2's {"error": …}.
enum class Dialect { pawl, mlflow, v2 };

enum class On {
  io,      // on the io thread: microseconds, no SQL, no files. Handlers take Ask&
  pool,    // files, models, hashing. Handlers take Ask&
  reader,  // a read transaction. Handlers take Call&
  writer,  // a write transaction, answered after its commit. Handlers take Call&
};

struct Route {
  Method method{};
  std::string path{};
  May needs{};
  On on{};
  std::string about{};
  Dialect dialect = Dialect::pawl;
  std::size_t body_max = 64 << 20;  // bytes; past it 413. Uploads have no limit but the disk
};

using Reply = std::move_only_function<void(Result<Response>)>;  // once, from any thread

// One entry of the route table. Exactly one of the four ways is set.
struct Entry {
  Route route;
  const Shape* in = nullptr;   // null: the handler reads the request itself
  const Shape* out = nullptr;
  // Decodes at once (io thread), answers the work that then runs where `on` says.
  using CallWork = std::move_only_function<Result<Response>(Call&)>;
  using AskWork = std::move_only_function<Result<Response>(Ask&)>;
  std::function<std::expected<CallWork, DecodeError>(const Request&)> on_store{};
  std::function<std::expected<AskWork, DecodeError>(std::shared_ptr<const Request>)> on_thread{};
  std::function<void(Ask, std::shared_ptr<const Request>, Reply)> async{};
  std::function<Result<std::unique_ptr<Upload>>(Ask&, const Request&)> upload{};
  Live* live = nullptr;
};

DecodeOptions decode_options(Dialect d);
bool decode_request(const Request& request, const Shape& shape, void* in, Dialect dialect, DecodeError& problem);
Response json_response(const Shape& shape, const void* out);
// The error as the dialect says it: status and envelope. One table per dialect, in net/dialect.cpp.
Response error_response(const Error& error, Dialect dialect);
Response decode_error_response(const DecodeError& problem, Dialect dialect);
// What HTTP itself refuses (405, 408, 413, 431), in the words of the dialect.
Response protocol_error(int status, std::string message, Dialect dialect);
Dialect dialect_of(std::string_view path);               // for what has no route
std::optional<Code> code_of(std::string_view problem_type);  // of a problem document
Code code_of_status(int status);                         // of an answer without one

namespace detail {
template <class F> struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class A, class I> struct Signature<R (*)(A&, const I&)> { using In = I; using With = A; using Out = typename R::value_type; };
template <class C, class R, class A, class I> struct Signature<R (C::*)(A&, const I&) const> { using In = I; using With = A; using Out = typename R::value_type; };
template <class C, class R, class A, class I> struct Signature<R (C::*)(A&, const I&)> { using In = I; using With = A; using Out = typename R::value_type; };
template <class With, class Out, class In, class F> Result<Response> run(F& handler, With& with, const In& in) {
  if constexpr (std::is_same_v<Out, Response>) {
    return handler(with, in);
  } else if constexpr (std::is_void_v<Out>) {
    TRY_(handler(with, in));
    const Nothing nothing;
    return json_response(shape<Nothing>, &nothing);
  } else {
    TRY(out, handler(with, in));
    return json_response(shape<Out>, &out);
  }
}
}  // namespace detail

class Router {
 public:
  // A handler of described types. `Out` may also be void, answered as {}, or Response, for what is no JSON.
  template <class F> void add(Route route, F handler) {
    using S = detail::Signature<F>;
    using In = typename S::In;
    using With = typename S::With;
    using Out = typename S::Out;
    static_assert(std::is_same_v<With, Call> || std::is_same_v<With, Ask>);
    Entry e{.route = std::move(route), .in = &shape<In>};
    if constexpr (std::is_void_v<Out>) e.out = &shape<Nothing>;
    else if constexpr (!std::is_same_v<Out, Response>) e.out = &shape<Out>;
    const Dialect dialect = e.route.dialect;
    auto decoded = [handler, dialect](const Request& request) -> std::expected<std::move_only_function<Result<Response>(With&)>, DecodeError> {
      auto in = std::make_unique<In>();
      DecodeError problem;
      if (!decode_request(request, shape<In>, in.get(), dialect, problem)) return std::unexpected(std::move(problem));
      return [handler, in = std::move(in)](With& with) mutable { return detail::run<With, Out, In>(handler, with, *in); };
    };
    if constexpr (std::is_same_v<With, Call>) e.on_store = decoded;
    else e.on_thread = [decoded](std::shared_ptr<const Request> request) { return decoded(*request); };
    put(std::move(e));
  }
  // A handler that reads the request itself: (Ask&, const Request&) -> Result<Response>; on io or pool. `in` and `out` are for the OpenAPI page only.
  void add_raw(Route route, std::function<Result<Response>(Ask&, const Request&)> handler, const Shape* in = nullptr, const Shape* out = nullptr);
  // A handler that answers later, from any thread; starts on the io thread and must not block.
  void add_async(Route route, std::function<void(Ask, std::shared_ptr<const Request>, Reply)> handler);
  // A body that streams; `open` and the Upload run on the pool.
  void add_upload(Route route, std::function<Result<std::unique_ptr<Upload>>(Ask&, const Request&)> open);
  // Server-sent events of `live`, for as long as the client listens.
  void add_live(Route route, Live& live);

  // Finds the entry and fills request.params. Path parts: `/a/{name}/b`; a last `{name...}` takes the rest. Fixed parts win over named ones.
  // Code::missing: no such path; Code::invalid with field "method": another method would do, `detail` lists them.
  Result<const Entry*> find(Request& request) const;
  const std::vector<std::unique_ptr<Entry>>& entries() const { return entries_; }
  std::string openapi(std::string_view version) const;

 private:
  void put(Entry e);
  std::vector<std::unique_ptr<Entry>> entries_;
  struct Node;  // the tree of path parts, in router.cpp
  std::shared_ptr<Node> root_;
};

// Who asks, and whether they may. `access` implements it; it answers from a snapshot in memory, no SQL.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // Nothing: it takes a slow password hash, ask again with `slowly` on the pool.
  virtual std::optional<Result<Who>> who(const Request& head) = 0;
  virtual Result<Who> who_slowly(const Request& head) = 0;
  virtual Result<void> allow(const Who& who, May needs, const Request& request) = 0;
};

// Runs one request from head to answer on this thread, as the server would: for tests and for nothing else.
Response handle_now(const Router& router, store::Store& store, Authorizer& authorizer, const Clock& clock, Request request);

}  // namespace pawl::net
namespace pawl {
using net::On;
}
