#include "serving/compare.h"

#include "serving/log/columns.h"
#include "serving/service.h"

namespace pawl::serving {
namespace {

// The finisher of splitmix64: arrival times become numbers that are spread evenly.
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

// Row `size` of `to` (which has `size` rows, or fewer: those are missing) becomes that of `from`; null: it has none.
void append(LogColumn& to, const LogColumn* from, std::size_t row, std::size_t size) {
  add_missing(to, size);
  if (from == nullptr || !from->has(row))
    add_missing(to, size + 1);
  else if (from->is_text())
    add_text(to, from->texts[row]);
  else
    add_number(to, from->numbers[row]);
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
    if (find_column(rows_.outputs, c.name) == nullptr) rows_.outputs.push_back({.name = c.name});
  for (LogColumn& c : rows_.outputs) append(c, find_column(batch.outputs, c.name), row, size);
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
                             if (!batch.labels.has(i)) continue;
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
