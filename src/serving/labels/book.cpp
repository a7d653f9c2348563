// The labels of an endpoint: what is sealed, what is in memory, and how the one becomes the other.
#include <future>

#include "core/log.h"
#include "serving/labels/labels.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view suffix = ".labels";

}  // namespace

fs::path LabelBook::file_of(const fs::path& log) const {
  return sealed_folder_ / (log.stem().string() + std::string(suffix));
}

// A log whose file is there was sealed before a crash: it goes now, before anything counts it twice.
Result<void> LabelBook::begin() {
  if (begun_) return {};
  std::error_code ec;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(sealed_folder_, ec), end; !ec && at != end; at.increment(ec))
    if (at->path().extension() == suffix) files.push_back(at->path());
  std::ranges::sort(files);  // names sort by time
  std::vector<Sealed> sealed;
  for (auto& file : files) {
    TRY(run, open_run(file));
    sealed.push_back({.file = std::move(file), .run = std::move(run)});
  }
  for (const auto& segment : log_->segments())
    if (fs::exists(file_of(segment.path), ec) && !fs::remove(segment.path, ec))
      return fail(Code::unavailable, "cannot remove labels that were sealed", {}, segment.path.string());
  sealed_ = std::move(sealed);
  begun_ = true;
  return {};
}

Result<void> LabelBook::catch_up() {
  TRY_(log_->open());
  TRY_(begin());
  for (const auto& segment : log_->segments()) {
    if (std::ranges::find(open_, segment.path, &Open::log) == open_.end()) open_.push_back({.log = segment.path});
    auto& open = *std::ranges::find(open_, segment.path, &Open::log);
    if (segment.bytes <= open.offset) continue;
    TRY(reader, SegmentReader::open(segment.path, segment.bytes));
    reader.skip(open.offset);
    RunMaker made;
    while (const auto payload = reader.next())
      if (auto batch = decode_labels(*payload)) made.add(std::move(*batch));
    open.offset = reader.offset();
    if (made.empty()) continue;
    open.runs.push_back(made.take());
    // Runs grow in powers of two: a label is moved a logarithmic number of times, a look meets a logarithmic number of runs.
    while (open.runs.size() > 1) {
      const auto& before = *(open.runs.end() - 2);
      const auto& last = open.runs.back();
      if (before->entries.size() >= 2 * last->entries.size()) break;
      RunMaker both;
      both.add(*before);
      both.add(*last);
      auto merged = both.take();
      open.runs.pop_back();
      open.runs.back() = std::move(merged);
    }
  }
  return {};
}

Runs LabelBook::all() const {
  Runs out;
  for (const auto& s : sealed_) out.push_back(s.run);
  for (const auto& o : open_) out.insert(out.end(), o.runs.begin(), o.runs.end());
  return out;
}

Result<Runs> LabelBook::runs() {
  const std::scoped_lock lock(mutex_);
  TRY_(catch_up());
  return all();
}

Result<LabelBook::Told> LabelBook::take(LabelBatch&& batch) {
  const std::scoped_lock lock(mutex_);
  TRY_(catch_up());
  const auto known = all();
  // Later than what was there, also within a microsecond: whoever asks what came since then misses none.
  for (const auto& run : known) batch.at = std::max(batch.at, run->newest + 1);
  // In the order of predictions, so that each run is walked once; of one prediction in the order they were sent.
  std::vector<std::uint32_t> order(batch.labels.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return std::pair(batch.labels[i].key(), i); });
  struct Last {
    const LabelEntry* entry = nullptr;
    const std::vector<std::string>* texts = nullptr;
  };
  std::vector<Last> last(order.size());
  for (const auto& run : known) {
    if (order.empty() || run->entries.empty() || run->entries.front().key() > batch.labels[order.back()].key() ||
        run->entries.back().key() < batch.labels[order.front()].key())
      continue;
    auto at = run->entries.begin();
    for (std::size_t i = 0; i < order.size() && at != run->entries.end(); ++i) {
      const auto key = batch.labels[order[i]].key();
      // Ahead in doubling steps: a few labels skip a long run, many walk it.
      std::size_t step = 1;
      auto from = at;
      while (static_cast<std::size_t>(run->entries.end() - from) > step &&
             (from + static_cast<std::ptrdiff_t>(step))->key() <= key) {
        from += static_cast<std::ptrdiff_t>(step);
        step *= 2;
      }
      const auto until =
          from + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(step) + 1, run->entries.end() - from);
      at = std::ranges::upper_bound(from, until, key, {}, &LabelEntry::key);
      if (at != run->entries.begin() && (at - 1)->key() == key) last[i] = {&*(at - 1), &run->texts};
    }
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto& label = batch.labels[order[i]];
    const bool again = i > 0 && batch.labels[order[i - 1]].key() == label.key();
    const auto before = again ? Last{&batch.labels[order[i - 1]], &batch.texts} : last[i];
    label.news = before.entry == nullptr                                        ? News::fresh
                 : same_value(*before.entry, *before.texts, label, batch.texts) ? News::repeated
                                                                                : News::changed;
  }
  Told told;
  for (const auto& l : batch.labels) {
    told.repeated += l.news == News::repeated;
    told.changed += l.news == News::changed;
  }
  std::string frame;
  append_frame(frame, [&](std::string& out) { encode(batch, out); });
  std::promise<Result<void>> written;
  log_->append(frame, {batch.at}, [&](Result<void> r) { written.set_value(std::move(r)); }, {});
  TRY_(written.get_future().get());
  TRY_(catch_up());
  return told;
}

Result<LabelBook::Counts> LabelBook::counts() {
  const std::scoped_lock lock(mutex_);
  TRY_(catch_up());
  Counts out;
  for (const auto& run : all()) {
    out.labelled += run->fresh;
    out.newest = std::max(out.newest, run->newest);
  }
  return out;
}

// Written, then forgotten in memory, then removed: a crash in between leaves the file, and begin() removes the log.
Result<std::int64_t> LabelBook::seal() {
  std::int64_t sealed = 0;
  for (;;) {
    Open closed;
    {
      const std::scoped_lock lock(mutex_);
      TRY_(catch_up());
      if (open_.size() < 2) return sealed;  // the newest one is open
      closed = open_.front();
    }
    const auto file = file_of(closed.log);
    RunMaker all;
    for (const auto& run : closed.runs) all.add(*run);
    TRY_(write_run(*all.take(), file));
    TRY(run, open_run(file));
    const std::scoped_lock lock(mutex_);
    std::error_code ec;
    if (fs::file_size(closed.log, ec) > closed.offset) {
      // What follows a frame that is not whole was not read: it is kept for whoever can.
      fs::rename(closed.log, closed.log.string() + ".damaged", ec);
      log::error("serving.labels_damaged", {{"file", closed.log.string()}, {"at", closed.offset}});
    } else {
      fs::remove(closed.log, ec);
    }
    sealed_.push_back({.file = file, .run = std::move(run)});
    open_.erase(open_.begin());
    ++sealed;
  }
}

Result<void> LabelBook::forget(Time before) {
  const std::scoped_lock lock(mutex_);
  TRY_(catch_up());
  std::erase_if(sealed_, [&](const Sealed& s) {
    if (std::ranges::any_of(s.run->entries, [&](const LabelEntry& l) { return l.at >= before.us; })) return false;
    std::error_code ec;
    return fs::remove(s.file, ec) || !fs::exists(s.file, ec);
  });
  return {};
}

}  // namespace pawl::serving
