// Gathers rows into batches and joins their labels; what the tail's records and the sealed files' columns are read into.
#pragma once
#include "serving/labels/labels.h"
#include "serving/log/columns.h"

namespace pawl::serving {

class Collector {
 public:
  using Each = std::function<Result<void>(const RowBatch&, std::span<const RowKey>)>;
  Collector(const RowsAsk& ask, const Ids& ids, std::uint32_t endpoint, std::uint32_t server, Runs labels,
            const Each& each);

  // A record of the tail: those of its rows that were asked for. `view` is read as far as is needed.
  Result<void> add(RecordView& view, std::string_view payload);
  // Hands the batch over when `rows` more would not fit, or in any case.
  Result<void> make_room(std::size_t rows);
  Result<void> flush();

  const RowsAsk& ask;
  const Ids& ids;
  // The batch so far. Whoever adds rows fills all of these; columns are padded.
  RowBatch batch{};
  std::vector<RowKey> keys{};  // of the rows
  Time received_first{std::numeric_limits<std::int64_t>::min()},
      received_last{std::numeric_limits<std::int64_t>::max()};  // rows that arrived then
  Columns features, outputs, context;

 private:
  const std::uint32_t endpoint_, server_;
  const Runs labels_;
  const Each& each_;
  std::vector<std::uint32_t> picked_;
};

// Reads sealed segments; one DuckDB for all of them, opened with the first.
class Duck;
class SealedReader {
 public:
  SealedReader();
  ~SealedReader();
  // The rows of the file that were asked for. Its event times are within [event_first, event_last].
  Result<void> read(const std::filesystem::path& file, Time event_first, Time event_last, Collector& to);

 private:
  std::unique_ptr<Duck> duck_;
};

}  // namespace pawl::serving
