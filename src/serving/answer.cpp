// What another version would have answered to rows of the log.
#include <cmath>

#include "serving/log/columns.h"
#include "serving/service_impl.h"

namespace pawl::serving {
namespace {

constexpr std::size_t rows_at_once = 8192;  // of one run of the model: what it needs beside the rows stays small

// The values of one input: of its column, or of NAME/0 … NAME/K-1 side by side. Rows that lack one that cannot be missing are marked.
v2::Tensor input_of(const v2::Port& port, const RowBatch& rows, std::size_t from, std::size_t n,
                    std::vector<char>& unknown) {
  const std::size_t width =
      port.shape.size() > 1 ? static_cast<std::size_t>(std::max<std::int64_t>(port.shape[1], 1)) : 1;
  v2::Tensor out{
      .name = port.name, .shape = {static_cast<std::int64_t>(n)}, .data = v2::make_data(port.type, n * width)};
  if (port.shape.size() > 1) out.shape.push_back(static_cast<std::int64_t>(width));
  for (std::size_t k = 0; k < width; ++k) {
    const auto* c = find_column(rows.features, width == 1 ? port.name : port.name + "/" + std::to_string(k));
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = from + i, to = i * width + k;
      const bool text = c != nullptr && c->is_text();
      const double number = c == nullptr || text ? std::numeric_limits<double>::quiet_NaN() : c->numbers[row];
      std::visit(
          [&]<class V>(std::vector<V>& values) {
            if constexpr (std::is_same_v<V, std::string>) {
              if (text && c->absent[row] == 0)
                values[to] = c->texts[row];
              else if (!std::isnan(number))
                values[to] = text_of(number);
              else
                out.missing.push_back(static_cast<std::uint32_t>(to));
            } else if constexpr (std::is_floating_point_v<V>) {
              values[to] = static_cast<V>(number);
            } else if (!(number >= static_cast<double>(std::numeric_limits<V>::min()) &&
                         number < static_cast<double>(std::numeric_limits<V>::max()) + 1)) {
              unknown[i] = 1;  // missing, or no number of that type
            } else {
              values[to] = static_cast<V>(std::trunc(number));
            }
          },
          out.data);
    }
  }
  std::ranges::sort(out.missing);
  return out;
}

void add_output(Columns& columns, const v2::Tensor& t, std::size_t row, const std::vector<char>& unknown) {
  const auto n = static_cast<std::size_t>(t.rows()), width = n == 0 ? 0 : t.size() / n;
  for (std::size_t k = 0; k < width; ++k) {
    auto* c = columns.at(width == 1 ? t.name : t.name + "/" + std::to_string(k), 0, row);
    if (c == nullptr) continue;
    for (std::size_t i = 0; i < n; ++i)
      std::visit(
          [&]<class V>(const std::vector<V>& values) {
            if (unknown[i] != 0) return add_missing(*c, size_of(*c) + 1);
            if constexpr (std::is_same_v<V, std::string>) {
              add_text(*c, values[i * width + k]);
            } else {
              const auto x = static_cast<double>(values[i * width + k]);
              add_number(*c, std::isfinite(x) ? x : std::numeric_limits<double>::quiet_NaN());
            }
          },
          t.data);
  }
}

}  // namespace

Result<std::vector<LogColumn>> Service::answer(const std::string& model, std::int64_t version, const RowBatch& rows) {
  const auto slot = impl_->models.find(model, version);
  if (!slot) return fail(Code::missing, model + "@" + std::to_string(version) + " was never prepared", "version");
  TRY(loaded, impl_->models.load(*slot));
  Columns out;
  std::vector<char> unknown;
  for (std::size_t from = 0; from < rows.size; from += rows_at_once) {
    const auto n = std::min(rows_at_once, rows.size - from);
    unknown.assign(n, 0);
    std::vector<v2::Tensor> inputs;
    for (const auto& port : loaded->model->columns()) inputs.push_back(input_of(port, rows, from, n, unknown));
    TRY(bound, loaded->model->bind(std::move(inputs)));
    TRY(outputs, loaded->model->run(bound));
    for (const auto& t : outputs) add_output(out, t, from, unknown);
  }
  return out.take(rows.size);
}

}  // namespace pawl::serving
