#include "delivery/routes.h"
#include "core/testing.h"
#include "delivery/stand_in.h"

using namespace pawl;
using namespace pawl::delivery;

namespace {
struct Served : Bench {
  Served() { mount(house.router, delivery); }
};
}  // namespace

TEST_CASE("bad asks get the right status and name what is wrong") {
  Served s;
  s.in_force();
  const std::string base = "/api/pawl/v1";
  each_of<std::string, int, std::string>(
      {{"/flows/nothing", 404, "there is no flow nothing"},
       {"/flows?state=flying", 400, "state: expected one of queued|training"},
       {"/flows?commit=xyz", 400, "commit: expected hex digits"},
       {"/flows?after=1", 400, "expected the `next` of an earlier page"},
       {"/plans/nothing", 404, "there is no plan nothing"},
       {"/rollouts/nothing", 404, "there is no rollout nothing"},
       {"/gates/nothing", 404, "no gate has judged"},
       {"/models/nothing", 404, "there is no model nothing"},
       {"/models/arrival-delay/versions/7", 404, "there is no version arrival-delay@7"},
       {"/models/arrival-delay/versions/x", 400, "version"},
       {"/restore/arrival-delay/7", 404, "there is no version arrival-delay@7"}},
      [&](const std::string& path, int status, const std::string& said) {
        const auto got = s.house.get(base + path);
        CAPTURE(got.body);
        CHECK(got.status == status);
        CHECK(got.body.find(said) != std::string::npos);
      });
  each_of<std::string, std::string, int, std::string>(
      {{"/flows", R"({"model":"nothing"})", 404, "no pawl.yaml of a model nothing is in force"},
       {"/flows", R"({"model":"arrival-delay","when":"now"})", 400, "when: unknown key"},
       {"/flows/nothing/stop", "{}", 404, "there is no flow nothing"},
       {"/deployments", R"({"version":1})", 400, "model"},
       {"/deployments", R"({"model":"arrival-delay","version":"x"})", 400, "version"},
       {"/endpoints/nothing/rollback", "{}", 404, "nothing was ever rolled out"},
       {"/plans", R"({"repo":"nothing","dry":true})", 404, "there is no repository nothing"},
       {"/plans", R"({"repo":"flights","dry":true,"files":{"pawl.yaml":"pawl: 2"}})", 400,
        "pawl.yaml:1:7: pawl: expected 1"},
       {"/plans", R"({"repo":"flights","dry":true,"files":{"x":"y"}})", 400, "there is no pawl.yaml"},
       {"/plans", R"({"repo":"flights","commit":"HEAD"})", 400, "commit: expected the hex digits of a commit"}},
      [&](const std::string& path, const std::string& body, int status, const std::string& said) {
        const auto got = s.house.post(base + path, body);
        CAPTURE(got.body);
        CHECK(got.status == status);
        CHECK(got.body.find(said) != std::string::npos);
      });
}
TEST_CASE("a work tree is compared with what is in force, and proposed like a push") {
  Served s;
  s.in_force();
  const auto body = [](std::string_view config, bool dry, std::string commit) {
    return encode(ProposeAsk{.repo = "flights",
                             .commit = std::move(commit),
                             .files = {{"pawl.yaml", std::string(config)}, {"checks.yaml", "checks: []\n"}},
                             .dry = dry});
  };
  CHECK_FALSE(s.house.as<PlanDiff>(s.house.post("/api/pawl/v1/plans", body(whole_config, true, ""))).differs);
  std::string other(whole_config);
  other.replace(other.find("max: 18"), 7, "max: 17");
  const auto diff = s.house.as<PlanDiff>(s.house.post("/api/pawl/v1/plans", body(other, true, "")));
  CHECK(diff.differs);
  CHECK(diff.not_yet == std::vector<std::string>{"keep.logs"});
  CHECK(s.below.tasks.size() == 2);
  CHECK(s.house.as<PlanDiff>(s.house.post("/api/pawl/v1/plans", body(other, false, "0123456789abcdef"))).differs);
  s.idle();
  CHECK(s.below.tasks.at(s.below.newest_task).inspect.commit == "0123456789abcdef");
}
TEST_CASE("what git says about an address keeps its secret to itself") {
  each_of<std::string, std::string>(
      {{"cannot fetch https://me:secret@host/x.git: no", "cannot fetch https://host/x.git: no"},
       {"https://host/a@b", "https://host/a@b"},
       {"'ssh://git@h/x' and 'http://t@h'", "'ssh://h/x' and 'http://h'"},
       {"plain", "plain"}},
      [](const std::string& text, const std::string& shown) { CHECK(without_secrets(text) == shown); });
}
