// A parsed JSON value, for the few .cpp files that walk foreign JSON (never include this in a header: it costs a second a file).
// Boost.JSON's own parse rounds some doubles in the last digit (0.998081 in 1.81); this one hands the text of each to std::from_chars.
#pragma once
#include <boost/json/value.hpp>

#include "core/result.h"

namespace pawl {

// Refuses comments, trailing commas, invalid UTF-8 and anything nested deeper than json_depth_max. `memory` must outlive the value.
Result<boost::json::value> parse_json(std::string_view text, boost::json::storage_ptr memory = {});

// As JSON without blanks, members in their order; doubles in the shortest text that reads back the same (Boost's serializer writes 1.5E0).
void write_json(std::string& out, const boost::json::value& v);
std::string json_text(const boost::json::value& v);

// Whether all its numbers are within the range of a double: past it they read as infinities, which JSON has no way to write back.
bool finite(const boost::json::value& v);

}  // namespace pawl
