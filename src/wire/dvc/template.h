// `${path}` in dvc.yaml: values out of params.yaml and `vars`. Errors in DVC's words.
#pragma once
#include <set>

#include "wire/yaml/value.h"

namespace pawl::dvc {

// Reads a parameter file (path relative to the repository's root). Code::missing when there is none.
using ReadParams = std::function<Result<yaml::Value>(const std::string& path)>;

// What `${…}` may name.
class Context {
 public:
  // Loads params.yaml beside (when there is one), then each entry of `vars`: "file", "file:key,key" or a map.
  Result<void> load(const yaml::Value* vars, const std::string& wdir, const ReadParams& read, bool with_default);
  void put(std::string_view key, yaml::Value value) { values_.set(key, std::move(value)); }
  const yaml::Value* find(std::string_view expression) const;  // a.b, a[0].b

 private:
  Result<void> merge(yaml::Value& to, const yaml::Value& from, const std::string& prefix, const std::string& source);
  yaml::Value values_ = yaml::Value::map();
  std::map<std::string, std::string> sources_;           // dotted leaf -> where it came from
  std::map<std::string, std::set<std::string>> loaded_;  // file -> keys ("" = all)
};

enum class Maps { refuse, as_arguments, as_value };  // what a `${map}` may become: an error, `--lr 0.1 --flag`, itself

bool has_template(std::string_view text);
// Every text of `value` with its `${…}` replaced; `\${` becomes `${`. A text that is exactly one `${…}` keeps the value's type.
Result<yaml::Value> fill(const yaml::Value& value, const Context& context, Maps maps);
// A map as command line arguments: true is a flag, false is nothing, lists are repeated words, nested maps are dotted.
Result<std::string> as_arguments(const yaml::Value& map);
std::string shell_quote(std::string_view text);  // as Python's shlex.quote

}  // namespace pawl::dvc
