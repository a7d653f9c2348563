// Rows of accounts, their addresses and tokens.
#pragma once
#include "access/types.h"
#include "store/sql.h"

namespace pawl::access::rows {

struct Account {
  std::string name{};
  Role role{};
  std::string password_hash{};  // argon2id; empty: none
  Time created{};
};
struct TokenRow {
  Token token{};
  std::string digest{};  // SHA-256, hex
};
Result<std::vector<Account>> accounts(Tx& tx);
Result<std::optional<Account>> account(Tx& tx, std::string_view name);
Result<void> put_account(Tx& tx, const Account& account);    // new, or changed
Result<void> remove_account(Tx& tx, std::string_view name);  // with its addresses and tokens

Result<std::vector<std::pair<std::string, std::string>>> emails(Tx& tx);  // account, address
Result<std::optional<std::string>> account_of_email(Tx& tx, std::string_view email);
Result<void> put_email(Tx& tx, std::string_view email, std::string_view account);

Result<std::vector<TokenRow>> tokens(Tx& tx);
Result<void> put_token(Tx& tx, const TokenRow& token, Time created);
Result<std::int64_t> remove_token(Tx& tx, std::string_view id);

}  // namespace pawl::access::rows
