#include <charconv>

#include "core/json.h"
#include "wire/v2/binary.h"
#include "wire/v2/codec.h"

namespace pawl::v2 {
namespace {

void write_whole(std::string& out, std::int64_t value) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}
void write_shape(std::string& out, const std::vector<std::int64_t>& shape) {
  out += '[';
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) out += ',';
    write_whole(out, shape[i]);
  }
  out += ']';
}
void write_head(std::string& out, std::string_view name, Type type, const std::vector<std::int64_t>& shape) {
  out += R"({"name":)";
  write_json_text(out, name);
  out += R"(,"datatype":")";
  out += word(type);
  out += R"(","shape":)";
  write_shape(out, shape);
}
void write_tensor(std::string& out, const Tensor& t, std::string* binary) {
  write_head(out, t.name, t.type(), t.shape);
  if (binary != nullptr) {
    const auto before = binary->size();
    write_binary(*binary, t);
    out += R"(,"parameters":{"binary_data_size":)";
    write_whole(out, static_cast<std::int64_t>(binary->size() - before));
    out += "}}";
    return;
  }
  out += R"(,"data":[)";
  for (std::size_t i = 0, n = t.size(); i < n; ++i) {
    if (i > 0) out += ',';
    write_value(out, t, i);
  }
  out += "]}";
}
void write_ports(std::string& out, const std::vector<Port>& ports) {
  out += '[';
  for (const auto& p : ports) {
    if (out.back() == '}') out += ',';
    write_head(out, p.name, p.type, p.shape);
    out += '}';
  }
  out += ']';
}

}  // namespace

Result<Body> write_response(const InferResponse& response, std::span<const Wanted> wanted, bool binary) {
  std::string out, behind;
  out.reserve(256 + response.prediction_ids.size() * 48);
  out += R"({"model_name":)";
  write_json_text(out, response.model_name);
  out += R"(,"model_version":)";
  write_json_text(out, response.model_version);
  if (!response.id.empty()) {
    out += R"(,"id":)";
    write_json_text(out, response.id);
  }
  out += R"(,"parameters":{"prediction_ids":[)";
  for (std::size_t i = 0; i < response.prediction_ids.size(); ++i) {
    if (i > 0) out += ',';
    write_json_text(out, response.prediction_ids[i]);
  }
  out += R"(],"model_version":)";
  write_json_text(out, response.model_version);
  out += R"(},"outputs":[)";
  bool first = true;
  const auto put = [&](const Tensor& t, bool as_binary) {
    if (!std::exchange(first, false)) out += ',';
    write_tensor(out, t, as_binary ? &behind : nullptr);
  };
  if (wanted.empty())
    for (const auto& t : response.outputs) put(t, binary);
  for (const auto& [name, as_binary] : wanted) {
    const auto found = std::ranges::find(response.outputs, name, &Tensor::name);
    if (found == response.outputs.end()) {
      std::vector<std::string> there;
      std::ranges::transform(response.outputs, std::back_inserter(there), &Tensor::name);
      return std::unexpected(no_such_output(name, there));
    }
    put(*found, as_binary);
  }
  out += "]}";
  const bool any = wanted.empty() ? binary : std::ranges::any_of(wanted, &Wanted::binary);
  if (!any) return Body{.bytes = std::move(out)};
  const auto json_bytes = out.size();
  return Body{.bytes = std::move(out += behind), .json_bytes = json_bytes};
}

Error no_such_output(std::string_view wanted, const std::vector<std::string>& there) {
  std::string message = "outputs: there is no output \"";
  message.append(wanted).append("\", only:");
  for (const auto& name : there) message.append(&name == &there.front() ? " " : ", ").append(name);
  return {.code = Code::invalid, .message = std::move(message), .field = "outputs"};
}

std::string write_metadata(const ModelMetadata& metadata) {
  std::string out = R"({"name":)";
  write_json_text(out, metadata.name);
  out += R"(,"versions":[)";
  for (std::size_t i = 0; i < metadata.versions.size(); ++i) {
    if (i > 0) out += ',';
    write_json_text(out, metadata.versions[i]);
  }
  out += R"(],"platform":)";
  write_json_text(out, metadata.platform);
  out += R"(,"inputs":)";
  write_ports(out, metadata.inputs);
  out += R"(,"outputs":)";
  write_ports(out, metadata.outputs);
  out += '}';
  return out;
}

std::string server_metadata(std::string_view version) {
  std::string out = R"({"name":"pawl","version":)";
  write_json_text(out, version);
  return out + R"(,"extensions":["binary_tensor_data"]})";
}

}  // namespace pawl::v2
