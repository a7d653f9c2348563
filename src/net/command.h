// What the words of the command line have in common. Each room's verbs.cpp adds its words to the parser: `void verbs(CLI::App&, net::Command&)`.
// Exit codes: 0 done, 1 a check said no, 2 wrong usage, 3 could not.
#pragma once
#include "net/client.h"

namespace CLI {
class App;
}
namespace pawl::net {

struct Command {
  bool json = false;               // --json: one JSON document on stdout and nothing else
  std::string server{};            // --server, PAWL_SERVER; default http://127.0.0.1:5000
  std::filesystem::path data{};    // --data, PAWL_DATA: act as the owner through DIR/owner.sock
  int exit_code = 0;

  std::string address() const;     // of the server that is spoken to
  Result<void> remember(std::string_view token) const;  // what `pawl login` does: ~/.config/pawl/credentials, mode 0600, per address
  Result<Client> client() const;   // with the token of PAWL_TOKEN, PAWL_TOKEN_FILE or `pawl login`
  // Prints an answer: as JSON, or the text that `text` makes of it.
  template <class T, class F> void print(const T& value, F text) const { print_text(json ? encode(value) + "\n" : text(value)); }
  void print_text(std::string_view text) const;
  void note(std::string_view line) const;              // a line for people, on stderr, not with --json
  // Exit code 1: a check said no. The answer itself is printed by print().
  void said_no() { exit_code = 1; }
  // Sets the exit code by the error's Code and prints one line (with --json: a problem document on stdout).
  void failed(const Error& error);
  // `done` on success, failed() otherwise.
  template <class T, class F> void finish(Result<T> result, F done) {
    if (!result) return failed(result.error());
    if constexpr (std::is_void_v<T>) done();
    else done(*result);
  }
};
std::filesystem::path credentials_path();  // ~/.config/pawl/credentials
// Reads a secret from a file, or from the terminal or a pipe when `file` is empty or "-": never from the arguments. Without the line's end.
Result<std::string> read_secret(const std::filesystem::path& file, std::string_view prompt);

// A table of rows, columns padded; the first row is the head.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace pawl::net
