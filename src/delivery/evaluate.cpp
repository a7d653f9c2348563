#include "delivery/evaluate.h"

#include <cmath>
#include <limits>

#include "core/json.h"
#include "datasets/cache.h"
#include "delivery/reference.h"
#include "stats/bootstrap.h"
#include "stats/distance.h"

namespace pawl::delivery {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min();
constexpr std::size_t slice_rows_min = 30;  // a metric of fewer rows says little; they are listed, not judged
constexpr std::size_t slices_max = 200;
constexpr std::size_t classes_max = 200;
constexpr int loose_groups_max =
    2000;  // rows without a time are dealt into so many groups: the same law, a fraction of the draws
constexpr int loose_groups_min = 30;

// What the checks speak of; anything but pass ends the evaluation and stands for every part.
struct Verdict {
  CheckState state{};
  std::string reason{};
};
Verdict verdict_of(const Error& e) {
  return {e.code == Code::conflict ? CheckState::inconclusive : CheckState::error, e.message};
}

// The rows that are judged, in groups that are drawn together.
struct Judged {
  Rows rows{};
  stats::Truth truth{};
  std::vector<std::string> classes{};
  std::string positive{};
  std::vector<int> group{};
  int groups = 0;
  bool by_day = false;
  bool enough() const { return groups >= (by_day ? stats::groups_min : loose_groups_min); }
  std::string too_few() const {
    return by_day ? std::to_string(groups) + " days: an interval needs at least " + std::to_string(stats::groups_min)
                  : std::to_string(groups) + " rows: an interval needs at least " + std::to_string(loose_groups_min);
  }
};

// The cache's objects have no extension, the reader goes by it.
Result<std::unique_ptr<datasets::Table>> open_table(const DataRef& data, const EvaluatePlaces& places,
                                                    const std::string& name) {
  if (data.digest.ends_with(".dir"))
    return fail(Code::invalid, data.path + " is a folder: one Parquet or CSV file is expected", data.path);
  TRY(object, places.object(data.digest));
  TRY(md5, datasets::md5_of_file(object));
  if (md5 != data.digest)
    return fail(Code::invalid,
                data.path + ": its content in the cache is damaged (MD5 " + md5 + ", expected " + data.digest + ")",
                data.path);
  const fs::path link = places.scratch / (name + fs::path(data.path).extension().string());
  std::error_code ec;
  fs::remove(link, ec);
  fs::create_symlink(fs::absolute(object), link, ec);
  if (ec) return fail(Code::unavailable, "cannot link " + link.string() + ": " + ec.message());
  return datasets::Table::open(link, {.csv_as_text = true});
}

// Rows later than both trainings, with a label.
Result<Judged> rows_of(const EvaluateAsk& ask, datasets::Table& table, EvaluateResult& out) {
  Judged judged;
  std::vector<std::int64_t> times;
  std::int64_t later_than = no_time;
  if (!ask.time.empty()) {
    TRY(found, table.times(ask.time));
    times = std::move(found);
    for (const ModelRef* model : {&ask.challenger, ask.champion ? &*ask.champion : nullptr}) {
      if (model == nullptr) continue;
      const auto ends = parse_rfc3339(model->train_ends);
      if (!ends)
        return fail(Code::conflict,
                    "it is not known when the training rows of version " + std::to_string(model->version) +
                        " end: the rows to judge must be later",
                    "model.time");
      later_than = std::max(later_than, ends->us);
    }
    out.later_than = to_rfc3339({later_than});
  }
  TRY(labels, table.texts(ask.label));
  const bool regression = ask.task == ModelTask::regression;
  std::vector<std::string> canonical;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if ((!times.empty() && (times[i] == no_time || times[i] <= later_than)) || !labels[i] || labels[i]->empty())
      continue;
    std::string label = canonical_label(*labels[i]);
    if (regression) {
      char* end = nullptr;
      const double value = std::strtod(label.c_str(), &end);
      if (end != label.c_str() + label.size() || !std::isfinite(value)) {
        if (label == "nan" || label == "NaN") continue;
        return fail(Code::invalid,
                    "column " + ask.label + ", row " + std::to_string(i + 1) + ": expected a number, got `" +
                        label.substr(0, 60) + "`",
                    ask.label);
      }
      judged.truth.value.push_back(value);
    } else {
      canonical.push_back(std::move(label));
    }
    judged.rows.push_back(i);
  }
  out.rows = std::ssize(judged.rows);
  out.rows_left_out = std::ssize(labels) - out.rows;
  if (labels.empty()) return fail(Code::conflict, ask.test.path + " has no rows", "data.test");
  if (judged.rows.empty())
    return fail(Code::conflict,
                times.empty()
                    ? "no row of " + ask.test.path + " has a label"
                    : "no row of " + ask.test.path + " with a label is later than the training rows (they end " +
                          out.later_than + "): split by time",
                "data.test");
  if (!regression) {
    for (const auto& c : ask.classes) judged.classes.push_back(canonical_label(c));
    if (judged.classes.empty()) judged.classes = sorted_labels(canonical);
    if (judged.classes.size() > classes_max)
      return fail(Code::conflict,
                  ask.label + " has " + std::to_string(judged.classes.size()) + " values: more than " +
                      std::to_string(classes_max) + " classes are none",
                  ask.label);
    if (judged.classes.size() < 2)
      return fail(Code::conflict, "all labels are the same: nothing to tell apart", ask.label);
    judged.positive = ask.positive.empty() ? judged.classes.back() : canonical_label(ask.positive);
    const auto place = [&](const std::string& label) {
      return static_cast<int>(std::find(judged.classes.begin(), judged.classes.end(), label) - judged.classes.begin());
    };
    judged.truth.classes = static_cast<int>(judged.classes.size());
    judged.truth.positive = place(judged.positive);
    if (judged.truth.positive == judged.truth.classes)
      return fail(Code::conflict, "no label is " + judged.positive + ", which model.positive names", "model.positive");
    for (std::size_t i = 0; i < canonical.size(); ++i) {
      judged.truth.cls.push_back(place(canonical[i]));
      if (judged.truth.cls.back() == judged.truth.classes)
        return fail(Code::invalid,
                    "column " + ask.label + ", row " + std::to_string(judged.rows[i] + 1) + ": the label " +
                        canonical[i] + " is none of model.classes",
                    ask.label);
    }
  }
  judged.by_day = !times.empty();
  if (judged.by_day) {
    std::vector<std::int64_t> days;
    for (const std::size_t row : judged.rows) days.push_back(day_of(Time{times[row]}));
    judged.groups = stats::number_groups(days, judged.group);
    out.days = judged.groups;
  } else {
    judged.groups = static_cast<int>(std::min<std::size_t>(judged.rows.size(), loose_groups_max));
    for (std::size_t i = 0; i < judged.rows.size(); ++i)
      judged.group.push_back(static_cast<int>(i % static_cast<std::size_t>(judged.groups)));
  }
  return judged;
}

stats::BootstrapOptions draws_of(const EvaluateAsk& ask, double confidence = 0.95) {
  return {.confidence = confidence,
          .draws = static_cast<int>(std::clamp<std::int64_t>(ask.draws, 100, 100'000)),
          .seed = static_cast<std::uint64_t>(ask.seed)};
}

Estimate estimate_of(const EvaluateAsk& ask, stats::Metric m, const Judged& judged, const stats::Answers& answers) {
  Estimate out{.metric = m, .n = std::ssize(judged.rows)};
  if (out.reason = stats::cannot(m, judged.truth, answers); !out.reason.empty()) {
    out.state = CheckState::inconclusive;
    return out;
  }
  const stats::Grouped grouped(m, judged.truth, answers, judged.group, judged.groups);
  const auto seen =
      stats::bootstrap(grouped, judged.groups, judged.enough() ? draws_of(ask) : stats::BootstrapOptions{.draws = 0});
  if (std::isnan(seen.estimate)) {
    out.state = CheckState::inconclusive, out.reason = std::string(word(m)) + " is not defined on these rows";
    return out;
  }
  out.estimate = seen.estimate;
  if (judged.enough() && seen.ok()) out.low = seen.low, out.high = seen.high;
  return out;
}

Estimate difference_of(const EvaluateAsk& ask, const CompareAsk& compare, const Judged& judged,
                       const stats::Answers& challenger, const stats::Answers& champion) {
  Estimate out{.metric = compare.metric, .n = std::ssize(judged.rows)};
  const auto stop = [&](std::string reason) {
    out.state = CheckState::inconclusive, out.reason = std::move(reason);
    return out;
  };
  for (const stats::Answers* answers : {&challenger, &champion})
    if (std::string no = stats::cannot(compare.metric, judged.truth, *answers); !no.empty()) return stop(std::move(no));
  if (!judged.enough()) return stop(judged.too_few());
  const stats::Grouped ours(compare.metric, judged.truth, challenger, judged.group, judged.groups),
      theirs(compare.metric, judged.truth, champion, judged.group, judged.groups);
  const auto seen = stats::improvement(compare.metric, ours, theirs, judged.groups, draws_of(ask, compare.confidence));
  if (std::isnan(seen.estimate) || !seen.ok())
    return stop(std::string(word(compare.metric)) + " is not defined in too many draws of days");
  out.estimate = seen.estimate, out.low = seen.low, out.high = seen.high;
  return out;
}

// The rows of one value, as a set to be judged on their own.
Judged part_of(const Judged& all, const std::vector<std::size_t>& places) {
  Judged out{.classes = all.classes, .positive = all.positive, .by_day = all.by_day};
  out.truth.classes = all.truth.classes, out.truth.positive = all.truth.positive;
  std::vector<std::int64_t> keys;
  for (const std::size_t i : places) {
    out.rows.push_back(all.rows[i]);
    if (all.truth.classes == 0)
      out.truth.value.push_back(all.truth.value[i]);
    else
      out.truth.cls.push_back(all.truth.cls[i]);
    keys.push_back(all.group[i]);
  }
  out.groups = stats::number_groups(keys, out.group);
  return out;
}
stats::Answers part_of(const stats::Answers& all, const std::vector<std::size_t>& places, std::size_t classes) {
  stats::Answers out;
  for (const std::size_t i : places) {
    if (!all.value.empty()) out.value.push_back(all.value[i]);
    if (!all.chosen.empty()) out.chosen.push_back(all.chosen[i]);
    for (std::size_t k = 0; k < classes && !all.probability.empty(); ++k)
      out.probability.push_back(all.probability[i * classes + k]);
  }
  return out;
}

Result<Sliced> slices_of(const EvaluateAsk& ask, const SliceAsk& by, const Judged& judged,
                         const stats::Answers& answers, datasets::Table& table) {
  Sliced out{.by = by.by, .overall = estimate_of(ask, by.metric, judged, answers)};
  if (out.overall.state != CheckState::pass) return out;
  if (table.find(by.by) == nullptr) {
    out.overall.state = CheckState::error, out.overall.reason = by.by + " is no column of " + ask.test.path;
    return out;
  }
  TRY(values, table.texts(by.by));
  std::map<std::string, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < judged.rows.size(); ++i)
    places[values[judged.rows[i]].value_or("(missing)")].push_back(i);
  if (places.size() > slices_max) {
    out.overall.state = CheckState::inconclusive, out.overall.reason = by.by + " has " + std::to_string(places.size()) +
                                                                       " values, at most " +
                                                                       std::to_string(slices_max) + " make slices";
    return out;
  }
  for (const auto& [value, at] : places) {
    Slice slice{.value = value, .n = std::ssize(at), .judged = at.size() >= slice_rows_min};
    const Estimate seen = estimate_of(ask, by.metric, part_of(judged, at), part_of(answers, at, judged.classes.size()));
    slice.estimate = seen.estimate, slice.low = seen.low, slice.high = seen.high;
    slice.judged = slice.judged && seen.state == CheckState::pass;
    out.items.push_back(std::move(slice));
  }
  return out;
}

// What the checks find in one file.
struct Findings {
  std::string path{};
  std::vector<datasets::Finding> findings{};
  static constexpr auto fields = std::tuple{field("path", &Findings::path), field("findings", &Findings::findings)};
};
// checks.yaml on the training and the test set: the blocks for training, or, where there are none, the columns of all blocks.
Checked checked_by(const CheckFile& file, const std::vector<std::pair<std::string, datasets::Table*>>& tables) {
  Checked out{.path = file.path};
  auto checks = datasets::read_checks(file.text, file.path);
  if (!checks) return {.path = file.path, .state = CheckState::error, .reason = checks.error().message};
  if (checks->columns_for(datasets::CheckFor::training).empty())
    for (auto& block : checks->blocks) block.for_ = {datasets::CheckFor::training}, block.table = {};
  if (checks->columns_for(datasets::CheckFor::training).empty())
    return {.path = file.path, .state = CheckState::empty, .reason = "it checks no column"};
  std::vector<Findings> all;
  std::int64_t count = 0;
  for (const auto& [path, table] : tables) {
    auto seen = table->check(*checks, datasets::CheckFor::training, {});
    if (!seen) return {.path = file.path, .state = CheckState::error, .reason = seen.error().message};
    out.n += table->rows();
    count += std::ssize(seen->findings);
    if (!seen->findings.empty() && out.reason.empty()) {
      const auto& f = seen->findings.front();
      out.reason = path + (f.column.empty() ? "" : ", column " + f.column) + ": " + f.check + " expected " +
                   f.expected + ", seen " + f.seen;
    }
    all.push_back({path, std::move(seen->findings)});
  }
  if (count > 1) out.reason += " (and " + std::to_string(count - 1) + " more)";
  if (count > 0) out.state = CheckState::fail;
  out.findings.text = encode(all);
  return out;
}

// Every metric of the task that these answers allow, without an interval.
Numbers values_of(const EvaluateAsk& ask, const Judged& judged, const stats::Answers& answers) {
  using enum stats::Metric;
  Numbers out;
  for (const stats::Metric m : {mae, rmse, bias, r2, accuracy, f1, log_loss, auc}) {
    if (stats::of_regression(m) != (ask.task == ModelTask::regression)) continue;
    if (!stats::cannot(m, judged.truth, answers).empty()) continue;
    const stats::Grouped grouped(m, judged.truth, answers, judged.group, judged.groups);
    const auto seen = stats::bootstrap(grouped, judged.groups, {.draws = 0});
    if (std::isfinite(seen.estimate)) out[std::string(word(m))] = seen.estimate;
  }
  return out;
}

// Kept among the artifacts, or why it is not: an evaluation does not fail for it.
Result<Reference> reference_of(const EvaluateAsk& ask, const EvaluatePlaces& places,
                               const std::vector<v2::Port>& inputs, datasets::Table* train, datasets::Table* test) {
  std::vector<Part> parts;
  if (ask.reference != "test") {
    if (train == nullptr) return Reference{.note = "it is not known on which rows the version was trained"};
    parts.push_back({ask.train.path, train});
  }
  if (ask.reference != "training") parts.push_back({ask.test.path, test});
  const fs::path file = places.scratch / "reference.parquet";
  auto made = write_reference(parts, inputs, ask.time, file);
  if (!made && made.error().code != Code::invalid) return std::unexpected(made.error());
  if (!made) return Reference{.note = made.error().message};
  made->path = "references/" + ask.model + "/" + std::to_string(ask.challenger.version) + ".parquet";
  TRY_(places.keep(made->path, file));
  std::error_code ec;
  fs::remove(file, ec);
  return std::move(*made);
}

double distance_of(const stats::Answers& challenger, const stats::Answers& champion, std::size_t classes) {
  if (classes == 0) return stats::wasserstein_normed(challenger.value, champion.value);
  std::vector<double> ours(classes, 0), theirs(classes, 0);
  for (const int c : challenger.chosen) ours[static_cast<std::size_t>(c)] += 1;
  for (const int c : champion.chosen) theirs[static_cast<std::size_t>(c)] += 1;
  return stats::jensen_shannon(ours, theirs);
}

}  // namespace

Result<EvaluateResult> evaluate(const EvaluateAsk& ask, const EvaluatePlaces& places) {
  EvaluateResult out{.draws = ask.draws, .seed = ask.seed};
  TRY(test, open_table(ask.test, places, "test"));
  out.digests["test"] = ask.test.digest;
  std::unique_ptr<datasets::Table> train;
  const bool wants_reference = places.keep && ask.reference != "test";
  if ((!ask.checks.empty() || wants_reference) && !ask.train.digest.empty()) {
    auto opened = open_table(ask.train, places, "train");
    if (!opened && (!ask.checks.empty() || opened.error().code != Code::invalid))
      return std::unexpected(opened.error());
    if (opened) train = std::move(*opened);
  }
  std::vector<std::pair<std::string, datasets::Table*>> tables;
  std::vector<std::unique_ptr<datasets::Table>> typed;
  for (const auto& [path, table, name] :
       {std::tuple{ask.train.path, train.get(), "train"}, std::tuple{ask.test.path, test.get(), "test"}}) {
    if (table == nullptr || ask.checks.empty()) continue;
    if (path.ends_with(".parquet") || path.ends_with(".pq")) {
      tables.emplace_back(path, table);
      continue;
    }
    // The checks know types, so CSV is read as it is, not as text.
    TRY(opened, datasets::Table::open(places.scratch / (std::string(name) + fs::path(path).extension().string())));
    typed.push_back(std::move(opened));
    tables.emplace_back(path, typed.back().get());
  }
  for (const CheckFile& file : ask.checks) out.checks.push_back(checked_by(file, tables));

  const auto stop = [&](const Error& e) {
    const Verdict v = verdict_of(e);
    out.state = v.state, out.reason = v.reason;
    return out;
  };
  const auto missing_column = [&](const std::string& name) { return !name.empty() && test->find(name) == nullptr; };
  for (const std::string& name : {ask.label, ask.time})
    if (missing_column(name)) return stop({Code::invalid, ask.test.path + " has no column " + name, name, {}});
  const auto judged = rows_of(ask, *test, out);
  if (!judged) return stop(judged.error());

  std::shared_ptr<const serving::Model> newest;  // the challenger
  const auto answers_of = [&](const ModelRef& ref, const std::string& name) -> Result<stats::Answers> {
    TRY(folder, places.artifact(ref.artifact));
    TRY(model, serving::Model::open(folder, ref.inputs));
    out.digests[name] = model->digest();
    if (newest == nullptr) newest = model;
    return score(*model, *test, judged->rows, ask, judged->classes, judged->positive);
  };
  const auto challenger = answers_of(ask.challenger, "challenger");
  if (!challenger && (challenger.error().code == Code::unavailable || challenger.error().code == Code::deadline))
    return std::unexpected(challenger.error());
  if (!challenger) return stop(challenger.error());
  for (const stats::Metric m : ask.metrics) out.metrics.push_back(estimate_of(ask, m, *judged, *challenger));
  out.baseline = {.values = values_of(ask, *judged, *challenger)};
  if (ask.task == ModelTask::classification)
    out.baseline.score = score_output(*newest, ask), out.baseline.positive = judged->positive,
    out.baseline.classes = judged->classes;
  if (places.keep) {
    TRY(reference, reference_of(ask, places, newest->columns(), train.get(), test.get()));
    out.baseline.reference = std::move(reference);
  }
  for (const SliceAsk& by : ask.slices) {
    TRY(sliced, slices_of(ask, by, *judged, *challenger, *test));
    out.slices.push_back(std::move(sliced));
  }
  if (!ask.champion) return out;
  const auto champion = answers_of(*ask.champion, "champion");
  if (!champion && (champion.error().code == Code::unavailable || champion.error().code == Code::deadline))
    return std::unexpected(champion.error());
  if (!champion) {
    // The challenger's own numbers stand; only the comparison cannot be made.
    const Verdict v = verdict_of(champion.error());
    for (const CompareAsk& c : ask.compare)
      out.differences.push_back({.metric = c.metric, .state = v.state, .reason = "the champion: " + v.reason});
    return out;
  }
  for (const stats::Metric m : ask.metrics) out.champion_metrics.push_back(estimate_of(ask, m, *judged, *champion));
  for (const CompareAsk& c : ask.compare)
    out.differences.push_back(difference_of(ask, c, *judged, *challenger, *champion));
  out.outputs_distance = distance_of(*challenger, *champion, judged->classes.size());
  return out;
}

}  // namespace pawl::delivery
