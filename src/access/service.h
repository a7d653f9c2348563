// Who someone is and what they may: users, tokens, roles. Everything a request needs is looked up in an immutable snapshot that is made anew
// after each commit that changed it, so no request waits for SQL.
//
// Without users every caller is a local admin, and only loopback is served. The first user turns sign-in on. Callers of the owner's socket are
// local admins always: who may open the data folder owns the server.
//
// Events: user.added, user.removed, role.changed, access.mapped, token.made, token.revoked. Ids only, no addresses.
#pragma once
#include "access/passwords.h"
#include "access/rows.h"
#include "core/snapshot.h"
#include "net/router.h"

namespace pawl::access {

class Service final : public net::Authorizer {
 public:
  // `keys`: the folder of the server's own secrets, made with mode 0700 when absent.
  static Result<std::unique_ptr<Service>> open(store::Store& store, const std::filesystem::path& keys,
                                               const Clock& clock, Random& random);

  std::optional<Result<Who>> who(const net::Request& head) override;
  Result<Who> who_slowly(const net::Request& head) override;
  Result<void> allow(const Who& who, May needs, const net::Request& request) override;

  bool sign_in() const;  // whether there are users
  Result<void> may_listen_on(std::string_view host) const;

  // On the pool: these hash passwords, then write.
  Result<UserMade> add_user(const Ask& ask, const NewUser& in);
  Result<User> change_user(const Ask& ask, const UserChange& in);
  Result<std::string> login(const Login& in);  // the session's cookie value
  Result<UserList> users(Tx& tx) const;
  Result<Nothing> remove_user(Call& call, const UserName& in);
  Result<User> map_email(Call& call, const EmailMap& in);
  Result<std::optional<std::string>> user_of_email(Tx& tx, std::string_view email) const;
  Result<std::optional<Role>> role_of(Tx& tx, std::string_view user) const;

  Result<TokenMade> add_token(Call& call, const NewToken& in);
  Result<TokenList> tokens(Call& call) const;  // one's own; all of them for an admin
  Result<Nothing> revoke_token(Call& call, const TokenId& in);
  // A token of another kind, for the room that owns its scope: a repository's hook.
  Result<TokenMade> make_token(Call& call, TokenKind kind, std::string_view user, std::string_view scope,
                               std::string_view label);

  // A training's token: signed, in no table, good while `alive(flow, epoch)` says so.
  std::string flow_token(std::string_view flow, std::int64_t epoch) const;
  void flows_alive_by(std::function<bool(std::string_view flow, std::int64_t epoch)> alive) {
    alive_ = std::move(alive);
  }
  // The token of the runner on this machine: signed with the server's key, the same in every life of the server.
  std::string runner_token() const;
  Me me(const Who& who) const;

 private:
  struct Known;  // the snapshot
  Service(store::Store& store, std::string key, const Clock& clock, Random& random);
  Result<std::shared_ptr<const Known>> read_all(Tx& tx) const;
  Result<void> refresh(Tx& tx);  // after a change, in its transaction; seen once it is durable
  Result<Who> by_token(const Known& known, std::string_view token) const;
  std::optional<Result<Who>> by_password(const Known& known, std::string_view encoded, bool slowly);
  std::optional<Who> by_cookie(const Known& known, std::string_view cookies) const;
  std::optional<Result<Who>> find(const net::Request& head, bool slowly);
  std::string sign(std::string_view what) const;
  std::string sign_session(std::string_view user, std::string_view until) const;  // a new password ends all sessions

  store::Store& store_;
  std::string key_;
  const Clock& clock_;
  Random& random_;
  Passwords passwords_;
  Snapshot<Known> known_;
  std::function<bool(std::string_view, std::int64_t)> alive_;
};

// Whether every route of the table names a permission, but for the paths that are meant to be open to all. The error names the first that
// does not.
Result<void> every_route_has_permission(const net::Router& router, std::span<const std::string_view> open_to_all);

constexpr std::string_view session_cookie = "pawl_session";
constexpr Micros session_time = std::chrono::hours(12);

}  // namespace pawl::access
