// For the tests of every room: routes, store and clock without sockets. A test mounts its room on `router` and talks to it as a client would.
//
//   testing::House house;
//   tracking::Service runs(...);
//   tracking::mount(house.router, runs);
//   auto got = house.post("/api/2.0/mlflow/runs/create", R"({"experiment_id": "0"})");
//   CHECK(got.status == 200);
//   house.write([&](Call& call) { return runs.set_tag(call, in); });   // straight at a service, in a transaction
#pragma once
#include <stdexcept>

#include "core/hash.h"
#include "net/router.h"

namespace pawl::testing {

// Lets `who` do everything, unless a test says otherwise.
class AllowAll final : public net::Authorizer {
 public:
  Who who_is{Who::Kind::local, "local", Role::admin, {}};
  std::function<Result<void>(const Who&, May)> rule{};
  std::optional<Result<Who>> who(const net::Request&) override { return who_is; }
  Result<Who> who_slowly(const net::Request&) override { return who_is; }
  Result<void> allow(const Who& asking, May needs, const net::Request&) override {
    return rule ? rule(asking, needs) : Result<void>{};
  }
};

// The same "random" bits in every run.
class CountingRandom final : public Random {
 public:
  void fill(std::span<char> out) override {
    for (auto& c : out) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      c = static_cast<char>(state_ >> 56);
    }
  }

 private:
  std::uint64_t state_ = 1;
};

class House {
 public:
  FakeClock clock;
  CountingRandom random;
  std::unique_ptr<store::Store> store;
  AllowAll authorizer;
  net::Router router;

  explicit House(store::Options options = {}) {
    auto opened = store::Store::open(std::move(options));
    if (!opened)
      throw std::runtime_error("cannot open the store: " + opened.error().message + " " + opened.error().detail);
    store = std::move(*opened);
  }

  // One request from head to answer, as the server would do it.
  net::Response send(net::Method method, std::string_view target, std::string body = {},
                     std::vector<net::Pair> headers = {}) {
    auto request = net::make_request(method, target, std::move(body));
    if (!request.body.empty() && std::ranges::find(headers, "content-type", &net::Pair::name) == headers.end())
      request.headers.push_back({"content-type", "application/json"});
    for (auto& h : headers) request.headers.push_back(std::move(h));
    return net::handle_now(router, *store, authorizer, clock, std::move(request));
  }
  net::Response get(std::string_view target) { return send(net::Method::GET, target); }
  net::Response post(std::string_view target, std::string body = "{}", std::vector<net::Pair> headers = {}) {
    return send(net::Method::POST, target, std::move(body), std::move(headers));
  }
  net::Response put(std::string_view target, std::string body = "{}") {
    return send(net::Method::PUT, target, std::move(body));
  }
  net::Response patch(std::string_view target, std::string body = "{}") {
    return send(net::Method::PATCH, target, std::move(body));
  }
  net::Response del(std::string_view target, std::string body = {}) {
    return send(net::Method::DELETE, target, std::move(body));
  }

  // The answer as its type; throws what the answer says when it is no success.
  template <class T> T as(const net::Response& response) {
    if (response.status < 200 || response.status >= 300)
      throw std::runtime_error(std::to_string(response.status) + " " + response.body);
    auto out = decode<T>(response.body, {.unknown = UnknownKeys::ignore});
    if (!out) throw std::runtime_error(out.error().message + " in " + response.body);
    return std::move(*out);
  }

  // `work(Call&)` in a transaction of its own; what it answers is the answer.
  template <class F> auto write(F work) {
    return store->write_for<typename std::invoke_result_t<F&, Call&>::value_type>(in_call(work));
  }
  template <class F> auto read(F work) {
    return store->read_for<typename std::invoke_result_t<F&, Call&>::value_type>(in_call(work));
  }
  Ask ask() { return {.who = authorizer.who_is, .clock = &clock, .request_id = "test"}; }

 private:
  template <class F> auto in_call(F& work) {
    return [this, &work](Tx& tx) {
      Call call(tx, ask());
      return work(call);
    };
  }
};

}  // namespace pawl::testing
