// ResultReader: the rows of a query as something that another query reads: what a subquery becomes.
//
//   ResultCollector collector(columns, inner.ascending, limits);
//   TRY(execute(inner, context, collector));
//   std::shared_ptr<const tsdb::Reader> reader = collector.finish();
//   outer.sources = {{"cpu", "cpu", reader}};
//
// Each series of the rows is a series here, its name the measurement, its columns the fields. Several rows of one time, as a query over many series
// has them, lie in several series of the same name and tags, because a column holds a time once; their order is that of the rows.
// Threads: the collector has one owner; what it makes is immutable. Ownership: everything is copied.
// Limits: values_max values -> kTooLarge.
#pragma once

#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

#include "query/plan.h"
#include "query/row_sink.h"
#include "tsdb/column_data.h"
#include "tsdb/reader.h"

namespace campanile::query {

// The rows of a series that have different times.
struct ResultSeries {
  SeriesName name;
  std::vector<tsdb::ColumnData> columns;  // as the collector's; empty where a column has no value
};

class ResultCollector final : public RowSink {
 public:
  // `columns`: the names of a row's values, the time not among them. The rows of a series come in that order of time.
  ResultCollector(std::vector<std::string> columns, bool ascending, const Limits& limits);

  Result<void> begin_series(std::string_view name, const SeriesTags& tags) override;
  Result<void> rows(const RowBatch& batch) override;
  // The collector is used up.
  std::shared_ptr<const tsdb::Reader> finish();

 private:
  void add(ResultSeries& series, size_t column, int64_t time_ns, const FieldValue& value);
  std::string_view keep(std::string_view text);
  void end_series();

  const std::vector<std::string> columns_;
  const bool ascending_;
  const Limits& limits_;
  std::shared_ptr<std::pmr::monotonic_buffer_resource> texts_;
  std::vector<ResultSeries> series_;
  size_t first_ = 0;        // of series_: those of the series that is open begin there
  int64_t last_ns_ = 0;     // of its rows
  size_t rank_ = 0;         // of the next row of that time
  bool any_rows_ = false;
  uint64_t values_ = 0;
};

}  // namespace campanile::query
