#include "net/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "core/hash.h"
#include "core/log.h"

namespace pawl::net {
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {
constexpr std::size_t read_bytes = 16 << 10;  // at once into the buffer of the head; bodies are read where they belong
constexpr std::size_t drain_bytes_max = 64 << 10;  // of a refused body; past it the connection closes
}  // namespace

RouteNumbers::RouteNumbers(Metrics* metrics, const Router& router) : metrics_(metrics) {
  if (!metrics_) return;
  for (const auto& entry : router.entries())
    routes_.emplace(entry.get(), make(std::string(name_of(entry->route.method)) + " " + entry->route.path));
  none_ = make("none");
}
RouteNumbers::Of RouteNumbers::make(const std::string& route) {
  return {.route = route,
          .seconds = metrics_->histogram("pawl_http_request_seconds",
                                         "From the head of a request to the end of its answer.", {{"route", route}})};
}
void RouteNumbers::count(const Entry* entry, int status, Steady::duration took) {
  if (!metrics_) return;
  const auto found = routes_.find(entry);
  Of& of = found == routes_.end() ? none_ : found->second;
  of.seconds.observe(std::chrono::duration<double>(took).count());
  for (auto& [known, counter] : of.by_status)
    if (known == status) return counter.add();
  auto counter = metrics_->counter("pawl_http_requests_total", "Requests answered.",
                                   {{"route", of.route}, {"status", std::to_string(status)}});
  counter.add();
  of.by_status.emplace_back(status, counter);
}

Core::Core(ServerOptions o, const Router& r, store::Store& s, Authorizer& a, const Clock& c)
    : options(std::move(o)),
      router(r),
      store(s),
      authorizer(a),
      clock(c),
      hosts(options.host, options.hosts_allowed),
      numbers(options.metrics, router),
      pool(static_cast<std::size_t>(options.pool_threads)),
      inbox(std::make_shared<Inbox>(io)),
      boot_(SystemRandom{}.hex_bytes(3)) {}

std::string Core::request_id() { return boot_ + std::to_string(++requests_); }

const std::string& Core::date() {
  const auto now = std::time(nullptr);
  if (now != date_at_) {
    date_at_ = now;
    std::tm tm{};
    gmtime_r(&now, &tm);
    char text[64];
    date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm));
  }
  return date_;
}

void Core::deliver(std::uint64_t connection, std::uint64_t ticket, Result<Response> answer) {
  if (const auto at = connections.find(connection); at != connections.end())
    at->second->deliver(ticket, std::move(answer));
}

Connection::Connection(Core& core, Socket socket, std::string peer)
    : core_(core), socket_(std::move(socket)), peer_(std::move(peer)), id_(core.next_connection++) {
  core_.connections.emplace(id_, this);
}
Connection::~Connection() {
  core_.connections.erase(id_);
  if (core_.connections.empty() && core_.emptied) core_.emptied();
}

Task<void> Connection::serve(std::shared_ptr<Connection> self) {
  self->self_ = self;
  co_await self->run();
}

void Connection::close() {
  error_code ignored;
  gone_ = true;
  socket_.close(ignored);
}

void Connection::sweep(Steady::time_point now) {
  if (now < deadline_) return;
  timed_out_ = true;
  deadline_ = Steady::time_point::max();
  error_code ignored;
  socket_.cancel(ignored);
}

void Connection::begin_stop() {
  keep_ = false;
  if (between_ && buffer_.size() == 0)
    close();
  else if (live_timer_)
    wake();
  else if (droppable_)
    deliver(ticket_, fail(Code::unavailable, "the server stops"));
}

void Connection::deliver(std::uint64_t ticket, Result<Response> answer) {
  if (ticket != ticket_ || !resume_) return;
  answer_.emplace(std::move(answer));
  auto resume = std::exchange(resume_, {});
  resume();
}

// Where an answer comes back to, from any thread.
Reply Connection::reply() {
  return [inbox = core_.inbox, core = &core_, id = id_, ticket = ++ticket_](Result<Response> answer) {
    // On the io thread a connection that waits goes on at once: no further turn of the loop for an answer that is there.
    if (inbox->is_here())
      if (const auto at = core->connections.find(id); at != core->connections.end() && at->second->waits())
        return at->second->deliver(ticket, std::move(answer));
    inbox->put(
        [core, id, ticket, answer = std::move(answer)]() mutable { core->deliver(id, ticket, std::move(answer)); });
  };
}

// Waits for what the last reply() brings. What comes before we wait, comes through the inbox, hence not before.
Task<Result<Response>> Connection::answered() {
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      [this](auto handler) { resume_ = [handler = std::move(handler)]() mutable { std::move(handler)(); }; }, use_task);
  auto out = std::move(*answer_);
  answer_.reset();
  co_return out;
}

Task<void> Connection::run() {
  while (keep_ && !gone_) {
    const bool ready = co_await read_head();
    if (!ready) break;
    co_await answer_one();
  }
  co_await linger();
}

Task<bool> Connection::fill(Micros limit) {
  deadline_ = Steady::now() + limit;
  auto space = buffer_.prepare(read_bytes);
  const auto [ec, n] = co_await socket_.async_read_some(space, asio::as_tuple(use_task));
  deadline_ = Steady::time_point::max();
  buffer_.commit(n);
  if (ec) gone_ = true;
  co_return !ec;
}

Task<bool> Connection::read_head() {
  const auto& options = core_.options;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(options.header_bytes_max));
  parser_->body_limit(boost::none);
  entry_ = nullptr;
  head_only_ = old_http_ = false;
  bool first = true;
  Steady::time_point until{};
  for (;;) {
    if (buffer_.size()) {
      error_code ec;
      buffer_.consume(parser_->put(buffer_.data(), ec));
      if (!ec && parser_->is_header_done()) co_return true;
      if (ec && ec != http::error::need_more) {
        keep_ = false;
        unread_ = true;
        const bool large = ec == http::error::header_limit;
        if (log::on(log::Level::debug)) log::debug("net.bad_head", {{"peer", peer_}, {"why", ec.message()}});
        auto refused =
            large ? protocol_error(431, "the head has more than " + std::to_string(options.header_bytes_max) + " bytes",
                                   Dialect::pawl)
                  : protocol_error(400, "this is no HTTP/1.1 request: " + ec.message(), Dialect::pawl);
        core_.numbers.count(nullptr, refused.status, {});
        co_await send(std::move(refused));
        co_return false;
      }
    }
    // The clock of the head starts with its first byte; before that the connection is merely idle.
    between_ = first && buffer_.size() == 0;
    if (!between_ && std::exchange(first, false)) until = Steady::now() + options.header_time_max;
    if (between_ && core_.stopping) co_return false;
    const Micros limit = between_ ? options.idle_time_max : std::chrono::duration_cast<Micros>(until - Steady::now());
    const bool was_between = between_;
    const bool got = co_await fill(limit);
    between_ = false;
    if (got) continue;
    if (timed_out_ && !was_between) {
      gone_ = keep_ = timed_out_ = false;
      unread_ = true;
      core_.numbers.count(nullptr, 408, {});
      co_await send(protocol_error(408, "the head of the request did not come in time", Dialect::pawl));
    }
    co_return false;
  }
}

void Connection::take_head(Request& request) {
  conditions_.clear();
  const auto& head = parser_->get();
  const auto view = [](auto text) { return std::string_view(text.data(), text.size()); };
  request.target = view(head.target());
  if (request.target.starts_with("http://") || request.target.starts_with("https://")) {  // absolute form
    const auto slash = request.target.find('/', request.target.find("//") + 2);
    request.target = slash == std::string::npos ? "/" : request.target.substr(slash);
  }
  const auto question = request.target.find('?');
  request.path = percent_decode(std::string_view(request.target).substr(0, question), false);
  if (question != std::string::npos) request.query = parse_query(std::string_view(request.target).substr(question + 1));
  for (const auto& field : head) {
    std::string name(view(field.name_string()));
    for (auto& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (name == "range" || name.starts_with("if-")) conditions_.push_back({name, std::string(view(field.value()))});
    request.headers.push_back({std::move(name), std::string(view(field.value()))});
  }
  request.peer = peer_;
  chunked_ = parser_->chunked();
  body_left_ = chunked_ ? 0 : parser_->content_length().value_or(0);
  const auto expect = request.header("expect");
  expects_continue_ = (chunked_ || body_left_) && (expect == "100-continue" || expect == "100-Continue");
  old_http_ = head.version() < 11;
  keep_ = parser_->keep_alive() && !core_.stopping;
}

Task<void> Connection::answer_one() {
  const auto began = Steady::now();
  Request request;
  take_head(request);
  request_id_ = core_.request_id();
  const auto method_word = parser_->get().method_string();
  const std::string_view method(method_word.data(), method_word.size());
  head_only_ = method == "HEAD";
  const auto known = head_only_ ? Method::GET : from_name(method);
  std::string path = log::on(log::Level::debug) ? request.path : std::string{};

  Response response;
  if (!known) {
    response = protocol_error(501, "no route knows the method " + std::string(method), dialect_of(request.path));
  } else {
    request.method = *known;
    response = co_await respond(std::move(request));
  }
  if (gone_) co_return;
  // What of the body was not read would be taken for the next request.
  const bool unread = chunked_ || body_left_;
  if (unread && (chunked_ || expects_continue_ || body_left_ > drain_bytes_max)) keep_ = false;
  unread_ = unread && !keep_;
  if (core_.stopping) keep_ = false;
  const int status = response.status;
  if (entry_ && entry_->live && status == 200)
    co_await send_live(*entry_->live);
  else if (response.file)
    co_await send_file(std::move(response));
  else
    co_await send(std::move(response));
  if (unread && keep_ && !gone_) keep_ = co_await drain(drain_bytes_max);

  const auto took = Steady::now() - began;
  core_.numbers.count(entry_, status, took);
  if (log::on(log::Level::debug))
    log::debug("net.request", {{"id", request_id_},
                               {"method", method},
                               {"path", path},
                               {"status", status},
                               {"peer", peer_},
                               {"us", std::chrono::duration_cast<std::chrono::microseconds>(took).count()}});
}

Task<Response> Connection::respond(Request request) {
  if (auto known = core_.hosts.check(request); !known)
    co_return error_response(known.error(), dialect_of(request.path));
  auto found = core_.router.find(request);
  if (!found) co_return not_found(found.error(), request.path);
  entry_ = *found;
  const Route& route = entry_->route;
  if (!entry_->upload && body_left_ > route.body_max)
    co_return protocol_error(413, "the body has more than " + std::to_string(route.body_max) + " bytes", route.dialect);

  Ask ask{.who = {}, .clock = &core_.clock, .request_id = request_id_};
  if (route.needs != May::anything_public) {
    auto refused = co_await authorize(request, ask);
    if (!refused) co_return finish(std::move(refused), route, request_id_);
  }
  if (expects_continue_) {
    const bool written = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!written) co_return Response{};
    expects_continue_ = false;
  }
  if (entry_->upload) {
    auto out = co_await take_upload(std::move(request), std::move(ask));
    co_return out;
  }
  if (chunked_ || body_left_) {
    auto refused = co_await read_body(request.body);
    if (refused || gone_) co_return refused.value_or(Response{});
  }
  std::string key;
  if (request.method == Method::POST && route.dialect == Dialect::pawl && !entry_->live)
    if (const auto given = request.header("idempotency-key"); !given.empty()) {
      key = ask.who.name + '\n' + request.path + '\n' + std::string(given);
      auto first = core_.remembered.begin(key, request.body);
      if (!first) co_return finish(std::unexpected(std::move(first).error()), route, request_id_);
      if (*first) co_return std::move(**first);
    }
  // Forgets the key again when we never come back.
  struct Remember {
    Idempotency& all;
    const std::string& key;
    ~Remember() {
      if (!key.empty()) all.forget(key);
    }
  } remember{core_.remembered, key};
  auto result = co_await run_entry(std::move(request), std::move(ask));
  auto response = finish(std::move(result), route, request_id_);
  if (!key.empty()) core_.remembered.end(key, response);
  co_return response;
}

// An error, or nothing of interest: then `ask.who` is filled in.
Task<Result<Response>> Connection::authorize(Request& request, Ask& ask) {
  const Route& route = entry_->route;
  auto who = core_.authorizer.who(request);
  if (!who) {
    // A password's hash takes long on purpose.
    auto found = std::make_shared<std::optional<Result<Who>>>();
    auto head = std::make_shared<const Request>(request);
    auto look = [found, head, &authorizer = core_.authorizer, &route, id = request_id_]() -> Result<Response> {
      return guarded(
          [&]() -> Result<Response> {
            found->emplace(authorizer.who_slowly(*head));
            return Response{};
          },
          route, id);
    };
    auto looked = co_await on_pool(std::move(look));
    if (!looked) co_return std::unexpected(std::move(looked).error());
    who = std::move(*found);
  }
  if (!*who) co_return std::unexpected(std::move(*who).error());
  ask.who = std::move(**who);
  if (auto may = core_.authorizer.allow(ask.who, route.needs, request); !may)
    co_return std::unexpected(std::move(may).error());
  co_return Response{};
}

Task<Result<Response>> Connection::run_entry(Request request, Ask ask) {
  const Entry& entry = *entry_;
  const Route& route = entry.route;
  if (entry.live) co_return Response{.status = 200, .type = "text/event-stream"};
  if (entry.on_store) {
    auto work = entry.on_store(request);
    if (!work) co_return decode_error_response(work.error(), route.dialect);
    struct Pending {
      Entry::CallWork work;
      Ask ask;
      std::optional<Result<Response>> out{};
    };
    auto pending = std::make_shared<Pending>(std::move(*work), std::move(ask));
    auto in_tx = [pending](Tx& tx) -> Result<void> {
      Call call(tx, pending->ask);
      pending->out.emplace(pending->work(call));
      if (!*pending->out) return std::unexpected(pending->out->error());
      return {};
    };
    auto done = [pending, reply = reply()](Result<void> ran) mutable {
      if (ran)
        reply(std::move(*pending->out));
      else
        reply(std::unexpected(std::move(ran).error()));
    };
    if (route.on == On::writer)
      core_.store.write_async(std::move(in_tx), std::move(done));
    else
      core_.store.read_async(std::move(in_tx), std::move(done));
    auto out = co_await answered();
    co_return out;
  }

  auto shared = std::make_shared<const Request>(std::move(request));
  if (entry.async) {
    auto started = guarded(
        [&]() -> Result<Response> {
          entry.async(std::move(ask), std::move(shared), reply());
          return Response{};
        },
        route, request_id_);
    if (!started) co_return started;
    droppable_ = true;
    if (core_.stopping) begin_stop();
    auto out = co_await answered();
    droppable_ = false;
    co_return out;
  }
  auto work = entry.on_thread(std::move(shared));
  if (!work) co_return decode_error_response(work.error(), route.dialect);
  if (route.on == On::io) co_return guarded([&] { return (*work)(ask); }, route, request_id_);
  auto on_thread = [work = std::move(*work), ask = std::move(ask), &route, id = request_id_]() mutable {
    return guarded([&] { return work(ask); }, route, id);
  };
  auto out = co_await on_pool(std::move(on_thread));
  co_return out;
}

}  // namespace pawl::net
