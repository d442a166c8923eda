// ResultSink: where the results of the statements of a query go.
//
//   sink.begin_statement(0);
//   sink.columns({"time", "mean"}, true, nullptr);
//   TRY(sink.begin_series("cpu", {})); TRY(sink.rows(batch));
//   TRY(sink.end_statement(std::nullopt));
//   TRY(sink.finish());
//
// Threads: one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/row_sink.h"
#include "query/time_zone.h"

namespace campanile::query::influxql {

class ResultSink : public RowSink {
 public:
  virtual void begin_statement(size_t id) = 0;
  // The columns of the series to come, the time's first where rows have a time. `zone` (null: UTC) is what times are shown in.
  virtual void columns(std::vector<std::string> names, bool has_time, std::shared_ptr<const TimeZone> zone) = 0;
  // A series that is worth showing although it has no rows.
  virtual Result<void> empty_series(std::string_view name) = 0;
  virtual void warn(std::string_view text) = 0;
  virtual Result<void> end_statement(const std::optional<std::string>& error) = 0;
  virtual Result<void> finish() = 0;
};

}  // namespace campanile::query::influxql
