// Numbers about this process for Prometheus. One object for the house; every room may add its own. Counting is cheap and may be done on any thread.
#pragma once
#include "net/http.h"

namespace pawl::net {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Handles stay valid as long as the object. The same name and labels again: the same number.
  class Counter {
   public:
    void add(double n = 1) const;

   private:
    friend class Metrics;
    void* at_ = nullptr;
  };
  class Gauge {
   public:
    void set(double value) const;
    void add(double n) const;

   private:
    friend class Metrics;
    void* at_ = nullptr;
  };
  class Histogram {
   public:
    void observe(double value) const;

   private:
    friend class Metrics;
    void* at_ = nullptr;
  };
  using Labels = std::vector<Pair>;
  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  Histogram histogram(const std::string& name, const std::string& help, const Labels& labels = {},
                      const std::vector<double>& bounds = seconds_bounds());
  static const std::vector<double>& seconds_bounds();  // 50 us to 10 s

  std::string text() const;  // the exposition format; what GET /metrics answers
  static constexpr std::string_view type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawl::net
