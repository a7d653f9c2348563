// Labels: what is taken, what is refused, and that each is read back with its prediction.
#include "serving/labels/labels.h"

#include <cmath>
#include <random>

#include "datasets/parquet.h"
#include "serving/testing.h"
#include "store/files.h"
#include "store/killed.h"

using namespace pawl;
using namespace pawl::serving;
namespace fs = std::filesystem;

namespace {

constexpr const char* labels_path = "/api/pawl/v1/endpoints/e/labels";
constexpr const char* parquet_type = "application/vnd.apache.parquet";

std::string label(const std::string& id, const std::string& value) {
  return R"({"prediction_id":")" + id + R"(","label":)" + value + "}";
}
net::Response post(Serving& s, const std::string& labels) {
  return s.house.post(labels_path, R"({"labels":[)" + labels + "]}");
}
std::string counts(int taken, int repeated, int changed, int waiting) {
  return R"({"taken":)" + std::to_string(taken) + R"(,"repeated":)" + std::to_string(repeated) + R"(,"changed":)" +
         std::to_string(changed) + R"(,"waiting":)" + std::to_string(waiting) + "}";
}
std::string parquet(const store::ScratchFolder& folder, const std::vector<std::string>& ids, v2::Data labels,
                    const std::string& id_name = "prediction_id", std::vector<std::uint32_t> missing = {}) {
  const auto file = folder.path / "labels.parquet";
  const auto written = datasets::write_parquet(
      file,
      {{.name = id_name, .data = ids}, {.name = "label", .data = std::move(labels), .missing = std::move(missing)}});
  REQUIRE_MESSAGE(written, written.error().detail);
  return store::read_file(file).value();
}
// The labels that the rows of the log have, by id: a number as its text.
std::map<std::string, std::string> joined(Serving& s, std::size_t* rows = nullptr) {
  std::map<std::string, std::string> out;
  const auto read =
      s.service->read_rows({.endpoint = "e", .to = {1LL << 60}, .ids = true}, [&](const RowBatch& b) -> Result<void> {
        for (std::size_t i = 0; i < b.size; ++i) {
          if (rows != nullptr) ++*rows;
          const auto& l = b.labels;
          if (l.is_text() ? l.absent[i] == 0 : !l.numbers.empty() && !std::isnan(l.numbers[i]))
            out[b.ids[i]] = l.is_text() ? l.texts[i] : std::to_string(static_cast<int>(l.numbers[i]));
        }
        return {};
      });
  REQUIRE_MESSAGE(read, read.error().message);
  return out;
}

}  // namespace

TEST_CASE("a label told again is counted as repeated or changed, and the last one holds") {
  Serving s;
  s.live();
  const auto a = id_of(s.infer(ab(1, 2))), b = id_of(s.infer(ab(1, 3)));
  CHECK(post(s, label(a, "1") + "," + label(b, "2")).body == counts(2, 0, 0, 0));
  CHECK(post(s, label(a, "1.0")).body == counts(1, 1, 0, 0));
  s.house.clock.pass(std::chrono::seconds(1));
  CHECK(post(s, label(a, "5") + "," + label(b, "2") + "," + label(a, "5") + "," + label(a, "6")).body ==
        counts(4, 2, 2, 0));
  CHECK(joined(s) == std::map<std::string, std::string>{{a, "6"}, {b, "2"}});
  const auto seen = s.service->prediction(a)->labels;
  REQUIRE(seen.size() == 5);
  CHECK(seen.front().value.text == "1");
  CHECK(seen.back().value.text == "6");
  CHECK(seen.back().at == "2013-01-01T00:00:01Z");
  s.restart();
  CHECK(encode(s.service->prediction(a)->labels) == encode(seen));
  CHECK(post(s, label(a, "6") + "," + label(b, "true")).body == counts(2, 1, 1, 0));
  CHECK(s.service->watermark("e")->labelled == 2);
  // What came since then, by the day of the rows; also what came within the same microsecond, never what only repeats.
  const auto seen_until = s.service->watermark("e")->label;
  CHECK(s.service->labelled_since("e", seen_until)->empty());
  CHECK(post(s, label(a, "6")).status == 200);
  CHECK(s.service->labelled_since("e", seen_until)->empty());
  CHECK(post(s, label(a, "7") + "," + label(b, "7")).status == 200);
  CHECK(*s.service->labelled_since("e", seen_until) == std::map<std::int64_t, std::int64_t>{{15706, 2}});
  CHECK(s.service->watermark("e")->label >= s.house.clock.now());
}

TEST_CASE("a label whose prediction is not here yet waits, and is joined when it comes") {
  Serving s;
  s.live();
  const auto id = id_of(s.infer(ab(1, 2)));
  const Ids ids(store::read_file(s.data.path / "keys/predictions.key").value());
  auto parts = ids.read(id).value();
  parts.counter += 1;
  parts.at = parts.at + std::chrono::seconds(5);
  const auto later = ids.write(parts);
  parts.server += 1;
  const auto elsewhere = ids.write(parts);
  CHECK(post(s, label(later, "7") + "," + label(elsewhere, "8") + "," + label(id, "9")).body == counts(3, 0, 0, 2));
  CHECK(joined(s) == std::map<std::string, std::string>{{id, "9"}});
  s.house.clock.pass(std::chrono::seconds(5));
  CHECK(id_of(s.infer(ab(2, 2))) == later);
  CHECK(joined(s) == std::map<std::string, std::string>{{id, "9"}, {later, "7"}});
  CHECK(s.service->prediction(later)->labels.at(0).value.text == "7");
}

TEST_CASE("wrong labels are refused with their place, all or none, as JSON and as Parquet") {
  Serving s;
  s.live();
  s.house.write([&](Call& call) { return s.service->put_endpoint(call, {.name = "f", .model = "m"}); }).value();
  const auto id = id_of(s.infer(ab(1, 2)));
  auto forged = id;
  forged[30] = forged[30] == 'A' ? 'B' : 'A';
  const auto json = [](const std::string& labels) { return R"({"labels":[)" + labels + "]}"; };
  const std::vector two{id, forged};
  const store::ScratchFolder files;
  REQUIRE(datasets::write_parquet(files.path / "twice", {{.name = "prediction_id", .data = std::vector{id}},
                                                         {.name = "label", .data = std::vector<double>{1}},
                                                         {.name = "labex", .data = std::vector<double>{2}}}));
  auto twice = store::read_file(files.path / "twice").value();
  for (auto at = twice.find("labex"); at != std::string::npos; at = twice.find("labex")) twice[at + 4] = 'l';
  auto damaged = parquet(files, {id}, std::vector<double>{1});
  std::fill_n(damaged.begin() + 4, 40, '\xff');  // the first page; what the end of the file tells is whole
  struct Case {
    std::string name, body, type, endpoint;
    int status = 0;
    std::string message;
  };
  for (const auto& c :
       std::vector<Case>{{"forged", json(label(id, "1") + "," + label(forged, "2")), "", "e", 404,
                          "labels[1].prediction_id: there is no prediction"},
                         {"of another endpoint", json(label(id, "1")), "", "f", 404, "labels[0].prediction_id"},
                         {"no endpoint", json(label(id, "1")), "", "g", 404, "there is no endpoint"},
                         {"a text for a number", json(label(id, "1") + "," + label(id, R"("late")")), "", "e", 400,
                          R"(labels[1].label: expected a number, as the model answers, got \"late\")"},
                         {"a list", json(label(id, "[1]")), "", "e", 400,
                          "labels[0].label: expected a number, a text, true or false"},
                         {"null", json(label(id, "null")), "", "e", 400, "labels[0].label"},
                         {"a huge number", json(label(id, "1e999")), "", "e", 400, "labels[0].label"},
                         {"no labels", "{}", "", "e", 400, "labels"},
                         {"forged in Parquet", parquet(files, two, std::vector<double>{1, 2}), parquet_type, "e", 404,
                          "labels[1].prediction_id"},
                         {"text in Parquet", parquet(files, {id}, std::vector<std::string>{"late"}), parquet_type, "e",
                          400, "labels[0].label: expected a number"},
                         {"null in Parquet", parquet(files, {id}, std::vector<double>{NAN}), parquet_type, "e", 400,
                          "labels[0].label"},
                         {"no id in Parquet", parquet(files, {id}, std::vector<std::string>{"a"}, "prediction_id", {}),
                          parquet_type, "f", 404, "labels[0].prediction_id"},
                         {"no such column", parquet(files, {id}, std::vector<double>{1}, "id"), parquet_type, "e", 400,
                          "no column \\\"prediction_id\\\""},
                         {"no Parquet", "PAR1 and rubbish", parquet_type, "e", 400, "the body is no Parquet file"},
                         {"a column twice in Parquet", twice, parquet_type, "e", 400, "several columns \\\"label\\\""},
                         {"damaged Parquet", damaged, parquet_type, "e", 400, "the body is no Parquet file"},
                         {"nothing as Parquet", "", parquet_type, "e", 400, "the body is no Parquet file"}}) {
    CAPTURE(c.name);
    const auto r = s.house.send(net::Method::POST, "/api/pawl/v1/endpoints/" + c.endpoint + "/labels", c.body,
                                {{"content-type", c.type.empty() ? "application/json" : c.type}});
    CHECK(r.status == c.status);
    CHECK_MESSAGE(r.body.contains(c.message), r.body);
  }
  CHECK(s.service->prediction(id)->labels.empty());
  CHECK(joined(s).empty());
  std::string many;
  for (int i = 0; i <= 100'000; ++i) many += (i > 0 ? "," : "") + label("x", "1");
  CHECK(post(s, many).body.contains("at most 100000"));
}

TEST_CASE("a regression takes no true and false") {
  Serving s;
  s.live();
  const auto id = id_of(s.infer(ab(1, 2)));
  CHECK(post(s, label(id, "true")).status == 200);  // not known to be one: its number may be a probability
  s.house
      .write([&](Call& call) { return s.service->put_endpoint(call, {.name = "e", .model = "m", .regression = true}); })
      .value();
  const auto refused = post(s, label(id, "false"));
  CHECK(refused.status == 400);
  CHECK_MESSAGE(refused.body.contains("expected a number, as a regression answers, got false"), refused.body);
  CHECK(post(s, label(id, "0.5")).status == 200);
}

TEST_CASE("a full disk refuses labels, none of them is there, and the next ones are taken") {
  Serving s;
  s.live();
  const auto id = id_of(s.infer(ab(1, 2)));
  fail_log_write_after(1);
  const auto refused = post(s, label(id, "1"));
  CHECK(refused.status == 503);
  CHECK_MESSAGE(refused.body.contains("the disk is full"), refused.body);
  CHECK(joined(s).empty());
  CHECK(post(s, label(id, "1")).body == counts(1, 0, 0, 0));
  CHECK(joined(s).size() == 1);
}

TEST_CASE("labels come as Parquet too, of any number type") {
  Serving s;
  s.live();
  std::vector<std::string> ids;
  ids.reserve(5);
  for (int i = 0; i < 5; ++i) ids.push_back(id_of(s.infer(ab(i, 2))));
  const store::ScratchFolder files;
  const auto send = [&](v2::Data labels) {
    return s.house
        .send(net::Method::POST, labels_path, parquet(files, ids, std::move(labels)), {{"content-type", parquet_type}})
        .body;
  };
  CHECK(send(std::vector<double>{1, 2, 3, 4, 5}) == counts(5, 0, 0, 0));
  CHECK(send(std::vector<std::int32_t>{1, 2, 3, 4, 6}) == counts(5, 4, 1, 0));
  CHECK(send(std::vector<float>{1, 2, 3, 4, 6}) == counts(5, 5, 0, 0));
  CHECK(send(std::vector<std::uint8_t>{1, 0, 1, 0, 1}) == counts(5, 1, 4, 0));
  CHECK(joined(s) ==
        std::map<std::string, std::string>{{ids[0], "1"}, {ids[1], "0"}, {ids[2], "1"}, {ids[3], "0"}, {ids[4], "1"}});
  REQUIRE(s.service->prediction(ids[4])->labels.size() == 4);
  CHECK(s.service->prediction(ids[4])->labels.back().value.text == "true");
}

TEST_CASE(
    "what was predicted and labelled in any order is read back exactly, across sealing, restarts and changes of "
    "version") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
    Serving s(2ULL << 30, 5000);
    s.endpoint(true);
    s.prepare(1);
    s.prepare(5, {"p", "q", "b"});
    REQUIRE(s.route({.arms = {{.version = 1, .share = 1}}}));
    struct Row {
      double a = 0, b = 0, y = 0;
      std::int64_t event = 0, version = 0;
      std::string label{};
    };
    std::map<std::string, Row> told;
    std::vector<std::string> order;
    std::int64_t version = 1;
    std::map<std::int64_t, std::int64_t> on_day;
    for (int step = 0; step < 250; ++step) {
      const int what = below(20);
      s.house.clock.pass(Micros{below(3) * 1000});
      if (what < 10) {
        Row row{.a = static_cast<double>(below(100)),
                .b = static_cast<double>(below(100)),
                .event = 1'400'000'000'000'000LL + below(40) * 43'200'000'000LL + below(1000),
                .version = version};
        const auto time = R"("parameters":{"event_time":")" + to_rfc3339({row.event}) + R"(","context":{"origin":"O)" +
                          std::to_string(below(3)) + "\"}}}";
        const auto column = [](const std::string& name, double value) {
          return R"({"name":")" + name + R"(","shape":[1],"datatype":"FP32","data":[)" + std::to_string(value) + "]}";
        };
        const auto body = R"({"inputs":[)" +
                          (version == 1 ? column("a", row.a) : column("p", row.a) + "," + column("q", 0)) + "," +
                          column("b", row.b) + "]," + time;
        const auto r = s.infer(body);
        REQUIRE_MESSAGE(r.status == 200, r.body);
        row.y = std::stod(json_at(r.body, "outputs.0.data.0").value());
        ++on_day[row.event / 86'400'000'000LL];
        order.push_back(id_of(r));
        told[order.back()] = row;
      } else if (what < 17 && !order.empty()) {
        std::string labels;
        for (int i = 0; i < 1 + below(5); ++i) {
          const auto& id = order[static_cast<std::size_t>(below(static_cast<int>(order.size())))];
          told[id].label = std::to_string(below(9));
          labels += (labels.empty() ? "" : ",") + label(id, told[id].label);
        }
        REQUIRE(post(s, labels).status == 200);
      } else if (what == 17) {
        version = version == 1 ? 5 : 1;
        REQUIRE(s.route({.arms = {{.version = version, .share = 1}}}));
      } else if (what == 18) {
        s.seal();
      } else if (below(4) == 0) {
        s.restart();
      }
    }
    for (int end = 0; end < 3; ++end) {  // as it is, all but the open segment sealed, and read by who knows nothing
      if (end == 1) s.seal();
      if (end == 2) s.restart();
      std::map<std::string, std::string> labels;
      for (const auto& [id, row] : told)
        if (!row.label.empty()) labels[id] = row.label;
      std::size_t rows = 0;
      CHECK(joined(s, &rows) == labels);
      CHECK(rows == told.size());
      REQUIRE(s.service->read_rows({.endpoint = "e", .to = {1LL << 60}, .columns = {"a", "p", "b"}, .ids = true},
                                   [&](const RowBatch& batch) -> Result<void> {
                                     for (std::size_t i = 0; i < batch.size; ++i) {
                                       const auto& row = told.at(batch.ids[i]);
                                       CHECK(batch.event_times[i] == row.event);
                                       CHECK(batch.versions[i] == row.version);
                                       const bool first = row.version == 1;
                                       CHECK(batch.features[first ? 0 : 1].numbers[i] == row.a);
                                       CHECK(std::isnan(batch.features[first ? 1 : 0].numbers[i]));
                                       CHECK(batch.features[2].numbers[i] == row.b);
                                       CHECK(batch.outputs[0].numbers[i] == row.y);
                                       CHECK(batch.context[0].texts[i].starts_with("O"));
                                     }
                                     return {};
                                   }));
      std::map<std::int64_t, std::int64_t> days;
      for (const auto& [id, row] : told)
        if (!row.label.empty()) ++days[row.event / 86'400'000'000LL];
      CHECK(*s.service->labelled_since("e", {0}) == days);
      const auto mark = s.service->watermark("e").value();
      CHECK(mark.rows == static_cast<std::int64_t>(told.size()));
      CHECK(mark.labelled == static_cast<std::int64_t>(labels.size()));
      for (int i = 0; i < 3; ++i) {
        const std::int64_t from = 1'400'000'000'000'000LL + below(30) * 43'200'000'000LL + below(2) * 777LL,
                           to = from + below(10) * 43'200'000'000LL + below(2) * 333LL;
        CHECK(s.service->count_rows("e", {from}, {to}) == std::ranges::count_if(told, [&](const auto& r) {
                return r.second.event >= from && r.second.event < to;
              }));
      }
    }
    if (seed > 1) continue;
    CHECK(s.service->answer("m", 2, {}).error().code == Code::missing);
    REQUIRE(s.service->read_rows({.endpoint = "e", .to = {1LL << 60}, .ids = true},
                                 [&](const RowBatch& batch) -> Result<void> {
                                   s.prepare(2);
                                   const auto ten_times = s.service->answer("m", 2, batch).value();
                                   for (std::size_t i = 0; i < batch.size; ++i)
                                     if (told.at(batch.ids[i]).version == 1)
                                       CHECK(ten_times.at(0).numbers[i] == 10 * told.at(batch.ids[i]).y);
                                     else
                                       CHECK(std::isnan(ten_times.at(0).numbers[i]));
                                   return {};
                                 }));
  }
}

TEST_CASE("event times of any year are read back and counted") {
  Serving s(2ULL << 30, 500);
  s.endpoint(true);
  s.prepare(1);
  REQUIRE(s.route({.arms = {{.version = 1, .share = 1}}}));
  std::vector<std::int64_t> told;
  for (const auto* year : {"0001", "1969", "1970", "2013", "2099", "2100", "9999"})
    for (const auto* day : {"-01-01T00:00:00Z", "-12-31T23:59:59.999999Z"}) {
      told.push_back(parse_rfc3339(std::string(year) + day)->us);
      REQUIRE(s.infer(ab(1, 2, R"(,"parameters":{"event_time":")" + std::string(year) + day + "\"}")).status == 200);
    }
  s.seal();
  std::ranges::sort(told);
  std::vector<std::int64_t> seen;
  REQUIRE(s.service->read_rows({.endpoint = "e", .from = {told.front()}, .to = {told.back() + 1}},
                               [&](const RowBatch& b) -> Result<void> {
                                 seen.insert(seen.end(), b.event_times.begin(), b.event_times.end());
                                 return {};
                               }));
  std::ranges::sort(seen);
  CHECK(seen == told);
  for (std::size_t i = 0; i < told.size(); ++i)
    for (std::size_t k = i; k < told.size(); ++k)
      CHECK(s.service->count_rows("e", {told[i]}, {told[k]}) == static_cast<std::int64_t>(k - i));
  CHECK(s.service->watermark("e")->oldest == Time{told.front()});
  CHECK(s.service->watermark("e")->event == Time{told.back()});
}

TEST_CASE("sealed segments whose rows arrived before a time are forgotten, with their labels") {
  Serving s(2ULL << 30, 2000);
  s.live();
  std::vector<std::string> ids;
  for (int day = 0; day < 20; ++day) {
    for (int i = 0; i < 5; ++i) ids.push_back(id_of(s.infer(ab(day, i))));
    std::string labels;
    for (int i = 0; i < 5; ++i)
      labels += (i > 0 ? "," : "") + label(ids[ids.size() - 5 + static_cast<std::size_t>(i)], "1");
    REQUIRE(post(s, labels).status == 200);
    s.house.clock.pass(std::chrono::hours(24));
  }
  const auto begin = s.house.clock.now();
  CHECK(s.service->forget("e", begin) == 0);  // nothing is sealed
  s.seal();
  const auto sealed = [&] {
    return std::distance(fs::directory_iterator(s.data.path / "predictions/e/sealed"), fs::directory_iterator{});
  };
  const auto before = sealed();
  const auto gone = s.service->forget("e", begin - std::chrono::hours(10 * 24)).value();
  CHECK(gone >= 40);
  CHECK(gone <= 50);
  CHECK(sealed() < before);
  const auto check = [&] {
    std::size_t rows = 0;
    CHECK(joined(s, &rows).size() == 100 - static_cast<std::size_t>(gone));
    CHECK(rows == 100 - static_cast<std::size_t>(gone));
    CHECK(s.service->watermark("e")->labelled <= 100);
    CHECK(s.service->watermark("e")->rows == 100 - gone);
    CHECK(s.service->endpoint("e")->predictions == 100 - gone);
    CHECK(!s.service->prediction(ids[0]));
    CHECK(s.service->prediction(ids[99]));
  };
  check();
  // A file that a crash left behind, listed nowhere, goes with the next call.
  fs::copy_file(fs::directory_iterator(s.data.path / "predictions/e/sealed")->path(),
                s.data.path / "predictions/e/sealed" /
                    (fs::directory_iterator(s.data.path / "predictions/e/sealed")->path().stem().string().substr(0, 9) +
                     "00000000000000001.parquet"));
  CHECK(s.service->forget("e", begin - std::chrono::hours(10 * 24)) == 0);
  s.restart();
  check();
}

TEST_CASE("no acknowledged label is lost by kill -9") {
  const store::ScratchFolder folder;
  const auto batch = [](std::uint32_t i) {
    LabelBatch b{.at = 1000 + i, .by = "ann"};
    for (std::uint32_t k = 0; k < 10; ++k)
      b.labels.push_back({.server = 1, .counter = i, .at = k, .labelled = b.at, .number = 1.0 * k});
    return b;
  };
  const auto book_in = [&](Syncer& syncer) {
    return std::make_unique<LabelBook>(folder.path / "sealed",
                                       std::make_shared<Tail>(folder.path / "log", "s1", 4096, syncer));
  };
  const auto last = store::killed_after(700, [&](const auto& tell) {  // seals now and then
    Syncer syncer;
    const auto book = book_in(syncer);
    for (std::uint32_t i = 0;; ++i) {
      if (!book->take(batch(i))) return;
      tell(i);
      if (i % 50 == 49 && !book->seal()) return;
    }
  });
  Syncer syncer;
  const auto book = book_in(syncer);
  const auto runs = book->runs().value();
  std::vector<RowKey> rows;
  for (std::uint32_t k = 0; k < 10; ++k)
    for (std::uint32_t i = 0; i <= last; ++i) rows.push_back({.at = k, .counter = i});
  const auto labels = join_labels(runs, 1, rows);
  REQUIRE(labels.numbers.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) REQUIRE(labels.numbers[i] == static_cast<double>(rows[i].at));
  const auto counts = book->counts().value();
  CHECK(counts.labelled >= 10 * (last + 1));
  CHECK(counts.labelled <= 10 * (last + 2));  // the one that was under way
}

TEST_CASE("a damaged file of labels is said, not read past") {
  const store::ScratchFolder folder;
  RunMaker made;
  made.add({.labels = {{.server = 1, .counter = 2, .at = 3, .number = 4},
                       {.server = 1, .counter = 1, .at = 3, .text = 0, .kind = LabelKind::text}},
            .texts = {"late"},
            .at = 9,
            .by = "ann"});
  const auto run = made.take();
  const auto file = folder.path / "a.labels";
  REQUIRE(write_run(*run, file));
  const auto whole = store::read_file(file).value();
  const auto back = open_run(file).value();
  CHECK(back->entries.size() == 2);
  CHECK(back->entries[0].counter == 1);
  CHECK(json_of(back->entries[0], back->texts) == R"("late")");
  CHECK(back->fresh == 2);
  for (std::size_t i = 0; i < whole.size(); i += 7) {
    auto broken = whole;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    REQUIRE(store::write_file(file, broken));
    CHECK(!open_run(file));
    REQUIRE(store::write_file(file, whole.substr(0, i)));
    CHECK(!open_run(file));
  }
}
