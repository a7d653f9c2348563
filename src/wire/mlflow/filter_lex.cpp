#include "wire/mlflow/filter_lex.h"

#include "wire/mlflow/texts.h"

namespace pawl::mlflow {
namespace {

bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool name_char(char c) {
  return digit(c) || c == '_' || c == '$' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

// The end of the quoted text that starts at `from`, behind its closing quote; npos when it never closes. Doubled quotes stay inside.
std::size_t quoted_end(std::string_view s, std::size_t from) {
  const char quote = s[from];
  for (std::size_t i = from + 1; i < s.size(); ++i) {
    if (s[i] == '\\' && quote != '`' && i + 1 < s.size() && s[i + 1] == quote)
      ++i;
    else if (s[i] == quote) {
      if (quote != '`' && i + 1 < s.size() && s[i + 1] == quote)
        ++i;
      else
        return i + 1;
    }
  }
  return s.npos;
}

std::size_t name_end(std::string_view s, std::size_t at) {
  for (;;) {
    if (at < s.size() && (s[at] == '`' || s[at] == '"')) {
      const auto end = quoted_end(s, at);
      if (end == s.npos) return at;
      at = end;
    } else {
      while (at < s.size() && name_char(s[at])) ++at;
    }
    if (at + 1 >= s.size() || s[at] != '.' || !(name_char(s[at + 1]) || s[at + 1] == '`' || s[at + 1] == '"'))
      return at;
    ++at;
  }
}

std::size_t number_end(std::string_view s, std::size_t at) {
  if (s[at] == '-' || s[at] == '+') ++at;
  const auto digits = [&] {
    while (at < s.size() && digit(s[at])) ++at;
  };
  digits();
  if (at < s.size() && s[at] == '.') {
    ++at;
    digits();
  }
  if (at < s.size() && (s[at] == 'e' || s[at] == 'E')) {
    auto exponent = at + 1;
    if (exponent < s.size() && (s[exponent] == '-' || s[exponent] == '+')) ++exponent;
    if (exponent < s.size() && digit(s[exponent])) {
      at = exponent;
      digits();
    }
  }
  return at;
}
bool starts_number(std::string_view s, std::size_t at) {
  if (s[at] == '-' || s[at] == '+') ++at;
  if (at < s.size() && s[at] == '.') ++at;
  return at < s.size() && digit(s[at]);
}

std::size_t group_end(std::string_view s, std::size_t from) {
  int depth = 0;
  for (std::size_t i = from; i < s.size(); ++i) {
    if (s[i] == '\'' || s[i] == '"') {
      const auto end = quoted_end(s, i);
      if (end == s.npos) return s.npos;
      i = end - 1;
    } else if (s[i] == '(') {
      ++depth;
    } else if (s[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  return s.npos;
}

Token word_token(std::string_view text) {
  std::string word = upper(text);
  if (word == "LIKE" || word == "ILIKE" || word == "RLIKE") return {Token::comparator, text, std::move(word)};
  for (std::string_view k : {"AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN"})
    if (word == k) return {Token::keyword, text, std::move(word)};
  return {Token::name, text, {}};
}

Token next_token(std::string_view s, std::size_t at) {
  const char c = s[at];
  auto made = [&](Token::Kind kind, std::size_t end) { return Token{kind, s.substr(at, end - at), {}}; };
  if (c == '\'') {
    const auto end = quoted_end(s, at);
    return end == s.npos ? made(Token::other, at + 1) : made(Token::quoted, end);
  }
  if (c == '(') {
    const auto end = group_end(s, at);
    return end == s.npos ? made(Token::other, at + 1) : made(Token::group, end);
  }
  if (c == '"' || c == '`') {
    const auto end = name_end(s, at);
    if (end == at) return made(Token::other, at + 1);
    return made(c == '"' && quoted_end(s, at) == end ? Token::quoted : Token::name, end);
  }
  if (s.substr(at).starts_with("--"))
    return made(Token::other, std::min(s.find('\n', at), s.size()));  // a comment, refused whole
  if (starts_number(s, at)) return made(Token::number, number_end(s, at));
  if (name_char(c)) {
    const auto end = name_end(s, at);
    return word_token(s.substr(at, end - at));
  }
  if (c == '=' || c == '!' || c == '<' || c == '>') {
    auto end = at;
    while (end < s.size() && std::string_view("=!<>").contains(s[end])) ++end;
    auto token = made(Token::comparator, end);
    token.word = std::string(token.text);
    return token;
  }
  return made(Token::other, at + 1);
}

constexpr std::string_view trim_quotes(std::string_view s) {
  for (char quote : {'\'', '"', '`'})
    if (s.size() >= 2 && s.front() == quote && s.back() == quote) s = s.substr(1, s.size() - 2);
  return s;
}

using Names = std::span<const std::string_view>;
constexpr std::string_view run_keys[] = {"run_id",       "run_name", "user_id", "status",   "start_time", "end_time",
                                         "artifact_uri", "created",  "Created", "run name", "Run name",   "Run Name"};
constexpr std::string_view run_order_keys[] = {"run_id",   "run_name",     "user_id", "status", "start_time",
                                               "end_time", "artifact_uri", "created", "Created"};
constexpr std::string_view experiment_keys[] = {"name", "experiment_id", "creation_time", "last_update_time"};
constexpr std::string_view model_keys[] = {"name"};
constexpr std::string_view version_keys[] = {"name", "version_number", "run_id", "source_path"};
constexpr std::string_view version_order_keys[] = {"name", "version_number", "creation_timestamp",
                                                   "last_updated_timestamp"};
constexpr std::string_view logged_keys[] = {"name",
                                            "model_id",
                                            "model_type",
                                            "status",
                                            "source_run_id",
                                            "experiment_id",
                                            "artifact_location",
                                            "creation_timestamp",
                                            "creation_time",
                                            "creation_timestamp_ms",
                                            "last_updated_timestamp",
                                            "last_updated_timestamp_ms"};
constexpr std::string_view dataset_keys[] = {"name", "digest", "context"};

Names keys_of(Searched searched, bool for_order) {
  switch (searched) {
    case Searched::runs: return for_order ? Names(run_order_keys) : Names(run_keys);
    case Searched::experiments: return experiment_keys;
    case Searched::registered_models: return model_keys;
    case Searched::model_versions: return for_order ? Names(version_order_keys) : Names(version_keys);
    case Searched::logged_models: return logged_keys;
  }
  std::unreachable();
}

std::string set_of(Names names) {
  std::string out = "{";
  for (auto n : names) out.append(out.size() > 1 ? ", " : "").append(python_repr(n));
  return out + "}";
}

std::string canonical_key(std::string_view key, Searched searched) {
  if (key == "created" || key == "Created") return "start_time";
  if (key == "run name" || key == "Run name" || key == "Run Name") return "run_name";
  if (searched == Searched::logged_models) {
    if (key == "creation_time" || key == "creation_timestamp_ms") return "creation_timestamp";
    if (key == "last_updated_timestamp_ms") return "last_updated_timestamp";
  }
  return std::string(key);
}

std::optional<Entity> run_entity(std::string_view word) {
  if (word == "attribute" || word == "attributes" || word == "attr" || word == "run") return Entity::attribute;
  if (word == "metric" || word == "metrics") return Entity::metric;
  if (word == "parameter" || word == "parameters" || word == "param" || word == "params") return Entity::param;
  if (word == "tag" || word == "tags") return Entity::tag;
  if (word == "dataset" || word == "datasets") return Entity::dataset;
  return std::nullopt;
}
std::optional<Entity> model_entity(std::string_view word) {
  if (word == "attributes") return Entity::attribute;
  if (word == "metrics") return Entity::metric;
  if (word == "params") return Entity::param;
  if (word == "tags") return Entity::tag;
  return std::nullopt;
}

Result<Entity> entity_of(std::string_view word, Searched searched) {
  const std::string name(word);
  switch (searched) {
    case Searched::runs:
      if (auto e = run_entity(trim_quotes(word))) return *e;
      return refuse("Invalid entity type '" + name +
                    "'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']");
    case Searched::logged_models:
      if (auto e = model_entity(word)) return *e;
      return refuse("Invalid entity type: '" + name +
                    "'. Expected one of ['attributes', 'metrics', 'params', 'tags'].");
    default:
      if (word == "attribute" || word == "attributes") return Entity::attribute;
      if (word == "tag" || word == "tags") return Entity::tag;
      return refuse("Invalid entity type '" + name + "'. Valid entity types are ('attribute', 'tag', 'tags')");
  }
}

}  // namespace

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> out;
  for (std::size_t at = 0; at < text.size();) {
    if (space(text[at])) {
      ++at;
      continue;
    }
    out.push_back(next_token(text, at));
    at += out.back().text.size();
  }
  return out;
}

std::string_view entity_word(Entity e) {
  static constexpr std::string_view names[] = {"attribute", "metric", "parameter", "tag", "dataset"};
  return names[static_cast<std::size_t>(e)];
}

Result<Identifier> read_identifier(std::string_view text, Searched searched, bool for_order) {
  Identifier out;
  const bool whole = !text.empty() && (text[0] == '`' || text[0] == '"') && text.find(text[0], 1) == text.size() - 1;
  const auto dot = whole ? text.npos : text.find('.');
  if (dot == text.npos) {
    out.key = trim_quotes(text);
  } else {
    TRY(entity, entity_of(text.substr(0, dot), searched));
    out.entity = entity;
    out.key = trim_quotes(text.substr(dot + 1));
  }
  if (out.entity == Entity::attribute) {
    const auto keys = keys_of(searched, for_order);
    if (std::ranges::find(keys, out.key) == keys.end())
      return refuse("Invalid attribute key '" + out.key + "' specified. Valid keys are '" + set_of(keys) + "'");
    out.key = canonical_key(out.key, searched);
  } else if (out.entity == Entity::dataset && std::ranges::find(dataset_keys, out.key) == std::end(dataset_keys)) {
    return refuse("Invalid dataset key '" + out.key + "' specified. Valid keys are '" + set_of(dataset_keys) + "'");
  }
  return out;
}

}  // namespace pawl::mlflow
