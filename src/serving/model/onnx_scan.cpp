#include "serving/model/onnx_scan.h"

#include <span>

#include "serving/model/protobuf.h"

namespace pawl::serving {
namespace {

// Where tensors may hide, by onnx.proto3's field numbers.
enum class Message { model, graph, function, node, attribute, sparse, tensor };
struct Inside {
  std::uint32_t field;
  Message what;
};
std::span<const Inside> insides(Message m) {
  static constexpr Inside model[]{{7, Message::graph}, {25, Message::function}};
  static constexpr Inside graph[]{{1, Message::node}, {5, Message::tensor}, {15, Message::sparse}};
  static constexpr Inside function[]{{7, Message::node}};
  static constexpr Inside node[]{{5, Message::attribute}};
  static constexpr Inside attribute[]{{5, Message::tensor}, {6, Message::graph},   {10, Message::tensor},
                                      {11, Message::graph}, {22, Message::sparse}, {23, Message::sparse}};
  static constexpr Inside sparse[]{{1, Message::tensor}, {2, Message::tensor}};
  switch (m) {
    case Message::model: return model;
    case Message::graph: return graph;
    case Message::function: return function;
    case Message::node: return node;
    case Message::attribute: return attribute;
    case Message::sparse: return sparse;
    case Message::tensor: return {};
  }
  return {};
}

constexpr int depth_max = 100;  // graphs within graphs; ONNX Runtime's own parser stops at 100 too

// {key: "location", value: FILE}; empty: it says something else.
std::string_view location_of(std::string_view entry) {
  std::string_view key, value;
  while (!entry.empty()) {
    const auto f = protobuf::take_field(entry);
    if (!f) break;
    if (f->number == 1) key = f->bytes;
    if (f->number == 2) value = f->bytes;
  }
  return key == "location" ? value : std::string_view{};
}

void walk(std::string_view in, Message what, int depth, std::vector<ExternalTensor>& found) {
  if (depth > depth_max) return;
  if (what == Message::tensor) {
    bool outside = false;
    ExternalTensor tensor;
    while (!in.empty()) {
      const auto f = protobuf::take_field(in);
      if (!f) return;
      if (f->number == 8) tensor.name = f->bytes;
      if (f->number == 13)
        if (const auto location = location_of(f->bytes); !location.empty()) tensor.location = location;
      if (f->number == 13 || (f->number == 14 && f->whole == 1))
        outside = true;  // external_data, data_location = EXTERNAL
    }
    if (outside) found.push_back(std::move(tensor));
    return;
  }
  while (!in.empty()) {
    const auto f = protobuf::take_field(in);
    if (!f) return;
    for (const auto& inside : insides(what))
      if (inside.field == f->number && !f->bytes.empty()) walk(f->bytes, inside.what, depth + 1, found);
  }
}

}  // namespace

std::vector<ExternalTensor> external_tensors(std::string_view onnx) {
  std::vector<ExternalTensor> found;
  walk(onnx, Message::model, 0, found);
  return found;
}

}  // namespace pawl::serving
