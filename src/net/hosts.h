// Against DNS rebinding and foreign pages: which Host and Origin headers are believed.
#pragma once
#include "net/http.h"

namespace pawl::net {

class Hosts {
 public:
  // `bound` is the address the server listens on; `allowed` are further names.
  Hosts(std::string bound, std::vector<std::string> allowed);
  // Nothing: go on. /health and /version answer any Host; callers of the owner's socket have none to be cheated with.
  Result<void> check(const Request& request) const;

 private:
  bool knows(std::string_view authority) const;
  std::string bound_;
  std::vector<std::string> allowed_;
};

}  // namespace pawl::net
