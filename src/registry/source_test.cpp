#include "registry/source.h"
#include "core/testing.h"

using namespace pawl;
using namespace pawl::registry;

namespace {
std::string kind(std::string_view text) {
  auto got = read_source(text);
  if (!got) return "refused";
  switch (got->kind) {
    case Source::Kind::local: return "local " + got->path;
    case Source::Kind::run: return "run " + got->run + " " + got->path;
    case Source::Kind::logged_model: return "model " + got->model;
    case Source::Kind::version: return "version " + got->name + " " + got->version + got->alias;
    case Source::Kind::proxied: return "proxied";
    case Source::Kind::elsewhere: return "elsewhere";
  }
  return "?";
}
}  // namespace

TEST_CASE("a source is read as what it names") {
  each_of<std::string, std::string>(
      {{"/tmp/m", "local /tmp/m"},
       {"file:///tmp/m", "local /tmp/m"},
       {"runs:/R/model/a", "run R model/a"},
       {"models:/m-1", "model m-1"},
       {"models:/net/3", "version net 3"},
       {"models:/net@champion", "version net champion"},
       {"mlflow-artifacts:/0/R/artifacts/m", "proxied"},
       {"http://h:1/api/2.0/mlflow-artifacts/artifacts/x", "proxied"},
       {"http://h/x", "elsewhere"},
       {"s3://bucket/a/b", "elsewhere"},
       {"dbfs:/a", "elsewhere"},
       {"s3://bucket/../b", "refused"},
       {"s3://bucket/%2e%2e/b", "refused"},
       {"mlflow-artifacts://h/..%252f..", "refused"},
       {"http://h/a%00", "refused"},
       {"models:/net", "refused"},
       {"runs://h/R/m", "refused"}},
      [](const std::string& text, const std::string& what) { CHECK(kind(text) == what); });
}

TEST_CASE("a location lies within a root part by part") {
  CHECK(within("mlflow-artifacts:/0/R/artifacts/m", "mlflow-artifacts:/0/R/artifacts"));
  CHECK(!within("mlflow-artifacts:/0/R/artifacts2", "mlflow-artifacts:/0/R/artifacts"));
  CHECK(!within("mlflow-artifacts:/0", "mlflow-artifacts:/0/R"));
  CHECK(!within("s3://a/x", "s3://b/x"));
  CHECK(!within("s3://a/x", "s3://a"));
}
