#include "serving/model/onnx.h"

#include <cmath>
#include <fstream>

#include "core/testing.h"
#include "serving/model/onnx_scan.h"
#include "serving/model/trees.h"

using namespace pawl;
using namespace pawl::serving;
namespace fs = std::filesystem;

namespace {

fs::path models() { return fs::path(PAWL_SOURCE_DIR) / "tests/serving/models"; }
std::shared_ptr<const Model> model(const std::string& name, const std::vector<std::string>& columns = {}) {
  auto loaded = Model::load(models() / (name + ".onnx"), columns);
  REQUIRE_MESSAGE(loaded, loaded.error().message);
  return *loaded;
}
v2::Tensor column(std::string name, std::vector<float> values) {
  const auto rows = static_cast<std::int64_t>(values.size());
  return {.name = std::move(name), .shape = {rows, 1}, .data = std::move(values)};
}
std::vector<float> floats(const v2::Tensor& t) { return std::get<std::vector<float>>(t.data); }
std::vector<float> answer(const Model& m, std::vector<v2::Tensor> given) {
  auto bound = m.bind(std::move(given));
  REQUIRE_MESSAGE(bound, bound.error().message);
  auto out = m.run(*bound);
  REQUIRE_MESSAGE(out, out.error().message);
  return floats(out->at(0));
}
struct Folder {
  fs::path path = fs::temp_directory_path() / ("pawl-onnx-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(path / name, std::ios::binary) << text;
  }
};

}  // namespace

TEST_CASE("a model with one tensor per column answers, whatever the order of the inputs") {
  const auto m = model("linear");
  CHECK(m->inputs() == std::vector<v2::Port>{{"a", v2::Type::FP32, {-1, 1}}, {"b", v2::Type::FP32, {-1, 1}}});
  CHECK(m->outputs() == std::vector<v2::Port>{{"y", v2::Type::FP32, {-1, 1}}});
  CHECK(m->columns() == std::vector<v2::Port>{{"a", v2::Type::FP32, {-1}}, {"b", v2::Type::FP32, {-1}}});
  CHECK(m->digest().size() == 64);
  CHECK(answer(*m, {column("b", {10, 20}), column("a", {1, 2})}) == std::vector<float>{33, 65});
  CHECK(answer(*m, {{.name = "a", .shape = {2}, .data = std::vector<float>{1, 2}}, column("b", {10, 20})}) ==
        std::vector<float>{33, 65});
}

TEST_CASE("a matrix model takes its matrix, or its named columns") {
  const auto m = model("matrix", {"p", "q", "r"});
  CHECK(answer(*m, {{.name = "x", .shape = {2, 3}, .data = std::vector<float>{1, 2, 3, 4, 5, 6}}}) ==
        std::vector<float>{321, 654});
  CHECK(answer(*m, {column("r", {3, 6}), column("p", {1, 4}), column("q", {2, 5})}) == std::vector<float>{321, 654});
  CHECK(model("matrix")->columns().empty());
  CHECK(Model::load(models() / "matrix.onnx", {"p", "q"}).error().message.contains("has 3 columns, 2 were named"));
}

std::string bytes_of(const std::string& name) {
  std::ifstream in(models() / (name + ".onnx"), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE("an ensemble of trees is run here and answers what ONNX Runtime answers, bit for bit") {
  for (const std::string name : {"trees", "trees_deep"}) {
    const auto trees = Trees::read(bytes_of(name));
    REQUIRE(trees);
    CHECK(trees->features() == 7);
    CHECK(!Trees::read(bytes_of(name + "_onnx")));  // a second node
    const auto ours = model(name), theirs = model(name + "_onnx");
    for (const std::int64_t rows : {1, 2, 7, 8, 9, 16, 64, 255, 256, 300, 1000}) {
      const v2::Tensor x{.name = "x", .shape = {rows, 7}, .data = trees->trial_rows(static_cast<std::size_t>(rows), 7)};
      std::vector<float> sums(static_cast<std::size_t>(rows));
      trees->run(std::get<std::vector<float>>(x.data).data(), sums.size(), 7, sums.data());
      const auto mine = ours->run({&x, 1}), wanted = theirs->run({&x, 1});
      REQUIRE(mine);
      REQUIRE(wanted);
      CHECK(*mine == *wanted);  // no NaN comes out of sums of leaves
      CHECK(sums == floats(wanted->at(0)));
    }
  }
}

TEST_CASE("what is no whole ensemble of trees is left to ONNX Runtime") {
  CHECK(!Trees::read(bytes_of("matrix")));
  CHECK(!Trees::read(""));
  const auto whole = bytes_of("trees");
  for (std::size_t n = 0; n < whole.size(); n += 97) Trees::read(whole.substr(0, n));
  std::uint32_t seed = 1;
  for (int i = 0; i < 2000; ++i) {
    auto broken = whole;
    for (int k = 0; k < 3; ++k) {
      seed = seed * 1664525U + 1013904223U;
      broken[(seed >> 8) % broken.size()] = static_cast<char>(seed);
    }
    const auto read = Trees::read(broken);
    if (!read) continue;
    const auto rows = read->trial_rows(9, read->features());
    std::vector<float> sums(9);
    read->run(rows.data(), 9, read->features(), sums.data());
    read->run(rows.data(), 1, read->features(), sums.data());
  }
}

TEST_CASE("every datatype goes in and comes out") {
  const auto m = model("types");
  std::vector<v2::Tensor> sent{{.name = "bool", .shape = {2}, .data = std::vector<std::uint8_t>{1, 0}},
                               {.name = "i32", .shape = {2}, .data = std::vector<std::int32_t>{-1, 2}},
                               {.name = "i64", .shape = {2}, .data = std::vector<std::int64_t>{1LL << 60, -5}},
                               {.name = "f32", .shape = {2}, .data = std::vector<float>{0.5F, 2}},
                               {.name = "f64", .shape = {2}, .data = std::vector<double>{0.1, 2}},
                               {.name = "text", .shape = {2}, .data = std::vector<std::string>{"007", "JFK é"}}};
  const auto bound = m->bind(std::vector(sent));
  REQUIRE(bound);
  const auto out = m->run(*bound);
  REQUIRE(out);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    CHECK(out->at(i).name == sent[i].name + "_out");
    CHECK(out->at(i).data == sent[i].data);
  }
}

TEST_CASE("tensors that do not fit are refused, the message says what would have fitted") {
  const auto m = model("linear");
  using Given = std::vector<v2::Tensor>;
  each_of<std::string, Given, std::string>(
      {{"nothing", {}, "inputs"},
       {"input \"b\" (FP32 [-1,1]) is missing", {column("a", {1})}, "b"},
       {"input \"z\" is not one of: a, b", {column("a", {1}), column("b", {1}), column("z", {1})}, "z"},
       {"input \"a\": expected datatype FP32, got FP64",
        {{.name = "a", .shape = {1, 1}, .data = std::vector<double>{1}}, column("b", {1})},
        "a"},
       {"input \"a\": expected shape [-1,1], got [1,2]",
        {{.name = "a", .shape = {1, 2}, .data = std::vector<float>{1, 2}}, column("b", {1})},
        "a"},
       {"input \"b\" has 2 rows, \"a\" has 1", {column("a", {1}), column("b", {1, 2})}, "b"},
       {"input \"a\" was given twice", {column("a", {1}), column("a", {1})}, "a"}},
      [&](const std::string& message, const Given& given, const std::string& field) {
        const auto bound = m->bind(std::vector(given));
        REQUIRE(!bound);
        CHECK(bound.error().code == Code::invalid);
        CHECK(bound.error().field == field);
        if (message != "nothing") CHECK(bound.error().message == message);
      });
}

TEST_CASE("a model that cannot be served is refused with the reason and the fix") {
  each_of<std::string, std::string>(
      {{"zipmap", "Convert the model without ZipMap"},
       {"half", "expected bool, int32, int64, float, double or string"},
       {"custom", "is no ONNX model that can be run"},
       {"outside", "keeps the weights \"w\" in the file \"../../../etc/passwd\", which does not lie beside it"},
       {"alone", "in the file \"alone.weights\", which is not there"}},
      [](const std::string& name, const std::string& message) {
        const auto loaded = Model::load(models() / (name + ".onnx"));
        REQUIRE(!loaded);
        CHECK(loaded.error().code == Code::invalid);
        CHECK_MESSAGE(loaded.error().message.contains(message), loaded.error().message);
      });
  const auto warmed = warm_up(*model("one_answer"));
  REQUIRE(!warmed);
  CHECK(warmed.error().message == "output \"y\" has shape [1,1] for 64 rows: its first dimension must be the rows");
}

TEST_CASE("weights may lie in files beside the model, and belong to what it is") {
  const Folder folder;
  const auto file = folder.path / "beside.onnx", weights = folder.path / "beside.weights";
  fs::copy(models() / "beside.onnx", file);
  fs::copy(models() / "beside.weights", weights);
  const auto loaded = Model::load(file);
  REQUIRE_MESSAGE(loaded, loaded.error().message);
  CHECK(answer(**loaded, {column("a", {1}), column("b", {2})}) == std::vector<float>{9});  // 2a + 3b + 1
  CHECK((*loaded)->bytes() == fs::file_size(file) + fs::file_size(weights));

  folder.write("beside.weights", std::string("\0\0\x80\x3f\0\0\0\0", 8));  // 1a + 0b + 1
  const auto other = Model::load(file);
  REQUIRE(other);
  CHECK(answer(**other, {column("a", {1}), column("b", {2})}) == std::vector<float>{2});
  CHECK((*other)->digest() != (*loaded)->digest());
  folder.write("beside.weights", "short");
  CHECK(Model::load(file).error().message.contains("is no ONNX model that can be run"));
  fs::remove(weights);
  fs::create_symlink("/etc/passwd", weights);
  CHECK(Model::load(file).error().message.contains("which is not there"));
}

TEST_CASE("rubbish, an empty file and a cut model are no models") {
  const Folder folder;
  std::ifstream in(models() / "linear.onnx", std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  each_of<std::string, std::string>(
      {{"rubbish", "this is no model"}, {"empty", ""}, {"cut", good.substr(0, good.size() / 2)}},
      [&](const std::string& name, const std::string& bytes) {
        folder.write(name + ".onnx", bytes);
        const auto loaded = Model::load(folder.path / (name + ".onnx"));
        REQUIRE(!loaded);
        CHECK(loaded.error().code == Code::invalid);
        CHECK_MESSAGE(loaded.error().message.contains(name + ".onnx is no ONNX model"), loaded.error().message);
      });
  CHECK(Model::load(folder.path / "absent.onnx").error().code == Code::missing);
}

TEST_CASE("a model that fails on some rows says so and goes on answering") {
  const auto m = model("fragile");
  const auto ask = [&](std::int64_t i) {
    return m->run(m->bind({{.name = "i", .shape = {1, 1}, .data = std::vector<std::int64_t>{i}}}).value());
  };
  CHECK(floats(ask(2).value()[0]) == std::vector<float>{7});
  const auto failed = ask(9);
  REQUIRE(!failed);
  CHECK(failed.error().code == Code::internal);
  CHECK(failed.error().message.contains("the model failed: "));
  CHECK(floats(ask(0).value()[0]) == std::vector<float>{5});
}

TEST_CASE("warming up measures") {
  const auto warmed = warm_up(*model("linear"));
  REQUIRE(warmed);
  CHECK(warmed->us_one_row > 0);
  CHECK(warmed->us_per_row > 0);
}

TEST_CASE("a model that refuses made-up values is proven by its input example") {
  const Folder folder;
  fs::copy_file(models() / "picky.onnx", folder.path / "model.onnx");
  const std::string mlmodel = "flavors:\n  onnx:\n    data: model.onnx\n";
  folder.write("MLmodel", mlmodel);
  const auto refused = warm_up(**Model::open(folder.path));
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::invalid);
  CHECK_MESSAGE(refused.error().message.contains("log it with input_example=X.head(1)"), refused.error().message);
  folder.write("MLmodel", mlmodel +
                              "saved_input_example_info:\n  artifact_path: input_example.json\n  pandas_orient: "
                              "split\n  type: dataframe\n");
  each_of<std::string, bool>({{R"({"columns":["other","origin"],"data":[[1.5,"JFK"]]})", true},
                              {R"({"dataframe_split":{"columns":["origin"],"data":[["LGA"],["JFK"]]}})", true},
                              {R"({"columns":["origin"],"data":[["nowhere"]]})", false},
                              {R"({"columns":["origin"],"data":[[7]]})", false},
                              {R"({"columns":[],"data":[]})", false},
                              {"no json", false}},
                             [&](const std::string& example, bool good) {
                               folder.write("input_example.json", example);
                               CHECK(warm_up(**Model::open(folder.path)).has_value() == good);
                             });
}

TEST_CASE("the MLmodel file of a folder names the model and its columns") {
  const Folder folder;
  fs::copy_file(models() / "matrix.onnx", folder.path / "model.onnx");
  folder.write("MLmodel",
               "flavors:\n  onnx:\n    data: model.onnx\n    onnx_version: 1.23.2\n  python_function:\n    "
               "loader_module: mlflow.onnx\n"
               "signature:\n  inputs: '[{\"type\": \"float\", \"name\": \"p\", \"required\": true}, {\"type\": "
               "\"float\", \"name\": \"q\"}, {\"type\": \"float\", \"name\": \"r\"}]'\n");
  const auto opened = Model::open(folder.path);
  REQUIRE_MESSAGE(opened, opened.error().message);
  CHECK((*opened)->columns().at(1).name == "q");
  each_of<std::string, std::string>(
      {{"flavors:\n  sklearn:\n    pickled_model: m.pkl\n",
        "the model has no ONNX flavor (it has: sklearn): log it with mlflow.onnx.log_model"},
       {"flavors:\n  onnx:\n    data: ../../../../etc/passwd\n", "which is not in its folder"},
       {"flavors:\n  onnx:\n    data: /etc/passwd\n", "which is not in its folder"},
       {"flavors:\n  onnx:\n    data: other.onnx\n", "which is not there"},
       {"flavors: [\n", "MLmodel:"}},
      [&](const std::string& text, const std::string& message) {
        folder.write("MLmodel", text);
        const auto refused = Model::open(folder.path);
        REQUIRE(!refused);
        CHECK_MESSAGE(refused.error().message.contains(message), refused.error().message);
      });
  fs::remove(folder.path / "MLmodel");
  CHECK(Model::open(folder.path).has_value());  // one .onnx file and nothing else: that one
  fs::copy_file(models() / "linear.onnx", folder.path / "second.onnx");
  CHECK(Model::open(folder.path).error().message.contains("has no MLmodel file and 2 .onnx files"));
}
