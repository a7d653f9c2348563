#include "serving/model/trees.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "serving/model/protobuf.h"

namespace pawl::serving {
namespace {

constexpr std::size_t nodes_of_tree_max = 65'000, features_max = 65'000 / Trees::lanes;  // both fit 16 bits
constexpr std::uint32_t depth_max = 64;
constexpr std::size_t rows_at_once = 256;  // their values stay in the nearest cache while a tree is gone through

// An attribute of a node, by onnx.proto3's field numbers.
struct Attribute {
  std::string_view name{}, text{};
  std::int64_t whole = 0;
  bool tensor = false;
  std::vector<float> floats{};
  std::vector<std::int64_t> wholes{};
  std::vector<std::string_view> texts{};
};
bool read_attribute(std::string_view in, Attribute& out) {
  while (!in.empty()) {
    const auto f = protobuf::take_field(in);
    if (!f) return false;
    switch (f->number) {
      case 1: out.name = f->bytes; break;
      case 3: out.whole = static_cast<std::int64_t>(f->whole); break;
      case 4: out.text = f->bytes; break;
      case 5: out.tensor = true; break;
      case 7: {  // packed or one by one
        const auto before = out.floats.size(), more = f->bytes.size() / sizeof(float);
        out.floats.resize(before + more);
        if (more > 0) std::memcpy(out.floats.data() + before, f->bytes.data(), more * sizeof(float));
        break;
      }
      case 8: {
        if (f->kind == 0) out.wholes.push_back(static_cast<std::int64_t>(f->whole));
        for (auto packed = f->bytes; !packed.empty();) {
          const auto whole = protobuf::take_varint(packed);
          if (!whole) return false;
          out.wholes.push_back(static_cast<std::int64_t>(*whole));
        }
        break;
      }
      case 9: out.texts.push_back(f->bytes); break;
      default: break;
    }
  }
  return true;
}

struct Graph {
  std::vector<std::string_view> nodes{}, initializers{}, inputs{}, outputs{};
};
std::string_view named(std::string_view value_info) {
  while (!value_info.empty()) {
    const auto f = protobuf::take_field(value_info);
    if (!f) break;
    if (f->number == 1) return f->bytes;
  }
  return {};
}
bool read_graph(std::string_view onnx, Graph& out) {
  std::string_view graph;
  for (; !onnx.empty();) {
    const auto f = protobuf::take_field(onnx);
    if (!f) return false;
    if (f->number == 7) graph = f->bytes;
  }
  while (!graph.empty()) {
    const auto f = protobuf::take_field(graph);
    if (!f) return false;
    if (f->number == 1) out.nodes.push_back(f->bytes);
    if (f->number == 5 || f->number == 15) out.initializers.push_back(f->bytes);
    if (f->number == 11) out.inputs.push_back(named(f->bytes));
    if (f->number == 12) out.outputs.push_back(named(f->bytes));
  }
  return true;
}

}  // namespace

// From the attributes' parallel lists to nodes in the order that a descent wants.
struct TreesBuilder {
  std::vector<Attribute> attributes{};

  const Attribute* find(std::string_view name) const {
    const auto at = std::ranges::find(attributes, name, &Attribute::name);
    return at == attributes.end() ? nullptr : &*at;
  }
  const std::vector<std::int64_t>& wholes(std::string_view name) const {
    static const std::vector<std::int64_t> none;
    const auto* a = find(name);
    return a != nullptr ? a->wholes : none;
  }
  bool says(std::string_view name, std::string_view wanted) const {
    const auto* a = find(name);
    return a == nullptr || a->text == wanted;
  }

  std::optional<Trees> build() const {
    for (const auto& a : attributes)
      if (a.tensor) return std::nullopt;  // thresholds as doubles
    const auto *targets = find("n_targets"), *base = find("base_values"), *weights = find("target_weights");
    const auto *thresholds = find("nodes_values"), *modes = find("nodes_modes");
    if (!says("aggregate_function", "SUM") || !says("post_transform", "NONE") ||
        (targets != nullptr && targets->whole != 1) || (base != nullptr && base->floats.size() > 1) ||
        weights == nullptr || thresholds == nullptr || modes == nullptr)
      return std::nullopt;
    const auto none = [](std::int64_t v) { return v == 0; };
    if (!std::ranges::all_of(wholes("nodes_missing_value_tracks_true"), none) ||
        !std::ranges::all_of(wholes("target_ids"), none))
      return std::nullopt;
    const auto &trees = wholes("nodes_treeids"), &ids = wholes("nodes_nodeids"), &features = wholes("nodes_featureids");
    const auto &yes = wholes("nodes_truenodeids"), &no = wholes("nodes_falsenodeids");
    const auto n = trees.size();
    if (n == 0 || ids.size() != n || features.size() != n || yes.size() != n || no.size() != n ||
        thresholds->floats.size() != n || modes->texts.size() != n)
      return std::nullopt;

    std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> at;  // (tree, node) -> place in the lists
    for (std::size_t i = 0; i < n; ++i)
      if (!at.emplace(std::pair(trees[i], ids[i]), i).second) return std::nullopt;
    std::map<std::pair<std::int64_t, std::int64_t>, float> leaves;
    const auto &of_tree = wholes("target_treeids"), &of_node = wholes("target_nodeids");
    if (of_tree.size() != weights->floats.size() || of_node.size() != weights->floats.size()) return std::nullopt;
    for (std::size_t i = 0; i < of_tree.size(); ++i)
      if (!leaves.emplace(std::pair(of_tree[i], of_node[i]), weights->floats[i]).second) return std::nullopt;

    Trees out;
    out.base_ = base != nullptr && !base->floats.empty() ? base->floats[0] : 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (features[i] < 0 || features[i] >= static_cast<std::int64_t>(features_max)) return std::nullopt;
      out.features_ = std::max(out.features_, static_cast<std::size_t>(features[i]) + 1);
    }
    // Trees in the order of their first nodes, which are their roots; level by level, so that siblings meet.
    for (std::size_t root = 0; root < n;) {
      const auto first = out.nodes_.size();
      std::vector<std::pair<std::size_t, std::uint32_t>> queue{{root, 0}};  // place in the lists, depth
      std::uint32_t depth = 0;
      for (std::size_t q = 0; q < queue.size(); ++q) {
        const auto [i, level] = queue[q];
        if (queue.size() > nodes_of_tree_max || level > depth_max) return std::nullopt;
        depth = std::max(depth, level);
        if (modes->texts[i] == "LEAF") {
          const auto weight = leaves.find({trees[i], ids[i]});
          if (weight == leaves.end()) return std::nullopt;
          out.nodes_.push_back({.threshold = std::numeric_limits<float>::infinity(),
                                .column = static_cast<std::uint16_t>(out.features_ * Trees::lanes),
                                .left = static_cast<std::uint16_t>(q)});
          out.weights_.push_back(weight->second);
          continue;
        }
        if (modes->texts[i] != "BRANCH_LEQ") return std::nullopt;
        out.nodes_.push_back(
            {.threshold = thresholds->floats[i],
             .column = static_cast<std::uint16_t>(static_cast<std::size_t>(features[i]) * Trees::lanes),
             .left = static_cast<std::uint16_t>(queue.size())});
        out.weights_.push_back(0);
        for (const auto child : {yes[i], no[i]}) {
          const auto found = at.find({trees[i], child});
          if (found == at.end()) return std::nullopt;
          queue.emplace_back(found->second, level + 1);
        }
      }
      out.trees_.push_back({.first = static_cast<std::uint32_t>(first), .depth = depth});
      // Each node once: else two ways lead to one, or a part hangs nowhere.
      const auto end = std::find_if(trees.begin() + static_cast<std::ptrdiff_t>(root), trees.end(),
                                    [&](auto t) { return t != trees[root]; });
      const auto next = static_cast<std::size_t>(end - trees.begin());
      if (queue.size() != next - root) return std::nullopt;
      root = next;
    }
    out.make_wide();
    return out;
  }
};

std::optional<Trees> Trees::read(std::string_view onnx) {
  Graph graph;
  if (!read_graph(onnx, graph) || graph.nodes.size() != 1 || !graph.initializers.empty() || graph.inputs.size() != 1 ||
      graph.outputs.size() != 1)
    return std::nullopt;
  TreesBuilder builder;
  std::string_view type;
  std::vector<std::string_view> in, out;
  for (auto node = graph.nodes.front(); !node.empty();) {
    const auto f = protobuf::take_field(node);
    if (!f) return std::nullopt;
    if (f->number == 1) in.push_back(f->bytes);
    if (f->number == 2) out.push_back(f->bytes);
    if (f->number == 4) type = f->bytes;
    if (f->number == 5 && !read_attribute(f->bytes, builder.attributes.emplace_back())) return std::nullopt;
  }
  if (type != "TreeEnsembleRegressor" || in != graph.inputs || out != graph.outputs) return std::nullopt;
  return builder.build();
}

std::vector<float> Trees::trial_rows(std::size_t n, std::size_t width) const {
  std::vector<std::vector<float>> thresholds(width);
  for (const auto& node : nodes_)
    if (const auto c = node.column / lanes; c < features_) thresholds[c].push_back(node.threshold);
  std::vector<float> out(n * width);
  constexpr float endless = std::numeric_limits<float>::infinity();
  std::uint64_t state = 1;
  const auto draw = [&](std::size_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>((state >> 33) % below);
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto& of = thresholds[i % width];
    const float at = of.empty() ? 0 : of[draw(of.size())];
    switch (draw(32)) {
      case 0: out[i] = std::numeric_limits<float>::quiet_NaN(); break;
      case 1: out[i] = endless; break;
      case 2: out[i] = -endless; break;
      default: out[i] = i % 3 == 0 ? at : std::nextafter(at, i % 3 == 1 ? endless : -endless);
    }
  }
  return out;
}

namespace {

constexpr std::size_t lanes = Trees::lanes;

// Several descents side by side: each step of one waits for its own last one only, and no step is a jump. `column` holds the lanes' values of
// a column beside each other.
template <class Node> [[gnu::always_inline]] inline void descend(const Node* const (&trees)[lanes],
                                                                 const float* columns, std::uint32_t depth,
                                                                 std::uint32_t (&at)[lanes]) {
  for (std::uint32_t step = 0; step < depth; ++step)
    for (std::size_t k = 0; k < lanes; ++k) {
      const auto& node = trees[k][at[k]];
      at[k] =
          node.left + static_cast<std::uint32_t>(!(columns[node.column + k] <= node.threshold));  // a NaN goes right
    }
}

}  // namespace

void Trees::make_wide() {
  for (const auto& tree : trees_) {
    if (tree.depth > wide_depth_max) return wide_.clear();
    const std::size_t inner = (std::size_t{1} << tree.depth) - 1;
    WideTree wide{
        .depth = tree.depth, .columns = std::vector<std::uint32_t>(inner), .thresholds = std::vector<float>(inner)};
    std::vector<std::uint32_t> level{0};  // nodes of this level, left to right
    for (std::size_t i = 0; i < inner;) {
      std::vector<std::uint32_t> below;
      for (const auto at : level) {
        const auto& node = nodes_[tree.first + at];
        const bool leaf = node.left == at;
        wide.columns[i] = leaf ? 0 : node.column / static_cast<std::uint32_t>(lanes);
        wide.thresholds[i++] = leaf ? 0 : node.threshold;
        below.push_back(node.left);
        below.push_back(leaf ? at : node.left + 1U);
      }
      level = std::move(below);
    }
    for (const auto at : level) wide.leaves.push_back(weights_[tree.first + at]);
    wide_.push_back(std::move(wide));
  }
}

void Trees::run_wide(const float* rows, std::size_t n, std::size_t width, float* out) const {
  constexpr std::size_t together = 16;
  std::vector<float> columns(features_ * std::min(rows_at_once, (n + together - 1) / together * together)), sums;
  for (std::size_t begin = 0; begin < n; begin += rows_at_once) {
    const auto count = std::min(rows_at_once, n - begin), filled = (count + together - 1) / together * together;
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t c = 0; c < features_; ++c) columns[c * filled + r] = rows[(begin + r) * width + c];
    sums.assign(filled, 0);
    add_wide(wide_, columns.data(), filled, sums.data());
    for (std::size_t r = 0; r < count; ++r) out[begin + r] = sums[r] + base_;
  }
}

// One row, several trees at once.
float Trees::row(const float* values, std::vector<float>& columns) const {
  for (std::size_t c = 0; c < features_; ++c)
    for (std::size_t k = 0; k < lanes; ++k) columns[c * lanes + k] = values[c];
  float sum = 0;
  for (std::size_t t = 0; t < trees_.size(); t += lanes) {
    const auto count = std::min(lanes, trees_.size() - t);
    const Node* trees[lanes];
    std::uint32_t depth = 0, at[lanes]{};
    for (std::size_t k = 0; k < lanes; ++k) {
      const auto& tree = trees_[t + std::min(k, count - 1)];
      trees[k] = &nodes_[tree.first];
      depth = std::max(depth, tree.depth);
    }
    descend<Node>(trees, columns.data(), depth, at);
    for (std::size_t k = 0; k < count; ++k) sum += weights_[trees_[t + k].first + at[k]];
  }
  return sum + base_;
}

void Trees::run(const float* rows, std::size_t n, std::size_t width, float* out) const {
  if (!wide_.empty() && n >= lanes) return run_wide(rows, n, width, out);
  const auto block = (features_ + 1) * lanes;  // the last column stays 0: what leaves look at
  std::vector<float> columns(std::min(n / lanes + 1, rows_at_once / lanes) * block);
  for (std::size_t begin = 0; begin < n;) {
    const auto count = std::min(rows_at_once, n - begin) / lanes * lanes;
    if (count == 0) {  // fewer than the lanes are left
      out[begin] = row(rows + begin * width, columns);
      ++begin;
      continue;
    }
    for (std::size_t r = 0; r < count; ++r) {
      for (std::size_t c = 0; c < features_; ++c)
        columns[r / lanes * block + c * lanes + r % lanes] = rows[(begin + r) * width + c];
      out[begin + r] = 0;
    }
    for (const auto& tree : trees_) {
      const Node* const nodes = &nodes_[tree.first];
      const Node* const same[lanes]{nodes, nodes, nodes, nodes, nodes, nodes, nodes, nodes};
      const float* weights = &weights_[tree.first];
      for (std::size_t r = 0; r < count; r += lanes) {
        std::uint32_t at[lanes]{};
        descend<Node>(same, columns.data() + r / lanes * block, tree.depth, at);
        for (std::size_t k = 0; k < lanes; ++k) out[begin + r + k] += weights[at[k]];
      }
    }
    for (std::size_t r = 0; r < count; ++r) out[begin + r] += base_;
    begin += count;
  }
}

}  // namespace pawl::serving
