// A progress bar for people: on stderr, only when that is a terminal and the answer is not asked for as JSON.
#pragma once
#include <chrono>
#include <mutex>
#include <string>

#include "datasets/repo.h"

namespace pawl::datasets {

class Bar {
 public:
  Bar(std::string what, bool json);
  ~Bar();  // wipes the line
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;
  void show(std::int64_t done, std::int64_t all);
  Progress progress() {
    return [this](std::int64_t done, std::int64_t all) { show(done, all); };
  }

 private:
  std::string what_;
  bool on_ = false, drawn_ = false;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point last_{};
};
std::string human_size(std::int64_t bytes);  // 6 B, 1.5 MB

}  // namespace pawl::datasets
