// ONNX models, run in process. ONNX Runtime is opened when the first model is loaded, never before: it costs every start 5 ms and 14 MiB.
//
// What is refused, with the reason and the fix: what is no ONNX model, sequence and map outputs (ZipMap), tensor types V2 does not have,
// weights in files that do not lie beside it. No custom operator is ever registered, so a model can compute but not execute.
#pragma once
#include <filesystem>

#include "core/time.h"
#include "wire/v2/tensor.h"

namespace pawl::serving {

// A model ready to answer, single-threaded per call; run() may be called from any thread.
class Model {
 public:
  // `column_names`: the columns of a single matrix input, in order, where the model does not name them itself.
  // `example`: JSON of an input example, {"columns": [...], "data": [[...]]}.
  static Result<std::shared_ptr<const Model>> load(const std::filesystem::path& file,
                                                   const std::vector<std::string>& column_names = {},
                                                   std::string_view example = {});
  // The model of an artifact folder: its `MLmodel` names the .onnx file (flavors.onnx.data) and, in the signature, the columns. A folder
  // without an MLmodel must hold exactly one .onnx file. The file must lie beneath the folder.
  static Result<std::shared_ptr<const Model>> open(const std::filesystem::path& folder,
                                                   std::vector<std::string> column_names = {});
  virtual ~Model() = default;
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const std::vector<v2::Port>& inputs() const { return inputs_; }
  const std::vector<v2::Port>& outputs() const { return outputs_; }
  // What may be fed by column: one per input, or the named columns of the single matrix; each of shape [-1].
  const std::vector<v2::Port>& columns() const { return columns_; }
  const std::string& digest() const { return digest_; }  // SHA-256 of the .onnx file, and of the weights beside it
  std::size_t bytes() const { return bytes_; }           // of those files; what the model weighs in the byte budget

  // Brings tensors in the order and shape of inputs(): by the inputs' own names ([n] also for [n,1]), or by column into the single matrix.
  // Names, types and row counts are checked; the error's field is the tensor's name. Takes what it keeps out of `given`.
  Result<std::vector<v2::Tensor>> bind(std::vector<v2::Tensor>&& given) const;
  // `bound` is what bind() answered. All outputs in the order of outputs(), each with as many rows as went in.
  virtual Result<std::vector<v2::Tensor>> run(std::span<const v2::Tensor> bound) const = 0;
  // Made-up rows of the right shape: zeros and empty texts.
  std::vector<v2::Tensor> sample(std::size_t rows) const;
  // The first row of the input example that was logged with the model, bound; empty when there is none that fits. Some models refuse made-up
  // values (an encoder that does not know the category ""), none may refuse this.
  const std::vector<v2::Tensor>& example() const { return example_; }

 protected:
  Result<void> name_columns(const std::vector<std::string>& names);  // fills columns_
  void take_example(std::string_view json);                          // fills example_; what does not fit is no example
  std::vector<v2::Port> inputs_, outputs_, columns_;
  std::vector<v2::Tensor> example_;
  std::string digest_;
  std::size_t bytes_ = 0;
};

// Answered made-up rows, and how fast: medians.
struct WarmUp {
  double us_one_row = 0;
  double us_per_row = 0;  // in a batch of 64
};
Result<WarmUp> warm_up(const Model& model);

// The path ONNX Runtime was opened from; empty while it is not open.
std::string onnx_runtime_path();

}  // namespace pawl::serving
