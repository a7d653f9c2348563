#include "access/routes.h"

namespace pawl::access {
namespace {

std::string at_base(std::string_view path) { return "/api/pawl/v1" + std::string(path); }

net::Response with_cookie(const std::string& value, Micros age) {
  return {.body = "{}",
          .headers = {{"Set-Cookie",
                       std::string(session_cookie) + "=" + value +
                           "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(age.count() / 1'000'000)}}};
}

}  // namespace

void mount(net::Router& at, Service& access) {
  using enum net::Method;
  // Public, so that a page can ask before anyone has signed in: it finds out who asks by itself.
  at.add_raw({.method = GET,
              .path = at_base("/me"),
              .needs = May::anything_public,
              .on = On::pool,
              .about = "Who asks, and whether sign-in is on"},
             [&access](Ask&, const net::Request& request) -> Result<net::Response> {
               const Me me = access.me(access.who_slowly(request).value_or(Who{}));
               return net::json_response(shape<Me>, &me);
             });
  at.add({.method = POST,
          .path = at_base("/login"),
          .needs = May::anything_public,
          .on = On::pool,
          .about = "Sign a page in: a cookie for name and password, or for a token"},
         [&access](Ask&, const Login& in) -> Result<net::Response> {
           TRY(cookie, access.login(in));
           return with_cookie(cookie, session_time);
         });
  at.add({.method = POST,
          .path = at_base("/logout"),
          .needs = May::anything_public,
          .on = On::io,
          .about = "Sign a page out"},
         [](Ask&, const Nothing&) -> Result<net::Response> { return with_cookie("", {}); });

  at.add({.method = GET,
          .path = at_base("/users"),
          .needs = May::read,
          .on = On::reader,
          .about = "All users with their roles"},
         [&access](Call& call, const Nothing&) { return access.users(call.tx); });
  at.add({.method = POST,
          .path = at_base("/users"),
          .needs = May::administer,
          .on = On::pool,
          .about = "Add a user; the first one turns sign-in on"},
         [&access](Ask& ask, const NewUser& in) { return access.add_user(ask, in); });
  at.add({.method = PATCH,
          .path = at_base("/users/{name}"),
          .needs = May::administer,
          .on = On::pool,
          .about = "Change a role or a password"},
         [&access](Ask& ask, const UserChange& in) { return access.change_user(ask, in); });
  at.add({.method = DELETE,
          .path = at_base("/users/{name}"),
          .needs = May::administer,
          .on = On::writer,
          .about = "Remove a user with all tokens"},
         [&access](Call& call, const UserName& in) { return access.remove_user(call, in); });
  at.add({.method = POST,
          .path = at_base("/users/{name}/emails"),
          .needs = May::administer,
          .on = On::writer,
          .about = "Say whose commits carry an address"},
         [&access](Call& call, const EmailMap& in) { return access.map_email(call, in); });

  at.add({.method = GET,
          .path = at_base("/tokens"),
          .needs = May::read,
          .on = On::reader,
          .about = "Your tokens; for an admin all of them"},
         [&access](Call& call, const Nothing&) { return access.tokens(call); });
  at.add({.method = POST,
          .path = at_base("/tokens"),
          .needs = May::read,
          .on = On::writer,
          .about = "Make a token; it is shown once"},
         [&access](Call& call, const NewToken& in) { return access.add_token(call, in); });
  at.add({.method = DELETE,
          .path = at_base("/tokens/{id}"),
          .needs = May::read,
          .on = On::writer,
          .about = "Revoke a token"},
         [&access](Call& call, const TokenId& in) { return access.revoke_token(call, in); });
}

}  // namespace pawl::access
