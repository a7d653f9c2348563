#include "delivery/config.h"

#include <cmath>

#include "core/who.h"
#include "monitoring/reference.h"
#include "wire/yaml/value.h"

namespace pawl::delivery {
namespace {

using yaml::Mark;
using yaml::Value;
using Kind = Value::Kind;

// Problems are gathered while defaults stand in, so that a file is read to its end whatever is wrong with it.
struct Reading {
  struct Problem {
    bool of_whole;  // a map or list lacks something: often because of a misspelt key in it, which is then told first
    Mark mark;
    std::string what;
    auto place() const { return std::tuple(of_whole, mark.line, mark.column); }
  };
  std::vector<Problem> problems{};
  void wrong(Mark mark, std::string what, bool of_whole = false) {
    problems.push_back({of_whole, mark, std::move(what)});
  }
};

std::string join(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : std::string(between)) + w;
  return out;
}
template <class E> std::string words_of() {
  std::string out;
  for (const auto w : words<E>) out += (out.empty() ? "" : "|") + std::string(w);
  return out;
}
std::string shown(const Value& v) {
  if (v.is(Kind::list)) return "a list";
  if (v.is(Kind::map)) return "a map";
  if (v.is(Kind::null)) return "nothing";
  return v.text.size() > 60 ? v.text.substr(0, 60) + "…" : v.text;
}

// A value and the path people know it by.
struct At {
  Reading& reading;
  const Value* value;
  std::string path;

  void wrong(std::string_view wanted) const {
    reading.wrong(value->mark, fmt_path() + "expected " + std::string(wanted) + ", got " + shown(*value));
  }
  void refuse(std::string_view what) const {
    reading.wrong(value->mark, fmt_path() + std::string(what), !value->scalar());
  }
  std::string fmt_path() const { return path.empty() ? "" : path + ": "; }

  std::string text() const {
    if (value->is(Kind::text) && !value->text.empty()) return value->text;
    wrong("text");
    return {};
  }
  std::string scalar() const {
    if (value->scalar() && !value->is(Kind::null)) return value->text;
    wrong("a value");
    return {};
  }
  double number() const {
    if (value->is(Kind::integer)) return static_cast<double>(value->integer);
    if (value->is(Kind::real) && std::isfinite(value->real)) return value->real;
    wrong("a number");
    return 0;
  }
  std::int64_t whole(std::int64_t min, std::int64_t max) const {
    if (value->is(Kind::integer) && value->integer >= min && value->integer <= max) return value->integer;
    wrong("a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return min;
  }
  double number(double above, double most) const {
    const double x = number();
    if ((value->is(Kind::integer) || value->is(Kind::real)) && !(x > above && x <= most))
      wrong("a number above " + yaml::python_float(above) + " and at most " + yaml::python_float(most));
    return x;
  }
  bool flag() const {
    if (!value->is(Kind::flag)) wrong("true or false");
    return value->flag;
  }
  Micros duration() const {
    const auto d = parse_duration(value->scalar() ? value->text : "");
    if (d && d->count() > 0) return *d;
    wrong("a duration as 10m, 36h or 28d");
    return Micros{1};
  }
  // `5%` is 5.
  double percent() const {
    const std::string& t = value->text;
    char* end = nullptr;
    if (value->scalar() && t.size() > 1 && t.back() == '%') {
      const double x = std::strtod(t.c_str(), &end);
      if (end == t.c_str() + t.size() - 1 && x > 0 && std::isfinite(x)) return x;
    }
    wrong("a share as 25%");
    return 1;
  }
  template <class E> E word() const {
    if (value->is(Kind::text))
      if (const auto found = from_word<E>(value->text)) return *found;
    wrong("one of " + words_of<E>());
    return E{};
  }
  // A name that can stand in an address and in NAME@V.
  std::string name() const {
    const std::string t = text();
    if (t.size() > 200 || t.find_first_of("/@:\\?#% \t\n\"'") != t.npos)
      refuse("`" + shown(*value) + "` is no name: letters, digits, - _ and . only, at most 200");
    return t;
  }
  // A path of the repository.
  std::string file() const {
    const std::string t = text();
    if (t.starts_with('/') || t.find('\\') != t.npos || t == ".." || t.starts_with("../") || t.find("/../") != t.npos ||
        t.ends_with("/.."))
      refuse("`" + shown(*value) + "` leaves the repository: a relative path without .. is needed");
    return t;
  }
  std::vector<At> items() const {
    std::vector<At> out;
    if (!value->is(Kind::list)) wrong("a list");
    for (std::size_t i = 0; i < value->items.size(); ++i)
      out.push_back({reading, &value->items[i], path + "[" + std::to_string(i) + "]"});
    return out;
  }
  std::vector<std::string> scalars() const {
    std::vector<std::string> out;
    for (const At& item : items()) out.push_back(item.scalar());
    return out;
  }
};

// A map whose keys are asked for by name. What was never asked for is unknown: told by end().
class Block {
 public:
  explicit Block(At at) : at_(std::move(at)) {
    if (!at_.value->is(Kind::map)) at_.wrong("a map");
  }
  template <class F> bool optional(std::string_view key, F read) {
    asked_.emplace_back(key);
    const Value* found = at_.value->find(key);
    if (found == nullptr) return false;
    read(At{at_.reading, found, path_of(key)});
    return true;
  }
  template <class F> void required(std::string_view key, F read) {
    if (!optional(key, read) && at_.value->is(Kind::map))
      at_.reading.wrong(at_.value->mark, at_.fmt_path() + "`" + std::string(key) + "` is missing", true);
  }
  void reserved(std::string_view key) { reserved_.emplace_back(key); }
  void end() {
    if (!at_.value->is(Kind::map)) return;
    for (const auto& m : at_.value->members) {
      if (std::find(reserved_.begin(), reserved_.end(), m.key) != reserved_.end())
        at_.reading.wrong(m.mark, at_.fmt_path() + "`" + m.key + "` is reserved: not yet");
      else if (std::find(asked_.begin(), asked_.end(), m.key) == asked_.end())
        at_.reading.wrong(m.mark,
                          at_.fmt_path() + "unknown key `" + m.key + "`, expected one of " + join(asked_, ", "));
    }
  }
  const At& at() const { return at_; }

 private:
  std::string path_of(std::string_view key) const {
    return at_.path.empty() ? std::string(key) : at_.path + "." + std::string(key);
  }
  At at_;
  std::vector<std::string> asked_, reserved_;
};

stats::Metric read_metric(const At& at, ModelTask task) {
  const auto m = at.word<stats::Metric>();
  if (at.value->is(Kind::text) && from_word<stats::Metric>(at.value->text) &&
      stats::of_regression(m) != (task == ModelTask::regression))
    at.refuse(std::string(word(m)) + " is no metric of " + std::string(word(task)));
  return m;
}
stats::Metric read_directed(const At& at, ModelTask task) {
  const auto m = read_metric(at, task);
  if (!stats::has_direction(m))
    at.refuse(
        "bias is best at 0: neither more nor less of it is better. Bound it with `metric: {name: bias, min: …, max: "
        "…}`");
  return m;
}

ModelPart read_model(const At& at) {
  ModelPart out;
  Block b(at);
  b.required("name", [&](const At& v) { out.name = v.name(); });
  b.required("task", [&](const At& v) { out.task = v.word<ModelTask>(); });
  b.required("label", [&](const At& v) { out.label = v.text(); });
  b.optional("time", [&](const At& v) { out.time = v.text(); });
  const auto classes_only = [&](const At& v) {
    if (out.task == ModelTask::regression) v.refuse("is for classification only");
  };
  b.optional("score", [&](const At& v) { classes_only(v), out.score = v.text(); });
  b.optional("classes", [&](const At& v) {
    classes_only(v), out.classes = v.scalars();
    if (out.classes.size() < 2) v.wrong("at least two classes");
    for (std::size_t i = 0; i < out.classes.size(); ++i)
      if (std::find(out.classes.begin(), out.classes.begin() + static_cast<std::ptrdiff_t>(i), out.classes[i]) !=
          out.classes.begin() + static_cast<std::ptrdiff_t>(i))
        v.refuse("the class " + out.classes[i] + " stands here twice");
  });
  b.optional("positive", [&](const At& v) {
    classes_only(v), out.positive = v.scalar();
    if (!out.classes.empty() && std::find(out.classes.begin(), out.classes.end(), out.positive) == out.classes.end())
      v.refuse("is none of the classes " + join(out.classes, ", "));
  });
  b.optional("inputs", [&](const At& v) { out.inputs = v.scalars(); });
  b.end();
  return out;
}

When read_when(const At& at) {
  if (at.value->is(Kind::text) && at.value->text == "schedule") {
    at.refuse("`schedule` is reserved: not yet");
    return {};
  }
  if (at.value->is(Kind::text) && at.value->text != "data") {
    if (const auto kind = from_word<WhenKind>(at.value->text)) return {*kind, {}};
  }
  if (at.value->is(Kind::map)) {
    When out{WhenKind::data, {}};
    Block b(at);
    b.reserved("schedule");
    if (at.value->find("schedule") == nullptr) b.required("data", [&](const At& v) { out.path = v.file(); });
    b.end();
    return out;
  }
  at.wrong("push, drift, performance or {data: PATH}");
  return {};
}

// `1 window`, `3 per 90d` and the like are kept as they are written, once their shape is known to be right.
std::int64_t read_windows(const At& at) {
  const std::string t = at.value->scalar() ? at.value->text : "";
  std::size_t digits = 0;
  while (digits < t.size() && t[digits] >= '0' && t[digits] <= '9') ++digits;
  const std::string rest = t.substr(digits);
  if (digits > 0 && digits < 4 && (rest == " window" || rest == " windows")) return std::stoll(t);
  at.wrong("a number of windows as `1 window`");
  return 1;
}

TrainPart read_train(const At& at) {
  TrainPart out;
  Block b(at);
  b.optional("pipeline", [&](const At& v) { out.pipeline = v.file(); });
  b.optional("output", [&](const At& v) { out.output = v.file(); });
  b.required("data", [&](const At& v) {
    Block data(v);
    data.required("train", [&](const At& f) { out.train = f.file(); });
    data.required("test", [&](const At& f) { out.test = f.file(); });
    data.end();
  });
  if (!b.optional("when", [&](const At& v) {
        for (const At& item : v.items()) out.when.push_back(read_when(item));
      }))
    out.when = {{WhenKind::push, {}}};
  b.optional("set", [&](const At& v) {
    if (!v.value->is(Kind::map)) return v.wrong("a map of parameters");
    for (const auto& m : v.value->members) out.set[m.key] = At{v.reading, &m.value, v.path + "." + m.key}.scalar();
  });
  b.optional("retrain", [&](const At& v) {
    Block r(v);
    r.optional("cooldown", [&](const At& x) {
      out.cooldown = x.scalar();
      if (!parse_duration(out.cooldown)) (void)read_windows(x);
    });
    r.optional("at_most", [&](const At& x) {
      out.at_most = x.scalar();
      const auto per = out.at_most.find(" per ");
      if (per == out.at_most.npos || per == 0 || out.at_most.find_first_not_of("0123456789") != per ||
          !parse_duration(out.at_most.substr(per + 5)))
        x.wrong("a rate as `3 per 90d`");
    });
    r.optional("stop_after_rejected", [&](const At& x) { out.stop_after_rejected = x.whole(1, 1000); });
    r.end();
  });
  b.end();
  return out;
}

GateCheck read_check(const At& at, ModelTask task) {
  GateCheck out;
  if (!at.value->is(Kind::map) || at.value->members.size() != 1) {
    at.wrong("one check as `metric: {…}`");
    return out;
  }
  const auto& member = at.value->members.front();
  const At body{at.reading, &member.value, at.path + "." + member.key};
  if (member.key == "reproduce" || member.key == "replay") {
    at.reading.wrong(member.mark, at.path + ": the check `" + member.key + "` is reserved: not yet");
    return out;
  }
  const auto kind = from_word<GateKind>(member.key);
  if (!kind) {
    at.reading.wrong(member.mark,
                     at.path + ": unknown check `" + member.key + "`, expected one of " + words_of<GateKind>());
    return out;
  }
  out.kind = *kind;
  Block b(body);
  switch (*kind) {
    case GateKind::metric:
      b.required("name", [&](const At& v) { out.metric = read_metric(v, task); });
      b.optional("max", [&](const At& v) { out.max = v.number(); });
      b.optional("min", [&](const At& v) { out.min = v.number(); });
      if (body.value->is(Kind::map) && !out.max && !out.min) body.refuse("needs `max`, `min` or both");
      if (out.max && out.min && *out.min > *out.max) body.refuse("`min` is above `max`");
      break;
    case GateKind::better_than:
      out.alias = "champion";
      b.optional("alias", [&](const At& v) { out.alias = v.name(); });
      b.required("metric", [&](const At& v) { out.metric = read_directed(v, task); });
      b.optional("confidence", [&](const At& v) {
        out.confidence = v.number();
        if (!(out.confidence > 0.5 && out.confidence < 1)) v.wrong("a number between 0.5 and 1");
      });
      break;
    case GateKind::slices:
      b.required("by", [&](const At& v) { out.by = v.text(); });
      b.required("metric", [&](const At& v) { out.metric = read_directed(v, task); });
      b.required("max_gap", [&](const At& v) { out.max_gap = v.number(0, 1e300); });
      break;
    case GateKind::data: b.required("checks", [&](const At& v) { out.checks = v.file(); }); break;
    case GateKind::approve:
      out.by = "operator";
      b.optional("by", [&](const At& v) {
        const auto role = v.word<Role>();
        if (role == Role::none) v.refuse("`none` is no role that may approve");
        out.by = std::string(word(role));
      });
      out.not_author = false;
      b.optional("not", [&](const At& v) {
        if (v.text() != "author") v.wrong("author");
        out.not_author = true;
      });
      b.optional("count", [&](const At& v) { out.count = v.whole(1, 100); });
      break;
  }
  b.end();
  return out;
}

RolloutPart read_rollout(const At& at, ModelTask task) {
  RolloutPart out;
  Block b(at);
  b.optional("steps", [&](const At& v) {
    out.steps.clear();
    for (const At& item : v.items()) {
      out.steps.push_back(item.percent());
      if (out.steps.back() > 100 || (out.steps.size() > 1 && out.steps.back() <= out.steps[out.steps.size() - 2]))
        item.refuse("steps rise, up to 100%");
    }
    if (out.steps.empty() || out.steps.size() > 50 || out.steps.back() != 100)
      v.refuse("the last step is 100% (at most 50 steps)");
  });
  b.optional("hold", [&](const At& v) {
    Block h(v);
    h.optional("time", [&](const At& x) { out.hold_time = x.duration(); });
    h.optional("predictions", [&](const At& x) { out.hold_predictions = x.whole(0, 1'000'000'000); });
    h.end();
  });
  b.optional("rollback_when", [&](const At& v) {
    Block r(v);
    r.optional("error_rate", [&](const At& x) { out.error_rate = x.number(0, 1); });
    r.optional("p99_ms", [&](const At& x) { out.p99_ms = x.number(0, 1e9); });
    r.optional("prediction_shift", [&](const At& x) { out.prediction_shift = x.number(0, 1e9); });
    r.optional("worse_than_live", [&](const At& x) {
      Block w(x);
      w.required("metric", [&](const At& m) { out.worse_than_live = read_directed(m, task); });
      w.optional("confidence", [&](const At& m) {
        out.worse_confidence = m.number();
        if (!(out.worse_confidence > 0.5 && out.worse_confidence < 1)) m.wrong("a number between 0.5 and 1");
      });
      w.end();
    });
    r.end();
  });
  b.optional("no_labels_after", [&](const At& v) {
    Block n(v);
    n.required("time", [&](const At& x) { out.no_labels_after = x.duration(); });
    n.required("then", [&](const At& x) { out.no_labels_then = x.word<NoLabels>(); });
    n.end();
  });
  b.end();
  return out;
}

WatchPart read_watch(const At& at, ModelTask task) {
  WatchPart out;
  Block b(at);
  b.optional("reference", [&](const At& v) {
    out.reference = v.text();
    if (out.reference != "training" && out.reference != "test" && out.reference != "training+test")
      v.wrong("one of training|test|training+test");
  });
  b.optional("window", [&](const At& v) {
    out.window = v.scalar();
    const auto d = parse_duration(out.window);
    const bool days = d && d->count() > 0 && d->count() % 86'400'000'000 == 0;
    if (!days && out.window != "1 week" && out.window != "1 month") v.wrong("whole days as 28d, `1 week` or `1 month`");
  });
  b.optional("from", [&](const At& v) {
    out.from = v.scalar();
    if (!parse_rfc3339(out.from)) v.wrong("a date as 2013-03-01");
  });
  b.optional("lateness", [&](const At& v) { out.lateness = to_text(v.duration()); });
  b.optional("idle", [&](const At& v) { out.idle = to_text(v.duration()); });
  b.optional("drift", [&](const At& v) {
    Block d(v);
    d.optional("features", [&](const At& x) {
      if (x.value->is(Kind::list))
        out.features = x.scalars();
      else if (!x.value->is(Kind::text) || x.value->text != "all")
        x.wrong("all or a list of columns");
    });
    d.optional("test", [&](const At& x) { out.test = std::string(word(x.word<monitoring::Test>())); });
    d.optional("threshold", [&](const At& x) {
      if (x.value->is(Kind::text) && x.value->text == "calibrated") return;
      if (!x.value->is(Kind::integer) && !x.value->is(Kind::real)) return x.wrong("calibrated or a number");
      out.threshold = x.number(0, 1e9);
    });
    d.optional("share", [&](const At& x) { out.share = x.number(0, 1); });
    d.end();
  });
  b.optional("performance", [&](const At& v) {
    Block p(v);
    p.required("metric", [&](const At& x) {
      out.performance = read_metric(x, task);
      if (*out.performance == stats::Metric::bias || *out.performance == stats::Metric::r2)
        x.refuse("`worse_by` of bias or r2 means nothing: a share of a number that may be 0");
    });
    p.required("worse_by", [&](const At& x) { out.worse_by = x.percent() / 100; });
    p.end();
  });
  b.optional("for", [&](const At& v) { out.for_windows = read_windows(v); });
  b.optional("keep_firing_for", [&](const At& v) { out.keep_firing_windows = read_windows(v); });
  b.optional("clear", [&](const At& v) { out.clear = v.number(0, 1); });
  b.optional("alert", [&](const At& v) { out.alert = v.scalars(); });
  b.end();
  return out;
}

}  // namespace

std::string GateCheck::name() const {
  switch (kind) {
    case GateKind::metric: return "metric " + std::string(word(metric));
    case GateKind::better_than: return "better_than " + alias;
    case GateKind::slices: return "slices " + by;
    case GateKind::data: return "data " + checks;
    case GateKind::approve: return "approve " + by;
  }
  return {};
}

std::vector<std::string> Config::named_files() const {
  std::vector<std::string> out;
  for (const auto& check : gate)
    if (!check.checks.empty() && std::find(out.begin(), out.end(), check.checks) == out.end())
      out.push_back(check.checks);
  return out;
}
std::vector<std::string> Config::not_yet() const {
  std::vector<std::string> out;
  if (keep_logs) out.emplace_back("keep.logs");
  return out;
}
const GateCheck* Config::find(GateKind kind) const {
  for (const auto& check : gate)
    if (check.kind == kind) return &check;
  return nullptr;
}

Result<Config> read_config(std::string_view text, std::string_view name) {
  TRY(root, yaml::read(text, name, {.bytes_max = config_bytes_max, .nodes_max = 20'000, .depth_max = 30}));
  Config out;
  Reading reading;
  Block b(At{reading, &root, ""});
  b.required("pawl", [&](const At& v) {
    if (!v.value->is(Kind::integer) || v.value->integer != 1) v.wrong("1, the version of this grammar");
  });
  b.required("project", [&](const At& v) { out.project = v.name(); });
  b.required("model", [&](const At& v) { out.model = read_model(v); });
  b.required("train", [&](const At& v) { out.train = read_train(v); });
  b.required("gate", [&](const At& v) {
    for (const At& item : v.items()) {
      out.gate.push_back(read_check(item, out.model.task));
      for (std::size_t i = 0; i + 1 < out.gate.size(); ++i)
        if (out.gate[i].name() == out.gate.back().name() && out.gate.back().kind != GateKind::better_than) {
          item.refuse("the check `" + out.gate.back().name() + "` stands here twice");
          break;
        }
    }
    if (std::count_if(out.gate.begin(), out.gate.end(),
                      [](const GateCheck& c) { return c.kind == GateKind::approve; }) > 1)
      v.refuse("one `approve` is enough: its `count` says how many people");
    if (v.value->is(Kind::list) && v.value->items.empty())
      v.refuse("a gate without checks lets everything through: at least one is needed");
  });
  out.serve.endpoint = out.model.name;
  b.optional("serve", [&](const At& v) {
    Block s(v);
    s.reserved("shadow");
    s.optional("endpoint", [&](const At& x) { out.serve.endpoint = x.name(); });
    s.optional("rollout", [&](const At& x) { out.serve.rollout = read_rollout(x, out.model.task); });
    s.optional("replay", [&](const At& x) { out.serve.replay = x.flag(); });
    s.end();
  });
  b.optional("watch", [&](const At& v) { out.watch = read_watch(v, out.model.task); });
  b.optional("keep", [&](const At& v) {
    Block k(v);
    k.optional("predictions", [&](const At& x) { out.keep_predictions = x.duration(); });
    k.optional("logs", [&](const At& x) { out.keep_logs = x.duration(); });
    k.end();
  });
  b.end();
  auto& problems = reading.problems;
  if (problems.empty()) return out;
  const auto first = std::min_element(problems.begin(), problems.end(),
                                      [](const auto& x, const auto& y) { return x.place() < y.place(); });
  std::string what = first->what;
  if (problems.size() > 1) what += " (and " + std::to_string(problems.size() - 1) + " more)";
  return std::unexpected(yaml::error_at(name, first->mark, what));
}

}  // namespace pawl::delivery
