#include "net/command.h"

#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "net/router.h"
#include "store/files.h"

namespace pawl::net {
namespace {

constexpr std::string_view default_server = "http://127.0.0.1:5000";

struct Credentials {
  std::map<std::string, std::string, std::less<>> tokens{};  // by server
  static constexpr auto fields = std::tuple{field("tokens", &Credentials::tokens)};
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}
std::string one_line(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r') || text.ends_with(' ')) text.pop_back();
  return text;
}
std::string normal(std::string server) {
  while (server.ends_with('/')) server.pop_back();
  return server;
}
Result<Credentials> read_credentials() {
  if (!std::filesystem::exists(credentials_path())) return Credentials{};
  TRY(text, store::read_file(credentials_path()));
  return decode<Credentials>(text, {.unknown = UnknownKeys::ignore});
}
Result<std::string> remembered_token(const std::string& server) {
  TRY(all, read_credentials());
  const auto at = all.tokens.find(server);
  return at == all.tokens.end() ? std::string{} : at->second;
}
// PAWL_TOKEN, PAWL_TOKEN_FILE, `pawl login`, in this order; none is fine.
Result<std::string> token_for(const std::string& server) {
  if (auto token = environment("PAWL_TOKEN"); !token.empty()) return token;
  if (auto file = environment("PAWL_TOKEN_FILE"); !file.empty()) {
    TRY(text, store::read_file(file));
    return one_line(std::move(text));
  }
  return remembered_token(server);
}
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::filesystem::path credentials_path() {
  auto base = environment("XDG_CONFIG_HOME");
  if (base.empty()) base = environment("HOME") + "/.config";
  return std::filesystem::path(base) / "pawl" / "credentials";
}

Result<std::string> read_secret(const std::filesystem::path& file, std::string_view prompt) {
  if (!file.empty() && file != "-") {
    TRY(text, store::read_file(file));
    return one_line(std::move(text));
  }
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  termios before{};
  if (terminal) {
    std::cerr << prompt << std::flush;
    ::tcgetattr(STDIN_FILENO, &before);
    auto silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &silent);
  }
  std::string line;
  const bool got = static_cast<bool>(std::getline(std::cin, line));
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
    std::cerr << '\n';
  }
  if (!got || line.empty()) return fail(Code::invalid, "nothing was given on standard input");
  return one_line(std::move(line));
}

std::string Command::address() const { return normal(server.empty() ? std::string(default_server) : server); }

Result<void> Command::remember(std::string_view token) const {
  TRY(all, read_credentials());
  if (token.empty())
    all.tokens.erase(address());
  else
    all.tokens[address()] = token;
  const auto path = credentials_path();
  const auto before = ::umask(077);
  auto written = store::write_file(path, encode(all) + "\n");
  ::umask(before);
  TRY_(std::move(written));
  if (::chmod(path.c_str(), 0600) != 0) return fail(Code::unavailable, "cannot close " + path.string() + " to others");
  return {};
}

Result<Client> Command::client() const {
  if (!data.empty()) {
    const auto socket = data / "owner.sock";
    std::error_code ec;
    if (!std::filesystem::exists(socket, ec))
      return fail(Code::unavailable, "no server runs on " + data.string() + " (there is no " + socket.string() + ")");
    return Client({.unix_socket = socket});
  }
  const auto address = this->address();
  if (!address.starts_with("http://") && !address.starts_with("https://"))
    return fail(Code::invalid, "the server's address begins with http:// or https://, got " + address, "--server");
  TRY(token, token_for(address));
  return Client({.server = address, .token = token});
}

void Command::print_text(std::string_view text) const { std::cout << text << std::flush; }

void Command::note(std::string_view line) const {
  if (!json) std::cerr << line << std::endl;
}

void Command::failed(const Error& error) {
  // Wrong usage is a wrong word or flag. What is wrong in a file, or what the server refuses, was understood and could not be done.
  // Flags and arguments are named as in the help: --server, DIR.
  const bool named =
      error.field.starts_with("--") || (!error.field.empty() && error.field[0] >= 'A' && error.field[0] <= 'Z');
  const bool usage = error.code == Code::invalid && named && !error.detail.starts_with("status ");
  exit_code = usage ? 2 : 3;
  if (json) {
    print_text(error_response(error, Dialect::pawl).body + "\n");
    return;
  }
  std::string line = "pawl: ";
  if (!error.field.empty() && !error.message.starts_with(error.field)) line += error.field + ": ";
  line += error.message;
  if (error.code == Code::unauthenticated) line += " (pawl login, or PAWL_TOKEN)";
  std::cerr << line << std::endl;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], width(row[i]));
    }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - width(row[i]) + 2, ' ');
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

}  // namespace pawl::net
