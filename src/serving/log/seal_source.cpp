#include "serving/log/seal_source.h"

#include <cmath>

#include "core/hash.h"
#include "core/json.h"
#include "wire/v2/codec.h"

namespace pawl::serving {
namespace {

using v2::Type;

constexpr char suffix_mark = '\x1f';

bool is_number(Type t) { return t != Type::BOOL && t != Type::BYTES; }

duckdb_type plain_type(const SealedType& t) {
  if (t.json) return DUCKDB_TYPE_VARCHAR;
  switch (t.type) {
    case Type::BOOL: return DUCKDB_TYPE_BOOLEAN;
    case Type::INT32: return DUCKDB_TYPE_INTEGER;
    case Type::INT64: return DUCKDB_TYPE_BIGINT;
    case Type::FP32: return DUCKDB_TYPE_FLOAT;
    case Type::FP64: return DUCKDB_TYPE_DOUBLE;
    case Type::BYTES: break;
  }
  return DUCKDB_TYPE_VARCHAR;
}

// The columns that every record has, in order.
constexpr std::array fixed{
    std::pair{"prediction_id", DUCKDB_TYPE_VARCHAR}, std::pair{"request_id", DUCKDB_TYPE_VARCHAR},
    std::pair{"version", DUCKDB_TYPE_BIGINT},        std::pair{"digest", DUCKDB_TYPE_VARCHAR},
    std::pair{"rollout", DUCKDB_TYPE_VARCHAR},       std::pair{"step", DUCKDB_TYPE_BIGINT},
    std::pair{"arm", DUCKDB_TYPE_VARCHAR},           std::pair{"received", DUCKDB_TYPE_TIMESTAMP},
    std::pair{"counter", DUCKDB_TYPE_BIGINT},        std::pair{"event_time", DUCKDB_TYPE_TIMESTAMP},
    std::pair{"key_digest", DUCKDB_TYPE_VARCHAR},    std::pair{"status", DUCKDB_TYPE_VARCHAR},
    std::pair{"error", DUCKDB_TYPE_VARCHAR},         std::pair{"latency_us", DUCKDB_TYPE_BIGINT},
    std::pair{"context", DUCKDB_TYPE_VARCHAR}};

void put_text(duckdb_vector to, std::size_t at, std::string_view text) {
  duckdb_vector_assign_string_element_len(to, at, text.data(), text.size());
}
void put_missing(duckdb_vector to, std::size_t at) {
  duckdb_vector_ensure_validity_writable(to);
  duckdb_vector_get_validity(to)[at / 64] &= ~(1ULL << (at % 64));
}
template <class V> void put(duckdb_vector to, std::size_t at, V value) {
  static_cast<V*>(duckdb_vector_get_data(to))[at] = value;
}
void put_number(duckdb_vector to, std::size_t at, const SealedType& type, double x) {
  if (!std::isfinite(x)) return put_missing(to, at);
  if (type.type == Type::FP32)
    put(to, at, static_cast<float>(x));
  else
    put(to, at, x);
}

}  // namespace

std::string name_in_file(const std::string& name, const std::vector<SealedColumns::Column>& others) {
  const auto small = [](std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
  };
  const auto twins = std::ranges::count(others, small(name), [&](const auto& c) { return small(c.name); });
  return twins == 0 ? name : name + suffix_mark + std::to_string(twins + 1);
}
std::string_view name_of_column(std::string_view in_file) { return in_file.substr(0, in_file.find(suffix_mark)); }

void SealedColumns::add(std::vector<Column>& group, std::string_view name, SealedType type, std::size_t& hint) {
  if (hint >= group.size() || group[hint].name != name) {
    const auto at = std::ranges::find(group, name, &Column::name);
    hint = static_cast<std::size_t>(at - group.begin());
    if (at == group.end()) {
      group.push_back({std::string(name), type, name_in_file(std::string(name), group)});
      ++hint;
      return;
    }
  }
  auto& kept = group[hint++].type;
  if (kept == type || kept.json) return;
  if (is_number(kept.type) && is_number(type.type) && kept.list == type.list)
    kept.type = Type::FP64;
  else
    kept = {.type = Type::BYTES, .json = true};
}

void SealedColumns::add(const RecordView& record) {
  std::size_t hint = 0;
  if (record.is_matrix())
    for (const auto& name : record.columns) add(features, name, {.type = record.features[0].type}, hint);
  else
    for (const auto& t : record.features) add(features, t.name, {.type = t.type, .list = t.width != 1}, hint);
  hint = 0;
  for (const auto& t : record.outputs) add(outputs, t.name, {.type = t.type, .list = t.width != 1}, hint);
  if (record.context.empty()) return;
  const Context said(record.context, record.rows);
  hint = 0;
  for (std::size_t m = 0; m < said.size(); ++m) {
    const auto known = std::ranges::find(context, said.name(m), &Column::name) != context.end();
    if (!known && (context.size() >= context_columns_max || !is_column_name(said.name(m)))) continue;
    for (std::size_t row = 0; row < record.rows; ++row) {
      const auto kind = said.kind(m, row);
      if (kind == Context::Kind::none) continue;
      std::size_t here = hint;
      add(context, said.name(m),
          kind == Context::Kind::boolean  ? SealedType{.type = Type::BOOL}
          : kind == Context::Kind::number ? SealedType{.type = Type::FP64}
          : kind == Context::Kind::text   ? SealedType{.type = Type::BYTES}
                                          : SealedType{.type = Type::BYTES, .json = true},
          here);
      if (row + 1 == record.rows) hint = here;
    }
  }
}

// One piece that is being filled: rows of one record go to `first` and following.
struct SealedSource::Filling {
  std::vector<duckdb_vector> vectors{};
  std::size_t first = 0, n = 0, from = 0;  // from: the record's row
  std::size_t next = 0;                    // the vector of the next group
};

SealedSource::SealedSource(const Segment& segment, const SealedColumns& columns, std::uint32_t endpoint,
                           std::uint32_t server, const Ids& ids)
    : segment_(segment), columns_(columns), endpoint_(endpoint), server_(server), ids_(ids) {}

Result<void> SealedSource::open(Duck& duck) {
  TRY(reader, SegmentReader::open(segment_.path, segment_.bytes));
  reader_.emplace(std::move(reader));
  auto function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, "log_rows");
  duckdb_table_function_set_extra_info(function, this, nullptr);
  duckdb_table_function_set_bind(function, &SealedSource::bind);
  duckdb_table_function_set_init(function, [](duckdb_init_info) {});
  duckdb_table_function_set_function(function, &SealedSource::fill);
  auto registered = duck.add(function);
  duckdb_destroy_table_function(&function);
  return registered;
}

void SealedSource::bind(duckdb_bind_info info) {
  const auto& columns = static_cast<SealedSource*>(duckdb_bind_get_extra_info(info))->columns_;
  const auto add = [&](const std::string& name, duckdb_type type, bool list) {
    auto plain = duckdb_create_logical_type(type);
    auto whole = list ? duckdb_create_list_type(plain) : nullptr;
    duckdb_bind_add_result_column(info, name.c_str(), list ? whole : plain);
    duckdb_destroy_logical_type(&plain);
    if (whole != nullptr) duckdb_destroy_logical_type(&whole);
  };
  for (const auto& [name, type] : fixed) add(name, type, false);
  for (const auto& c : columns.features) add("feature." + c.in_file, plain_type(c.type), c.type.list);
  for (const auto& c : columns.outputs) add("output." + c.in_file, plain_type(c.type), c.type.list);
  for (const auto& c : columns.context) add("context." + c.in_file, plain_type(c.type), false);
}

std::string SealedSource::json_columns() const {
  std::string json = "context::JSON AS context";
  const auto add = [&](std::string_view prefix, const std::vector<SealedColumns::Column>& group) {
    for (const auto& c : group)
      if (c.type.json) {
        const auto name = in_quotes(std::string(prefix) + c.in_file, '"');
        json += ", ";
        json += name;
        json += "::JSON AS ";
        json += name;
      }
  };
  add("feature.", columns_.features);
  add("output.", columns_.outputs);
  add("context.", columns_.context);
  return json;
}

void SealedSource::fill(duckdb_function_info info, duckdb_data_chunk chunk) {
  auto& self = *static_cast<SealedSource*>(duckdb_function_get_extra_info(info));
  if (const auto filled = self.fill(chunk); !filled)
    duckdb_function_set_error(info, (filled.error().message + " " + filled.error().detail).c_str());
}

Result<void> SealedSource::fill(duckdb_data_chunk chunk) {
  Filling to;
  const auto columns = fixed.size() + columns_.features.size() + columns_.outputs.size() + columns_.context.size();
  for (std::size_t i = 0; i < columns; ++i) to.vectors.push_back(duckdb_data_chunk_get_vector(chunk, i));
  const auto capacity = duckdb_vector_size();
  while (to.first < capacity) {
    if (next_row_ == rows_) {
      const auto payload = reader_->next();
      if (!payload) break;
      if (!record_.read(*payload, Parts::all)) continue;
      payload_ = *payload;
      next_row_ = 0;
      rows_ = std::max<std::size_t>(record_.rows, 1);
      whole_.reset();
      context_.emplace(record_.context, record_.rows);
    }
    to.n = std::min(capacity - to.first, rows_ - next_row_);
    to.from = next_row_;
    for (std::size_t i = 0; i < to.n; ++i) put_fixed(to, i);
    to.next = fixed.size();
    put_group(to, columns_.features, record_.features, false);
    put_group(to, columns_.outputs, record_.outputs, true);
    put_context(to);
    to.first += to.n;
    next_row_ += to.n;
  }
  duckdb_data_chunk_set_size(chunk, to.first);
  return {};
}

void SealedSource::put_fixed(Filling& to, std::size_t i) {
  const auto row = to.from + i, at = to.first + i;
  const auto& r = record_;
  const auto counter = r.counter + static_cast<std::uint32_t>(row);
  std::size_t c = 0;
  put_text(to.vectors[c++], at,
           r.rows == 0 ? std::string()
                       : ids_.write({.endpoint = endpoint_, .server = server_, .at = r.received, .counter = counter}));
  put_text(to.vectors[c++], at, r.request_id);
  put(to.vectors[c++], at, r.version);
  put_text(to.vectors[c++], at, r.digest);
  put_text(to.vectors[c++], at, r.rollout);
  put(to.vectors[c++], at, r.step);
  put_text(to.vectors[c++], at, word(r.arm));
  put(to.vectors[c++], at, r.received.us);
  put(to.vectors[c++], at, static_cast<std::int64_t>(counter));
  put(to.vectors[c++], at, r.event_time(row));
  if (r.key_digest)
    put_text(to.vectors[c++], at, hex({reinterpret_cast<const char*>(&*r.key_digest), sizeof *r.key_digest}));
  else
    put_missing(to.vectors[c++], at);
  put_text(to.vectors[c++], at, word(r.status));
  put_text(to.vectors[c++], at, r.error);
  put(to.vectors[c++], at, r.latency_us);
  put_text(to.vectors[c++], at, context_->row_json(row));
}

namespace {

// Values `from` and following of a tensor, every `step`-th, into the cells from `at` on.
void put_values(duckdb_vector to, std::size_t at, const SealedType& type, const TensorView& t, std::size_t from,
                std::size_t step, std::size_t n) {
  if (t.type == Type::BYTES) {
    std::size_t next = from, put_so_far = 0;
    t.each_text([&](std::size_t i, std::string_view text, bool absent) {
      if (i != next || put_so_far == n) return;
      if (absent)
        put_missing(to, at + put_so_far);
      else
        put_text(to, at + put_so_far, text);
      ++put_so_far;
      next += step;
    });
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const auto p = from + i * step;
    if (type.type != t.type || type.type == Type::FP32 || type.type == Type::FP64)
      put_number(to, at + i, type, t.number(p));
    else if (type.type == Type::BOOL)
      put(to, at + i, t.value<std::uint8_t>(p) != 0);
    else if (type.type == Type::INT32)
      put(to, at + i, t.value<std::int32_t>(p));
    else
      put(to, at + i, t.value<std::int64_t>(p));
  }
}

void put_list(duckdb_vector to, std::size_t at, const SealedType& type, const TensorView& t, std::size_t row,
              std::size_t n) {
  const auto child = duckdb_list_vector_get_child(to);
  auto size = duckdb_list_vector_get_size(to);
  duckdb_list_vector_reserve(to, size + n * t.width);
  auto* entries = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(to));
  for (std::size_t i = 0; i < n; ++i) entries[at + i] = {size + i * t.width, t.width};
  put_values(child, size, type, t, row * t.width, 1, n * t.width);
  duckdb_list_vector_set_size(to, size + n * t.width);
}

}  // namespace

void SealedSource::put_group(Filling& to, const std::vector<SealedColumns::Column>& group,
                             const std::vector<TensorView>& tensors, bool outputs) {
  const bool matrix = !outputs && record_.is_matrix();
  const auto names = matrix ? record_.columns.size() : tensors.size();
  const auto name = [&](std::size_t i) { return matrix ? record_.columns[i] : tensors[i].name; };
  std::size_t hint = 0;  // columns are in the order that records have them, mostly
  for (const auto& c : group) {
    const auto vector = to.vectors[to.next++];
    std::size_t at = hint;
    if (at >= names || name(at) != c.name)
      for (at = 0; at < names && name(at) != c.name;) ++at;
    const auto* t = at == names ? nullptr : matrix ? tensors.data() : &tensors[at];
    if (t == nullptr || record_.rows == 0 || t->rows < record_.rows) {
      for (std::size_t i = 0; i < to.n; ++i) put_missing(vector, to.first + i);
      continue;
    }
    hint = at + 1;
    if (c.type.json) {
      if (!whole_) whole_ = decode_record(payload_, Parts::all);
      const auto& decoded = (outputs ? whole_->outputs : whole_->features)[matrix ? 0 : at];
      for (std::size_t i = 0; i < to.n; ++i) {
        std::string json;
        if (matrix)
          v2::write_value(json, decoded, (to.from + i) * names + at);
        else
          v2::write_row(json, decoded, to.from + i);
        put_text(vector, to.first + i, json);
      }
    } else if (c.type.list) {
      put_list(vector, to.first, c.type, *t, to.from, to.n);
    } else if (matrix) {
      put_values(vector, to.first, c.type, *t, to.from * names + at, names, to.n);
    } else {
      put_values(vector, to.first, c.type, *t, to.from, 1, to.n);
    }
  }
}

void SealedSource::put_context(Filling& to) {
  for (const auto& c : columns_.context) {
    const auto vector = to.vectors[to.next++];
    std::size_t m = 0;
    while (m < context_->size() && context_->name(m) != c.name) ++m;
    for (std::size_t i = 0; i < to.n; ++i) {
      const auto row = to.from + i, at = to.first + i;
      const auto kind = m == context_->size() ? Context::Kind::none : context_->kind(m, row);
      if (kind == Context::Kind::none)
        put_missing(vector, at);
      else if (c.type.json)
        put_text(vector, at, context_->json(m, row));
      else if (kind == Context::Kind::boolean)
        put(vector, at, context_->number(m, row) != 0);
      else if (kind == Context::Kind::number)
        put_number(vector, at, c.type, context_->number(m, row));
      else
        put_text(vector, at, context_->text(m, row));
    }
  }
}

}  // namespace pawl::serving
