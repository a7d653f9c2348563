// One pass: tokens are joined to comparisons, what is neither a comparison nor AND is refused by name; then each comparison is checked.
#include "wire/mlflow/filter.h"

#include <charconv>

#include "wire/mlflow/filter_lex.h"
#include "wire/mlflow/texts.h"

namespace pawl::mlflow {
namespace {

struct Clause {
  Token left{};
  std::string op{};  // upper case: "NOT IN", "IS NULL"
  Token right{};     // nothing for IS [NOT] NULL
};

constexpr std::pair<std::string_view, Compare> symbols[] = {{"=", Compare::eq},
                                                            {"!=", Compare::ne},
                                                            {"<", Compare::lt},
                                                            {"<=", Compare::le},
                                                            {">", Compare::gt},
                                                            {">=", Compare::ge},
                                                            {"LIKE", Compare::like},
                                                            {"ILIKE", Compare::ilike},
                                                            {"IN", Compare::in},
                                                            {"NOT IN", Compare::not_in},
                                                            {"IS NULL", Compare::is_null},
                                                            {"IS NOT NULL", Compare::not_null}};
using Ops = std::span<const std::string_view>;
constexpr std::string_view numeric_ops[] = {"<", "<=", ">", ">=", "=", "!="};
constexpr std::string_view text_ops[] = {"=", "!=", "LIKE", "ILIKE"};
constexpr std::string_view null_ops[] = {"=", "!=", "LIKE", "ILIKE", "IS NULL", "IS NOT NULL"};
constexpr std::string_view list_ops[] = {"=", "!=", "LIKE", "ILIKE", "IN", "NOT IN"};
constexpr std::string_view id_ops[] = {"=", "!=", "IN", "NOT IN"};

bool has(Ops ops, std::string_view op) { return std::ranges::find(ops, op) != ops.end(); }
bool is_word(const Token& t, std::string_view word) { return t.kind == Token::keyword && t.word == word; }
bool is_value(const Token& t) {
  return t.kind == Token::quoted || t.kind == Token::number || t.kind == Token::name || t.kind == Token::group;
}
bool can_be_name(const Token& t) { return t.kind == Token::name || (t.kind == Token::quoted && t.text[0] == '"'); }

// A comparison that starts at `at`: its clause and how many tokens it takes, 0 when there is none.
std::size_t clause_at(const std::vector<Token>& t, std::size_t at, Clause& out) {
  const auto left = t.size() - at;
  if (left < 3 || !is_value(t[at])) return 0;
  out.left = t[at];
  if (t[at + 1].kind == Token::comparator && is_value(t[at + 2])) {
    out.op = t[at + 1].word;
    out.right = t[at + 2];
    return 3;
  }
  if (left >= 4 && is_word(t[at + 1], "NOT") && t[at + 2].kind == Token::comparator && is_value(t[at + 3])) {
    out.op = "NOT " + t[at + 2].word;
    out.right = t[at + 3];
    return 4;
  }
  if (!can_be_name(t[at])) return 0;
  if (is_word(t[at + 1], "IN") && t[at + 2].kind == Token::group) {
    out.op = "IN";
    out.right = t[at + 2];
    return 3;
  }
  if (is_word(t[at + 1], "IS") && is_word(t[at + 2], "NULL")) {
    out.op = "IS NULL";
    return 3;
  }
  if (left >= 4 && is_word(t[at + 1], "IS") && is_word(t[at + 2], "NOT") && is_word(t[at + 3], "NULL")) {
    out.op = "IS NOT NULL";
    return 4;
  }
  if (left >= 4 && is_word(t[at + 1], "NOT") && is_word(t[at + 2], "IN") && t[at + 3].kind == Token::group) {
    out.op = "NOT IN";
    out.right = t[at + 3];
    return 4;
  }
  return 0;
}

Result<std::vector<Clause>> clauses_of(std::string_view text, Searched searched) {
  const auto tokens = tokens_of(text);
  std::vector<Clause> out;
  std::string bad;
  for (std::size_t at = 0; at < tokens.size();) {
    Clause clause;
    if (const auto taken = clause_at(tokens, at, clause)) {
      out.push_back(std::move(clause));
      at += taken;
      continue;
    }
    const auto& token = tokens[at++];
    if (is_word(token, "AND")) continue;
    if (token.text == ";") {
      if (at == tokens.size()) continue;
      return refuse("Search filter contained multiple expression " + python_repr(text) +
                    ". Provide AND-ed expression list.");
    }
    bad.append(bad.empty() ? "" : ", ");
    if (searched == Searched::runs)
      bad.append("'").append(token.text).append("'");
    else
      bad.append(token.text);
  }
  if (bad.empty()) return out;
  if (searched == Searched::logged_models)
    return refuse(
        "Invalid filter string: " + python_repr(text) +
        ". Expected a list of comparisons separated by 'AND' (e.g. 'metrics.loss > 0.1 AND params.lr = 0.01').");
  return refuse("Invalid clause(s) in filter string: " + bad);
}

std::string set_of(Ops ops) {
  std::string out = "{";
  for (auto op : ops) out.append(out.size() > 1 ? ", " : "").append(python_repr(op));
  return out + "}";
}

bool numeric(const Identifier& id, Searched searched) {
  if (id.entity == Entity::metric) return true;
  if (id.entity != Entity::attribute) return false;
  switch (searched) {
    case Searched::runs: return id.key == "start_time" || id.key == "end_time";
    case Searched::experiments: return id.key == "creation_time" || id.key == "last_update_time";
    case Searched::model_versions: return id.key == "version_number";
    case Searched::registered_models: return false;
    case Searched::logged_models: return id.key == "creation_timestamp" || id.key == "last_updated_timestamp";
  }
  std::unreachable();
}

Ops ops_of(const Identifier& id, Searched searched) {
  if (numeric(id, searched)) return numeric_ops;
  if (searched == Searched::logged_models) return list_ops;
  switch (id.entity) {
    case Entity::metric: return numeric_ops;
    case Entity::param: return null_ops;
    case Entity::tag:
      return searched == Searched::runs || searched == Searched::experiments ? Ops(null_ops) : Ops(text_ops);
    case Entity::dataset: return list_ops;
    case Entity::attribute:
      return searched == Searched::experiments && id.key == "experiment_id" ? Ops(id_ops) : Ops(list_ops);
  }
  std::unreachable();
}

Result<void> check_op(const Identifier& id, std::string_view op, Searched searched) {
  const auto ops = ops_of(id, searched);
  if (op.starts_with("IS ") && !has(ops, op)) {
    if (searched == Searched::runs)
      return refuse("IS NULL / IS NOT NULL is only supported for tags and params, not for '" +
                    std::string(entity_word(id.entity)) + "' '" + id.key + "'");
    if (searched == Searched::experiments)
      return refuse("IS NULL / IS NOT NULL is only supported for tags, not for attribute '" + id.key + "'");
  }
  if (has(ops, op)) return {};
  if (searched == Searched::experiments && id.key == "experiment_id" && id.entity == Entity::attribute)
    return refuse("Invalid comparator for experiment_id: " + std::string(op));
  if (searched == Searched::logged_models) {
    static constexpr std::string_view plural[] = {"attributes", "metrics", "params", "tags", ""};
    std::string list = set_of(ops);
    list.front() = '(';
    list.back() = ')';
    return refuse("Invalid comparison operator for " + std::string(plural[static_cast<std::size_t>(id.entity)]) + "." +
                  id.key + ": " + python_repr(op) + ". Expected one of " + list + ".");
  }
  if (searched == Searched::registered_models || searched == Searched::model_versions) {
    const std::string of = id.entity == Entity::tag ? "tag"
                           : numeric(id, searched)  ? "attribute " + id.key
                                                    : "attribute";
    return refuse("Invalid comparator for " + of + ": " + std::string(op));
  }
  return refuse("Invalid comparator '" + std::string(op) + "' not one of '" + set_of(ops) + "'");
}

std::string_view unquoted(std::string_view s) { return s.substr(1, s.size() - 2); }

// A Python tuple of strings: 'a', "b". Adjacent strings join, a last comma may stand.
Result<std::vector<std::string>> list_of(std::string_view group) {
  const auto ill_formed =
      "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.";
  const auto tokens = tokens_of(unquoted(group));
  std::vector<std::string> out;
  bool open = false;  // a value has just been read
  for (const auto& t : tokens) {
    if (t.kind == Token::quoted) {
      if (open)
        out.back() += unquoted(t.text);
      else
        out.emplace_back(unquoted(t.text));
      open = true;
    } else if (t.text == "," && open) {
      open = false;
    } else if (t.kind == Token::number) {
      return refuse(
          "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different "
          "type in list: " +
          std::string(group));
    } else {
      return refuse(ill_formed);
    }
  }
  if (out.empty())
    return refuse("While parsing a list in the query, expected a non-empty list of string values, but got empty list");
  return out;
}

Result<double> number_of(const Token& t) {
  double out = 0;
  const auto text = t.text.starts_with('+') ? t.text.substr(1) : t.text;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec == std::errc::invalid_argument || end != text.data() + text.size())
    return refuse("Invalid number " + std::string(t.text));
  return out;  // past the range it is what from_chars left: 0 or the largest
}

Result<std::string> text_of(const Token& t, std::string_view expected) {
  if (t.kind == Token::quoted) return std::string(unquoted(t.text));
  if (t.kind == Token::name)
    return refuse("Parameter value is either not quoted or unidentified quote types used for string value " +
                  std::string(t.text) + ". Use either single or double quotes.");
  return refuse(std::string(expected) + std::string(t.text));
}

bool lists_allowed(const Identifier& id, Searched searched) {
  switch (searched) {
    case Searched::runs: return id.key == "run_id" || id.entity == Entity::dataset;
    case Searched::experiments: return id.key == "experiment_id";
    case Searched::registered_models: return id.key == "name";
    case Searched::model_versions: return id.key == "name" || id.key == "run_id";
    case Searched::logged_models: return true;
  }
  std::unreachable();
}
std::string_view list_names(Searched searched) {
  switch (searched) {
    case Searched::experiments: return "['experiment_id']";
    case Searched::registered_models: return "['name']";
    case Searched::model_versions: return "['name', 'run_id']";
    default: return "['run_id']";
  }
}

Result<decltype(Comparison::value)> value_of(const Identifier& id, const Token& t, Searched searched) {
  std::string got(t.text);
  if (numeric(id, searched)) {
    if (searched == Searched::model_versions) {
      const Token digits{Token::number, t.kind == Token::quoted ? unquoted(t.text) : t.text, {}};
      if (digits.text.empty() || !std::ranges::all_of(digits.text, [](char c) { return c >= '0' && c <= '9'; }))
        return refuse("Invalid value for numeric attribute '" + id.key + "': " + got);
      TRY(version, number_of(digits));
      return version;
    }
    if (t.kind != Token::number) {
      if (id.entity == Entity::metric) return refuse("Expected numeric value type for metric. Found " + got);
      return refuse("Expected numeric value type for numeric attribute: " + id.key + ". Found " + got);
    }
    TRY(number, number_of(t));
    return number;
  }
  if (t.kind == Token::group && id.entity != Entity::param &&
      (id.entity != Entity::tag || searched == Searched::logged_models)) {
    if (!lists_allowed(id, searched))
      return refuse("Only " + std::string(list_names(searched)) +
                    " attributes support comparison with a list of quoted string values.");
    TRY(list, list_of(t.text));
    return list;
  }
  if (t.kind == Token::group && searched == Searched::logged_models) {
    TRY(list, list_of(t.text));
    return list;
  }
  if (searched == Searched::logged_models && t.kind == Token::number) return got;
  if (searched == Searched::model_versions && id.entity == Entity::attribute && t.kind == Token::number)
    return refuse(
        "Only the '{'version_number', 'creation_timestamp', 'last_updated_timestamp'}' attributes support comparison "
        "with numeric values.");
  std::string expected;
  if (id.entity == Entity::param || id.entity == Entity::tag)
    expected =
        "Expected a quoted string value for " + std::string(entity_word(id.entity)) + " (e.g. 'my-value'). Got value ";
  else if (id.entity == Entity::dataset)
    expected = "Expected a quoted string value for dataset attributes. Got value ";
  else if (searched == Searched::runs || searched == Searched::experiments)
    expected = "Expected a quoted string value for attributes. Got value ";
  else
    expected = "Expected a quoted string value or a list of quoted string values for attributes. Got value ";
  TRY(text, text_of(t, expected));
  return text;
}

Result<Comparison> comparison_of(const Clause& clause, Searched searched) {
  if (!can_be_name(clause.left))
    return refuse("Invalid comparison clause. Expected 'Identifier' found '" + std::string(clause.left.text) + "'");
  TRY(id, read_identifier(clause.left.text, searched, false));
  Comparison out{.entity = id.entity, .key = id.key};
  if (clause.op.starts_with("IS ")) {
    TRY_(check_op(id, clause.op, searched));
  } else {
    if (searched == Searched::logged_models)
      TRY_(check_op(id, clause.op, searched));  // there the comparison is looked at first
    TRY(value, value_of(id, clause.right, searched));
    TRY_(check_op(id, clause.op, searched));
    out.value = std::move(value);
    const bool list = std::holds_alternative<std::vector<std::string>>(out.value);
    if (list != (clause.op == "IN" || clause.op == "NOT IN"))
      return refuse("Invalid comparator '" + clause.op + "' for the value " + std::string(clause.right.text));
  }
  for (const auto& [text, compare] : symbols)
    if (text == clause.op) out.compare = compare;
  return out;
}

std::string quoted_value(const std::string& text) {
  return text.contains('\'') ? "\"" + text + "\"" : "'" + text + "'";
}

}  // namespace

std::string_view symbol(Compare c) {
  for (const auto& [text, compare] : symbols)
    if (compare == c) return text;
  std::unreachable();
}

Result<Filter> parse_filter(std::string_view text, Searched searched) {
  if (!text.empty() && text.find_first_not_of(" \t\r\n") == text.npos)
    return refuse("Invalid filter '" + std::string(text) + "'. Could not be parsed.");
  TRY(clauses, clauses_of(text, searched));
  Filter out;
  for (const auto& clause : clauses) {
    TRY(comparison, comparison_of(clause, searched));
    out.push_back(std::move(comparison));
  }
  return out;
}

std::string print(const Filter& filter, Searched searched) {
  static constexpr std::string_view plural[] = {"attributes", "metrics", "params", "tags", "datasets"};
  std::string out;
  for (const auto& c : filter) {
    out.append(out.empty() ? "" : " AND ");
    const bool singular =
        searched != Searched::runs && searched != Searched::logged_models && c.entity == Entity::attribute;
    out.append(singular ? "attribute" : plural[static_cast<std::size_t>(c.entity)])
        .append(".`")
        .append(c.key)
        .append("` ")
        .append(symbol(c.compare));
    if (auto* number = std::get_if<double>(&c.value)) {
      char buffer[32];
      auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, *number);
      out.append(" ").append(buffer, end);
    } else if (auto* text = std::get_if<std::string>(&c.value)) {
      out.append(" ").append(quoted_value(*text));
    } else if (auto* list = std::get_if<std::vector<std::string>>(&c.value)) {
      std::string items;
      for (const auto& item : *list) items.append(items.empty() ? "" : ", ").append(quoted_value(item));
      out.append(" (").append(items).append(")");
    }
  }
  return out;
}

}  // namespace pawl::mlflow
