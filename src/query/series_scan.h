// SeriesScan: the points of one series in time order, the wanted fields side by side.
//
//   SeriesScan scan = TRY(SeriesScan::open(reader, series.id, plan.inputs, plan.range, ascending));
//   while (TRY(scan.next())) use(scan.batch());
//
// Columns are blocks of their own in the store. A batch covers the times up to where the first of the present blocks ends,
// so that no block must be kept after the next one is loaded; where all columns hold the same times, which is the rule,
// a batch is views of the blocks and nothing is copied.
// Threads: one owner. Limits: one decoded block a column. Errors: those of the reader.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "query/plan.h"
#include "query/value.h"

namespace campanile::query {

struct BatchColumn {
  bool absent = true;                // no value in the whole batch
  tsdb::ColumnValues values;         // a place for every time of the batch
  std::span<const uint8_t> present;  // 1 where the place holds a value; empty: everywhere

  bool has(size_t row) const { return !absent && (present.empty() || present[row] != 0); }
  Value at(size_t row) const { return has(row) ? Value(values.at(row)) : null_value(); }
};

// Times ascend within a batch in either direction.
struct Batch {
  std::span<const int64_t> times_ns;
  std::vector<BatchColumn> columns;  // as the plan's inputs; those of tags stay absent
  size_t size() const { return times_ns.size(); }
};

// `values` as `type`, in `storage` where they must be converted; `ok` false where they cannot be.
struct ConvertedStorage {
  std::vector<double> floats;
  std::vector<int64_t> integers;
  std::vector<uint64_t> unsigneds;
};
bool convert(const tsdb::ColumnValues& values, FieldType type, ConvertedStorage& storage, tsdb::ColumnValues& out);
bool is_convertible(FieldType from, FieldType to);

class SeriesScan {
 public:
  static Result<SeriesScan> open(const tsdb::Reader& reader, tsdb::SeriesId series, std::span<const Input> inputs, tsdb::TimeRange range,
                                 bool ascending);
  SeriesScan(SeriesScan&&) noexcept;
  SeriesScan& operator=(SeriesScan&&) noexcept;
  ~SeriesScan();

  // Moves onto the next batch, which has at least one time; false at the end.
  Result<bool> next();
  // Valid until next().
  const Batch& batch() const { return batch_; }

 private:
  struct Column;
  SeriesScan();
  Result<bool> load(Column& column);
  Result<bool> load_all();
  void share_times();
  void merge_times();

  bool ascending_ = true;
  std::vector<Column> columns_;
  Batch batch_;
  std::vector<int64_t> times_;
  int64_t horizon_ns_ = 0;
};

}  // namespace campanile::query
