#include "wire/mlflow/filter_lex.h"
#include "wire/mlflow/texts.h"

namespace pawl::mlflow {
namespace {

struct Order {
  std::string_view field{};
  bool ascending = true;
};

Result<Order> split(std::string_view text) {
  const auto tokens = tokens_of(text);
  const bool is_field = !tokens.empty() && (tokens[0].kind == Token::name ||
                                            (tokens[0].kind == Token::quoted && tokens[0].text[0] == '"'));
  if (!is_field || tokens.size() > 2 ||
      (tokens.size() == 2 && tokens[1].kind != Token::name && tokens[1].kind != Token::quoted))
    return refuse("Invalid order_by clause '" + std::string(text) + "'. Could not be parsed.");
  if (tokens.size() == 1) return Order{tokens[0].text, true};
  const auto way = lower(tokens[1].text);
  if (way != "asc" && way != "desc")
    return refuse("Invalid ordering key in order_by clause '" + std::string(text) + "'.");
  return Order{tokens[0].text, way == "asc"};
}

Result<OrderBy> parse_one(std::string_view text, Searched searched) {
  TRY(order, split(text));
  if (searched == Searched::registered_models) {
    const auto key = order.field;
    if (key == "name") return OrderBy{Entity::attribute, "name", order.ascending};
    if (key == "timestamp" || key == "last_updated_timestamp")
      return OrderBy{Entity::attribute, "last_updated_timestamp", order.ascending};
    return refuse("Invalid order by key '" + std::string(key) + "' specified. Valid keys are '{'timestamp', 'name'}'");
  }
  TRY(id, read_identifier(order.field, searched, true));
  if (id.entity == Entity::dataset) return refuse("Invalid identifier type 'dataset'");
  if (searched == Searched::model_versions && id.entity != Entity::attribute)
    return refuse(
        "Invalid order by key '" + id.key +
        "' specified. Valid keys are {'name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'}");
  if (searched != Searched::runs && id.entity != Entity::attribute)
    return refuse("Invalid order_by entity: " + std::string(entity_word(id.entity)));
  return OrderBy{id.entity, id.key, order.ascending};
}

}  // namespace

Result<std::vector<OrderBy>> parse_order_by(const std::vector<std::string>& texts, Searched searched) {
  std::vector<OrderBy> out;
  for (const auto& text : texts) {
    TRY(order, parse_one(text, searched));
    if (searched != Searched::experiments &&
        std::ranges::any_of(out, [&](const OrderBy& o) { return o.entity == order.entity && o.key == order.key; }))
      return fail(Code::internal, "`order_by` contains duplicate fields: " + python_list(texts));
    out.push_back(std::move(order));
  }
  return out;
}

Result<OrderBy> parse_logged_model_order(std::string_view field, bool ascending) {
  const auto dot = field.find('.');
  if (dot != field.npos && field.substr(0, dot) != "metrics" && field.substr(0, dot) != "attributes")
    return refuse("Invalid order by field name: " + std::string(field) + ". Only metrics are supported.");
  auto id = read_identifier(field, Searched::logged_models, true);
  if (!id) return refuse("Invalid order by field name: " + std::string(field));
  return OrderBy{id->entity, id->key, ascending};
}

}  // namespace pawl::mlflow
