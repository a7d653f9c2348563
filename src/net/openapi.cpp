// The OpenAPI 3.1 page, made from the routes and their shapes.
#include <map>
#include <set>

#include "net/router.h"

namespace pawl::net {
namespace {

constexpr std::array<std::string_view, 10> may_words{"anything_public", "read",       "track",   "approve", "propose",
                                                     "operate",         "administer", "predict", "push",    "run_jobs"};

void text(std::string& out, std::string_view t) { write_json_text(out, t); }

// "/mlflow/runs/set-tag" and POST: PostMlflowRunsSetTag.
std::string camel_of(std::string_view words) {
  std::string out;
  bool up = true;
  for (const char c : words) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter) out += up && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    up = !letter;
  }
  return out;
}
std::string operation_of(const Route& route) {
  std::string out(name_of(route.method));
  for (auto& c : out) c = static_cast<char>(c + 32);
  return out + camel_of(route.path);
}

// One schema for each object type. A type has no name of its own, so it gets that of the place where it is met first.
class Schemas {
 public:
  std::string of(const Shape& shape, const std::string& place, const FieldOptions& options = {}) {
    using enum Shape::Kind;
    switch (shape.kind) {
      case Shape::Kind::text: return limited(R"({"type":"string")", options);
      case i64: return R"({"type":"integer","format":"int64"})";
      case i32: return R"({"type":"integer","format":"int32"})";
      case real: return R"({"type":"number","format":"double"})";
      case flag: return R"({"type":"boolean"})";
      case word: return words(shape);
      case json: return "{}";
      case list: return R"({"type":"array","items":)" + of(*shape.of, place + "Item") + "}";
      case map: return R"({"type":"object","additionalProperties":)" + of(*shape.of, place + "Value") + "}";
      case maybe: return of(*shape.of, place, options);
      case object: return R"({"$ref":"#/components/schemas/)" + name(shape, place) + R"("})";
    }
    std::unreachable();
  }
  std::string all() const {
    std::string out = "{";
    for (const auto& [name, schema] : written_) {
      if (out.size() > 1) out += ',';
      text(out, name);
      out += ':' + schema;
    }
    return out + "}";
  }

 private:
  static std::string limited(std::string out, const FieldOptions& o) {
    if (o.chars_max < FieldOptions{}.chars_max && o.over == Over::refuse)
      out += R"(,"maxLength":)" + std::to_string(o.chars_max);
    return out + "}";
  }
  static std::string words(const Shape& shape) {
    std::string out = R"({"type":"string","enum":[)";
    for (const auto w : shape.words) {
      if (!out.ends_with('[')) out += ',';
      text(out, w);
    }
    return out + "]}";
  }
  std::string name(const Shape& shape, const std::string& place) {
    if (const auto known = names_.find(&shape); known != names_.end()) return known->second;
    std::string name = place;
    for (int n = 2; written_.contains(name); ++n) name = place + std::to_string(n);
    names_.emplace(&shape, name);
    written_.emplace(name, "");  // taken, before the members come
    std::string required, properties;
    for (const auto& slot : shape.slots) {
      properties += properties.empty() ? "" : ",";
      text(properties, slot.name);
      auto schema = of(*slot.shape, name + camel_of(slot.name), slot.options);
      if (!slot.options.about.empty()) {
        schema.insert(schema.size() - 1, schema.size() > 2 ? R"(,"description":)" : R"("description":)");
        std::string about;
        text(about, slot.options.about);
        schema.insert(schema.size() - 1, about);
      }
      properties += ':' + schema;
      if (!slot.options.required) continue;
      required += required.empty() ? "" : ",";
      text(required, slot.name);
    }
    auto& out = written_[name] = R"({"type":"object","properties":{)" + properties + "}";
    if (!required.empty()) out += R"(,"required":[)" + required + "]";
    out += "}";
    return name;
  }
  std::map<const Shape*, std::string> names_;
  std::map<std::string, std::string> written_;
};

std::vector<std::string> names_in(std::string_view path) {
  std::vector<std::string> out;
  for (auto open = path.find('{'); open != path.npos; open = path.find('{', open + 1)) {
    auto name = path.substr(open + 1, path.find('}', open) - open - 1);
    if (name.ends_with("...")) name.remove_suffix(3);
    out.emplace_back(name);
  }
  return out;
}
const Slot* slot_of(const Shape* shape, std::string_view name) {
  if (!shape) return nullptr;
  const auto at = std::ranges::find(shape->slots, name, &Slot::name);
  return at == shape->slots.end() ? nullptr : &*at;
}

std::string parameter(std::string_view name, std::string_view in, bool required, const std::string& schema) {
  std::string out = R"({"name":)";
  text(out, name);
  out.append(R"(,"in":")").append(in).append(required ? R"(","required":true,"schema":)" : R"(","schema":)");
  return out + schema + "}";
}

std::string operation(const Entry& entry, Schemas& schemas) {
  const auto& route = entry.route;
  const auto id = operation_of(route);
  const auto place = camel_of(id);
  const auto in_path = names_in(route.path);
  std::string out = R"({"operationId":)";
  text(out, id);
  out += R"(,"summary":)";
  text(out, route.about);
  out.append(R"(,"x-pawl-permission":")").append(may_words[static_cast<std::size_t>(route.needs)]).append("\"");
  if (route.needs == May::anything_public) out += R"(,"security":[])";

  std::string parameters;
  auto add = [&](const std::string& p) { parameters.append(parameters.empty() ? "" : ",").append(p); };
  for (const auto& name : in_path) {
    const auto* slot = slot_of(entry.in, name);
    add(parameter(name, "path", true,
                  slot ? schemas.of(*slot->shape, place + camel_of(name), slot->options) : R"({"type":"string"})"));
  }
  const bool body_less = route.method == Method::GET || route.method == Method::DELETE;
  if (entry.in && body_less)
    for (const auto& slot : entry.in->slots)
      if (std::ranges::find(in_path, slot.name) == in_path.end())
        add(parameter(slot.name, "query", slot.options.required,
                      schemas.of(*slot.shape, place + camel_of(slot.name), slot.options)));
  if (!parameters.empty()) out += R"(,"parameters":[)" + parameters + "]";

  if (entry.in && !body_less && !entry.in->slots.empty())
    out += R"(,"requestBody":{"content":{"application/json":{"schema":)" + schemas.of(*entry.in, place + "Request") +
           "}}}";
  else if (entry.upload)
    out += R"(,"requestBody":{"content":{"application/octet-stream":{}}})";

  out += R"(,"responses":{"200":{"description":"Done")";
  if (entry.out)
    out += R"(,"content":{"application/json":{"schema":)" + schemas.of(*entry.out, place + "Answer") + "}}";
  else if (entry.live)
    out += R"(,"content":{"text/event-stream":{}})";
  out += R"(},"default":{"description":"Refused, with the reason")";
  if (route.dialect == Dialect::pawl)
    out += R"(,"content":{"application/problem+json":{"schema":)" + schemas.of(shape<Problem>, "Problem") + "}}";
  return out + "}}}";
}

}  // namespace

std::string Router::openapi(std::string_view version) const {
  Schemas schemas;
  schemas.of(shape<Problem>, "Problem");
  std::map<std::string, std::string> paths;  // several methods share a path
  for (const auto& entry : entries_) {
    std::string path = entry->route.path;
    if (const auto rest = path.find("...}"); rest != path.npos) path.erase(rest, 3);
    std::string method(name_of(entry->route.method));
    for (auto& c : method) c = static_cast<char>(c + 32);
    auto& operations = paths[path];
    operations += operations.empty() ? "" : ",";
    operations += '"' + method + "\":" + operation(*entry, schemas);
  }
  std::string out = R"({"openapi":"3.1.0","info":{"title":"pawl","version":)";
  text(out, version);
  out += R"(},"security":[{"basic":[]},{"bearer":[]}],"paths":{)";
  bool first = true;
  for (const auto& [path, operations] : paths) {
    if (!std::exchange(first, false)) out += ',';
    text(out, path);
    out += ":{" + operations + "}";
  }
  out +=
      R"(},"components":{"securitySchemes":{"basic":{"type":"http","scheme":"basic"},"bearer":{"type":"http","scheme":"bearer"}},"schemas":)";
  return out + schemas.all() + "}}";
}

}  // namespace pawl::net
