// The way of a label: checked against the endpoint's key and its outputs, told apart from what was known, written, synced, acknowledged.
#include <charconv>
#include <cmath>

#include "core/json.h"
#include "core/json_dom.h"
#include "serving/service_impl.h"
#include "store/files.h"

#include <boost/json.hpp>

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t labels_max = 100'000;  // of one request

std::string place_of(std::size_t i) { return "labels[" + std::to_string(i) + "]"; }

// What a label may be, from what the live version answers: its classes are texts, or numbers, or it says numbers only.
enum class Wants { anything, number, text };
Wants wanted_by(const EndpointNow& endpoint) {
  const auto* live = endpoint.live();
  if (live == nullptr || !live->slot) return Wants::anything;
  const auto& outputs = live->slot->row.outputs;
  const auto has = [&](auto test) { return std::ranges::any_of(outputs, test); };
  if (has([](const v2::Port& p) { return p.type == v2::Type::BYTES; })) return Wants::text;
  const auto one_value = [](const v2::Port& p) {
    return p.shape.size() < 2 || (p.shape.size() == 2 && p.shape[1] == 1);
  };
  // Probabilities alone do not say what their classes are called.
  if (has([](const v2::Port& p) { return p.type != v2::Type::FP32 && p.type != v2::Type::FP64; }) || has(one_value))
    return Wants::number;
  return Wants::anything;
}

// Takes labels one by one into a batch; says which one is wrong, and why.
class Taker {
 public:
  Taker(const EndpointNow& endpoint, const Ids& ids, const Ask& ask, Time at)
      : endpoint_(endpoint), ids_(ids), wants_(wanted_by(endpoint)) {
    batch.at = at.us;
    batch.by = ask.who.name;
  }
  LabelBatch batch{};

  Result<void> number(std::string_view id, double value, LabelKind kind) {
    TRY(entry, begin(id));
    if (wants_ == Wants::text)
      return wrong("a text, as the model answers",
                   kind == LabelKind::boolean ? value != 0 ? "true" : "false" : plain(value));
    if (kind == LabelKind::boolean && endpoint_.row.regression)
      return wrong("a number, as a regression answers", value != 0 ? "true" : "false");
    if (!std::isfinite(value)) return wrong("a finite number", plain(value));
    entry.kind = kind;
    entry.number = value;
    batch.labels.push_back(entry);
    return {};
  }
  Result<void> text(std::string_view id, std::string_view value) {
    TRY(entry, begin(id));
    if (wants_ == Wants::number)
      return wrong("a number, as the model answers", "\"" + std::string(value.substr(0, 60)) + "\"");
    entry.kind = LabelKind::text;
    entry.text = static_cast<std::uint32_t>(batch.texts.size());
    batch.texts.emplace_back(value);
    batch.labels.push_back(entry);
    return {};
  }
  Result<void> json(std::string_view id, const std::string& value) {
    const char first = value.empty() ? 'n' : value.front();
    if (first == 't' || first == 'f') return number(id, first == 't' ? 1 : 0, LabelKind::boolean);
    if (first == '-' || (first >= '0' && first <= '9')) {
      double x = 0;
      const auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), x);
      return number(id, bad == std::errc{} && end == value.data() + value.size() ? x : HUGE_VAL, LabelKind::number);
    }
    if (first != '"') {
      TRY_(begin(id));
      return wrong("a number, a text, true or false", value.substr(0, 60));
    }
    TRY(parsed, parse_json(value));
    const auto& s = parsed.get_string();
    return text(id, {s.data(), s.size()});
  }
  std::unexpected<Error> wrong(std::string_view expected, const std::string& got) const {
    const auto where = place_of(batch.labels.size()) + ".label";
    return fail(Code::invalid, where + ": expected " + std::string(expected) + ", got " + got, where);
  }

 private:
  static std::string plain(double x) {
    std::string out;
    write_json_number(out, x);
    return out;
  }
  Result<LabelEntry> begin(std::string_view text) const {
    if (batch.labels.size() == labels_max)
      return fail(Code::too_large, "more than " + std::to_string(labels_max) + " labels: send them in several requests",
                  "labels");
    const auto id = ids_.read(text);
    if (!id || id->endpoint != static_cast<std::uint32_t>(endpoint_.row.number)) {
      const auto where = place_of(batch.labels.size()) + ".prediction_id";
      return fail(Code::missing,
                  where + ": there is no prediction \"" + std::string(text.substr(0, 100)) + "\" at the endpoint " +
                      endpoint_.row.name,
                  where);
    }
    return LabelEntry{.server = id->server, .counter = id->counter, .at = id->at.us, .labelled = batch.at};
  }
  const EndpointNow& endpoint_;
  const Ids& ids_;
  const Wants wants_;
};

}  // namespace

Result<LabelsTaken> Service::Impl::take(const EndpointNow& endpoint, LabelBatch&& batch) {
  LabelsTaken out{.taken = static_cast<std::int64_t>(batch.labels.size())};
  if (batch.labels.empty()) return out;
  // Of this server's predictions those up to the newest are here: ids are given in the order of the log, and only once their row is written.
  Time newest;
  {
    const std::scoped_lock lock(endpoint.book->mutex);
    TRY_(catch_up(endpoint));
    newest = {endpoint.book->tallies.reach().arrival};
  }
  for (const auto& l : batch.labels) out.waiting += l.server != server_number || l.at > newest.us;
  TRY(news, endpoint.label_book->take(std::move(batch)));
  out.repeated = news.repeated;
  out.changed = news.changed;
  TRY_(endpoint.labels->sync());
  return out;
}

Result<LabelsTaken> Service::take_labels(const Ask& ask, const NewLabels& in) {
  TRY(endpoint, impl_->find_or_fail(in.name));
  TRY_(endpoint->labels->open());
  Taker taker(*endpoint, impl_->ids, ask, endpoint->labels->stamp(ask.now(), 1).at);
  taker.batch.labels.reserve(in.labels.size());
  for (const auto& l : in.labels) TRY_(taker.json(l.prediction_id, l.label.text));
  return impl_->take(*endpoint, std::move(taker.batch));
}

Result<LabelsTaken> Service::take_labels_parquet(const Ask& ask, const std::string& name, std::string_view bytes) {
  TRY(endpoint, impl_->find_or_fail(name));
  TRY_(endpoint->labels->open());
  // DuckDB reads files.
  const store::ScratchFile file{fs::temp_directory_path() / ("pawl-labels-" + impl_->random.hex_bytes(8) + ".parquet")};
  TRY_(store::write_file(file.path, bytes));
  Taker taker(*endpoint, impl_->ids, ask, endpoint->labels->stamp(ask.now(), 1).at);
  TRY_(read_labels(
      file.path,
      {.number = [&](auto id, double value, LabelKind kind) { return taker.number(id, value, kind); },
       .text = [&](auto id, auto value) { return taker.text(id, value); },
       .missing = [&]() -> Result<void> { return taker.wrong("a number, a text, true or false", "null"); }}));
  return impl_->take(*endpoint, std::move(taker.batch));
}

}  // namespace pawl::serving
