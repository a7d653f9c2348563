#include <boost/json.hpp>

#include "core/json.h"
#include "core/json_dom.h"
#include "serving/model/onnx.h"
#include "store/files.h"
#include "wire/v2/codec.h"
#include "wire/yaml/value.h"

namespace pawl::serving {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t example_bytes_max = 16 << 20;

std::string said(const v2::Port& p) {
  return "\"" + p.name + "\" (" + std::string(word(p.type)) + " " + v2::to_text(p.shape) + ")";
}
std::string names_of(const std::vector<v2::Port>& ports) {
  std::string out;
  for (const auto& p : ports) out += (out.empty() ? "" : ", ") + (out.size() > 500 ? std::string("...") : p.name);
  return out;
}

// Whether the shape fits, after [n] was read as [n,1] or the other way round where the model wants that.
bool fit(std::vector<std::int64_t>& given, const std::vector<std::int64_t>& wanted) {
  if (given.size() == 1 && wanted.size() == 2 && (wanted[1] == 1 || wanted[1] < 0))
    given.push_back(1);
  else if (given.size() == 2 && wanted.size() == 1 && given[1] == 1)
    given.pop_back();
  return std::ranges::equal(given, wanted, [](std::int64_t g, std::int64_t w) { return w < 0 || g == w; });
}

Result<void> check_type(const v2::Tensor& t, v2::Type wanted) {
  if (t.type() == wanted) return {};
  return fail(Code::invalid,
              "input \"" + t.name + "\": expected datatype " + std::string(word(wanted)) + ", got " +
                  std::string(word(t.type())),
              t.name);
}

v2::Tensor* find(std::vector<v2::Tensor>& given, std::string_view name) {
  const auto at = std::ranges::find(given, name, &v2::Tensor::name);
  return at == given.end() ? nullptr : &*at;
}

Result<void> same_rows(const std::vector<v2::Tensor>& given) {
  for (const auto& t : given) {
    if (t.rows() != given.front().rows())
      return fail(Code::invalid,
                  "input \"" + t.name + "\" has " + std::to_string(t.rows()) + " rows, \"" + given.front().name +
                      "\" has " + std::to_string(given.front().rows()),
                  t.name);
    if (std::ranges::count(given, t.name, &v2::Tensor::name) > 1)
      return fail(Code::invalid, "input \"" + t.name + "\" was given twice", t.name);
  }
  return {};
}

// The columns beside each other: row by row, as the model's matrix wants them.
Result<v2::Tensor> matrix_of(std::vector<v2::Tensor>& given, const v2::Port& port,
                             const std::vector<v2::Port>& columns) {
  const auto rows = static_cast<std::size_t>(given.front().rows()), width = columns.size();
  v2::Tensor out{.name = port.name,
                 .shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)},
                 .data = v2::make_data(port.type, rows * width)};
  for (std::size_t c = 0; c < width; ++c) {
    auto* column = find(given, columns[c].name);
    if (column == nullptr)
      return fail(Code::invalid,
                  "input \"" + columns[c].name + "\" (" + std::string(word(port.type)) +
                      ") is missing; or send the matrix " + said(port),
                  columns[c].name);
    TRY_(check_type(*column, port.type));
    if (column->size() != rows)
      return fail(Code::invalid,
                  "input \"" + column->name + "\": expected shape [" + std::to_string(rows) + "] or [" +
                      std::to_string(rows) + ",1], got " + v2::to_text(column->shape),
                  column->name);
    std::visit(
        [&]<class V>(std::vector<V>& to) {
          auto& from = std::get<std::vector<V>>(column->data);
          for (std::size_t r = 0; r < rows; ++r) to[r * width + c] = std::move(from[r]);
        },
        out.data);
    for (const auto position : column->missing) out.missing.push_back(static_cast<std::uint32_t>(position * width + c));
  }
  return out;
}

struct SignatureColumn {
  std::string name{}, type{};
  static constexpr auto fields =
      std::tuple{field("name", &SignatureColumn::name), field("type", &SignatureColumn::type)};
};

// The columns that the signature names; none when it has none, or speaks of tensors.
std::vector<std::string> signature_columns(const yaml::Value& mlmodel) {
  const auto* inputs = yaml::at_path(mlmodel, "signature.inputs");
  if (inputs == nullptr || !inputs->is(yaml::Value::Kind::text)) return {};
  const auto columns = decode<std::vector<SignatureColumn>>(inputs->text, {.unknown = UnknownKeys::ignore});
  std::vector<std::string> out;
  if (!columns) return out;
  for (const auto& c : *columns) {
    if (c.name.empty() || c.type == "tensor") return {};
    out.push_back(c.name);
  }
  return out;
}

Result<fs::path> beneath(const fs::path& folder, const std::string& name) {
  std::error_code ec;
  const auto root = fs::canonical(folder, ec);
  if (ec)
    return fail(Code::missing, "the artifact folder " + folder.filename().string() + " is not there", "model",
                folder.string());
  auto file = fs::canonical(root / name, ec);
  if (ec) return fail(Code::missing, "the MLmodel file names " + name + ", which is not there", "model");
  const auto relative = file.lexically_relative(root);
  if (relative.empty() || *relative.begin() == "..")
    return fail(Code::invalid, "the MLmodel file names " + name + ", which is not in its folder", "model");
  return file;
}

}  // namespace

Result<void> Model::name_columns(const std::vector<std::string>& names) {
  const bool by_input = std::ranges::all_of(
      inputs_, [](const v2::Port& p) { return p.shape.size() == 1 || (p.shape.size() == 2 && p.shape[1] == 1); });
  if (by_input) {
    for (const auto& p : inputs_) columns_.push_back({.name = p.name, .type = p.type, .shape = {-1}});
    return {};
  }
  if (inputs_.size() != 1 || inputs_[0].shape.size() != 2 || names.empty()) return {};
  const auto width = inputs_[0].shape[1];
  if (width >= 0 && static_cast<std::size_t>(width) != names.size())
    return fail(Code::invalid,
                "the model's input " + said(inputs_[0]) + " has " + std::to_string(width) + " columns, " +
                    std::to_string(names.size()) + " were named",
                "inputs");
  for (const auto& name : names) columns_.push_back({.name = name, .type = inputs_[0].type, .shape = {-1}});
  return {};
}

// Each cell of the first row as a tensor of its column's type, by way of a V2 request: the same rules hold.
void Model::take_example(std::string_view json) {
  const auto parsed = parse_json(json);
  if (!parsed || !parsed->is_object() || columns_.empty()) return;
  const auto* split = parsed->get_object().if_contains("dataframe_split");
  const auto* object = split != nullptr ? split->if_object() : &parsed->get_object();
  const auto* names = object != nullptr ? object->if_contains("columns") : nullptr;
  const auto* data = object != nullptr ? object->if_contains("data") : nullptr;
  if (names == nullptr || !names->is_array() || data == nullptr || !data->is_array() || data->get_array().empty() ||
      !data->get_array()[0].is_array())
    return;
  const auto& row = data->get_array()[0].get_array();
  std::string tensors;
  for (const auto& c : columns_)
    for (std::size_t i = 0; i < std::min(names->get_array().size(), row.size()); ++i)
      if (const auto* name = names->get_array()[i].if_string(); name != nullptr && std::string_view(*name) == c.name)
        tensors += (tensors.empty() ? "" : ",") + (R"({"name":)" + encode(c.name)) + R"(,"shape":[1],"datatype":")" +
                   std::string(word(c.type)) + R"(","data":[)" + json_text(row[i]) + "]}";
  auto request = v2::read_request(R"({"inputs":[)" + tensors + "]}");
  if (!request) return;
  if (auto bound = bind(std::move(request->inputs))) example_ = std::move(*bound);
}

Result<std::vector<v2::Tensor>> Model::bind(std::vector<v2::Tensor>&& given) const {
  if (given.empty()) return fail(Code::invalid, "expected the inputs " + names_of(inputs_), "inputs");
  TRY_(same_rows(given));
  std::vector<v2::Tensor> out;
  out.reserve(inputs_.size());
  const bool by_column = inputs_.size() == 1 && columns_.size() > 1 && find(given, inputs_[0].name) == nullptr;
  const auto& names = by_column ? columns_ : inputs_;
  for (const auto& t : given)
    if (std::ranges::find(names, t.name, &v2::Port::name) == names.end())
      return fail(Code::invalid, "input \"" + t.name + "\" is not one of: " + names_of(names), t.name);
  if (by_column) {
    TRY(matrix, matrix_of(given, inputs_[0], columns_));
    out.push_back(std::move(matrix));
    return out;
  }
  for (const auto& port : inputs_) {
    auto* t = find(given, port.name);
    if (t == nullptr) return fail(Code::invalid, "input " + said(port) + " is missing", port.name);
    TRY_(check_type(*t, port.type));
    const auto sent = t->shape;
    if (!fit(t->shape, port.shape))
      return fail(
          Code::invalid,
          "input \"" + port.name + "\": expected shape " + v2::to_text(port.shape) + ", got " + v2::to_text(sent),
          port.name);
    out.push_back(std::move(*t));
  }
  return out;
}

std::vector<v2::Tensor> Model::sample(std::size_t rows) const {
  std::vector<v2::Tensor> out;
  for (const auto& p : inputs_) {
    v2::Tensor t{.name = p.name, .shape = p.shape};
    if (t.shape.front() < 0) t.shape.front() = static_cast<std::int64_t>(rows);
    for (auto& d : t.shape)
      if (d < 0)
        d = inputs_.size() == 1 && t.shape.size() == 2 && !columns_.empty() ? static_cast<std::int64_t>(columns_.size())
                                                                            : 1;
    t.data = v2::make_data(p.type, v2::values_of(t.shape).value_or(0));
    out.push_back(std::move(t));
  }
  return out;
}

Result<std::shared_ptr<const Model>> Model::open(const fs::path& folder, std::vector<std::string> column_names) {
  std::error_code ec;
  if (!fs::exists(folder / "MLmodel", ec)) {
    std::vector<fs::path> found;
    for (fs::recursive_directory_iterator at(folder, ec), end; !ec && at != end; at.increment(ec))
      if (at->is_regular_file(ec) && at->path().extension() == ".onnx") found.push_back(at->path());
    if (found.size() == 1) return load(found.front(), column_names);
    return fail(Code::missing,
                "the model's folder has no MLmodel file and " + (found.empty() ? "no" : std::to_string(found.size())) +
                    " .onnx files: log the model with mlflow.onnx.log_model, or one .onnx file",
                "model");
  }
  TRY(text, store::read_file(folder / "MLmodel", 4 << 20));
  TRY(mlmodel, yaml::read(text, "MLmodel"));
  const auto* data = yaml::at_path(mlmodel, "flavors.onnx.data");
  if (data == nullptr || !data->is(yaml::Value::Kind::text)) {
    std::string flavors;
    if (const auto* all = yaml::at_path(mlmodel, "flavors"))
      for (const auto& m : all->members) flavors += (flavors.empty() ? "" : ", ") + m.key;
    return fail(Code::invalid,
                "the model has no ONNX flavor (it has: " + (flavors.empty() ? "none" : flavors) +
                    "): log it with mlflow.onnx.log_model",
                "model");
  }
  TRY(file, beneath(folder, data->text));
  if (column_names.empty()) column_names = signature_columns(mlmodel);
  std::string example;
  const auto* named = yaml::at_path(mlmodel, "saved_input_example_info.artifact_path");
  if (named != nullptr && named->is(yaml::Value::Kind::text))
    if (const auto path = beneath(folder, named->text))
      if (auto read = store::read_file(*path, example_bytes_max)) example = std::move(*read);
  return load(file, column_names, example);
}

}  // namespace pawl::serving
