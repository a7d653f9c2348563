#include "store/testing.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace pawl::store {
namespace fs = std::filesystem;
namespace {

std::string output_of(const std::string& command) {
  std::string out;
  if (FILE* p = ::popen(command.c_str(), "r")) {
    char piece[512];
    while (auto n = std::fread(piece, 1, sizeof piece, p)) out.append(piece, n);
    ::pclose(p);
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}
void run_or_die(const std::string& command) {
  if (std::system(command.c_str()) != 0) FAIL("failed: ", command);
}

// initdb refuses to run as root: then the server belongs to the user `postgres`.
class Cluster {
 public:
  Cluster() {
    fs::create_directories(folder_.path);
    if (::geteuid() == 0) {
      if (const passwd* p = ::getpwnam("postgres")) {
        if (::chown(folder_.path.c_str(), p->pw_uid, p->pw_gid) != 0) FAIL("chown");
        as_ = "su postgres -s /bin/sh -c ";
      }
    } else {
      as_ = "sh -c ";
    }
    bin_ = output_of("pg_config --bindir");
    run_or_die(fmt::format("{}\"{}/initdb -D {}/db -A trust -U pawl --no-sync -E UTF8 --locale=C.UTF-8 > {}/log 2>&1\"",
                           as_, bin_, dir(), dir()));
    run_or_die(
        fmt::format("{}\"{}/pg_ctl -D {}/db -w -l {}/log -o \\\"-c listen_addresses='' -c fsync=off -c "
                    "unix_socket_directories={}\\\" start > /dev/null\"",
                    as_, bin_, dir(), dir(), dir()));
  }
  ~Cluster() {
    (void)std::system(
        fmt::format("{}\"{}/pg_ctl -D {}/db -m immediate stop > /dev/null 2>&1\"", as_, bin_, dir()).c_str());
  }
  std::string fresh() {
    const auto name = fmt::format("t{}", ++count_);
    run_or_die(fmt::format("psql -q -h {} -U pawl -d postgres -c 'CREATE DATABASE {}' > /dev/null", dir(), name));
    return fmt::format("host={} user=pawl dbname={}", dir(), name);
  }

 private:
  std::string dir() const { return folder_.path.string(); }
  ScratchFolder folder_;
  std::string as_, bin_;
  int count_ = 0;
};

}  // namespace

std::string fresh_postgres() {
  static Cluster cluster;
  return cluster.fresh();
}

}  // namespace pawl::store
