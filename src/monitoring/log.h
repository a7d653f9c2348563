// The prediction log, as windows are made from it. Tests have one in memory.
#pragma once
#include <set>

#include "monitoring/measure.h"

namespace pawl::serving {
class Service;
}
namespace pawl::monitoring {

// Labels of a window's rows. A label that changes changes the digest; the order of rows does not.
struct LabelCount {
  std::int64_t labels = 0;
  std::uint64_t digest = 0;
  void add(const serving::RowBatch& batch, std::size_t row);
};

class Log {
 public:
  virtual ~Log() = default;
  virtual Result<serving::Watermark> watermark(const std::string& endpoint) = 0;
  // How many rows there are of these whole days; cheap: nothing is read. It tells which window has grown.
  virtual Result<std::int64_t> count(const std::string& endpoint, Time from, Time to) = 0;
  // The days of events of rows whose label came after that time (Watermark.label), a repeated one apart.
  virtual Result<std::set<std::int64_t>> labelled_since(const std::string& endpoint, Time after) = 0;
  virtual Result<void> read_rows(const serving::RowsAsk& ask,
                                 const std::function<Result<void>(const serving::RowBatch&)>& each) = 0;
  virtual Result<std::vector<serving::LogColumn>> answer(const std::string& model, std::int64_t version,
                                                         const serving::RowBatch& rows) = 0;
  // Reads the window's labels and nothing else.
  Result<LabelCount> labels(const std::string& endpoint, const Window& window);
  // The first day with rows in [from, to), both midnight.
  Result<std::optional<Time>> first_day(const std::string& endpoint, Time from, Time to);
};

class ServingLog final : public Log {
 public:
  explicit ServingLog(serving::Service& serving) : serving_(serving) {}
  Result<serving::Watermark> watermark(const std::string& endpoint) override;
  Result<std::int64_t> count(const std::string& endpoint, Time from, Time to) override;
  Result<std::set<std::int64_t>> labelled_since(const std::string& endpoint, Time after) override;
  Result<void> read_rows(const serving::RowsAsk& ask,
                         const std::function<Result<void>(const serving::RowBatch&)>& each) override;
  Result<std::vector<serving::LogColumn>> answer(const std::string& model, std::int64_t version,
                                                 const serving::RowBatch& rows) override;

 private:
  serving::Service& serving_;
};

}  // namespace pawl::monitoring
