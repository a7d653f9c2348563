// The two engines behind `Connection`. Only store's own files include this.
#pragma once
#include "store/store.h"

namespace pawl::store {

enum class Access { write, read_only };
Result<std::unique_ptr<Connection>> open_sqlite(const Options& options, Access access);
Result<std::unique_ptr<Connection>> open_postgres(const Options& options, Access access);

// Brings the schema to this program's version: numbered steps, each in its own transaction, recorded with its checksum.
Result<void> migrate(Connection& connection);

}  // namespace pawl::store
