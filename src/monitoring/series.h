// What Prometheus sees of monitoring: the newest closed window of each endpoint and its open alarms. docs/grafana.json draws these.
#pragma once
#include <map>
#include <mutex>
#include <set>

#include "monitoring/types.h"

namespace pawl::net {
class Metrics;
}
namespace pawl::monitoring {

class Series {
 public:
  explicit Series(net::Metrics* metrics) : metrics_(metrics) {}
  // Older windows than the one that is shown change nothing.
  void window(const Monitor& monitor, const WindowSeen& seen);
  void alarms(const std::string& endpoint, const std::vector<Alarm>& open);
  void drop(const std::string& endpoint);  // its numbers become NaN: nobody watches it

 private:
  struct Endpoint {
    std::string end{};
    std::set<std::string> columns{}, metrics{};
  };
  void columns(Endpoint& at, const std::string& endpoint, const std::vector<ColumnSeen>& seen);
  net::Metrics* metrics_;
  std::mutex mutex_;
  std::map<std::string, Endpoint> endpoints_;
};

}  // namespace pawl::monitoring
