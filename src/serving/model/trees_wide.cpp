#include "serving/model/trees_wide.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "serving/model/trees_wide.cpp"  // compiled once for each kind of processor
#include <hwy/foreach_target.h>
// Behind it:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace pawl::serving::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 16 rows are the widest registers there are; longer ones would read past a block.
using Lanes = hn::CappedTag<float, 16>;

template <std::uint32_t depth, std::size_t node>
HWY_INLINE hn::Vec<Lanes> leaf_of(const WideTree& tree, const float* at, std::size_t rows) {
  const Lanes d;
  constexpr std::size_t inner = (std::size_t{1} << depth) - 1;
  if constexpr (node >= inner) {
    return hn::Set(d, tree.leaves[node - inner]);
  } else {
    const auto left = leaf_of<depth, 2 * node + 1>(tree, at, rows),
               right = leaf_of<depth, 2 * node + 2>(tree, at, rows);
    const auto goes_left = hn::Le(hn::LoadU(d, at + tree.columns[node] * rows), hn::Set(d, tree.thresholds[node]));
    return hn::IfThenElse(goes_left, left, right);  // a NaN goes right
  }
}

template <std::uint32_t depth>
HWY_INLINE void add_tree(const WideTree& tree, const float* columns, std::size_t rows, float* sums) {
  const Lanes d;
  for (std::size_t r = 0; r < rows; r += hn::Lanes(d))
    hn::StoreU(hn::Add(hn::LoadU(d, sums + r), leaf_of<depth, 0>(tree, columns + r, rows)), d, sums + r);
}

void add_all(std::span<const WideTree> trees, const float* columns, std::size_t rows, float* sums) {
  for (const auto& tree : trees) switch (tree.depth) {
      case 0: add_tree<0>(tree, columns, rows, sums); break;
      case 1: add_tree<1>(tree, columns, rows, sums); break;
      case 2: add_tree<2>(tree, columns, rows, sums); break;
      case 3: add_tree<3>(tree, columns, rows, sums); break;
      case 4: add_tree<4>(tree, columns, rows, sums); break;
      case 5: add_tree<5>(tree, columns, rows, sums); break;
      default: add_tree<6>(tree, columns, rows, sums);
    }
}

}  // namespace pawl::serving::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pawl::serving {

HWY_EXPORT(add_all);
void add_wide(std::span<const WideTree> trees, const float* columns, std::size_t rows, float* sums) {
  HWY_DYNAMIC_DISPATCH(add_all)(trees, columns, rows, sums);
}

}  // namespace pawl::serving
#endif
