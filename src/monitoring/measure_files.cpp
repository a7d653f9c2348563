// Measures a window that lies in a file, as the tests from outside and people who try a monitor do:
//   monitoring_files MONITOR REFERENCE WINDOW START END LABEL ANSWER
// MONITOR is a monitor as JSON, REFERENCE and WINDOW are Parquet or CSV, LABEL and ANSWER columns of the window (empty: none). Prints {seen, columns}.
#include <cstdio>

#include "core/json.h"
#include "datasets/table.h"
#include "monitoring/measure.h"

namespace {

using namespace pawl;
using namespace pawl::monitoring;

class FileSource final : public Source {
 public:
  FileSource(datasets::Table& table, std::string time, std::string label, std::string answer)
      : table_(table), time_(std::move(time)), label_(std::move(label)), answer_(std::move(answer)) {}
  Result<std::int64_t> rows() override { return table_.rows(); }
  Result<void> for_each(const serving::RowsAsk& ask,
                        const std::function<Result<void>(const serving::RowBatch&)>& each) override {
    serving::RowBatch batch{.size = static_cast<std::size_t>(table_.rows())};
    TRY(times, table_.times(time_));
    batch.event_times = std::move(times);
    batch.versions.assign(batch.size, 1);
    for (const auto& c : table_.columns()) {
      const bool wanted = ask.columns.empty() || std::ranges::find(ask.columns, c.name) != ask.columns.end();
      if (c.name == label_ || c.name == answer_ || c.name == time_ || !wanted || !ask.features) continue;
      TRY(column, read(c.name));
      batch.features.push_back(std::move(column));
    }
    if (ask.outputs && !answer_.empty()) {
      TRY(column, read(answer_));
      batch.outputs.push_back(std::move(column));
    }
    if (ask.labels && !label_.empty()) {
      TRY(column, read(label_));
      batch.labels = std::move(column);
    }
    return each(batch);
  }
  Result<std::vector<serving::LogColumn>> answer(std::int64_t, const serving::RowBatch&) override {
    return fail(Code::missing, "a file holds no other version");
  }

 private:
  Result<serving::LogColumn> read(const std::string& name) {
    serving::LogColumn out{.name = name};
    if (table_.find(name) == nullptr) return fail(Code::missing, "there is no column " + name, name);
    if (table_.find(name)->type != datasets::ColumnType::string) {
      TRY(numbers, table_.numbers(name));
      out.numbers = std::move(numbers);
      return out;
    }
    TRY(texts, table_.texts(name));
    for (auto& t : texts) out.absent.push_back(t ? 0 : 1), out.texts.push_back(std::move(t).value_or(""));
    return out;
  }
  datasets::Table& table_;
  std::string time_, label_, answer_;
};

Result<std::string> measured(char** arg) {
  TRY(monitor, decode<Monitor>(arg[1]));
  TRY(reference, Reference::read(arg[2], monitor));
  TRY(table, datasets::Table::open(arg[3], {.threads = 1}));
  TRY(start, parse_rfc3339(arg[4]));
  TRY(end, parse_rfc3339(arg[5]));
  FileSource source(*table, monitor.time, arg[6], arg[7]);
  TRY(got, measure(monitor, reference, source, {start, end}));
  std::string bins;
  for (const auto& [name, b] : got.columns) {
    bins += bins.empty() ? "" : ", ";
    write_json_text(bins, name);
    bins += ": " + encode(b);
  }
  return "{\"seen\": " + encode(got.seen) + ", \"columns\": {" + bins + "}}";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  const auto got = measured(argv);
  if (!got) return std::fprintf(stderr, "%s\n", got.error().message.c_str()), 1;
  std::puts(got->c_str());
}
