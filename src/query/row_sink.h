// RowSink: where the rows of a result go, series after series.
//
// Threads: called by the one thread that runs the query. Errors: what the sink returns ends the query with it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "query/value.h"

namespace campanile::query {

using SeriesTags = std::vector<std::pair<std::string, std::string>>;

// Some rows, row after row. Strings live until rows() returns.
struct RowBatch {
  size_t width = 0;                // values of a row, the time not counted
  std::vector<int64_t> times_ns;   // empty where rows have no time
  std::vector<Value> values;

  size_t size() const { return width == 0 ? times_ns.size() : values.size() / width; }
  std::span<const Value> row(size_t index) const { return std::span(values).subspan(index * width, width); }
};

class RowSink {
 public:
  virtual ~RowSink() = default;
  // Comes before the first rows of a series; a series without rows does not come.
  virtual Result<void> begin_series(std::string_view name, const SeriesTags& tags) = 0;
  virtual Result<void> rows(const RowBatch& batch) = 0;
};

}  // namespace campanile::query
