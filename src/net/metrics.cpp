#include "net/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace pawl::net {

struct Metrics::Impl {
  std::mutex mutex;
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
};

namespace {
prometheus::Labels labels_of(const Metrics::Labels& labels) {
  prometheus::Labels out;
  for (const auto& l : labels) out.emplace(l.name, l.value);
  return out;
}
}  // namespace

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::Counter::add(double n) const { static_cast<prometheus::Counter*>(at_)->Increment(n); }
void Metrics::Gauge::set(double value) const { static_cast<prometheus::Gauge*>(at_)->Set(value); }
void Metrics::Gauge::add(double n) const { static_cast<prometheus::Gauge*>(at_)->Increment(n); }
void Metrics::Histogram::observe(double value) const { static_cast<prometheus::Histogram*>(at_)->Observe(value); }

Metrics::Counter Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  std::lock_guard hold(impl_->mutex);
  Counter out;
  out.at_ = &prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry).Add(labels_of(labels));
  return out;
}
Metrics::Gauge Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  std::lock_guard hold(impl_->mutex);
  Gauge out;
  out.at_ = &prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry).Add(labels_of(labels));
  return out;
}
Metrics::Histogram Metrics::histogram(const std::string& name, const std::string& help, const Labels& labels,
                                      const std::vector<double>& bounds) {
  std::lock_guard hold(impl_->mutex);
  Histogram out;
  out.at_ =
      &prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry).Add(labels_of(labels), bounds);
  return out;
}
const std::vector<double>& Metrics::seconds_bounds() {
  static const std::vector<double> bounds{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                          0.025,   0.05,   0.1,     0.25,   0.5,   1,      2.5,   10};
  return bounds;
}
std::string Metrics::text() const { return prometheus::TextSerializer{}.Serialize(impl_->registry.Collect()); }

}  // namespace pawl::net
