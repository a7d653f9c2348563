// Many rows through shallow trees: each comparison of a tree is made for as many rows as the processor's registers hold, and the leaf is chosen by
// blending from the bottom up: nothing is fetched by index, nothing jumps. Costs grow with the number of leaves, so deeper trees descend (trees.cpp).
#pragma once
#include <cstdint>

namespace pawl::serving {

constexpr std::uint32_t wide_depth_max = 6;

// A tree made complete to one of six depths: node i has the children 2i+1 and 2i+2; a leaf higher up is repeated below.
struct WideTree {
  std::uint32_t depth = 0;
  std::vector<std::uint32_t> columns{};
  std::vector<float> thresholds{}, leaves{};
};
// Adds each tree's leaf to `sums`. The values of a column lie beside each other, `rows` of them: a multiple of 16.
void add_wide(std::span<const WideTree> trees, const float* columns, std::size_t rows, float* sums);

}  // namespace pawl::serving
