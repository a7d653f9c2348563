// The pipeline's output as a model version, for scripts that know nothing of MLflow: through the same API an MLflow client speaks.
#include "core/json.h"
#include "pipeline/runner.h"
#include "store/files.h"

namespace pawl::pipeline {
namespace {

using net::Method;
constexpr std::string_view api = "/api/2.0/mlflow/";

std::string json_text(std::string_view text) {
  std::string out;
  write_json_text(out, text);
  return out;
}

// MLmodel of the ONNX flavour, as far as a reader needs it.
std::string mlmodel(const std::string& run, const std::string& file) {
  return "artifact_path: model\nflavors:\n  onnx:\n    code: null\n    data: " + json_text(file) +
         "\n    providers:\n    - CPUExecutionProvider\n  python_function:\n    data: " + json_text(file) +
         "\n    loader_module: mlflow.onnx\nrun_id: " + run + "\nutc_time_created: '" +
         to_rfc3339(SystemClock{}.now()) + "'\n";
}

}  // namespace

Result<VersionRef> register_output(net::Client& client, const TaskContext& task, const PipelineAsk& ask,
                                   const std::filesystem::path& file) {
  // The client speaks as the flow: so the run and the version are linked to it without a word of ours.
  const auto post = [&](std::string_view what, const std::string& body) {
    return client.call_text(Method::POST, std::string(api) + std::string(what), body);
  };
  const auto text_at = [](const std::string& json, std::string_view path) -> std::string {
    auto found = json_at(json, path);
    if (!found) return {};
    auto text = decode<std::string>(*found);
    return text ? *text : *found;
  };
  std::string experiment;
  if (auto known = client.call_text(
          Method::GET, std::string(api) + "experiments/get-by-name?experiment_name=" + net::percent_encode(ask.model),
          {})) {
    experiment = text_at(*known, "experiment.experiment_id");
  } else {
    TRY(made, post("experiments/create", "{\"name\":" + json_text(ask.model) + "}"));
    experiment = text_at(made, "experiment_id");
  }
  const auto now = std::to_string(SystemClock{}.now().ms());
  TRY(run_made, post("runs/create", "{\"experiment_id\":" + json_text(experiment) +
                                        ",\"run_name\":" + json_text("flow " + ask.flow) + ",\"start_time\":" + now +
                                        ",\"tags\":[{\"key\":\"mlflow.source.git.commit\",\"value\":" +
                                        json_text(ask.commit) + "}]}"));
  const auto run = text_at(run_made, "run.info.run_id");
  const auto folder = experiment + "/" + run + "/artifacts/model";
  const auto name = file.filename().string();
  const auto upload = [&](const std::string& as, const std::filesystem::path& from) -> Result<void> {
    TRY(answer, client.upload("/api/2.0/mlflow-artifacts/artifacts/" + net::percent_encode(folder + "/" + as), from));
    if (!answer.good()) return fail(Code::unavailable, "the model could not be uploaded", {}, answer.body);
    return {};
  };
  TRY_(upload(name, file));
  const auto description = task.scratch / "MLmodel";
  TRY_(store::write_file(description, mlmodel(run, name)));
  TRY_(upload("MLmodel", description));
  if (auto made = post("registered-models/create", "{\"name\":" + json_text(ask.model) + "}");
      !made && made.error().code != Code::exists)
    if (!client.call_text(Method::GET,
                          std::string(api) + "registered-models/get?name=" + net::percent_encode(ask.model), {}))
      return std::unexpected(made.error());
  TRY(version_made, post("model-versions/create", "{\"name\":" + json_text(ask.model) +
                                                      ",\"source\":" + json_text("mlflow-artifacts:/" + folder) +
                                                      ",\"run_id\":" + json_text(run) + "}"));
  TRY_(post("runs/update", "{\"run_id\":" + json_text(run) + ",\"status\":\"FINISHED\",\"end_time\":" +
                               std::to_string(SystemClock{}.now().ms()) + "}"));
  VersionRef out{.name = ask.model};
  const auto number = text_at(version_made, "model_version.version");
  out.version = std::atoll(number.c_str());
  if (out.version <= 0) return fail(Code::internal, "the server answered no version number", {}, version_made);
  return out;
}

}  // namespace pawl::pipeline
