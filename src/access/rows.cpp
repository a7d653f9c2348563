#include "access/rows.h"

namespace pawl::access::rows {
namespace {
// Roles are kept per project; there is one project until more are needed.
constexpr Sql accounts_sql{"access.accounts", R"(
  SELECT a.name, r.role, a.password_hash, a.created FROM account a
  JOIN account_role r ON r.account = a.name AND r.project_id = 'default' ORDER BY a.name)"};
constexpr Sql account_sql{"access.account", R"(
  SELECT a.name, r.role, a.password_hash, a.created FROM account a
  JOIN account_role r ON r.account = a.name AND r.project_id = 'default' WHERE a.name = $1)"};
constexpr Sql put_account_sql{"access.put_account", R"(
  INSERT INTO account (name, password_hash, created) VALUES ($1, $2, $3)
  ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash)"};
constexpr Sql put_role_sql{"access.put_role", R"(
  INSERT INTO account_role (account, role) VALUES ($1, $2)
  ON CONFLICT (project_id, account) DO UPDATE SET role = excluded.role)"};
constexpr Sql remove_roles_sql{"access.remove_roles", "DELETE FROM account_role WHERE account = $1"};
constexpr Sql remove_emails_sql{"access.remove_emails", "DELETE FROM account_email WHERE account = $1"};
constexpr Sql remove_account_sql{"access.remove_account", "DELETE FROM account WHERE name = $1"};
constexpr Sql remove_tokens_of_sql{"access.remove_tokens_of", "DELETE FROM token WHERE account = $1"};
constexpr Sql emails_sql{"access.emails", "SELECT account, email FROM account_email ORDER BY account, email"};
constexpr Sql account_of_email_sql{"access.account_of_email", "SELECT account FROM account_email WHERE email = $1"};
constexpr Sql put_email_sql{"access.put_email",
                            "INSERT INTO account_email (email, account) VALUES ($1, $2) ON CONFLICT (email) DO UPDATE "
                            "SET account = excluded.account"};
constexpr Sql tokens_sql{
    "access.tokens",
    "SELECT id, digest, kind, account, scope, label, made_by, created FROM token ORDER BY created, id"};
constexpr Sql put_token_sql{"access.put_token",
                            "INSERT INTO token (id, digest, kind, account, scope, label, made_by, created) VALUES ($1, "
                            "$2, $3, $4, $5, $6, $7, $8)"};
constexpr Sql remove_token_sql{"access.remove_token", "DELETE FROM token WHERE id = $1"};

Account read_account(const Row& r) {
  return {r.text(0), from_word<Role>(r.view(1)).value_or(Role::none), r.text(2), r.time(3)};
}
}  // namespace

Result<std::vector<Account>> accounts(Tx& tx) { return tx.all(accounts_sql, read_account); }
Result<std::optional<Account>> account(Tx& tx, std::string_view name) {
  return tx.one(account_sql, read_account, name);
}
Result<void> put_account(Tx& tx, const Account& a) {
  TRY_(tx.exec(put_account_sql, a.name, a.password_hash, a.created));
  TRY_(tx.exec(put_role_sql, a.name, a.role));
  return {};
}
Result<void> remove_account(Tx& tx, std::string_view name) {
  TRY_(tx.exec(remove_tokens_of_sql, name));
  TRY_(tx.exec(remove_emails_sql, name));
  TRY_(tx.exec(remove_roles_sql, name));
  TRY_(tx.exec(remove_account_sql, name));
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> emails(Tx& tx) {
  return tx.all(emails_sql, [](const Row& r) { return std::pair(r.text(0), r.text(1)); });
}
Result<std::optional<std::string>> account_of_email(Tx& tx, std::string_view email) {
  return tx.one(account_of_email_sql, [](const Row& r) { return r.text(0); }, email);
}
Result<void> put_email(Tx& tx, std::string_view email, std::string_view account) {
  TRY_(tx.exec(put_email_sql, email, account));
  return {};
}

Result<std::vector<TokenRow>> tokens(Tx& tx) {
  return tx.all(tokens_sql, [](const Row& r) {
    return TokenRow{.token = {.id = r.text(0),
                              .kind = from_word<TokenKind>(r.view(2)).value_or(TokenKind::person),
                              .user = r.text(3),
                              .scope = r.text(4),
                              .label = r.text(5),
                              .made_by = r.text(6),
                              .created = to_rfc3339(r.time(7))},
                    .digest = r.text(1)};
  });
}
Result<void> put_token(Tx& tx, const TokenRow& t, Time created) {
  TRY_(tx.exec(put_token_sql, t.token.id, t.digest, t.token.kind, t.token.user, t.token.scope, t.token.label,
               t.token.made_by, created));
  return {};
}
Result<std::int64_t> remove_token(Tx& tx, std::string_view id) { return tx.exec(remove_token_sql, id); }

}  // namespace pawl::access::rows
