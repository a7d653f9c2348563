// Rows of the log as monitors read them: from the open tail and from sealed files alike.
#include <cmath>
#include <random>

#include "serving/log/collect.h"
#include "serving/log/seal.h"
#include "serving/testing.h"
#include "store/files.h"

using namespace pawl;
using namespace pawl::serving;

namespace {

// What a cell is, whatever form its batch has it in.
std::string cell(const std::vector<LogColumn>& columns, const std::string& name, std::size_t row) {
  const auto at = std::ranges::find(columns, name, &LogColumn::name);
  if (at == columns.end()) return "missing";
  if (at->is_text()) return at->absent[row] != 0 ? "missing" : at->texts[row];
  return std::isnan(at->numbers[row]) ? "missing" : text_of(at->numbers[row]);
}

using Cells = std::map<std::string, std::string>;  // without those that are missing
Cells cells_of(const RowBatch& b, std::size_t row) {
  Cells out;
  const auto add = [&](const std::string& group, const std::vector<LogColumn>& columns) {
    for (const auto& c : columns) {
      if (size_of(c) != b.size) FAIL(c.name);
      if (const auto value = cell(columns, c.name, row); value != "missing") out[group + c.name] = value;
    }
  };
  add("feature ", b.features);
  add("output ", b.outputs);
  add("context ", b.context);
  out["version"] = std::to_string(b.versions[row]);
  out["arm"] = word(b.arms[row]);
  out["unit"] = std::to_string(b.units[row]);
  out["time"] = std::to_string(b.event_times[row]);
  return out;
}

std::string said(const Cells& cells) {
  std::string out;
  for (const auto& [name, value] : cells) out.append(name).append("=").append(value).append(" ");
  return out;
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

// A tensor of any type with odd values; what its cells are is told beside.
v2::Tensor tensor(Dice& random, const std::string& name, std::size_t rows, std::size_t width, v2::Type type,
                  const std::string& group, std::vector<Cells>& told, const std::vector<std::string>& columns = {}) {
  v2::Tensor t{.name = name, .shape = {static_cast<std::int64_t>(rows)}, .data = v2::make_data(type, rows * width)};
  if (width != 1 || random.one_in(2)) t.shape.push_back(static_cast<std::int64_t>(width));
  for (std::size_t i = 0; i < rows * width; ++i) {
    const bool missing = random.one_in(5);
    std::string text;
    std::visit(
        [&]<class V>(std::vector<V>& values) {
          if constexpr (std::is_same_v<V, std::string>) {
            constexpr std::array some{"",     "a",     "1.5",
                                      "true", "ü\"\n", "a long text that does not fit into twelve bytes"};
            if (missing)
              t.missing.push_back(static_cast<std::uint32_t>(i));
            else
              text = values[i] = some[random.below(some.size())];
            if (!missing && text.empty()) text = "(empty)";
          } else if constexpr (std::is_floating_point_v<V>) {
            constexpr std::array some{V(0.1), V(1.5), V(-3), V(1e10), V(1) / V(3)};
            values[i] = missing ? std::array{V(NAN), V(INFINITY)}[random.below(2)] : some[random.below(some.size())];
            if (!missing) text = text_of(static_cast<double>(values[i]));
          } else {
            values[i] = static_cast<V>(std::is_same_v<V, std::uint8_t> ? random.below(2) : random.below(1000));
            text = std::to_string(values[i]);
          }
        },
        t.data);
    const auto column = !columns.empty() ? columns[i % width]
                        : width == 1     ? name
                                         : name + "/" + std::to_string(i % width);
    if (!text.empty()) told[i / width][group + column] = text == "(empty)" ? "" : text;
  }
  return t;
}

}  // namespace

TEST_CASE("the open tail and a sealed file hold the same rows, whatever versions made of a column") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    Dice random(seed);
    const store::ScratchFolder folder;
    const Ids ids("key of the test");
    std::map<RowKey, Cells> told;
    Segment segment{.path = folder.path / "s.log"};
    std::string frames;
    Time event_first{}, event_last{};
    for (std::uint32_t n = 0; n < 40; ++n) {
      Record r{.received = {1000 + n},
               .counter = n * 10'000,
               .rows = static_cast<std::uint32_t>(random.one_in(40) ? 2100 : 1 + random.below(3)),
               .status = random.one_in(8)   ? Status::error
                         : random.one_in(8) ? Status::refused
                                            : Status::ok,
               .arm = static_cast<Arm>(random.below(3)),
               .version = static_cast<std::int64_t>(1 + random.below(3)),
               .step = 1,
               .digest = "d",
               .rollout = "r"};
      std::vector<Cells> cells(r.rows);
      if (random.one_in(2)) r.key_digest = random.below(3) * 0x0123456789ABCDEFULL;
      const auto times = random.below(3);
      for (std::size_t i = 0; times > 0 && i < (times == 1 ? 1 : r.rows); ++i)
        r.event_times.push_back({static_cast<std::int64_t>(random.below(1000))});
      // Mostly of the type that a column always has; once in a while of another one, or a list, or not there.
      const auto type = [&](std::size_t usual) {
        return static_cast<v2::Type>(random.one_in(seed % 3 == 0 ? 6 : 1000) ? random.below(6) : usual);
      };
      if (random.one_in(4)) {
        r.columns = {"f0", "f1", "f9"};
        r.features.push_back(tensor(random, "X", r.rows, 3, type(3), "feature ", cells, r.columns));
      } else {
        if (random.one_in(3)) r.features.push_back(tensor(random, "F0", r.rows, 1, type(5), "feature ", cells));
        for (std::size_t f = 0; f < 6; ++f)
          if (!random.one_in(6))
            r.features.push_back(tensor(random, "f" + std::to_string(f), r.rows,
                                        f == 5 || random.one_in(seed % 3 == 0 ? 9 : 1000) ? 3 : 1, type(f), "feature ",
                                        cells));
      }
      if (r.status == Status::ok)
        r.outputs.push_back(tensor(random, "y", r.rows, 1 + random.below(2), type(4), "output ", cells));
      if (random.one_in(2)) {
        r.context = R"({"origin":"JFK","hour":[)";
        for (std::size_t i = 0; i < r.rows; ++i) {
          r.context += (i > 0 ? "," : "") + (random.one_in(5) ? "null" : std::to_string(i));
          if (!r.context.ends_with("null")) cells[i]["context hour"] = std::to_string(i);
          cells[i]["context origin"] = "JFK";
        }
        if (random.one_in(6)) r.context.insert(1, R"("bad\u0000name":1,"":2,)");
        r.context += random.one_in(9) ? R"(],"odd":["x"],"late":true,"list":[[1,2]]})" : R"(],"late":7})";
        for (auto& c : cells) {
          c["context late"] = r.context.ends_with("7}") ? "7" : "1";
          if (!r.context.ends_with("7}")) {
            c["context odd"] = "x";
            c["context list"] = "[1,2]";
          }
        }
      }
      for (std::uint32_t i = 0; i < r.rows; ++i) {
        const auto t = r.event_time(i);
        event_first = frames.empty() && i == 0 ? t : std::min(event_first, t);
        event_last = std::max(event_last, t);
        cells[i]["version"] = std::to_string(r.version);
        cells[i]["arm"] = word(r.arm);
        cells[i]["unit"] = std::to_string(r.key_digest.value_or(static_cast<std::uint64_t>(r.received.us)));
        cells[i]["time"] = std::to_string(t.us);
        if (r.status == Status::ok) told[{r.received.us, r.counter + i}] = cells[i];
      }
      append_frame(frames, [&](std::string& out) { encode(r, out); });
    }
    REQUIRE(store::write_file(segment.path, frames));
    segment.bytes = frames.size();
    const auto sealed = write_parquet(segment, folder.path / "s.parquet", 1, 2, ids);
    REQUIRE_MESSAGE(sealed, sealed.error().detail);
    CHECK(sealed->event_first == event_first);
    CHECK(sealed->event_last == event_last);

    for (const bool whole : {true, false}) {
      RowsAsk ask{.from = {0}, .to = {2000}, .ids = true, .units = true};
      if (!whole)
        ask = {.from = {100}, .to = {1020}, .columns = {"f1", "f4", "f5/1", "never"}, .ids = true, .units = true};
      std::map<RowKey, Cells> expected;
      for (const auto& [key, cells] : told) {
        const auto t = std::stoll(cells.at("time"));
        if (t < ask.from.us || t >= ask.to.us) continue;
        auto& kept = expected[key];
        for (const auto& [name, value] : cells)
          if (whole || !name.starts_with("feature ") ||
              std::ranges::find(ask.columns, name.substr(8)) != ask.columns.end())
            kept[name] = value;
      }
      for (const bool from_tail : {true, false}) {
        CAPTURE(from_tail);
        std::map<RowKey, Cells> seen;
        const Collector::Each each = [&](const RowBatch& b, std::span<const RowKey>) -> Result<void> {
          for (std::size_t i = 0; i < b.size; ++i) {
            const auto id = ids.read(b.ids[i]).value();
            CHECK(id.endpoint == 1);
            CHECK(id.server == 2);
            CHECK(seen.emplace(RowKey{id.at.us, id.counter}, cells_of(b, i)).second);
          }
          if (!whole) CHECK(b.features.size() == 4);
          return {};
        };
        Collector rows(ask, ids, 1, 2, {}, each);
        if (from_tail) {
          auto reader = SegmentReader::open(segment.path, segment.bytes).value();
          RecordView view;
          while (const auto payload = reader.next()) REQUIRE(rows.add(view, *payload));
        } else {
          const auto read =
              SealedReader().read(folder.path / "s.parquet", sealed->event_first, sealed->event_last, rows);
          REQUIRE_MESSAGE(read, read.error().detail);
        }
        REQUIRE(rows.flush());
        REQUIRE(seen.size() == expected.size());
        for (const auto& [key, cells] : expected) {
          CAPTURE(key.counter);
          CHECK_MESSAGE(seen.at(key) == cells, said(seen.at(key)) << " instead of " << said(cells));
        }
      }
    }
  }
}
