#include "serving/model/onnx.h"

#include <bit>

#include "core/hash.h"
#include "serving/model/onnx_library.h"
#include "serving/model/onnx_scan.h"
#include "serving/model/trees.h"
#include "store/files.h"

namespace pawl::serving {
namespace {

constexpr std::size_t model_file_bytes_max = 2ULL << 30;

std::optional<v2::Type> type_of(ONNXTensorElementDataType t) {
  switch (t) {
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL: return v2::Type::BOOL;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32: return v2::Type::INT32;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: return v2::Type::INT64;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: return v2::Type::FP32;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE: return v2::Type::FP64;
    case ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING: return v2::Type::BYTES;
    default: return std::nullopt;
  }
}

// The reasons of ONNX Runtime begin with its source lines; the sentence behind them is what a person can use.
std::string reason(const Ort::Exception& e) {
  std::string text = e.what();
  if (text.size() > 400) text.resize(400);
  return text;
}

using Weights = std::map<std::string, std::string>;  // files beside the model, by the name that it calls them

// The files beside a model that hold its weights. A name that is more than that of a file beside it is refused: ONNX Runtime is given their bytes, and
// opens no file of its own.
Result<Weights> weights_beside(const std::filesystem::path& file, std::string_view bytes) {
  Weights out;
  std::size_t left = model_file_bytes_max;
  for (const auto& [tensor, location] : external_tensors(bytes)) {
    if (out.contains(location)) continue;
    const auto told = file.filename().string() + " keeps the weights \"" + tensor + "\" in the file \"" +
                      location.substr(0, 200) + "\", ";
    const std::filesystem::path name(location);
    if (location.empty() || location == "." || location == ".." || name.filename() != name)
      return fail(Code::invalid, told + "which does not lie beside it", "model");
    std::error_code ec;
    const auto path = file.parent_path() / name;
    if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, ec)))
      return fail(Code::invalid, told + "which is not there: log both, or save the model as one file", "model");
    TRY(weights, store::read_file(path, left));
    left -= weights.size();
    out.emplace(location, std::move(weights));
  }
  return out;
}

// Of the model file alone, or of it and the weights beside it: who changes either changes the model.
std::string digest_of(std::string_view bytes, const Weights& weights) {
  auto digest = hex(sha256(bytes));
  if (weights.empty()) return digest;
  for (const auto& [name, content] : weights) digest += '\n' + name + '\n' + hex(sha256(content));
  return hex(sha256(digest));
}

class OnnxModel final : public Model {
 public:
  static Result<std::shared_ptr<const Model>> make(const std::string& name, std::string_view bytes, Weights weights,
                                                   const std::vector<std::string>& column_names,
                                                   std::string_view example) {
    auto model = std::make_shared<OnnxModel>();
    try {
      Ort::SessionOptions options;
      options.SetIntraOpNumThreads(1);
      options.SetInterOpNumThreads(1);
      options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);  // what it would log, it throws as well
      options.AddConfigEntry("session.intra_op.allow_spinning", "0");
      std::vector<std::string> names;
      std::vector<char*> contents;
      std::vector<std::size_t> sizes;
      for (auto& [file, content] : weights)
        names.push_back(file), contents.push_back(content.data()), sizes.push_back(content.size());
      if (!weights.empty()) options.AddExternalInitializersFromFilesInMemory(names, contents, sizes);
      model->session_.emplace(onnx_env(), bytes.data(), bytes.size(), options);
    } catch (const Ort::Exception& e) {
      return fail(Code::invalid, name + " is no ONNX model that can be run: " + reason(e), "model");
    }
    TRY_(model->read_ports());
    TRY_(model->name_columns(column_names));
    model->take_example(example);
    model->try_trees(bytes);
    model->digest_ = digest_of(bytes, weights);
    model->bytes_ = bytes.size();
    for (const auto& [file, content] : weights) model->bytes_ += content.size();
    return model;
  }

  Result<std::vector<v2::Tensor>> run(std::span<const v2::Tensor> bound) const override {
    if (trees_)
      if (auto answer = run_trees(bound.front())) return std::vector<v2::Tensor>{std::move(*answer)};
    return run_onnx(bound);
  }

 private:
  Result<std::vector<v2::Tensor>> run_onnx(std::span<const v2::Tensor> bound) const {
    try {
      const auto memory = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
      std::vector<Ort::Value> in, out;
      in.reserve(bound.size());
      for (const auto& t : bound) in.push_back(to_value(t, memory));
      out.reserve(outputs_.size());
      for (std::size_t i = 0; i < outputs_.size(); ++i) out.emplace_back(nullptr);
      // Run is documented as safe from several threads; its C++ face is not const.
      const_cast<Ort::Session&>(*session_).Run(Ort::RunOptions{nullptr}, input_names_.data(), in.data(), in.size(),
                                               output_names_.data(), out.data(), out.size());
      const auto rows = bound.empty() ? 0 : bound.front().rows();
      std::vector<v2::Tensor> answer;
      answer.reserve(out.size());
      for (std::size_t i = 0; i < out.size(); ++i) {
        TRY(tensor, from_value(out[i], outputs_[i], rows));
        answer.push_back(std::move(tensor));
      }
      return answer;
    } catch (const Ort::Exception& e) {
      return fail(Code::internal, "the model failed: " + reason(e));
    }
  }

  std::optional<v2::Tensor> run_trees(const v2::Tensor& matrix) const {
    const auto* values = std::get_if<std::vector<float>>(&matrix.data);
    if (values == nullptr || matrix.shape.size() != 2 ||
        matrix.shape[1] < static_cast<std::int64_t>(trees_->features()))
      return std::nullopt;
    std::vector<float> sums(static_cast<std::size_t>(matrix.rows()));
    trees_->run(values->data(), sums.size(), static_cast<std::size_t>(matrix.shape[1]), sums.data());
    return v2::Tensor{.name = outputs_[0].name, .shape = {matrix.rows(), 1}, .data = std::move(sums)};
  }

  // An ensemble of trees is run here when it answers made-up rows exactly as ONNX Runtime does.
  void try_trees(std::string_view bytes) {
    trees_ = Trees::read(bytes);
    if (!trees_) return;
    constexpr std::size_t rows = 259;  // whole lanes and some left over
    const auto width = std::max<std::size_t>(trees_->features(), inputs_[0].shape.size() == 2 && inputs_[0].shape[1] > 0
                                                                     ? static_cast<std::size_t>(inputs_[0].shape[1])
                                                                     : 0);
    const v2::Tensor trial{.name = inputs_[0].name,
                           .shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)},
                           .data = trees_->trial_rows(rows, width)};
    const auto ours = run_trees(trial);
    const auto theirs = run_onnx({&trial, 1});
    const auto same = [](float a, float b) {
      return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    };
    const auto* sums = ours ? &std::get<std::vector<float>>(ours->data) : nullptr;
    const auto* wanted = theirs ? std::get_if<std::vector<float>>(&theirs->front().data) : nullptr;
    if (sums == nullptr || wanted == nullptr || theirs->front().shape != ours->shape ||
        !std::ranges::equal(*sums, *wanted, same))
      trees_.reset();
  }

  Result<void> read_ports() {
    Ort::AllocatorWithDefaultOptions allocator;
    const auto read = [&](bool input, std::size_t i) -> Result<v2::Port> {
      v2::Port port{.name = (input ? session_->GetInputNameAllocated(i, allocator)
                                   : session_->GetOutputNameAllocated(i, allocator))
                                .get()};
      const std::string what = (input ? "input \"" : "output \"") + port.name + "\"";
      const auto info = input ? session_->GetInputTypeInfo(i) : session_->GetOutputTypeInfo(i);
      const auto kind = info.GetONNXType();
      if (kind == ONNX_TYPE_SEQUENCE || kind == ONNX_TYPE_MAP)
        return fail(
            Code::invalid,
            what + " is a " + (kind == ONNX_TYPE_MAP ? "map" : "sequence") +
                ", not a tensor. Convert the model without ZipMap: skl2onnx's to_onnx(…, options={\"zipmap\": False})",
            port.name);
      if (kind != ONNX_TYPE_TENSOR) return fail(Code::invalid, what + " is no plain tensor", port.name);
      const auto tensor = info.GetTensorTypeAndShapeInfo();
      const auto type = type_of(tensor.GetElementType());
      if (!type)
        return fail(
            Code::invalid,
            what +
                " has an element type that V2 cannot carry here: expected bool, int32, int64, float, double or string",
            port.name);
      port.type = *type;
      port.shape = tensor.GetShape();
      if (port.shape.empty()) {
        if (input)
          return fail(Code::invalid, what + " has no dimension for the rows: expected a shape such as [None, 1]",
                      port.name);
        port.shape = {-1};  // exported without a shape
      }
      return port;
    };
    try {
      for (std::size_t i = 0; i < session_->GetInputCount(); ++i) {
        TRY(port, read(true, i));
        inputs_.push_back(std::move(port));
      }
      for (std::size_t i = 0; i < session_->GetOutputCount(); ++i) {
        TRY(port, read(false, i));
        outputs_.push_back(std::move(port));
      }
    } catch (const Ort::Exception& e) {
      return fail(Code::invalid, "cannot read the model's inputs and outputs: " + reason(e));
    }
    if (inputs_.empty()) return fail(Code::invalid, "the model has no input");
    for (const auto& p : inputs_) input_names_.push_back(p.name.c_str());
    for (const auto& p : outputs_) output_names_.push_back(p.name.c_str());
    return {};
  }

  // A tensor of ours as ONNX Runtime sees it: numbers are used where they lie, texts are copied.
  static Ort::Value to_value(const v2::Tensor& t, const Ort::MemoryInfo& memory) {
    return std::visit(
        [&]<class V>(const std::vector<V>& values) {
          if constexpr (std::is_same_v<V, std::string>) {
            Ort::AllocatorWithDefaultOptions allocator;
            auto value = Ort::Value::CreateTensor(allocator, t.shape.data(), t.shape.size(),
                                                  ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING);
            std::vector<const char*> texts;
            texts.reserve(values.size());
            for (const auto& text : values) texts.push_back(text.c_str());
            value.FillStringTensor(texts.data(), texts.size());
            return value;
          } else {
            using Wire = std::conditional_t<std::is_same_v<V, std::uint8_t>, bool, V>;
            static_assert(sizeof(Wire) == sizeof(V));
            return Ort::Value::CreateTensor<Wire>(memory, reinterpret_cast<Wire*>(const_cast<V*>(values.data())),
                                                  values.size(), t.shape.data(), t.shape.size());
          }
        },
        t.data);
  }

  static Result<v2::Tensor> from_value(const Ort::Value& value, const v2::Port& port, std::int64_t rows) {
    v2::Tensor t{.name = port.name};
    const auto info = value.GetTensorTypeAndShapeInfo();
    t.shape = info.GetShape();
    if (t.rows() != rows || t.shape.empty())
      return fail(Code::invalid,
                  "output \"" + port.name + "\" has shape " + v2::to_text(t.shape) + " for " + std::to_string(rows) +
                      " rows: its first dimension must be the rows",
                  port.name);
    const auto n = info.GetElementCount();
    t.data = v2::make_data(port.type, n);
    std::visit(
        [&]<class V>(std::vector<V>& values) {
          if constexpr (std::is_same_v<V, std::string>) {
            for (std::size_t i = 0; i < n; ++i) values[i] = value.GetStringTensorElement(i);
          } else {
            using Wire = std::conditional_t<std::is_same_v<V, std::uint8_t>, bool, V>;
            const Wire* data = value.GetTensorData<Wire>();
            std::copy(data, data + n, values.begin());
          }
        },
        t.data);
    return t;
  }

  std::optional<Ort::Session> session_;
  std::optional<Trees> trees_;
  std::vector<const char*> input_names_, output_names_;  // into inputs_ and outputs_
};

}  // namespace

Result<std::shared_ptr<const Model>> Model::load(const std::filesystem::path& file,
                                                 const std::vector<std::string>& column_names,
                                                 std::string_view example) {
  TRY(bytes, store::read_file(file, model_file_bytes_max));
  const auto name = file.filename().string();
  TRY(weights, weights_beside(file, bytes));
  TRY_(open_onnx_runtime());
  return OnnxModel::make(name, bytes, std::move(weights), column_names, example);
}

namespace {

// The same row so many times.
std::vector<v2::Tensor> repeated(const std::vector<v2::Tensor>& row, std::size_t times) {
  auto out = row;
  for (auto& t : out) {
    t.shape.front() = static_cast<std::int64_t>(times);
    std::visit(
        [&](auto& values) {
          const auto width = values.size();
          for (std::size_t i = width; i < width * times; ++i) values.push_back(values[i % width]);
        },
        t.data);
  }
  return out;
}

Result<double> median_us(const Model& model, const std::vector<v2::Tensor>& rows, int times) {
  std::vector<double> took;
  for (int i = 0; i < times; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    TRY_(model.run(rows));
    took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  std::ranges::nth_element(took, took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2));
  return took[took.size() / 2];
}

}  // namespace

Result<WarmUp> warm_up(const Model& model) {
  TRY(made_up, model.bind(model.sample(1)));
  auto row = std::move(made_up);
  if (auto first = median_us(model, row, 3); !first) {  // the first runs fill caches
    if (first.error().code != Code::internal) return std::unexpected(std::move(first).error());
    if (model.example().empty())
      return fail(
          Code::invalid,
          first.error().message + ". If it refuses values it was not trained on, log it with input_example=X.head(1)");
    row = model.example();
    TRY_(median_us(model, row, 3));
  }
  WarmUp out;
  TRY(one, median_us(model, row, 21));
  out.us_one_row = out.us_per_row = one;
  const bool any_rows = std::ranges::all_of(model.inputs(), [](const v2::Port& p) { return p.shape.front() < 0; });
  if (any_rows && one < 5000) {  // a slow model is proven slow already
    TRY(many, median_us(model, repeated(row, 64), 5));
    out.us_per_row = many / 64;
  }
  return out;
}

}  // namespace pawl::serving
