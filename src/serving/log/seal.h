// Sealed segments: a closed segment of the log becomes a Parquet file that any tool reads, listed in a table by endpoint and times, with what its
// rows did counted already. The segment itself goes once that is durable.
//
// Columns: prediction_id, request_id, version, digest, rollout, step, arm, received, counter, event_time, key_digest, status, error, latency_us, context,
// and `feature.NAME`, `output.NAME` in their own types, `context.NAME` as numbers or texts. A request that could not be read is a row without an id.
#pragma once
#include "serving/log/ids.h"
#include "serving/log/record.h"
#include "serving/log/tail.h"
#include "store/sql.h"

namespace pawl::serving {

struct SealedSegment {
  std::string path{};  // relative to the folder of predictions
  std::int64_t endpoint = 0;
  std::string server{};
  std::int64_t rows = 0, bytes = 0;
  std::string digest{};
  Time received_first{}, received_last{}, event_first{}, event_last{};
  std::string tallies{};  // Tallies::save()
};

// Writes the rows of a segment to `to` (which appears whole or not at all); fills rows, times, bytes and digest. Blocks; opens DuckDB.
Result<SealedSegment> write_parquet(const Segment& segment, const std::filesystem::path& to, std::uint32_t endpoint,
                                    std::uint32_t server, const Ids& ids);
// The row of that id as one JSON object by column; nothing when the file does not have it.
Result<std::optional<std::string>> find_in_parquet(const std::filesystem::path& file, std::string_view prediction_id);

// predictions/e/rows/S-1.log is sealed as predictions/e/sealed/S-1.parquet; relative to the folder of predictions.
std::filesystem::path sealed_name(const std::string& endpoint, const std::filesystem::path& segment);

// rows_sealed.cpp: the table.
Result<void> put_sealed(Tx& tx, const SealedSegment& segment, Time now);
Result<void> drop_sealed(Tx& tx, const std::string& path);
Result<std::vector<SealedSegment>> sealed_of(Tx& tx, std::int64_t endpoint, std::string_view server);

// Those that may have rows with event times in [from, to); `tallies` stays empty.
Result<std::vector<SealedSegment>> sealed_between(Tx& tx, std::int64_t endpoint, std::string_view server, Time from,
                                                  Time to);

}  // namespace pawl::serving
