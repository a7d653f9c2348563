// What access says and takes. Secrets appear only in the answer that makes them.
#pragma once
#include "core/who.h"

namespace pawl::access {

struct User {
  std::string name{};
  Role role{};
  std::vector<std::string> emails{};
  std::string created{};
  static constexpr auto fields = std::tuple{field("name", &User::name), field("role", &User::role),
                                            field("emails", &User::emails), field("created", &User::created)};
};
struct UserList {
  std::vector<User> items{};
  static constexpr auto fields = std::tuple{field("items", &UserList::items)};
};
struct NewUser {
  std::string name{};
  Role role{};
  std::string password{};  // none: the user has tokens only
  static constexpr auto fields = std::tuple{field("name", &NewUser::name, {.required = true, .chars_max = 64}),
                                            field("role", &NewUser::role, {.required = true}),
                                            field("password", &NewUser::password, {.chars_max = 1000})};
};
struct UserMade {
  std::string name{};
  Role role{};
  std::string token{};  // a first token, shown once
  static constexpr auto fields =
      std::tuple{field("name", &UserMade::name), field("role", &UserMade::role), field("token", &UserMade::token)};
};
struct UserChange {
  std::string name{};
  std::optional<Role> role{};
  std::optional<std::string> password{};
  static constexpr auto fields =
      std::tuple{field("name", &UserChange::name, {.required = true}), field("role", &UserChange::role),
                 field("password", &UserChange::password, {.chars_max = 1000})};
};
struct UserName {
  std::string name{};
  static constexpr auto fields = std::tuple{field("name", &UserName::name, {.required = true})};
};
struct EmailMap {
  std::string name{}, email{};
  static constexpr auto fields = std::tuple{field("name", &EmailMap::name, {.required = true}),
                                            field("email", &EmailMap::email, {.required = true, .chars_max = 320})};
};

enum class TokenKind { person, predictor, repo, runner };
struct Token {
  std::string id{};
  TokenKind kind{};
  std::string user{}, scope{}, label{}, made_by{}, created{};
  static constexpr auto fields =
      std::tuple{field("id", &Token::id),          field("kind", &Token::kind),   field("user", &Token::user),
                 field("scope", &Token::scope),    field("label", &Token::label), field("made_by", &Token::made_by),
                 field("created", &Token::created)};
};
struct TokenList {
  std::vector<Token> items{};
  static constexpr auto fields = std::tuple{field("items", &TokenList::items)};
};
// Exactly one of `user` (yourself when all are empty), `predict` and `runner`.
struct NewToken {
  std::string user{}, predict{}, label{};
  bool runner = false;
  static constexpr auto fields =
      std::tuple{field("user", &NewToken::user), field("predict", &NewToken::predict, {.chars_max = 250}),
                 field("label", &NewToken::label, {.chars_max = 250}), field("runner", &NewToken::runner)};
};
struct TokenMade {
  std::string id{}, token{};
  static constexpr auto fields = std::tuple{field("id", &TokenMade::id), field("token", &TokenMade::token)};
};
struct TokenId {
  std::string id{};
  static constexpr auto fields = std::tuple{field("id", &TokenId::id, {.required = true})};
};

struct Login {
  std::string name{}, password{}, token{};
  static constexpr auto fields =
      std::tuple{field("name", &Login::name), field("password", &Login::password), field("token", &Login::token)};
};
struct Me {
  std::string name{};
  Role role{};
  std::string kind{};
  bool sign_in = false;  // false: there are no users yet, every caller is a local admin
  static constexpr auto fields = std::tuple{field("name", &Me::name), field("role", &Me::role),
                                            field("kind", &Me::kind), field("sign_in", &Me::sign_in)};
};

}  // namespace pawl::access
template <> inline constexpr auto pawl::words<pawl::access::TokenKind> =
    std::to_array<std::string_view>({"person", "predictor", "repo", "runner"});
