// The prediction log, as windows are made from it. Tests have one in memory.
#pragma once
#include <map>

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
  // Rows by the day of their event time (since 1970); cheap. Windows are whole days, so these tell which one has grown.
  virtual Result<std::map<std::int64_t, std::int64_t>> rows_by_day(const std::string& endpoint) = 0;
  virtual Result<void> read_rows(const serving::RowsAsk& ask,
                                 const std::function<Result<void>(const serving::RowBatch&)>& each) = 0;
  virtual Result<std::vector<serving::LogColumn>> answer(const std::string& model, std::int64_t version,
                                                         const serving::RowBatch& rows) = 0;
  // One pass over the rows of these windows, which do not overlap and are sorted.
  Result<std::vector<LabelCount>> labels(const std::string& endpoint, const std::vector<Window>& windows);
};

class ServingLog final : public Log {
 public:
  explicit ServingLog(serving::Service& serving) : serving_(serving) {}
  Result<serving::Watermark> watermark(const std::string& endpoint) override;
  Result<std::map<std::int64_t, std::int64_t>> rows_by_day(const std::string& endpoint) override;
  Result<void> read_rows(const serving::RowsAsk& ask,
                         const std::function<Result<void>(const serving::RowBatch&)>& each) override;
  Result<std::vector<serving::LogColumn>> answer(const std::string& model, std::int64_t version,
                                                 const serving::RowBatch& rows) override;

 private:
  serving::Service& serving_;
};

}  // namespace pawl::monitoring
