// The way back from a sealed segment: only the columns that are asked for leave the file, and only the rows of the time asked for.
#include <charconv>
#include <cmath>

#include "serving/log/collect.h"
#include "serving/log/seal_source.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

// A column of the file that becomes one of the batch.
struct Wanted {
  Columns* to = nullptr;
  std::string name{}, sql{};
  bool json = false;  // its cells may be of any kind
};

bool is_plain(std::string_view type) {
  return type == "FLOAT" || type == "DOUBLE" || type == "INTEGER" || type == "BIGINT" || type == "BOOLEAN" ||
         type == "VARCHAR";
}

// `feature.a` as it is; a list as its values; a column whose versions disagree cell by cell.
Result<void> want(Duck& duck, const std::string& source, const FileColumn& c, std::string_view prefix,
                  const std::vector<std::string>& names, Columns& to, std::vector<Wanted>& out) {
  if (!c.name.starts_with(prefix)) return {};
  const std::string name(name_of_column(std::string_view(c.name).substr(prefix.size())));
  const auto asked = [&](const std::string& n) { return names.empty() || std::ranges::find(names, n) != names.end(); };
  const auto quoted = in_quotes(c.name, '"');
  if (c.type.ends_with("[]")) {
    const auto of = c.type.substr(0, c.type.size() - 2);
    TRY(longest, duck.run("SELECT max(len(" + quoted + ")) FROM " + source));
    std::size_t width = 0;
    if (longest) std::from_chars(longest->data(), longest->data() + longest->size(), width);
    for (std::size_t k = 0; k < width; ++k)
      if (const auto n = name + "/" + std::to_string(k); asked(n))
        out.push_back({&to, n, quoted + "[" + std::to_string(k + 1) + "]" + (is_plain(of) ? "" : "::VARCHAR")});
  } else if (c.type == "JSON") {
    out.push_back({&to, name, quoted + "::VARCHAR", true});
  } else if (asked(name)) {
    out.push_back({&to, name, is_plain(c.type) ? quoted : quoted + "::VARCHAR"});
  }
  return {};
}

template <class V> void add_numbers(LogColumn& c, const V* from, const std::uint64_t* validity, std::size_t n) {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  const auto value = [&](std::size_t i) {
    const auto x = static_cast<double>(from[i]);
    return is_valid(validity, i) && std::isfinite(x) ? x : nothing;
  };
  if (c.is_text()) {
    for (std::size_t i = 0; i < n; ++i) add_number(c, value(i));
    return;
  }
  const auto begin = c.numbers.size();
  c.numbers.resize(begin + n);
  for (std::size_t i = 0; i < n; ++i) c.numbers[begin + i] = value(i);
}

void add_vector(LogColumn& c, duckdb_vector vector, duckdb_type type, std::size_t n) {
  void* data = duckdb_vector_get_data(vector);
  const auto* validity = duckdb_vector_get_validity(vector);
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN: return add_numbers(c, static_cast<const bool*>(data), validity, n);
    case DUCKDB_TYPE_INTEGER: return add_numbers(c, static_cast<const std::int32_t*>(data), validity, n);
    case DUCKDB_TYPE_BIGINT: return add_numbers(c, static_cast<const std::int64_t*>(data), validity, n);
    case DUCKDB_TYPE_FLOAT: return add_numbers(c, static_cast<const float*>(data), validity, n);
    case DUCKDB_TYPE_DOUBLE: return add_numbers(c, static_cast<const double*>(data), validity, n);
    default: break;
  }
  auto* texts = static_cast<duckdb_string_t*>(data);
  for (std::size_t i = 0; i < n; ++i)
    if (is_valid(validity, i))
      add_text(c, text_at(texts[i]));
    else
      add_missing(c, size_of(c) + 1);
}

void add_json(Columns& to, const std::string& name, duckdb_vector vector, std::size_t row, std::size_t n,
              Columns::Lists lists) {
  auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  const auto* validity = duckdb_vector_get_validity(vector);
  for (std::size_t i = 0; i < n; ++i)
    if (is_valid(validity, i)) to.add_json(name, text_at(texts[i]), row + i, lists);
}

// The digest was written as the hex of its bytes.
std::uint64_t digest_of(std::string_view hex) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i + 1 < hex.size() && i < 16; i += 2) {
    std::uint64_t byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    out |= byte << (4 * i);
  }
  return out;
}

constexpr idx_t fixed_columns = 7;

Result<void> take(duckdb_data_chunk chunk, const std::vector<duckdb_type>& types, const std::vector<Wanted>& wanted,
                  Collector& to) {
  const auto n = duckdb_data_chunk_get_size(chunk);
  TRY_(to.make_room(n));
  const auto row = to.batch.size;
  const auto vector = [&](idx_t i) { return duckdb_data_chunk_get_vector(chunk, i); };
  const auto data = [&]<class V>(idx_t i, V*) { return static_cast<V*>(duckdb_vector_get_data(vector(i))); };
  const auto* times = data(0, static_cast<std::int64_t*>(nullptr));
  const auto* received = data(1, static_cast<std::int64_t*>(nullptr));
  const auto* counters = data(2, static_cast<std::int64_t*>(nullptr));
  auto* old_ids = data(3, static_cast<duckdb_string_t*>(nullptr));
  const auto* versions = data(4, static_cast<std::int64_t*>(nullptr));
  const auto* arms = data(5, static_cast<std::int32_t*>(nullptr));
  auto* digests = data(6, static_cast<duckdb_string_t*>(nullptr));
  const auto* has_counter = duckdb_vector_get_validity(vector(2));
  const auto* has_digest = duckdb_vector_get_validity(vector(6));
  to.batch.event_times.insert(to.batch.event_times.end(), times, times + n);
  to.batch.versions.insert(to.batch.versions.end(), versions, versions + n);
  for (idx_t i = 0; i < n; ++i) {
    to.batch.arms.push_back(static_cast<Arm>(arms[i]));
    RowKey key{.at = received[i]};
    if (is_valid(has_counter, i))
      key.counter = static_cast<std::uint32_t>(counters[i]);
    else if (const auto id = to.ids.read(text_at(old_ids[i])))
      key.counter = id->counter;
    to.keys.push_back(key);
  }
  if (to.ask.units)
    for (idx_t i = 0; i < n; ++i)
      to.batch.units.push_back(is_valid(has_digest, i) ? digest_of(text_at(digests[i]))
                                                       : static_cast<std::uint64_t>(received[i]));
  std::size_t hint = 0;
  for (std::size_t w = 0; w < wanted.size(); ++w) {
    if (wanted[w].json) {
      add_json(*wanted[w].to, wanted[w].name, vector(fixed_columns + w), row, n,
               wanted[w].to == &to.context ? Columns::Lists::as_text : Columns::Lists::as_columns);
      continue;
    }
    auto* c = wanted[w].to->at(wanted[w].name, hint, row);
    if (c == nullptr) continue;
    hint = wanted[w].to->after(*c);
    add_vector(*c, vector(fixed_columns + w), types[w], n);
  }
  to.batch.size += n;
  return {};
}

}  // namespace

Result<std::vector<FileColumn>> columns_of(Duck& duck, const std::string& source) {
  std::vector<FileColumn> out;
  TRY_(duck.each("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM " + source + ")",
                 [&](duckdb_data_chunk chunk) -> Result<void> {
                   auto* names = texts_of(chunk, 0);
                   auto* types = texts_of(chunk, 1);
                   for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); ++i)
                     out.push_back({std::string(text_at(names[i])), std::string(text_at(types[i]))});
                   return {};
                 }));
  return out;
}

SealedReader::SealedReader() : duck_(std::make_unique<Duck>()) {}
SealedReader::~SealedReader() = default;

Result<void> SealedReader::read(const fs::path& file, Time event_first, Time event_last, Collector& to) {
  auto& duck = *duck_;
  const auto& ask = to.ask;
  const Time from = std::max(ask.from, event_first), until = std::min(ask.to, event_last + Micros{1});
  if (from >= until) return {};
  TRY_(duck.open());
  const auto source = "read_parquet(" + in_quotes(file.string(), '\'') + ")";
  TRY(columns, columns_of(duck, source));
  std::vector<Wanted> wanted;
  bool has_counter = false;
  for (const auto& c : columns) {
    has_counter = has_counter || c.name == "counter";
    if (ask.features) TRY_(want(duck, source, c, "feature.", ask.columns, to.features, wanted));
    if (ask.outputs) TRY_(want(duck, source, c, "output.", {}, to.outputs, wanted));
    if (ask.context) TRY_(want(duck, source, c, "context.", {}, to.context, wanted));
  }
  std::string sql = "SELECT event_time, received, ";
  sql += has_counter ? "counter, NULL::VARCHAR" : "NULL::BIGINT, prediction_id";  // files of before have no counter
  sql += ", version, CASE arm WHEN 'live' THEN 0 WHEN 'canary' THEN 1 ELSE 2 END::INTEGER, ";
  sql += ask.units ? "key_digest" : "NULL::VARCHAR";
  for (const auto& w : wanted) sql += ", " + w.sql;
  const auto time = [](Time t) { return "make_timestamp(" + std::to_string(t.us) + ")"; };
  sql += " FROM " + source + " WHERE status = 'ok'";
  if (from > event_first) sql += " AND event_time >= " + time(from);
  if (until <= event_last) sql += " AND event_time < " + time(until);
  if (to.received_first.us != std::numeric_limits<std::int64_t>::min())
    sql += " AND received BETWEEN " + time(to.received_first) + " AND " + time(to.received_last);
  if (!ask.rollout.empty()) sql += " AND rollout = " + in_quotes(ask.rollout, '\'');
  if (ask.step) sql += " AND step = " + std::to_string(*ask.step);
  std::vector<duckdb_type> types;
  return duck.each(
      sql, [&](duckdb_data_chunk chunk) { return take(chunk, types, wanted, to); },
      [&](duckdb_result& result) {
        for (std::size_t w = 0; w < wanted.size(); ++w) types.push_back(duckdb_column_type(&result, fixed_columns + w));
      });
}

}  // namespace pawl::serving
