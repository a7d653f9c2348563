// The gate: from numbers with intervals to checks that end as pass, fail, inconclusive, empty or error, each with its evidence. Pure.
#pragma once
#include "delivery/evaluate.h"

namespace pawl::delivery {

// What the evaluation did not know.
struct GateContext {
  std::int64_t live = 0;                   // the version the endpoint answers with; 0: none
  std::optional<std::int64_t> champion{};  // what the alias names
  Numbers logged{};                        // metrics as the script logged them: shown beside, never judged
  std::vector<std::string> authors{};      // users
  std::vector<std::string> unmapped{};     // committers' addresses that belong to nobody
};

// The checks of an evaluation, without `approve`.
std::vector<Check> judge(const std::vector<GateCheck>& gate, const EvaluateResult& seen, const GateContext& context);
// The approve check: waiting when everything else passed and its approval may be opened, else inconclusive with what is missing.
Check approve_check(const GateCheck& rule, const std::vector<Check>& others, const GateContext& context);
CheckState overall(const std::vector<Check>& checks);
// One line: the first check that did not pass, and why.
std::string why_not_passed(const std::vector<Check>& checks);
// What the runner has to compute for this gate.
EvaluateAsk ask_for(const Config& config, const Files& files);

}  // namespace pawl::delivery
