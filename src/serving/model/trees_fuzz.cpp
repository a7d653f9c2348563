// Any bytes as a model: what it keeps outside is found, and either they are no ensemble of trees, or it answers rows.
#include "serving/model/onnx_scan.h"
#include "serving/model/trees.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  (void)pawl::serving::external_tensors({reinterpret_cast<const char*>(data), size});
  const auto trees = pawl::serving::Trees::read({reinterpret_cast<const char*>(data), size});
  if (!trees) return 0;
  const auto width = trees->features() + 1;
  for (const std::size_t rows : {1, 19}) {
    const auto values = trees->trial_rows(rows, width);
    std::vector<float> sums(rows);
    trees->run(values.data(), rows, width, sums.data());
  }
  return 0;
}
