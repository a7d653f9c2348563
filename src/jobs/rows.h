// Rows of the jobs, cursors and ticks. All SQL of the room is in rows.cpp.
#pragma once
#include "jobs/jobs.h"

namespace pawl::jobs {
constexpr Micros backoff_max = std::chrono::minutes(5);  // before a job that failed is tried again
}
namespace pawl::jobs::rows {

Result<void> insert(Tx& tx, const Job& job, std::string_view key, std::string_view project);
Result<std::optional<Job>> find(Tx& tx, const JobId& id);
Result<std::optional<Job>> find_active(Tx& tx, std::string_view kind, std::string_view key);
Result<std::optional<Job>> next_due(Tx& tx, std::span<const std::string> kinds, Time now);
Result<std::optional<Time>> next_time(Tx& tx,
                                      std::span<const std::string> kinds);  // when the next of these kinds may run
// Leases of these kinds end now: their holder is known to be gone.
Result<void> take_back(Tx& tx, std::span<const std::string> kinds, Time now);
Result<void> update(Tx& tx, const Job& job);
Result<void> forget(Tx& tx, std::string_view kind, Time before,
                    std::int64_t rows_max);  // those that are done or dropped and were due before then
Result<std::vector<Job>> of_flow(Tx& tx, std::string_view flow);

Result<std::int64_t> cursor(Tx& tx, std::string_view name);
Result<void> set_cursor(Tx& tx, std::string_view name, std::int64_t seq);
Result<std::optional<Time>> tick(Tx& tx, std::string_view name);
Result<void> set_tick(Tx& tx, std::string_view name, Time next);

}  // namespace pawl::jobs::rows
