// pawl user, token, login.
#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "access/routes.h"
#include "net/command.h"
#include "store/files.h"

namespace pawl::access {
namespace {

using net::Command;
using net::Method;
constexpr std::string_view base = "/api/pawl/v1";

// A secret goes to a file that only its owner can read, or is printed once.
Result<void> keep(const std::string& file, const std::string& token) {
  TRY_(store::write_file(std::filesystem::absolute(file), token + "\n"));
  ::chmod(file.c_str(), 0600);
  return {};
}

template <class T>
void show_secret(Command& command, Result<T> made, const std::string& file, const std::string& what) {
  if (made && !file.empty()) {
    if (auto kept = keep(file, made->token); !kept) return command.failed(kept.error());
    made->token.clear();
  }
  command.finish(std::move(made), [&](const T& m) {
    command.print(m, [&](const T& t) {
      return what + (t.token.empty() ? ", token in " + file : "\ntoken " + t.token + "  (shown once)") + "\n";
    });
  });
}

template <class Out, class In>
Result<Out> ask(const Command& command, Method method, const std::string& path, const In& in) {
  TRY(client, command.client());
  return client.template call<Out>(method, std::string(base) + path, in);
}
template <class Out> Result<Out> get(const Command& command, const std::string& path) {
  TRY(client, command.client());
  return client.template get<Out>(std::string(base) + path);
}

void user_verbs(CLI::App& app, Command& command) {
  auto* user = app.add_subcommand("user", "People and their roles")->require_subcommand(1);
  user->fallthrough();
  struct Given {
    std::string name{}, role{}, password_file{}, token_file{}, email{};
  };
  auto given = std::make_shared<Given>();

  auto* add = user->add_subcommand("add", "Add a user and make a first token");
  add->add_option("NAME", given->name)->required();
  add->add_option("--role", given->role, "viewer, scientist, operator or admin")
      ->required()
      ->check(CLI::IsMember({"viewer", "scientist", "operator", "admin"}));
  add->add_option("--password-file", given->password_file, "File with a password in its first line; - reads stdin");
  add->add_option("--token-file", given->token_file,
                  "Write the token there, readable by you only, instead of printing it");
  add->callback([given, &command] {
    NewUser in{.name = given->name, .role = *from_word<Role>(given->role)};
    if (!given->password_file.empty()) {
      auto password = net::read_secret(given->password_file, "password: ");
      if (!password) return command.failed(password.error());
      in.password = *password;
    }
    show_secret(command, ask<UserMade>(command, Method::POST, "/users", in), given->token_file,
                given->name + " is " + given->role);
  });

  user->add_subcommand("list", "All users")->callback([&command] {
    command.finish(get<UserList>(command, "/users"), [&](const UserList& list) {
      command.print(list, [](const UserList& l) {
        std::vector<std::vector<std::string>> rows{{"name", "role", "addresses", "since"}};
        for (const auto& u : l.items) {
          std::string emails;
          for (const auto& e : u.emails) emails += (emails.empty() ? "" : " ") + e;
          rows.push_back({u.name, std::string(word(u.role)), emails, u.created});
        }
        return net::table(rows);
      });
    });
  });

  auto* role = user->add_subcommand("role", "Give a user another role");
  role->add_option("NAME", given->name)->required();
  role->add_option("ROLE", given->role)->required()->check(CLI::IsMember({"viewer", "scientist", "operator", "admin"}));
  role->callback([given, &command] {
    command.finish(ask<User>(command, Method::PATCH, "/users/" + net::percent_encode(given->name),
                             UserChange{.name = given->name, .role = from_word<Role>(given->role)}),
                   [&](const User& u) {
                     command.print(u, [](const User& x) { return x.name + " is " + std::string(word(x.role)) + "\n"; });
                   });
  });

  auto* password = user->add_subcommand("password", "Set a user's password");
  password->add_option("NAME", given->name)->required();
  password
      ->add_option("--password-file", given->password_file, "File with the password in its first line; - reads stdin")
      ->required();
  password->callback([given, &command] {
    auto text = net::read_secret(given->password_file, "password: ");
    if (!text) return command.failed(text.error());
    command.finish(ask<User>(command, Method::PATCH, "/users/" + net::percent_encode(given->name),
                             UserChange{.name = given->name, .password = *text}),
                   [&](const User& u) {
                     command.print(u, [](const User& x) { return "the password of " + x.name + " is set\n"; });
                   });
  });

  auto* remove = user->add_subcommand("remove", "Remove a user with all tokens");
  remove->add_option("NAME", given->name)->required();
  remove->callback([given, &command] {
    command.finish(
        ask<Nothing>(command, Method::DELETE, "/users/" + net::percent_encode(given->name), Nothing{}),
        [&](const Nothing& n) { command.print(n, [&](const Nothing&) { return given->name + " is removed\n"; }); });
  });

  auto* map = user->add_subcommand("map", "Say whose commits carry an e-mail address");
  map->add_option("EMAIL", given->email)->required();
  map->add_option("NAME", given->name)->required();
  map->callback([given, &command] {
    command.finish(
        ask<User>(command, Method::POST, "/users/" + net::percent_encode(given->name) + "/emails",
                  EmailMap{given->name, given->email}),
        [&](const User& u) { command.print(u, [&](const User& x) { return given->email + " is " + x.name + "\n"; }); });
  });
}

void token_verbs(CLI::App& app, Command& command) {
  auto* token = app.add_subcommand("token", "Tokens for clients")->require_subcommand(1);
  token->fallthrough();
  auto in = std::make_shared<NewToken>();
  auto file = std::make_shared<std::string>(), id = std::make_shared<std::string>();

  auto* add = token->add_subcommand("add", "Make a token: yours, another's, an endpoint's or a runner's");
  add->add_option("--user", in->user, "For this user");
  add->add_option("--predict", in->predict, "May predict and label at this endpoint and nothing else");
  add->add_flag("--runner", in->runner, "For a runner on another machine");
  add->add_option("--label", in->label, "What it is for");
  add->add_option("--token-file", *file, "Write it there, readable by you only, instead of printing it");
  add->callback([in, file, &command] {
    show_secret(command, ask<TokenMade>(command, Method::POST, "/tokens", *in), *file, "made");
  });

  token->add_subcommand("list", "Your tokens; for an admin all of them")->callback([&command] {
    command.finish(get<TokenList>(command, "/tokens"), [&](const TokenList& list) {
      command.print(list, [](const TokenList& l) {
        std::vector<std::vector<std::string>> rows{{"id", "kind", "user", "for", "label", "made by", "made"}};
        for (const auto& t : l.items)
          rows.push_back({t.id, std::string(word(t.kind)), t.user, t.scope, t.label, t.made_by, t.created});
        return net::table(rows);
      });
    });
  });

  auto* revoke = token->add_subcommand("revoke", "Make a token worthless");
  revoke->add_option("ID", *id)->required();
  revoke->callback([id, &command] {
    command.finish(ask<Nothing>(command, Method::DELETE, "/tokens/" + net::percent_encode(*id), Nothing{}),
                   [&](const Nothing& n) { command.print(n, [&](const Nothing&) { return *id + " is revoked\n"; }); });
  });
}

}  // namespace

void verbs(CLI::App& app, net::Command& command) {
  user_verbs(app, command);
  token_verbs(app, command);

  auto* login = app.add_subcommand("login", "Remember a token for this server");
  auto file = std::make_shared<std::string>("-");
  login->add_option("--token-file", *file, "File with the token in its first line; - reads stdin");
  login->callback([file, &command] {
    auto token = net::read_secret(*file, "token: ");
    if (!token) return command.failed(token.error());
    command.finish(command.remember(*token), [&] { command.note("remembered for " + command.address()); });
  });
}

}  // namespace pawl::access
