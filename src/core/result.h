// Expected failures are values of one type. A room says what went wrong (`Code`); only `net` knows what that is in HTTP, only `app` what it
// is as an exit code. Exceptions mean a bug or no memory.
#pragma once
#include <expected>
#include <string>
#include <utility>

namespace pawl {

enum class Code {
  invalid,          // the caller's input is wrong
  missing,          // what was named does not exist
  exists,           // what was to be made is there already
  conflict,         // the state it needs is not the state it found
  denied,           // known, but not allowed
  unauthenticated,  // not known
  too_large,        // over a stated limit
  busy,             // not now: a queue is full, a store is locked
  deadline,         // the caller's time ran out
  unavailable,      // cannot serve until something outside changes: full disk, no live version
  internal,         // our fault
};
constexpr std::size_t code_count = 11;

struct Error {
  Code code{};
  std::string message{};  // for the caller: the field, the value, what would have been right; never a secret
  std::string field{};    // the field that is to blame, as the caller wrote it; empty when there is none
  std::string detail{};   // for the log: SQL state, errno, what the other server said
};

template <class T> using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, std::string message, std::string field = {}, std::string detail = {}) {
  return std::unexpected<Error>(Error{code, std::move(message), std::move(field), std::move(detail)});
}

// TRY(run, rows_.find(id)): `run` is the value, or our caller gets the error. TRY_(…) where there is no value to name.
#define TRY(name, ...)                                                              \
  auto name##_or_error = (__VA_ARGS__);                                             \
  if (!name##_or_error) return std::unexpected(std::move(name##_or_error).error()); \
  auto& name = *name##_or_error
#define TRY_(...)                                                                                      \
  do {                                                                                                 \
    if (auto pawl_try = (__VA_ARGS__); !pawl_try) return std::unexpected(std::move(pawl_try).error()); \
  } while (false)

}  // namespace pawl
