// The evaluation: pawl's own work on digests it has verified, done by a job of the runner. The rows are the challenger's data.test, later in
// time than both versions' training rows; both models score them afresh; intervals come from drawing whole days. This header is what the server
// asks and what the runner answers; evaluate.cpp does it.
#pragma once
#include "core/result.h"
#include "delivery/config.h"
#include "delivery/types.h"

namespace pawl::delivery {

struct ModelRef {
  std::int64_t version = 0;
  std::string artifact{};    // its folder below the artifacts' root
  std::string train_ends{};  // newest time of its training rows; empty: not known
  std::vector<std::string> inputs{};
  static constexpr auto fields =
      std::tuple{field("version", &ModelRef::version), field("artifact", &ModelRef::artifact),
                 field("train_ends", &ModelRef::train_ends), field("inputs", &ModelRef::inputs)};
};
struct SliceAsk {
  std::string by{};
  stats::Metric metric{};
  static constexpr auto fields = std::tuple{field("by", &SliceAsk::by), field("metric", &SliceAsk::metric)};
};
struct CompareAsk {
  stats::Metric metric{};
  double confidence = 0.95;
  static constexpr auto fields =
      std::tuple{field("metric", &CompareAsk::metric), field("confidence", &CompareAsk::confidence)};
};
struct DataRef {
  std::string path{}, digest{};  // as dvc.lock has it: md5
  static constexpr auto fields = std::tuple{field("path", &DataRef::path), field("digest", &DataRef::digest)};
};
struct CheckFile {
  std::string path{}, text{};
  static constexpr auto fields = std::tuple{field("path", &CheckFile::path), field("text", &CheckFile::text)};
};
struct EvaluateAsk {
  std::string flow{}, model{};
  ModelTask task{};
  std::string label{}, time{}, score{}, positive{};
  std::vector<std::string> classes{};
  DataRef train{}, test{};
  ModelRef challenger{};
  std::optional<ModelRef> champion{};
  std::vector<stats::Metric> metrics{};
  std::vector<SliceAsk> slices{};
  std::vector<CompareAsk> compare{};
  std::vector<CheckFile> checks{};
  std::string reference = "training+test";  // which rows the monitors will compare with; also: training, test
  std::int64_t draws = 10'000, seed = 20130101;
  static constexpr auto fields = std::tuple{field("flow", &EvaluateAsk::flow),
                                            field("model", &EvaluateAsk::model),
                                            field("task", &EvaluateAsk::task),
                                            field("label", &EvaluateAsk::label),
                                            field("time", &EvaluateAsk::time),
                                            field("score", &EvaluateAsk::score),
                                            field("positive", &EvaluateAsk::positive),
                                            field("classes", &EvaluateAsk::classes),
                                            field("train", &EvaluateAsk::train),
                                            field("test", &EvaluateAsk::test),
                                            field("challenger", &EvaluateAsk::challenger),
                                            field("champion", &EvaluateAsk::champion),
                                            field("metrics", &EvaluateAsk::metrics),
                                            field("slices", &EvaluateAsk::slices),
                                            field("compare", &EvaluateAsk::compare),
                                            field("checks", &EvaluateAsk::checks),
                                            field("reference", &EvaluateAsk::reference),
                                            field("draws", &EvaluateAsk::draws),
                                            field("seed", &EvaluateAsk::seed)};
};

// A number with its interval, or why there is none.
struct Estimate {
  stats::Metric metric{};
  CheckState state{};  // pass: there is one
  std::string reason{};
  std::optional<double> estimate{}, low{}, high{};
  std::int64_t n = 0;
  static constexpr auto fields = std::tuple{field("metric", &Estimate::metric),
                                            field("state", &Estimate::state),
                                            field("reason", &Estimate::reason),
                                            field("estimate", &Estimate::estimate),
                                            field("low", &Estimate::low),
                                            field("high", &Estimate::high),
                                            field("n", &Estimate::n)};
};
struct Slice {
  std::string value{};
  std::int64_t n = 0;
  bool judged = true;  // false: too few rows
  std::optional<double> estimate{}, low{}, high{};
  static constexpr auto fields =
      std::tuple{field("value", &Slice::value),       field("n", &Slice::n),     field("judged", &Slice::judged),
                 field("estimate", &Slice::estimate), field("low", &Slice::low), field("high", &Slice::high)};
};
struct Sliced {
  std::string by{};
  Estimate overall{};
  std::vector<Slice> items{};
  static constexpr auto fields =
      std::tuple{field("by", &Sliced::by), field("overall", &Sliced::overall), field("items", &Sliced::items)};
};
struct Checked {
  std::string path{};
  CheckState state{};
  std::string reason{};
  std::int64_t n = 0;
  Json findings{};
  static constexpr auto fields =
      std::tuple{field("path", &Checked::path), field("state", &Checked::state), field("reason", &Checked::reason),
                 field("n", &Checked::n), field("findings", &Checked::findings, {.empty = Empty::hide})};
};
// The version's own data, as its monitor compares live rows with it: a Parquet file with a column for each of the model's inputs, cast through
// its types, and one of times; the rows of data.train, data.test or both, evenly thinned to `reference_rows_max`.
constexpr std::int64_t reference_rows_max = 200'000;
struct Reference {
  std::string path{};  // below the artifacts' root: references/MODEL/VERSION.parquet; empty: there is none
  std::string time{};  // its column of times; empty: the rows have none
  std::string ends{};  // newest time of all the rows, RFC 3339
  std::int64_t rows = 0, of_rows = 0;  // kept, and before thinning
  std::string note{};                  // why there is none
  static constexpr auto fields = std::tuple{field("path", &Reference::path),       field("time", &Reference::time),
                                            field("ends", &Reference::ends),       field("rows", &Reference::rows),
                                            field("of_rows", &Reference::of_rows), field("note", &Reference::note)};
};
// What a monitor has to know about a version, once it is live.
struct Baseline {
  Reference reference{};
  Numbers values{};                    // every metric of the task on the judged rows of data.test
  std::string score{}, positive{};     // classification: the output with the probabilities, the positive class …
  std::vector<std::string> classes{};  // … and the classes, in the order of the output's columns
  static constexpr auto fields = std::tuple{
      field("reference", &Baseline::reference), field("values", &Baseline::values), field("score", &Baseline::score),
      field("positive", &Baseline::positive), field("classes", &Baseline::classes)};
};
struct EvaluateResult {
  CheckState state{};  // of the whole: anything but pass stands for every part
  std::string reason{};
  std::int64_t rows = 0, rows_left_out = 0, days = 0, draws = 0, seed = 0;  // days 0: rows were drawn one by one
  std::string later_than{};
  Texts digests{};  // challenger, champion (SHA-256 of the model files), test (MD5)
  std::vector<Estimate> metrics{}, champion_metrics{}, differences{};  // differences: how much better the challenger is
  std::vector<Sliced> slices{};
  std::vector<Checked> checks{};
  std::optional<double> outputs_distance{};
  Baseline baseline{};
  static constexpr auto fields = std::tuple{field("state", &EvaluateResult::state),
                                            field("reason", &EvaluateResult::reason),
                                            field("rows", &EvaluateResult::rows),
                                            field("rows_left_out", &EvaluateResult::rows_left_out),
                                            field("days", &EvaluateResult::days),
                                            field("draws", &EvaluateResult::draws),
                                            field("seed", &EvaluateResult::seed),
                                            field("later_than", &EvaluateResult::later_than),
                                            field("digests", &EvaluateResult::digests),
                                            field("metrics", &EvaluateResult::metrics),
                                            field("champion_metrics", &EvaluateResult::champion_metrics),
                                            field("differences", &EvaluateResult::differences),
                                            field("slices", &EvaluateResult::slices),
                                            field("checks", &EvaluateResult::checks),
                                            field("outputs_distance", &EvaluateResult::outputs_distance),
                                            field("baseline", &EvaluateResult::baseline)};
};

// Where the runner finds things.
struct EvaluatePlaces {
  std::function<Result<std::filesystem::path>(const std::string& md5)> object{};  // a file of the DVC cache
  std::function<Result<std::filesystem::path>(const std::string& artifact)>
      artifact{};                   // a local copy of an artifact folder
  std::filesystem::path scratch{};  // an empty folder
  // Keeps a file among the artifacts, at that path below their root. Absent: no reference is made.
  std::function<Result<void>(const std::string& path, const std::filesystem::path& file)> keep{};
};
// The runner's function for tasks of kind `evaluate`. What cannot be judged is a state of the result; an error is one of the machine.
Result<EvaluateResult> evaluate(const EvaluateAsk& ask, const EvaluatePlaces& places);

}  // namespace pawl::delivery
