// The columns of a batch as they are gathered from records and files. Each is padded where rows have none of it; see batch.h for the form they take.
#pragma once
#include "serving/log/batch.h"
#include "serving/log/record_view.h"

namespace pawl::serving {

// Cells at the end of a column; a missing one for `add_missing`.
void add_number(LogColumn& c, double value);
void add_text(LogColumn& c, std::string_view value);
void add_missing(LogColumn& c, std::size_t to_size);  // until it has so many rows
std::size_t size_of(const LogColumn& c);
// 1 for 1.0, else the shortest text that reads back the same.
std::string text_of(double number);

// What clients say beside their inputs becomes columns too: not any number of them, and no names that nobody could ask for.
constexpr std::size_t context_columns_max =
    256;  // of a batch, and of a sealed segment; the others stay in the row's JSON
constexpr std::size_t column_name_bytes_max = 500;
inline bool is_column_name(std::string_view name) {
  return !name.empty() && name.size() <= column_name_bytes_max &&
         std::ranges::none_of(name, [](char c) { return c >= 0 && c < ' '; });
}

class Columns {
 public:
  // Of these names only, and they are there even when no row has them; none: of all names.
  explicit Columns(const std::vector<std::string>& wanted = {});
  // The column of that name, with missing cells for the rows before `row`; null when it is not wanted. `hint` is where it probably is.
  LogColumn* at(std::string_view name, std::size_t hint, std::size_t row);
  std::size_t after(const LogColumn& c) const {
    return static_cast<std::size_t>(&c - columns_.data()) + 1;
  }  // the hint for the next one
  // Some rows of a tensor, as rows `row` and following; NAME/0 … NAME/K-1 where a row has K values. Answers the hint for the next tensor.
  std::size_t add(const TensorView& t, std::span<const std::uint32_t> picked, std::size_t row, std::size_t hint);
  // A matrix whose columns have names of their own.
  void add_matrix(const TensorView& t, const std::vector<std::string_view>& names,
                  std::span<const std::uint32_t> picked, std::size_t row);
  // One cell as JSON: a scalar, or a list as NAME/0 …, or as its text.
  enum class Lists { as_columns, as_text };
  void add_json(const std::string& name, std::string_view json, std::size_t row, Lists lists);
  // All of them, `size` rows long; what is wanted is there again for the next batch.
  std::vector<LogColumn> take(std::size_t size);
  bool has(std::string_view name) const {
    return std::ranges::find(columns_, name, &LogColumn::name) != columns_.end();
  }
  std::size_t count() const { return columns_.size(); }

 private:
  void add_width(const TensorView& t, std::size_t column, LogColumn& to, std::span<const std::uint32_t> picked);
  const std::vector<std::string> wanted_;
  std::vector<LogColumn> columns_;
  std::string name_;
};

}  // namespace pawl::serving
