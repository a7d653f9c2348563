#include "wire/v2/codec.h"

#include <cmath>

#include "core/json.h"
#include "core/testing.h"

using namespace pawl;

namespace {

std::string tensor(std::string_view name, std::string_view shape, std::string_view type, std::string_view data) {
  return R"({"name":")" + std::string(name) + R"(","shape":)" + std::string(shape) + R"(,"datatype":")" +
         std::string(type) + R"(","data":)" + std::string(data) + "}";
}
std::string request(std::string_view tensors, std::string_view more = {}) {
  return R"({"inputs":[)" + std::string(tensors) + "]" + std::string(more) + "}";
}
template <class T> std::vector<T> values(const Result<v2::InferRequest>& read) {
  return std::get<std::vector<T>>(read->inputs.at(0).data);
}

}  // namespace

TEST_CASE("values of every datatype arrive as they were sent, flat or nested") {
  CHECK(values<std::uint8_t>(v2::read_request(request(tensor("a", "[2]", "BOOL", "[true,false]")))) ==
        std::vector<std::uint8_t>{1, 0});
  CHECK(
      values<std::int32_t>(v2::read_request(request(tensor("a", "[2,1]", "INT32", "[[-2147483648],[2147483647]]")))) ==
      std::vector<std::int32_t>{-2147483647 - 1, 2147483647});
  CHECK(values<std::int64_t>(v2::read_request(request(tensor("a", "[1,2]", "INT64", "[9223372036854775807,3.0]")))) ==
        std::vector<std::int64_t>{9223372036854775807, 3});
  CHECK(values<float>(v2::read_request(request(tensor("a", "[1,3]", "FP32", "[[1,0.1,-2.5e3]]")))) ==
        std::vector<float>{1, 0.1F, -2500});
  CHECK(values<double>(v2::read_request(request(tensor("a", "[2,1,1]", "FP64", "[[[0.1]],[[1e300]]]")))) ==
        std::vector<double>{0.1, 1e300});
  CHECK(values<std::string>(v2::read_request(request(tensor("a", "[2]", "BYTES", R"(["007","JFK\u00e9"])")))) ==
        std::vector<std::string>{"007", "JFK\u00e9"});
}

TEST_CASE("null is a missing value for FP and BYTES") {
  const auto fp = v2::read_request(request(tensor("a", "[2]", "FP32", "[null,1]")));
  REQUIRE(fp);
  CHECK(std::isnan(values<float>(fp)[0]));
  const auto bytes = v2::read_request(request(tensor("a", "[3]", "BYTES", R"(["",null,"x"])")));
  REQUIRE(bytes);
  CHECK(values<std::string>(bytes) == std::vector<std::string>{"", "", "x"});
  CHECK(bytes->inputs[0].missing == std::vector<std::uint32_t>{1});
}

TEST_CASE("a wrong request is refused, the message names the input and what would have been right") {
  const std::string good = tensor("a", "[1]", "FP32", "[1]");
  each_of<std::string, std::string, std::string>(
      {{"", "not JSON", ""},
       {"[1]", "expected a JSON object with \"inputs\"", "inputs"},
       {"{}", "expected \"inputs\", a list of 1 to 4096 tensors", "inputs"},
       {R"({"inputs":[]})", "expected \"inputs\", a list of 1 to 4096 tensors", "inputs"},
       {request("7"), "inputs[0]: expected an object with name, shape, datatype and data, got 7", "inputs[0]"},
       {request(R"({"shape":[1],"datatype":"FP32","data":[1]})"), "inputs[0]: expected a \"name\"", "inputs[0]"},
       {request(tensor("a", "[1]", "FP16", "[1]")), "one of BOOL, INT32, INT64, FP32, FP64, BYTES, got \"FP16\"", "a"},
       {request(tensor("a", "1", "FP32", "[1]")), "inputs[0] \"a\": expected \"shape\", a list of 1 to 16 dimensions",
        "a"},
       {request(tensor("a", "[]", "FP32", "[1]")), "expected \"shape\", a list of 1 to 16 dimensions, the rows first",
        "a"},
       {request(tensor("a", "[-1]", "FP32", "[1]")), "shape: expected whole numbers from 0, got [-1]", "a"},
       {request(tensor("a", "[1.5]", "FP32", "[1]")), "shape: expected whole numbers from 0, got [1.5]", "a"},
       {request(tensor("a", "[9999999999,9999999999]", "FP32", "[1]")), "holds too many values", "a"},
       {request(tensor("a", "[0]", "FP32", "[]")), "expected 1 to 100000 rows", "a"},
       {request(tensor("a", "[2]", "FP32", "[1]")), "data holds 1 values, its shape [2] wants 2", "a"},
       {request(tensor("a", "[1,2]", "FP32", "[[1,2],[3,4]]")), "data holds a list of 2 where its shape [1,2] wants 1",
        "a"},
       {request(tensor("a", "[2,2]", "FP32", "[[1,2],3]")), "data mixes lists and values: expected a list of 2, got 3",
        "a"},
       {request(tensor("a", "[1]", "FP32", "[[1]]")), "data is nested deeper than its shape [1]", "a"},
       {request(tensor("a", "[2]", "FP32", "[1,\"x\"]")),
        "value 1 of data: expected a number within the range of FP32, or null where it is missing (FP32), got \"x\"",
        "a"},
       {request(tensor("a", "[1]", "FP32", "[1e39]")), "within the range of FP32", "a"},
       {request(tensor("a", "[1]", "FP64", "[1e400]")), "within the range of FP64", "a"},
       {request(tensor("a", "[1]", "FP64", "[NaN]")), "not JSON", ""},
       {request(tensor("a", "[1]", "FP64", "[Infinity]")), "not JSON", ""},
       {request(tensor("a", "[1]", "INT64", "[null]")), "a whole number of 64 bits (INT64), got null", "a"},
       {request(tensor("a", "[1]", "INT64", "[9223372036854775808]")), "a whole number of 64 bits", "a"},
       {request(tensor("a", "[1]", "INT32", "[2147483648]")), "a whole number from -2147483648 to 2147483647", "a"},
       {request(tensor("a", "[1]", "INT32", "[1.5]")), "a whole number", "a"},
       {request(tensor("a", "[1]", "BOOL", "[null]")), "expected true or false (BOOL), got null", "a"},
       {request(tensor("a", "[1]", "BOOL", "[1]")), "expected true or false", "a"},
       {request(tensor("a", "[1]", "BYTES", "[1]")), "expected a text, or null where it is missing (BYTES), got 1",
        "a"},
       {request(good + "," + tensor("b", "[2]", "FP32", "[1,2]")),
        "inputs[1] \"b\": shape [2] holds 2 rows, \"a\" has 1", "b"},
       {request(R"({"name":"a","shape":[1],"datatype":"FP32"})"), "expected \"data\", a list of 1 values", "a"},
       {request(R"({"name":"a","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}})"),
        "parameters.binary_data_size is 4, 0 bytes are left behind the JSON", "a"},
       {request(good, R"(,"id":7)"), "id: expected a text", "id"},
       {request(good, R"(,"outputs":["y"])"), "outputs[0]: expected an object with a name", "outputs"},
       {request(good, R"(,"parameters":[])"), "parameters: expected an object", "parameters"},
       {request(good, R"(,"parameters":{"routing_key":["a"]})"), "one for the whole request", "routing_key"},
       {request(good, R"(,"parameters":{"event_time":"noon"})"), "parameters.event_time: ", "event_time"},
       {request(good, R"(,"parameters":{"event_time":["2013-01-01","2013-01-02"]})"),
        "expected one time, or one per row (1), got 2", "event_time"},
       {request(good, R"(,"parameters":{"context":{"origin":["JFK","LGA"]}})"),
        "parameters.context.origin: expected one value, or one per row (1), got 2", "context"},
       {request(good, R"(,"parameters":{"context":{"origin":{"a":1}}})"), "expected plain values", "context"}},
      [](const std::string& body, const std::string& message, const std::string& field) {
        const auto read = v2::read_request(body);
        REQUIRE(!read);
        CHECK(read.error().code == Code::invalid);
        CHECK_MESSAGE(read.error().message.contains(message), read.error().message);
        CHECK(read.error().field == field);
      });
}

TEST_CASE("parameters hold event times, a routing key and a context, one for all rows or one per row") {
  const auto read = v2::read_request(request(
      tensor("a", "[2]", "FP32", "[1,2]"),
      R"(,"id":"r1","outputs":[{"name":"y"}],"parameters":{"routing_key":"N1","event_time":["2013-03-01T00:00:00Z","2013-03-02T00:00:00Z"],"context":{"origin":["JFK","LGA"],"dist":[0.5],"carrier":"UA"}})"));
  REQUIRE(read);
  CHECK(read->id == "r1");
  CHECK(read->outputs == std::vector<v2::Wanted>{{.name = "y"}});
  CHECK(read->routing_key == "N1");
  CHECK(to_rfc3339(read->event_times.at(1)) == "2013-03-02T00:00:00Z");
  CHECK(v2::context_row(read->context, 0, 2) == R"({"carrier":"UA","dist":0.5,"origin":"JFK"})");
  CHECK(v2::context_row(read->context, 1, 2) == R"({"carrier":"UA","dist":0.5,"origin":"LGA"})");
  CHECK(v2::context_row({}, 0, 2) == "{}");
}

TEST_CASE("a response holds the wanted outputs, and what JSON cannot say is null") {
  const std::vector<v2::Tensor> outputs{
      {.name = "y", .shape = {2, 1}, .data = std::vector<float>{0.1F, std::numeric_limits<float>::quiet_NaN()}},
      {.name = "label", .shape = {2}, .data = std::vector<std::string>{"a\"b", "c"}}};
  const std::vector<std::string> ids{"p1", "p2"};
  const v2::InferResponse response{
      .model_name = "m", .model_version = "3", .id = "r1", .prediction_ids = ids, .outputs = outputs};
  CHECK(
      v2::write_response(response).value().bytes ==
      R"({"model_name":"m","model_version":"3","id":"r1","parameters":{"prediction_ids":["p1","p2"],"model_version":"3"},"outputs":[)"
      R"({"name":"y","datatype":"FP32","shape":[2,1],"data":[0.1,null]},{"name":"label","datatype":"BYTES","shape":[2],"data":["a\"b","c"]}]})");
  const std::vector<v2::Wanted> label{{.name = "label"}}, other{{.name = "z"}};
  CHECK(v2::write_response(response, label).value().bytes.contains(R"("outputs":[{"name":"label")"));
  CHECK(v2::write_response(response, other).error().message == "outputs: there is no output \"z\", only: y, label");
}

TEST_CASE("binary values lie behind the JSON in the order of the inputs that name them") {
  const auto binary = [](std::string_view name, std::string_view shape, std::string_view type, std::size_t bytes) {
    return R"({"name":")" + std::string(name) + R"(","shape":)" + std::string(shape) + R"(,"datatype":")" +
           std::string(type) + R"(","parameters":{"binary_data_size":)" + std::to_string(bytes) + "}}";
  };
  const std::string floats("\0\0\x80\x3f\0\0\xc0\x7f", 8), texts("\1\0\0\0x\2\0\0\0\xc3\xa9", 11);
  const auto json = request(binary("a", "[2]", "FP32", 8) + "," + tensor("n", "[2]", "INT64", "[1,2]") + "," +
                                binary("s", "[2,1]", "BYTES", 11) + "," + binary("b", "[2]", "BOOL", 2),
                            R"(,"parameters":{"binary_data_output":true})");
  const auto read = v2::read_request(json + floats + texts + std::string("\0\5", 2), json.size());
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(read->binary);
  const auto& a = std::get<std::vector<float>>(read->inputs[0].data);
  CHECK(a[0] == 1);
  CHECK(std::isnan(a[1]));  // missing, as null
  CHECK(std::get<std::vector<std::int64_t>>(read->inputs[1].data) == std::vector<std::int64_t>{1, 2});
  CHECK(std::get<std::vector<std::string>>(read->inputs[2].data) == std::vector<std::string>{"x", "\u00e9"});
  CHECK(std::get<std::vector<std::uint8_t>>(read->inputs[3].data) == std::vector<std::uint8_t>{0, 1});

  const auto one = request(binary("a", "[1]", "FP32", 4)), text = request(binary("s", "[1]", "BYTES", 6)),
             both = request(
                 R"({"name":"a","shape":[1],"datatype":"FP32","data":[1],"parameters":{"binary_data_size":0}})");
  each_of<std::string, std::size_t, std::string>(
      {{one + "\1\1\1", one.size(), "binary_data_size is 4, 3 bytes are left behind the JSON"},
       {one + "\1\1\1\1\1", one.size(), "1 bytes of binary data are left that no input names"},
       {one, one.size() + 1, "Inference-Header-Content-Length is "},
       {one + std::string("\0\0\x80\x7f", 4), one.size(), "\"a\": value 0 of the binary data is infinite"},
       {request(binary("a", "[2]", "FP32", 4)) + "\1\1\1\1", one.size(),
        "expected 8 bytes of binary data for 2 values of FP32, got 4"},
       {text + std::string("\3\0\0\0xy", 6), text.size(), "text 0 of the binary data has 3 bytes, 2 are left"},
       {text + std::string("\1\0\0\0xy", 6), text.size(), "1 bytes of binary data are left behind its texts"},
       {text + std::string("\2\0\0\0\xff\xfe", 6), text.size(), "text 0 of the binary data is not UTF-8"},
       {request(binary("s", "[9]", "BYTES", 6)) + "123456", text.size(), "expected 36 bytes of binary data"},
       {both, both.size(), "has both"}},
      [](const std::string& body, std::size_t json_bytes, const std::string& message) {
        const auto wrong = v2::read_request(body, json_bytes);
        REQUIRE(!wrong);
        CHECK(wrong.error().code == Code::invalid);
        CHECK_MESSAGE(wrong.error().message.contains(message), wrong.error().message);
      });
}

TEST_CASE("an output is written as binary values when it, or the request for all, asks for that") {
  const std::vector<v2::Tensor> outputs{{.name = "y", .shape = {1}, .data = std::vector<float>{1}},
                                        {.name = "l", .shape = {1}, .data = std::vector<std::string>{"ab"}}};
  const v2::InferResponse response{.model_name = "m", .model_version = "1", .outputs = outputs};
  const auto whole = v2::write_response(response, {}, true).value();
  CHECK(whole.bytes.substr(whole.json_bytes.value()) == std::string("\0\0\x80\x3f\2\0\0\0ab", 10));
  CHECK(whole.bytes.contains(R"({"name":"l","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":6}})"));
  const auto read = v2::read_request(request(
      tensor("a", "[1]", "FP32", "[1]"),
      R"(,"parameters":{"binary_data_output":true},"outputs":[{"name":"l"},{"name":"y","parameters":{"binary_data":false}}])"));
  REQUIRE(read);
  CHECK(read->outputs == std::vector<v2::Wanted>{{.name = "l", .binary = true}, {.name = "y", .binary = false}});
  const auto mixed = v2::write_response(response, read->outputs).value();
  CHECK(mixed.bytes.contains(R"({"name":"y","datatype":"FP32","shape":[1],"data":[1]})"));
  CHECK(mixed.bytes.size() == *mixed.json_bytes + 6);
}

TEST_CASE("metadata lists inputs and outputs with their types and shapes") {
  CHECK(
      v2::write_metadata({.name = "m",
                          .versions = {"2", "3"},
                          .inputs = {{"a", v2::Type::FP32, {-1, 1}}, {"b", v2::Type::BYTES, {-1}}},
                          .outputs = {{"y", v2::Type::FP64, {-1, 1}}}}) ==
      R"({"name":"m","versions":["2","3"],"platform":"onnx_onnxv1","inputs":[{"name":"a","datatype":"FP32","shape":[-1,1]},{"name":"b","datatype":"BYTES","shape":[-1]}],)"
      R"("outputs":[{"name":"y","datatype":"FP64","shape":[-1,1]}]})");
}

TEST_CASE("tensors written and read again are the same tensors") {
  for_random_cases(300, [] {
    const auto rows = *rc::gen::inRange<std::size_t>(1, 5), width = *rc::gen::inRange<std::size_t>(1, 4);
    const auto count = rows * width;
    const auto finite = rc::gen::suchThat(rc::gen::arbitrary<double>(), [](double d) { return std::isfinite(d); });
    const auto single = rc::gen::suchThat(rc::gen::arbitrary<float>(), [](float d) { return std::isfinite(d); });
    const auto letters = rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
    const std::vector<std::int64_t> shape{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)};
    const std::vector<v2::Tensor> sent{
        {.name = "f", .shape = shape, .data = *rc::gen::container<std::vector<float>>(count, single)},
        {.name = "d", .shape = shape, .data = *rc::gen::container<std::vector<double>>(count, finite)},
        {.name = "i",
         .shape = shape,
         .data = *rc::gen::container<std::vector<std::int64_t>>(count, rc::gen::arbitrary<std::int64_t>())},
        {.name = "j",
         .shape = shape,
         .data = *rc::gen::container<std::vector<std::int32_t>>(count, rc::gen::arbitrary<std::int32_t>())},
        {.name = "s", .shape = shape, .data = *rc::gen::container<std::vector<std::string>>(count, letters)}};
    for (const bool binary : {false, true}) {
      auto body = v2::write_response({.model_name = "m", .model_version = "1", .outputs = sent}, {}, binary).value();
      RC_ASSERT(body.json_bytes.has_value() == binary);
      const auto outputs = body.bytes.find(R"("outputs":)");
      body.bytes.replace(0, outputs + 10, R"({"inputs":)");
      if (binary) *body.json_bytes -= outputs;
      const auto read = v2::read_request(body.bytes, body.json_bytes);
      RC_ASSERT(read.has_value());
      RC_ASSERT(read->inputs == sent);
    }
  });
}
