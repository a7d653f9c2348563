// The pieces that MLflow's messages are made of. Clients and their tests match on these texts, so they stand in one place and follow the
// Python they come from: JSON as json.dumps writes it, names as repr() quotes them.
#pragma once
#include <cstdint>

#include "core/result.h"

namespace pawl::mlflow {

std::string python_json(std::string_view text);                  // "quoted", escaped, ASCII only
std::string python_repr(std::string_view text);                  // 'quoted', or "quoted" when it holds a '
std::string python_number(double value);                         // as str(float): 1.0, 1e-07, nan
std::string python_list(const std::vector<std::string>& texts);  // ['a', 'b']
std::string python_dump(
    std::string_view json);  // any JSON as json.dumps(…, sort_keys=True, separators=(',', ':')); what is no JSON stays
std::string_view python_type(std::string_view json);  // str, int, float, bool, list, dict, NoneType

std::string missing_value(std::string_view path);
std::string invalid_value(std::string_view path, std::string_view json, std::string_view why = {});
std::string invalid_text(std::string_view path, std::string_view text,
                         std::string_view why = {});  // the value is a string
std::string exceeds_maximum_length(std::string_view path, std::size_t chars_max);

std::size_t utf8_length(std::string_view text);                      // characters, not bytes
std::string utf8_cut(std::string_view text, std::size_t chars_max);  // the first characters
std::string lower(std::string_view ascii);
std::string upper(std::string_view ascii);

inline std::unexpected<Error> refuse(std::string message) { return fail(Code::invalid, std::move(message)); }

}  // namespace pawl::mlflow
