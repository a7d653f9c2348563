// One column of a window: its rows as they come, and, when all have, how they differ from the reference.
#pragma once
#include "monitoring/measure.h"

namespace pawl::monitoring {

// Numbers, as 32-bit floats as long as that loses nothing.
class Values {
 public:
  void reserve(std::size_t rows) { narrow_.reserve(rows); }
  void add(std::span<const double> values);
  std::size_t bytes() const { return narrow_.capacity() * sizeof(float) + wide_.capacity() * sizeof(double); }
  std::vector<double> take();

 private:
  void widen();
  std::vector<float> narrow_{};
  std::vector<double> wide_{};
  bool is_wide_ = false;
};

// What is judged later, over all columns together.
struct ColumnResult {
  ColumnSeen seen{};
  bool by_both = false;  // drifted if q is small and the distance at its limit; else `drifted` is said already
  std::vector<Bin> bins{};
};

class ColumnTally {
 public:
  enum class Role { feature, output };
  ColumnTally(std::string name, Role role, const ReferenceColumn* reference);
  const std::string& name() const { return name_; }
  // Counts a batch's rows; a batch without the column passes nullptr. Numbers to compare are kept with Keep::yes.
  void count(const serving::LogColumn* column, std::size_t rows);
  bool wants_values() const { return reference_ != nullptr && !reference_->text; }
  void keep(const serving::LogColumn* column, std::size_t reserve);
  void drop() { values_ = {}; }
  std::size_t bytes() const { return values_.bytes(); }
  // Takes what was kept.
  ColumnResult result(const Monitor& monitor, Test test);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::string name_;
  Role role_;
  const ReferenceColumn* reference_;
  std::int64_t numbers_ = 0, texts_ = 0, missing_ = 0, further_ = 0;
  bool present_ = false;          // in some batch
  std::optional<bool> narrow_{};  // the reference's numbers are 32-bit floats
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> counts_{};
  Values values_{};
};

// Shares over the same bins: one for each value while they are few, else of one width over the middle 99.8 % of the reference, the rest in the end bins.
std::vector<Bin> bins_of(const stats::Sample& reference, const stats::Sample& current);
std::vector<Bin> bins_of(const stats::Counts& reference, const stats::Counts& current);

}  // namespace pawl::monitoring
