// Replacement: the rows of a query in the place of those that a measurement has in a range of time.
//
//   Replacement rows(engine, {.bucket = bucket, .measurement = "rooms_1h", .range = range, .whose = predicate}, {"mean"}, context, now_ns);
//   TRY(execute(plan, context, rows));
//   const uint64_t written = TRY(rows.finish());       // they are durable, and what is no longer so is gone
//
// A row of the measurement that has a value where the query has none is erased; the others are written over. The rows of a replacement are one record of the
// journal (they are few enough, unless they hold long texts), so that after a power cut they are there whole or not at all; a reader in the same moment may see some of them.
// Threads: the query's. Limits: kValuesMax values -> kTooLarge, nothing is changed; a single window may have more, and is written in parts then.
// Errors: of the store.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "model/point_batch.h"
#include "query/plan.h"
#include "query/row_sink.h"
#include "tsdb/engine.h"

namespace campanile::app {

class Replacement final : public query::RowSink {
 public:
  static constexpr uint64_t kValuesMax = 250'000;

  struct Place {
    tsdb::BucketId bucket = 0;
    std::string measurement;
    tsdb::TimeRange range;
    tsdb::TagPredicate whose;    // the series of the measurement that the query answers for
    bool is_empty = false;       // nothing has been written there yet
    bool is_one_window = false;
  };
  Replacement(tsdb::Engine& engine, Place place, std::vector<std::string> columns, const query::Context& context, int64_t now_ns)
      : engine_(engine), place_(std::move(place)), columns_(std::move(columns)), context_(context), now_ns_(now_ns) {}

  Result<void> begin_series(std::string_view name, const query::SeriesTags& tags) override;
  Result<void> rows(const query::RowBatch& batch) override;
  Result<uint64_t> finish();

 private:
  using ColumnTimes = std::vector<std::vector<int64_t>>;  // by column, ascending
  void add_value(size_t column, const FieldValue& value, int64_t time_ns);
  Result<void> write();
  Result<void> erase_what_is_gone();
  Result<void> erase_of(const tsdb::Reader& reader, const tsdb::Series& series, const ColumnTimes* kept, const std::vector<std::string>& tag_keys);

  tsdb::Engine& engine_;
  const Place place_;
  const std::vector<std::string> columns_;
  const query::Context& context_;
  const int64_t now_ns_;
  std::map<std::string, ColumnTimes> times_;  // by the key of the series
  ColumnTimes* current_ = nullptr;
  // What the points refer to.
  std::deque<query::SeriesTags> tags_;
  std::deque<std::string> texts_;
  PointBatch points_;
  uint64_t waiting_ = 0;
  uint64_t written_ = 0;
  journal::Awaited awaited_;
};

// The series of exactly these tags among all that have some of the keys.
tsdb::TagPredicate exactly(const std::vector<std::pair<std::string, std::string>>& tags, const std::vector<std::string>& keys);

}  // namespace campanile::app
