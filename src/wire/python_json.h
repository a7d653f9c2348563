// Text as Python's json.dumps writes it: quoted, all but printable ASCII as \uXXXX in lower hex, pairs for what lies above U+FFFF. DVC hashes
// such JSON and MLflow's messages quote it, so every byte counts.
#pragma once
#include <string>
#include <string_view>

namespace pawl {

// Bytes that are no UTF-8 become the lone surrogates that Python makes of them (os.fsdecode).
void write_python_json(std::string& out, std::string_view text);

}  // namespace pawl
