#include "datasets/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace pawl::datasets {
namespace {
constexpr auto between = std::chrono::milliseconds(100);
constexpr int width = 30;
}  // namespace

std::string human_size(std::int64_t bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < units.size(); ++unit) value /= 1000;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

Bar::Bar(std::string what, bool json) : what_(std::move(what)), on_(!json && ::isatty(STDERR_FILENO)) {}
Bar::~Bar() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}
void Bar::show(std::int64_t done, std::int64_t all) {
  if (!on_ || all <= 0) return;
  std::lock_guard hold(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < between && done < all) return;
  last_ = now;
  drawn_ = true;
  const auto filled = static_cast<std::size_t>(width * done / all);
  std::fputs(fmt::format("\r{} [{}{}] {} of {}\x1b[K", what_, std::string(filled, '#'),
                         std::string(width - filled, ' '), human_size(done), human_size(all))
                 .c_str(),
             stderr);
  std::fflush(stderr);
}

}  // namespace pawl::datasets
