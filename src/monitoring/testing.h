// A window's rows in memory, for tests and benches.
#pragma once
#include "monitoring/measure.h"

namespace pawl::monitoring {

class MemorySource final : public Source {
 public:
  serving::RowBatch all{};
  std::size_t batch_rows = 65'536;
  std::function<Result<std::vector<serving::LogColumn>>(std::int64_t, const serving::RowBatch&)> model{};
  std::vector<serving::RowsAsk> asked{};

  Result<std::int64_t> rows() override { return static_cast<std::int64_t>(all.size); }
  Result<void> for_each(const serving::RowsAsk& ask,
                        const std::function<Result<void>(const serving::RowBatch&)>& each) override {
    asked.push_back(ask);
    for (std::size_t from = 0; from < all.size; from += batch_rows) {
      const std::size_t to = std::min(all.size, from + batch_rows);
      serving::RowBatch batch{.size = to - from};
      batch.event_times.assign(all.event_times.begin() + static_cast<std::ptrdiff_t>(from),
                               all.event_times.begin() + static_cast<std::ptrdiff_t>(to));
      batch.versions.assign(all.versions.begin() + static_cast<std::ptrdiff_t>(from),
                            all.versions.begin() + static_cast<std::ptrdiff_t>(to));
      if (ask.features)
        for (const auto& f : all.features)
          if (ask.columns.empty() || std::ranges::find(ask.columns, f.name) != ask.columns.end())
            batch.features.push_back(part(f, from, to));
      if (ask.outputs)
        for (const auto& o : all.outputs) batch.outputs.push_back(part(o, from, to));
      if (ask.context)
        for (const auto& c : all.context) batch.context.push_back(part(c, from, to));
      if (ask.labels) batch.labels = part(all.labels, from, to);
      if (auto done = each(batch); !done) return done;
    }
    return {};
  }
  Result<std::vector<serving::LogColumn>> answer(std::int64_t version, const serving::RowBatch& rows) override {
    if (!model) return fail(Code::missing, "no such version");
    return model(version, rows);
  }

 private:
  template <class V> static V part_of(const V& v, std::size_t from, std::size_t to) {
    if (v.empty()) return {};
    return V(v.begin() + static_cast<std::ptrdiff_t>(from), v.begin() + static_cast<std::ptrdiff_t>(to));
  }
  static serving::LogColumn part(const serving::LogColumn& c, std::size_t from, std::size_t to) {
    return {.name = c.name,
            .numbers = part_of(c.numbers, from, to),
            .texts = part_of(c.texts, from, to),
            .absent = part_of(c.absent, from, to)};
  }
};

}  // namespace pawl::monitoring
