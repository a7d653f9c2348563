#include "access/service.h"

#include "store/files.h"

namespace pawl::access {
namespace {

constexpr std::string_view reserved_names[] = {"local", "owner", "pawl", "runner", "nobody", "me"};

Result<void> check_name(std::string_view name) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (name.empty() || !std::ranges::all_of(name, fits))
    return fail(Code::invalid, "a user's name has letters, digits, dots, dashes and underscores", "name");
  if (std::ranges::find(reserved_names, name) != std::end(reserved_names))
    return fail(Code::invalid, "the name " + std::string(name) + " is pawl's own", "name");
  return {};
}
std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}
Error not_known() { return {Code::unauthenticated, "this user, password or token is not known"}; }
Event of(std::string what, std::string kind, std::string_view subject, std::string data = {}) {
  return {.what = std::move(what),
          .subject_kind = std::move(kind),
          .subject = std::string(subject),
          .data = std::move(data)};
}

}  // namespace

Result<UserMade> Service::add_user(const Ask& ask, const NewUser& in) {
  TRY_(check_name(in.name));
  if (in.role == Role::none) return fail(Code::invalid, "expected one of viewer|scientist|operator|admin", "role");
  std::string hash;
  if (!in.password.empty()) {
    TRY(hashed, Passwords::hash(in.password));
    hash = std::move(hashed);
  }
  return store_.write_for<UserMade>([&](Tx& tx) -> Result<UserMade> {
    Call call(tx, ask);
    TRY(there, rows::account(tx, in.name));
    if (there) return fail(Code::exists, "there is a user " + in.name + " already", "name");
    TRY_(rows::put_account(tx, {in.name, in.role, hash, call.now()}));
    TRY(token, make_token(call, TokenKind::person, in.name, {}, "first"));
    call.tell(of("user.added", "user", in.name, R"({"role":)" + encode(in.role) + "}"));
    TRY_(refresh(tx));
    return UserMade{in.name, in.role, token.token};
  });
}

Result<User> Service::change_user(const Ask& ask, const UserChange& in) {
  std::string hash;
  if (in.password) {
    if (ask.who.kind == Who::Kind::person && ask.who.name != in.name && ask.who.role != Role::admin)
      return fail(Code::denied, "only an admin changes another's password");
    TRY(hashed, Passwords::hash(*in.password));
    hash = std::move(hashed);
  }
  return store_.write_for<User>([&](Tx& tx) -> Result<User> {
    Call call(tx, ask);
    TRY(account, rows::account(tx, in.name));
    if (!account) return fail(Code::missing, "there is no user " + in.name, "name");
    if (in.password) account->password_hash = hash;
    if (in.role && *in.role != account->role) {
      TRY(all, rows::accounts(tx));
      if (account->role == Role::admin && std::ranges::count(all, Role::admin, &rows::Account::role) == 1)
        return fail(Code::conflict, in.name + " is the last admin: make another first", "role");
      account->role = *in.role;
      call.tell(of("role.changed", "user", in.name, R"({"role":)" + encode(*in.role) + "}"));
    }
    TRY_(rows::put_account(tx, *account));
    TRY_(refresh(tx));
    return User{account->name, account->role, {}, to_rfc3339(account->created)};
  });
}

Result<UserList> Service::users(Tx& tx) const {
  UserList out;
  TRY(accounts, rows::accounts(tx));
  TRY(emails, rows::emails(tx));
  for (const auto& a : accounts) {
    User user{a.name, a.role, {}, to_rfc3339(a.created)};
    for (const auto& [account, email] : emails)
      if (account == a.name) user.emails.push_back(email);
    out.items.push_back(std::move(user));
  }
  return out;
}

Result<Nothing> Service::remove_user(Call& call, const UserName& in) {
  TRY(account, rows::account(call.tx, in.name));
  if (!account) return fail(Code::missing, "there is no user " + in.name, "name");
  TRY(all, rows::accounts(call.tx));
  if (account->role == Role::admin && all.size() > 1 && std::ranges::count(all, Role::admin, &rows::Account::role) == 1)
    return fail(Code::conflict, in.name + " is the last admin: make another first", "name");
  TRY_(rows::remove_account(call.tx, in.name));
  call.tell(of("user.removed", "user", in.name));
  TRY_(refresh(call.tx));
  return Nothing{};
}

Result<User> Service::map_email(Call& call, const EmailMap& in) {
  TRY(account, rows::account(call.tx, in.name));
  if (!account) return fail(Code::missing, "there is no user " + in.name, "name");
  const auto email = lower(in.email);
  if (!email.contains('@')) return fail(Code::invalid, "expected an e-mail address", "email");
  TRY_(rows::put_email(call.tx, email, in.name));
  call.tell(of("access.mapped", "user", in.name));
  return User{account->name, account->role, {email}, to_rfc3339(account->created)};
}

Result<std::optional<std::string>> Service::user_of_email(Tx& tx, std::string_view email) const {
  return rows::account_of_email(tx, lower(email));
}
Result<std::optional<Role>> Service::role_of(Tx& tx, std::string_view user) const {
  TRY(account, rows::account(tx, user));
  return account ? std::optional(account->role) : std::nullopt;
}

Result<TokenMade> Service::make_token(Call& call, TokenKind kind, std::string_view user, std::string_view scope,
                                      std::string_view label) {
  TokenMade made{random_.hex_bytes(6), "pawl_" + random_.hex_bytes(32)};
  const Token token{.id = made.id,
                    .kind = kind,
                    .user = std::string(user),
                    .scope = std::string(scope),
                    .label = std::string(label),
                    .made_by = call.who.name};
  TRY_(rows::put_token(call.tx, {token, sha256_hex(made.token)}, call.now()));
  call.tell(of(
      "token.made", "token", made.id,
      R"({"kind":)" + encode(kind) + R"(,"user":)" + encode(token.user) + R"(,"scope":)" + encode(token.scope) + "}"));
  TRY_(refresh(call.tx));
  return made;
}

Result<TokenMade> Service::add_token(Call& call, const NewToken& in) {
  if (in.runner + !in.predict.empty() + !in.user.empty() > 1)
    return fail(Code::invalid,
                "a token is for a user, for predicting at an endpoint or for a runner, not for two of these");
  if (in.runner) {
    if (call.who.role < Role::admin) return fail(Code::denied, "only an admin makes tokens for runners");
    return make_token(call, TokenKind::runner, {}, {}, in.label);
  }
  if (!in.predict.empty()) {
    if (call.who.role < Role::operator_) return fail(Code::denied, "only an operator makes tokens for an endpoint");
    return make_token(call, TokenKind::predictor, {}, in.predict, in.label);
  }
  const auto user = in.user.empty() ? call.who.name : in.user;
  TRY(account, rows::account(call.tx, user));
  if (!account)
    return fail(Code::missing, "there is no user " + user + (in.user.empty() ? ": name one with --user" : ""), "user");
  if (user != call.who.name && call.who.role < Role::admin)
    return fail(Code::denied, "only an admin makes tokens for others", "user");
  return make_token(call, TokenKind::person, user, {}, in.label);
}

Result<TokenList> Service::tokens(Call& call) const {
  TRY(all, rows::tokens(call.tx));
  TokenList out;
  for (auto& row : all)
    if (call.who.role == Role::admin || row.token.user == call.who.name || row.token.made_by == call.who.name)
      out.items.push_back(std::move(row.token));
  return out;
}

Result<Nothing> Service::revoke_token(Call& call, const TokenId& in) {
  TRY(mine, tokens(call));
  if (std::ranges::find(mine.items, in.id, &Token::id) == mine.items.end())
    return fail(Code::missing, "there is no token " + in.id + " of yours", "id");
  TRY_(rows::remove_token(call.tx, in.id));
  call.tell(of("token.revoked", "token", in.id));
  TRY_(refresh(call.tx));
  return Nothing{};
}

Me Service::me(const Who& who) const {
  constexpr std::string_view kinds[] = {"nobody", "local", "person", "repo", "predictor", "runner", "flow", "pawl"};
  return {who.name, who.role, std::string(kinds[static_cast<std::size_t>(who.kind)]), sign_in()};
}

Result<std::string> Service::login(const Login& in) {
  net::Request head;
  const bool token = !in.token.empty();
  head.headers.push_back(
      {"authorization", token ? "Bearer " + in.token : "Basic " + base64(in.name + ":" + in.password)});
  TRY(who, who_slowly(head));
  if (who.kind != Who::Kind::person) return std::unexpected(not_known());
  const auto until = std::to_string((clock_.now() + session_time).us);
  return who.name + "." + until + "." + sign_session(who.name, until);
}

}  // namespace pawl::access
