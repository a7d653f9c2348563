// .dvc/config: INI as ConfigObj reads it. Sections like `['remote "st"']`; keys without regard to case.
#pragma once
#include "core/result.h"

namespace pawl::dvc {

class Config {
 public:
  // Later files win, key by key. `name` is for errors.
  Result<void> add(std::string_view text, std::string_view name);
  std::optional<std::string> get(std::string_view section,
                                 std::string_view key) const;  // get("cache", "dir"), get("remote \"st\"", "url")
  std::optional<bool> flag(std::string_view section, std::string_view key) const;

 private:
  std::map<std::string, std::map<std::string, std::string>> sections_;
};

}  // namespace pawl::dvc
