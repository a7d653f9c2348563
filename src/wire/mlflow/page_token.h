// Page tokens: base64 of a small JSON object. Clients hand them back untouched.
#pragma once
#include "core/result.h"

namespace pawl::mlflow {

std::string make_page_token(std::int64_t offset);
Result<std::int64_t> read_page_token(std::string_view token);  // an empty token is offset 0

// The token of a logged-model search is bound to what was asked for.
struct SearchToken {
  std::int64_t offset = 0;
  std::vector<std::string> experiment_ids{};
  std::string filter{};
  std::string order_by{};  // as JSON
};
std::string make_search_token(const SearchToken& token);
Result<std::int64_t> read_search_token(std::string_view token,
                                       const SearchToken& asked);  // `asked.offset` is not looked at

}  // namespace pawl::mlflow
