#include "serving/labels/labels.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/json.h"
#include "serving/log/columns.h"

namespace pawl::serving {
namespace {

constexpr std::uint8_t labels_kind = 3;  // the first byte of the payload; 2 was one label with its id as text

constexpr std::size_t label_bytes_min = 4 + 8 + 4 + 1 + 1;

}  // namespace

void encode(const LabelBatch& batch, std::string& out) {
  Writer w(out);
  w.number(labels_kind);
  w.number(batch.at);
  w.text(batch.by);
  w.number(static_cast<std::uint32_t>(batch.labels.size()));
  for (const auto& l : batch.labels) {
    w.number(l.server);
    w.number(l.at);
    w.number(l.counter);
    w.number(static_cast<std::uint8_t>(static_cast<unsigned>(l.kind) | static_cast<unsigned>(l.news) << 4U));
    switch (l.kind) {
      case LabelKind::number: w.number(l.number); break;
      case LabelKind::boolean: w.number(static_cast<std::uint8_t>(l.number != 0)); break;
      case LabelKind::text: w.text(batch.texts[l.text]); break;
    }
  }
}

std::optional<LabelBatch> decode_labels(std::string_view payload) {
  Reader in(payload);
  if (in.number<std::uint8_t>() != labels_kind) return std::nullopt;
  LabelBatch out;
  out.at = in.number<std::int64_t>();
  out.by = in.text();
  const auto count = in.number<std::uint32_t>();
  if (count > in.left() / label_bytes_min) return std::nullopt;
  out.labels.resize(count);
  for (auto& l : out.labels) {
    l.server = in.number<std::uint32_t>();
    l.at = in.number<std::int64_t>();
    l.counter = in.number<std::uint32_t>();
    l.labelled = out.at;
    const auto kinds = in.number<std::uint8_t>();
    const unsigned kind = kinds & 15U, news = kinds >> 4U;
    if (kind > static_cast<unsigned>(LabelKind::text) || news > static_cast<unsigned>(News::changed))
      return std::nullopt;
    l.kind = static_cast<LabelKind>(kind);
    l.news = static_cast<News>(news);
    switch (l.kind) {
      case LabelKind::number:
        l.number = in.number<double>();
        if (!std::isfinite(l.number)) return std::nullopt;
        break;
      case LabelKind::boolean: {
        const auto value = in.number<std::uint8_t>();
        if (value > 1) return std::nullopt;
        l.number = value;
        break;
      }
      case LabelKind::text:
        l.text = static_cast<std::uint32_t>(out.texts.size());
        out.texts.emplace_back(in.text());
        break;
    }
  }
  if (!in.good() || in.left() != 0) return std::nullopt;
  return out;
}

std::string json_of(const LabelEntry& entry, const std::vector<std::string>& texts) {
  std::string out;
  switch (entry.kind) {
    case LabelKind::number: return text_of(entry.number);
    case LabelKind::boolean: return entry.number != 0 ? "true" : "false";
    case LabelKind::text: write_json_text(out, texts[entry.text]); break;
  }
  return out;
}

bool same_value(const LabelEntry& a, const std::vector<std::string>& a_texts, const LabelEntry& b,
                const std::vector<std::string>& b_texts) {
  if ((a.kind == LabelKind::text) != (b.kind == LabelKind::text)) return false;
  return a.kind == LabelKind::text ? a_texts[a.text] == b_texts[b.text] : a.number == b.number;
}

std::uint32_t RunMaker::place_of(const std::string& text) {
  const auto [at, made] = places_.try_emplace(text, static_cast<std::uint32_t>(run_.texts.size()));
  if (made) run_.texts.push_back(text);
  return at->second;
}
void RunMaker::add(LabelBatch&& batch) {
  const auto by = place_of(batch.by);
  for (auto& l : batch.labels) {
    if (l.kind == LabelKind::text) l.text = place_of(batch.texts[l.text]);
    l.by = by;
    run_.own.push_back(l);
  }
}
void RunMaker::add(const LabelRun& run) {
  std::vector<std::uint32_t> places;
  places.reserve(run.texts.size());
  for (const auto& text : run.texts) places.push_back(place_of(text));
  run_.own.reserve(run_.own.size() + run.entries.size());
  for (auto l : run.entries) {
    if (l.kind == LabelKind::text) l.text = places[l.text];
    l.by = places[l.by];
    run_.own.push_back(l);
  }
}
std::shared_ptr<const LabelRun> RunMaker::take() {
  for (std::uint32_t i = 0; i < run_.own.size(); ++i) run_.own[i].order = i;
  std::ranges::sort(run_.own, {}, [](const LabelEntry& l) { return std::tuple_cat(l.key(), std::tuple(l.order)); });
  for (const auto& l : run_.own) {
    run_.fresh += l.news == News::fresh;
    run_.newest = std::max(run_.newest, l.labelled);
  }
  auto out = std::make_shared<LabelRun>(std::move(run_));
  out->entries = out->own;
  run_ = {};
  places_.clear();
  return out;
}

LogColumn join_labels(const Runs& runs, std::uint32_t server, std::span<const RowKey> rows) {
  LogColumn out{.name = "label"};
  if (rows.empty()) return out;
  // Rows come nearly as they arrived; where they do not, an order of them is walked.
  std::vector<std::uint32_t> order;
  if (!std::ranges::is_sorted(rows)) {
    order.resize(rows.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::sort(order, {}, [&](std::uint32_t i) { return rows[i]; });
  }
  const auto place = [&](std::size_t i) { return order.empty() ? i : order[i]; };
  const auto first = rows[place(0)], last = rows[place(rows.size() - 1)];
  struct Found {
    const LabelEntry* entry = nullptr;
    const LabelRun* run = nullptr;
  };
  std::vector<Found> found(rows.size());
  bool any = false, texts = false;
  for (const auto& run : runs) {
    const auto& all = run->entries;
    auto at = std::ranges::lower_bound(all, std::tuple(server, first.at, first.counter), {}, &LabelEntry::key);
    const auto end =
        std::ranges::upper_bound(at, all.end(), std::tuple(server, last.at, last.counter), {}, &LabelEntry::key);
    for (std::size_t i = 0; at != end && i < rows.size();) {
      const auto& row = rows[place(i)];
      const auto order_of = std::pair(at->at, at->counter) <=> std::pair(row.at, row.counter);
      if (order_of > 0) {
        ++i;
      } else {
        if (order_of == 0) {
          found[place(i)] = {&*at, run.get()};
          any = true;
          texts = texts || at->kind == LabelKind::text;
        }
        ++at;
      }
    }
  }
  if (!any) return out;
  if (texts) {
    out.texts.resize(rows.size());
    out.absent.resize(rows.size(), 1);
  } else {
    out.numbers.resize(rows.size(), std::numeric_limits<double>::quiet_NaN());
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [entry, run] = found[i];
    if (entry == nullptr) continue;
    if (!texts) {
      out.numbers[i] = entry->number;
    } else {
      out.texts[i] = entry->kind == LabelKind::text ? run->texts[entry->text] : text_of(entry->number);
      out.absent[i] = 0;
    }
  }
  return out;
}

}  // namespace pawl::serving
