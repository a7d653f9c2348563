#include "wire/mlflow/page_token.h"

#include "core/hash.h"
#include "core/json.h"
#include "wire/mlflow/texts.h"

namespace pawl::mlflow {
namespace {

struct Bound {
  std::int64_t offset = 0;
  std::vector<std::string> experiment_ids{};
  std::string filter_string{}, order_by{};
  static constexpr auto fields =
      std::tuple{field("offset", &Bound::offset, {.required = true}), field("experiment_ids", &Bound::experiment_ids),
                 field("filter_string", &Bound::filter_string), field("order_by", &Bound::order_by)};
};

Result<std::string> decoded(std::string_view token) {
  // As Python's b64decode: what is no character of the alphabet is skipped.
  std::string letters;
  for (char c : token)
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/' || c == '=') letters += c;
  auto text = from_base64(letters);
  if (!text) return refuse("Invalid page token, could not base64-decode");
  return *text;
}

}  // namespace

std::string make_page_token(std::int64_t offset) { return base64("{\"offset\": " + std::to_string(offset) + "}"); }

Result<std::int64_t> read_page_token(std::string_view token) {
  if (token.empty()) return 0;
  TRY(text, decoded(token));
  auto bound = decode<Bound>(text, {.unknown = UnknownKeys::ignore});
  if (!bound || bound->offset < 0) return refuse("Invalid page token, decoded value=b" + python_repr(text));
  if (bound->offset == 0) return refuse("Invalid page token, parsed value={'offset': 0}");
  return bound->offset;
}

std::string make_search_token(const SearchToken& t) {
  return base64(encode(Bound{t.offset, t.experiment_ids, t.filter, t.order_by}));
}

Result<std::int64_t> read_search_token(std::string_view token, const SearchToken& asked) {
  if (token.empty()) return 0;
  TRY(text, decoded(token));
  auto bound = decode<Bound>(text, {.unknown = UnknownKeys::ignore});
  if (!bound || bound->offset < 0) return refuse("Invalid page token: " + std::string(token));
  if (bound->experiment_ids != asked.experiment_ids)
    return refuse("Experiment IDs in the page token do not match the requested experiment IDs. Expected: " +
                  python_list(asked.experiment_ids) + ". Found: " + python_list(bound->experiment_ids));
  if (bound->filter_string != asked.filter)
    return refuse("Filter string in the page token does not match the requested filter string. Expected: " +
                  asked.filter + ". Found: " + bound->filter_string);
  if (bound->order_by != asked.order_by)
    return refuse("Order by in the page token does not match the requested order by. Expected: " + asked.order_by +
                  ". Found: " + bound->order_by);
  return bound->offset;
}

}  // namespace pawl::mlflow
