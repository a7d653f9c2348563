// Tokens of filters and order_by clauses, cut as MLflow's SQL lexer cuts them. Only filter.cpp and order_by.cpp include this.
#pragma once
#include "wire/mlflow/filter.h"

namespace pawl::mlflow {

struct Token {
  enum Kind {
    name,        // a.b, a.`b c`, a."b c", `a b`
    quoted,      // 'text', or "text", which may be a name too
    number,      // 1, -1.5, 1e-3
    comparator,  // = != < LIKE …, also those that do not exist (==, <>)
    group,       // ( … )
    keyword,     // AND OR NOT IN IS NULL
    other,       // anything else, a character each
  } kind{};
  std::string_view text{};
  std::string word{};  // keyword, comparator: in upper case
};
// Nothing is refused here; a second statement after `;` shows as a token.
std::vector<Token> tokens_of(std::string_view text);

struct Identifier {
  Entity entity{};
  std::string key{};
};
Result<Identifier> read_identifier(std::string_view text, Searched searched, bool for_order);
std::string_view entity_word(Entity e);  // metric, parameter, tag, attribute, dataset

}  // namespace pawl::mlflow
