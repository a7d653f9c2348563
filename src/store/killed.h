// For tests: what a process acknowledged before kill -9.
#pragma once
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <functional>

namespace pawl::store {

// `work` runs in a child and tells each number, growing from 0, once what it stands for was acknowledged; when it returns, that is a failure. The child
// is killed when it has told `enough`. Answers the last number that it told.
inline std::uint32_t killed_after(std::uint32_t enough,
                                  const std::function<void(const std::function<void(std::uint32_t)>& tell)>& work) {
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    work([&](std::uint32_t i) {
      if (::write(pipe[1], &i, sizeof i) != sizeof i) ::_exit(1);
    });
    ::_exit(1);
  }
  ::close(pipe[1]);
  std::uint32_t last = 0;
  while (last < enough) REQUIRE(::read(pipe[0], &last, sizeof last) == sizeof last);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  while (::read(pipe[0], &last, sizeof last) == sizeof last) {}
  ::close(pipe[0]);
  CHECK(WIFSIGNALED(status));
  return last;
}

}  // namespace pawl::store
