// An event as one sentence for people.
#pragma once
#include "store/ledger.h"

namespace pawl::team {

// What was asked or said is looked up: the ledger itself holds ids only.
Result<std::string> sentence(Tx& tx, const store::LedgerEvent& event);

}  // namespace pawl::team
