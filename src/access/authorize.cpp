// From the head of a request to who asks, and from there to whether they may.
#include <charconv>

#include "access/service.h"
#include "store/files.h"

#include <sys/stat.h>

namespace pawl::access {

struct Service::Known {
  struct Account {
    Role role;
    std::string password_hash;
  };
  struct Entry {
    TokenKind kind;
    std::string user, scope;
  };
  std::map<std::string, Account, std::less<>> accounts;
  std::unordered_map<std::string, Entry> tokens;  // by SHA-256

  std::optional<Who> person(std::string_view name) const {
    auto found = accounts.find(name);
    if (found == accounts.end()) return std::nullopt;
    return Who{Who::Kind::person, found->first, found->second.role, {}};
  }
};

namespace {

constexpr std::string_view flow_prefix = "pawlf_", runner_prefix = "pawlr_";
constexpr Role role_for(May needs) {
  switch (needs) {
    case May::anything_public: return Role::none;
    case May::read:
    case May::predict: return Role::viewer;
    case May::track:
    case May::approve:
    case May::propose: return Role::scientist;
    case May::operate:
    case May::push: return Role::operator_;
    case May::administer:
    case May::run_jobs: return Role::admin;
  }
  return Role::admin;
}

Error not_known() { return {Code::unauthenticated, "this user, password or token is not known"}; }
bool loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.") || host.starts_with("::ffff:127.");
}
Who owner(std::string name) { return {Who::Kind::local, std::move(name), Role::admin, {}}; }

std::optional<std::string_view> after(std::string_view text, std::string_view lower_case_scheme) {
  if (text.size() <= lower_case_scheme.size() || text[lower_case_scheme.size()] != ' ') return std::nullopt;
  for (std::size_t i = 0; i < lower_case_scheme.size(); ++i)
    if ((text[i] | 0x20) != lower_case_scheme[i]) return std::nullopt;
  text.remove_prefix(lower_case_scheme.size() + 1);
  return text;
}

// A bearer that the server itself has signed: of a training or of the runner.
bool is_signed(std::string_view authorization) {
  const auto token = after(authorization, "bearer");
  return token && (token->starts_with(flow_prefix) || token->starts_with(runner_prefix));
}

}  // namespace

Service::Service(store::Store& store, std::string key, const Clock& clock, Random& random)
    : store_(store),
      key_(std::move(key)),
      clock_(clock),
      random_(random),
      passwords_(clock, random),
      known_(std::make_shared<const Known>()) {}

Result<std::unique_ptr<Service>> Service::open(store::Store& store, const std::filesystem::path& keys,
                                               const Clock& clock, Random& random) {
  const auto file = keys / "access.key";
  std::error_code ec;
  std::filesystem::create_directories(keys, ec);
  ::chmod(keys.c_str(), 0700);
  auto key = store::read_file(file, 1024);
  if (!key && key.error().code == Code::missing) {
    key = random.hex_bytes(32);
    TRY_(store::write_file(file, *key));
    ::chmod(file.c_str(), 0600);
  }
  if (!key) return std::unexpected(key.error());
  std::unique_ptr<Service> service(new Service(store, std::move(*key), clock, random));
  TRY(known, store.read_for<std::shared_ptr<const Known>>([&](Tx& tx) { return service->read_all(tx); }));
  service->known_.store(known);
  return service;
}

Result<std::shared_ptr<const Service::Known>> Service::read_all(Tx& tx) const {
  auto known = std::make_shared<Known>();
  TRY(accounts, rows::accounts(tx));
  for (auto& a : accounts) known->accounts[a.name] = {a.role, a.password_hash};
  TRY(tokens, rows::tokens(tx));
  for (auto& t : tokens) known->tokens[t.digest] = {t.token.kind, t.token.user, t.token.scope};
  return known;
}
Result<void> Service::refresh(Tx& tx) {
  TRY(known, read_all(tx));
  tx.after_commit([this, known] { known_.store(known); });
  return {};
}

bool Service::sign_in() const { return !known_.load()->accounts.empty(); }

Result<void> Service::may_listen_on(std::string_view host) const {
  if (sign_in() || loopback(host)) return {};
  return fail(Code::denied,
              "without users only loopback is served: add one first (pawl user add NAME --role admin --data DIR), then "
              "listen on " +
                  std::string(host),
              "host");
}

std::string Service::sign(std::string_view what) const { return hex(hmac_sha256(key_, what)); }
std::string Service::sign_session(std::string_view user, std::string_view until) const {
  const auto known = known_.load();
  const auto account = known->accounts.find(user);
  const auto hash = account == known->accounts.end() ? std::string{} : account->second.password_hash;
  return sign("session." + std::string(user) + "." + std::string(until) + "." + hash);
}
std::string Service::flow_token(std::string_view flow, std::int64_t epoch) const {
  const auto body = std::string(flow) + "." + std::to_string(epoch);
  return std::string(flow_prefix) + body + "." + sign("flow." + body);
}
std::string Service::runner_token() const { return std::string(runner_prefix) + sign("runner"); }

Result<Who> Service::by_token(const Known& known, std::string_view token) const {
  if (token.starts_with(runner_prefix)) {
    if (same_secret(token, runner_token())) return Who{Who::Kind::runner, "runner", Role::scientist, {}};
    return std::unexpected(not_known());
  }
  if (token.starts_with(flow_prefix)) {
    const auto rest = token.substr(flow_prefix.size());
    const auto last = rest.rfind('.'), dot = rest.rfind('.', last == rest.npos ? last : last - 1);
    if (last == rest.npos || dot == rest.npos || dot == 0) return std::unexpected(not_known());
    const auto body = rest.substr(0, last), flow = rest.substr(0, dot), number = body.substr(dot + 1);
    std::int64_t epoch = 0;
    std::from_chars(number.data(), number.data() + number.size(), epoch);
    if (!same_secret(rest.substr(last + 1), sign("flow." + std::string(body)))) return std::unexpected(not_known());
    if (alive_ && !alive_(flow, epoch))
      return fail(Code::unauthenticated,
                  "the training of this token has ended, or another attempt has taken its place");
    return Who{Who::Kind::flow, "flow:" + std::string(flow), Role::scientist,
               std::string(flow) + "/" + std::string(number)};
  }
  auto found = known.tokens.find(sha256_hex(token));
  if (found == known.tokens.end()) return std::unexpected(not_known());
  const auto& entry = found->second;
  switch (entry.kind) {
    case TokenKind::person:
      if (auto who = known.person(entry.user)) return *who;
      return std::unexpected(not_known());
    case TokenKind::predictor: return Who{Who::Kind::predictor, "predictor:" + entry.scope, Role::none, entry.scope};
    case TokenKind::repo: return Who{Who::Kind::repo, "repo:" + entry.scope, Role::none, entry.scope};
    case TokenKind::runner: return Who{Who::Kind::runner, "runner", Role::scientist, {}};
  }
  return std::unexpected(not_known());
}

// Basic authentication: a password, or a token in its place. Nothing: the slow hash is needed.
std::optional<Result<Who>> Service::by_password(const Known& known, std::string_view encoded, bool slowly) {
  const auto plain = from_base64(encoded);
  const auto colon = plain ? plain->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::unexpected(not_known());
  const auto name = plain->substr(0, colon), password = plain->substr(colon + 1);
  if (password.starts_with("pawl")) {
    auto who = by_token(known, password);
    if (who && (who->kind != Who::Kind::person || who->name == name)) return who;
  }
  auto account = known.accounts.find(name);
  if (account == known.accounts.end()) return std::unexpected(not_known());
  const auto& hash = account->second.password_hash;
  auto good = passwords_.known(password, hash);
  if (!good && !slowly) return std::nullopt;
  if (!good) {
    if (auto may = passwords_.may_try(name); !may) return std::unexpected(std::move(may).error());
    good = passwords_.check(password, hash);
    if (!*good) passwords_.failed(name);
  }
  if (!*good) return std::unexpected(not_known());
  return *known.person(name);
}

std::optional<Who> Service::by_cookie(const Known& known, std::string_view cookies) const {
  for (std::size_t at = 0; at < cookies.size();) {
    auto end = std::min(cookies.find(';', at), cookies.size());
    auto one = cookies.substr(at, end - at);
    at = end + 1;
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (!one.starts_with(session_cookie) || one.substr(session_cookie.size(), 1) != "=") continue;
    one.remove_prefix(session_cookie.size() + 1);
    const auto last = one.rfind('.'), dot = one.rfind('.', last == one.npos ? last : last - 1);
    if (last == one.npos || dot == one.npos || dot == 0) return std::nullopt;
    const auto body = one.substr(0, last), until = body.substr(dot + 1);
    std::int64_t us = 0;
    std::from_chars(until.data(), until.data() + until.size(), us);
    const auto user = one.substr(0, dot);
    if (us <= clock_.now().us || !same_secret(one.substr(last + 1), sign_session(user, until))) return std::nullopt;
    return known.person(user);
  }
  return std::nullopt;
}

std::optional<Result<Who>> Service::find(const net::Request& head, bool slowly) {
  if (head.peer == "unix") return owner("owner");
  const auto known = known_.load();
  const auto authorization = head.header("authorization");
  std::optional<Result<Who>> who;
  if (auto token = after(authorization, "bearer"))
    who = by_token(*known, *token);
  else if (auto encoded = after(authorization, "basic"); encoded && !known->accounts.empty()) {
    who = by_password(*known, *encoded, slowly);
    if (!who) return std::nullopt;
  } else if (auto session = by_cookie(*known, head.header("cookie"))) {
    who = *session;
  }
  if (who && *who) return who;
  // Without users a client may send what it remembers of another server. A training whose lease has gone stays refused, and so does who
  // comes from elsewhere: the last user may have been removed while the server listened to the world.
  if (known->accounts.empty() && !is_signed(authorization) && (head.peer.empty() || loopback(head.peer)))
    return owner("local");
  return who ? who : std::optional<Result<Who>>(Who{});
}

std::optional<Result<Who>> Service::who(const net::Request& head) { return find(head, false); }
Result<Who> Service::who_slowly(const net::Request& head) { return *find(head, true); }

Result<void> every_route_has_permission(const net::Router& router, std::span<const std::string_view> open_to_all) {
  for (const auto& entry : router.entries()) {
    const auto& route = entry->route;
    const bool open = std::ranges::find(open_to_all, route.path) != open_to_all.end();
    const auto name = std::string(net::name_of(route.method)) + " " + route.path;
    // `needs` left out of a route reads as anything_public: so what is public is listed, and everything else must not be.
    if ((route.needs == May::anything_public) != open)
      return fail(Code::invalid, name + (open ? " is listed as open to all, and is not" : " names no permission"));
  }
  return {};
}

Result<void> Service::allow(const Who& who, May needs, const net::Request& request) {
  if (needs == May::anything_public) return {};
  bool may = false;
  switch (who.kind) {
    case Who::Kind::nobody:
      return fail(Code::unauthenticated, "sign in first: a user's password, or a token as a bearer");
    case Who::Kind::local:
    case Who::Kind::pawl: return {};
    case Who::Kind::person: may = who.role >= role_for(needs); break;
    case Who::Kind::repo: may = needs == May::push && request.param("name") == who.scope; break;
    case Who::Kind::predictor: may = needs == May::predict && request.param("name") == who.scope; break;
    case Who::Kind::runner: may = needs == May::read || needs == May::track || needs == May::run_jobs; break;
    case Who::Kind::flow: may = needs == May::read || needs == May::track; break;
  }
  if (may) return {};
  if (who.kind == Who::Kind::person)
    return fail(Code::denied, who.name + " is " + std::string(word(who.role)) + "; this needs the role " +
                                  std::string(word(role_for(needs))));
  return fail(Code::denied, "the token of " + who.name + " is not for this");
}

}  // namespace pawl::access
