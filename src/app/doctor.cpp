#include "app/doctor.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "access/types.h"
#include "net/command.h"

namespace pawl::app {
namespace {

struct Finding {
  std::string name{};
  bool good = false;
  std::string seen{}, fix{};
  static constexpr auto fields =
      std::tuple{field("name", &Finding::name), field("good", &Finding::good), field("seen", &Finding::seen),
                 field("fix", &Finding::fix, {.empty = Empty::hide})};
};
struct Report {
  bool good = true;
  std::vector<Finding> items{};
  static constexpr auto fields = std::tuple{field("good", &Report::good), field("items", &Report::items)};
};

bool on_path(std::string_view program) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "";
  while (!rest.empty()) {
    const auto part = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (::access((std::string(part) + "/" + std::string(program)).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Finding look_at_git() {
  if (on_path("git")) return {"git", true, "found"};
  return {"git", false, "not on PATH", "apt install git: commits are fetched and restored with it"};
}
Finding look_at_libraries() {
  std::error_code ec;
  const auto lib = std::filesystem::read_symlink("/proc/self/exe", ec).parent_path() / "lib";
  std::string absent;
  for (const char* name : {"libonnxruntime.so.1", "libduckdb.so"})
    if (!std::filesystem::exists(lib / name, ec)) absent.append(absent.empty() ? "" : ", ").append(name);
  if (absent.empty()) return {"libraries", true, lib.string()};
  return {"libraries", false, absent + " not in " + lib.string(),
          "make build puts them there: models are served with ONNX Runtime, data is profiled with DuckDB"};
}
Finding look_at_disk() {
  struct statvfs s{};
  if (::statvfs(".", &s) != 0) return {"disk", false, "cannot be asked", "is the current folder readable?"};
  const auto free_mib = s.f_bavail * s.f_frsize >> 20;
  return {"disk", free_mib > 1024, std::to_string(free_mib) + " MiB free here",
          free_mib > 1024 ? "" : "less than 1 GiB: writes will soon be refused"};
}
Finding look_at_server(const net::Command& command) {
  auto client = command.client();
  auto health =
      client ? client->send(net::Method::GET, "/health") : Result<net::Answer>(std::unexpected(client.error()));
  if (!health)
    return {"server", false, health.error().message,
            "start one with pawl server, or name it with --server or PAWL_SERVER"};
  auto me = client->get<access::Me>("/api/pawl/v1/me");
  if (!health->good() || !me)
    return {"server", false, command.address() + " is no pawl server", "name one with --server or PAWL_SERVER"};
  if (me->kind == "nobody")
    return {"server", false, command.address() + " does not know you", "pawl login, or PAWL_TOKEN_FILE"};
  return {"server", true, command.address() + ", you are " + me->name + " (" + std::string(word(me->role)) + ")"};
}

}  // namespace

void doctor_verb(CLI::App& app, net::Command& command) {
  app.add_subcommand("doctor", "Say what works here, and what to do about what does not")->callback([&command] {
    Report report;
    report.items = {look_at_git(), look_at_libraries(), look_at_disk(), look_at_server(command)};
    report.good = std::ranges::all_of(report.items, &Finding::good);
    command.print(report, [](const Report& r) {
      std::string out;
      for (const auto& f : r.items)
        out += (f.good ? "good  " : "BAD   ") + f.name + ": " + f.seen + "\n" +
               (f.fix.empty() ? "" : "      " + f.fix + "\n");
      return out;
    });
    if (!report.good) command.exit_code = 1;
  });
}

}  // namespace pawl::app
