#include "serving/compare.h"

#include <cmath>

#include "serving/service.h"

namespace pawl::serving {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

// The finisher of splitmix64: arrival times become numbers that are spread evenly.
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

// Cells of one column, in whichever form the first value came; one of the other form is converted, so that no value is lost.
std::string text_of(double value) {
  if (std::isnan(value)) return {};
  if (value == std::floor(value) && std::abs(value) < 1e15) return std::to_string(static_cast<std::int64_t>(value));
  return std::to_string(value);
}
bool has(const LogColumn& c, std::size_t row) {
  if (c.is_text()) return row < c.texts.size() && (c.absent.empty() || c.absent[row] == 0);
  return row < c.numbers.size() && !std::isnan(c.numbers[row]);
}
void to_texts(LogColumn& c) {
  for (const double v : c.numbers) {
    c.texts.push_back(text_of(v));
    c.absent.push_back(std::isnan(v) ? 1 : 0);
  }
  c.numbers.clear();
}
// Row `size` of `to` (which has `size` rows, or fewer: those are missing) becomes that of `from`; null: it has none.
void append(LogColumn& to, const LogColumn* from, std::size_t row, std::size_t size) {
  const bool there = from != nullptr && has(*from, row);
  if (there && from->is_text() && !to.is_text()) {
    to.numbers.resize(size, nothing);
    to_texts(to);
  }
  if (!to.is_text() && !(there && from->is_text())) {
    to.numbers.resize(size, nothing);
    to.numbers.push_back(there ? from->numbers[row] : nothing);
    return;
  }
  to.texts.resize(size);
  to.absent.resize(size, 1);
  to.texts.push_back(!there ? std::string() : from->is_text() ? from->texts[row] : text_of(from->numbers[row]));
  to.absent.push_back(there ? 0 : 1);
}
template <class T> void keep_only(std::vector<T>& values, const std::vector<char>& keep) {
  std::size_t to = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (keep[i] != 0) values[to++] = std::move(values[i]);
  values.resize(to);
}
void keep_only(LogColumn& c, const std::vector<char>& keep) {
  keep_only(c.numbers, keep);
  keep_only(c.texts, keep);
  keep_only(c.absent, keep);
}

}  // namespace

void ArmSample::add(const RowBatch& batch, std::size_t row) {
  const bool canary = batch.arms[row] == Arm::canary;
  const std::uint64_t unit = mixed(batch.units[row] * 2 + (canary ? 1 : 0));
  if (unit >= below_[canary]) return;
  const std::size_t size = rows_.size();
  for (const LogColumn& c : batch.outputs)
    if (std::ranges::find(rows_.outputs, c.name, &LogColumn::name) == rows_.outputs.end())
      rows_.outputs.push_back({.name = c.name});
  for (LogColumn& c : rows_.outputs) {
    const auto from = std::ranges::find(batch.outputs, c.name, &LogColumn::name);
    append(c, from == batch.outputs.end() ? nullptr : &*from, row, size);
  }
  append(rows_.labels, &batch.labels, row, size);
  rows_.units.push_back(unit);
  rows_.canary.push_back(canary ? 1 : 0);
  if (++kept_[canary] > thin_at_[canary]) thin(canary);
}

// Halves the share of units until the rows fit: at least one unit stays, however many rows it has.
void ArmSample::thin(bool canary) {
  std::uint64_t least = ~0ULL;
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if ((rows_.canary[i] != 0) == canary) least = std::min(least, rows_.units[i]);
  while (kept_[canary] > rows_max_ && below_[canary] / 2 > least) {
    below_[canary] /= 2;
    std::vector<char> keep(rows_.size());
    kept_[canary] = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const bool of_this = (rows_.canary[i] != 0) == canary;
      keep[i] = !of_this || rows_.units[i] < below_[canary] ? 1 : 0;
      kept_[canary] += of_this && keep[i] != 0 ? 1 : 0;
    }
    keep_only(rows_.units, keep);
    keep_only(rows_.canary, keep);
    for (LogColumn& c : rows_.outputs) keep_only(c, keep);
    keep_only(rows_.labels, keep);
  }
  // One request of a million rows cannot be halved: it is not tried again with each of them.
  thin_at_[canary] = std::max(rows_max_, 2 * kept_[canary]);
}

Result<ArmsSeen> compare(Service& serving, const ArmsAsk& ask) {
  ArmsSeen out;
  ArmSample answered, known;
  TRY_(serving.read_rows({.endpoint = ask.endpoint,
                          .from = ask.from,
                          .to = ask.to,
                          .features = false,
                          .context = false,
                          .units = true,
                          .rollout = ask.rollout,
                          .step = ask.step},
                         [&](const RowBatch& batch) -> Result<void> {
                           for (std::size_t i = 0; i < batch.size; ++i) {
                             if (batch.arms[i] == Arm::direct) continue;
                             const bool canary = batch.arms[i] == Arm::canary;
                             ++(canary ? out.rows.canary : out.rows.live);
                             answered.add(batch, i);
                             if (!has(batch.labels, i)) continue;
                             ++(canary ? out.labelled.canary : out.labelled.live);
                             known.add(batch, i);
                           }
                           return {};
                         }));
  out.answered = answered.take();
  out.known = known.take();
  TRY(live, serving.metadata(ask.endpoint, ask.live));
  TRY(canary, serving.metadata(ask.endpoint, ask.canary));
  out.live_outputs = std::move(live.outputs);
  out.canary_outputs = std::move(canary.outputs);
  return out;
}

}  // namespace pawl::serving
