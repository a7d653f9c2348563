// libFuzzer: every reader of DVC's formats, told apart by the first byte.
#include "wire/dvc/config.h"
#include "wire/dvc/ignore.h"
#include "wire/dvc/lock.h"
#include "wire/dvc/pipeline.h"
#include "wire/dvc/tree.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace pawl;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const dvc::ReadParams none = [](const std::string&) -> Result<yaml::Value> { return fail(Code::missing, "none"); };
  switch (data[0] % 6) {
    case 0: (void)dvc::read_dvc_file(text, "f.dvc"); break;
    case 1: (void)dvc::Lock::read(text, "dvc.lock"); break;
    case 2: (void)dvc::read_pipeline(text, "dvc.yaml", none); break;
    case 3: (void)dvc::read_tree(text); break;
    case 4: {
      dvc::Ignore ignore;
      ignore.add(text, "", ".dvcignore");
      (void)ignore.ignores("a/b/some file.txt", false);
      break;
    }
    default: {
      dvc::Config config;
      (void)config.add(text, "config");
    }
  }
  return 0;
}
