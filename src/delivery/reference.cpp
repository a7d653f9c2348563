#include "delivery/reference.h"

#include <limits>

#include "datasets/parquet.h"

namespace pawl::delivery {
namespace {

constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min();

// Every row, or as many as may be kept at even distances.
Rows thinned(std::int64_t rows, std::int64_t kept) {
  Rows out;
  out.reserve(static_cast<std::size_t>(kept));
  for (std::int64_t i = 0; i < kept; ++i) out.push_back(static_cast<std::size_t>(i * rows / kept));
  return out;
}
void add_below(datasets::FileColumn& column, v2::Data more, const std::vector<std::uint32_t>& missing) {
  const auto before = static_cast<std::uint32_t>(std::visit([](const auto& v) { return v.size(); }, column.data));
  for (const std::uint32_t at : missing) column.missing.push_back(before + at);
  std::visit(
      [&]<class V>(std::vector<V>& all) {
        auto& added = std::get<std::vector<V>>(more);
        all.insert(all.end(), std::make_move_iterator(added.begin()), std::make_move_iterator(added.end()));
      },
      column.data);
}

}  // namespace

Result<Reference> write_reference(const std::vector<Part>& parts, const std::vector<v2::Port>& inputs,
                                  const std::string& time, const std::filesystem::path& to) {
  Reference out;
  for (const Part& part : parts) out.of_rows += part.table->rows();
  if (out.of_rows == 0) return fail(Code::invalid, "there are no rows to compare with");
  if (inputs.empty()) return fail(Code::invalid, "it is not known which columns the model takes");
  out.rows = std::min(out.of_rows, reference_rows_max);

  // Thinned as one sequence, so that every part keeps its share.
  std::vector<Rows> kept(parts.size());
  std::size_t at = 0;
  std::int64_t begins = 0;
  for (const std::size_t row : thinned(out.of_rows, out.rows)) {
    while (static_cast<std::int64_t>(row) - begins >= parts[at].table->rows()) begins += parts[at++].table->rows();
    kept[at].push_back(row - static_cast<std::size_t>(begins));
  }

  std::vector<datasets::FileColumn> columns;
  for (const v2::Port& input : inputs) {
    datasets::FileColumn column{.name = input.name, .data = v2::make_data(input.type, 0)};
    for (std::size_t p = 0; p < parts.size(); ++p) {
      std::vector<std::uint32_t> missing;
      auto data = column_as(*parts[p].table, input, kept[p], missing);
      if (!data) {
        data.error().message = parts[p].path + ": " + data.error().message;
        return std::unexpected(data.error());
      }
      add_below(column, std::move(*data), missing);
    }
    columns.push_back(std::move(column));
  }
  if (!time.empty()) {
    out.time = time;
    while (std::ranges::find(inputs, out.time, &v2::Port::name) != inputs.end()) out.time += "_";
    std::vector<std::int64_t> times;
    std::int64_t newest = no_time;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      TRY(all, parts[p].table->times(time));
      for (const std::int64_t t : all) newest = std::max(newest, t);
      for (const std::size_t row : kept[p]) times.push_back(all[row]);
    }
    columns.push_back({.name = out.time, .data = std::move(times), .times = true});
    if (newest != no_time) out.ends = to_rfc3339({newest});
  }
  TRY_(datasets::write_parquet(to, columns));
  return out;
}

}  // namespace pawl::delivery
