// An event as one sentence for people.
#pragma once
#include "store/ledger.h"

namespace pawl::team {

// What was asked or said is looked up: the ledger itself holds ids only.
Result<std::string> sentence(Tx& tx, const store::LedgerEvent& event);

// The users that a text mentions as @name, each once, in their order. `a@b.org` and `model@3` mention nobody.
std::vector<std::string> mentioned(std::string_view text);

}  // namespace pawl::team
