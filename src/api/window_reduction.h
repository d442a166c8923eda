// Window reduction: turns a column into at most so many windows of mean, min and max, for charts.
//
//   WindowReduction reduction({from_ns, to_ns}, 600);
//   TRY(reduction.add(*cursor));
//   for (const auto& window : reduction.windows()) draw(window);
//
// A sealed block that lies within one window is taken from its header, without being decoded.
// Threads: one owner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tsdb/reader.h"

namespace campanile::api {

class WindowReduction {
 public:
  struct Window {
    int64_t start_ns = 0;
    uint64_t count = 0;
    double sum = 0;
    double min = 0;
    double max = 0;
    std::string last;  // of string columns
  };

  // REQUIRES: from <= to, windows_max > 0. The window length is rounded up to whole milliseconds and to a divisor of time that reads well (1, 2, 5, 10 s …).
  WindowReduction(tsdb::TimeRange range, int64_t windows_max);

  int64_t window_ns() const { return window_ns_; }
  // The cursor must ascend. Errors: those of the cursor.
  Result<void> add(tsdb::ColumnCursor& cursor);
  // Those that hold readings, ascending.
  const std::vector<Window>& windows() const { return windows_; }

 private:
  Window& window_at(int64_t time_ns);
  void add_block(const tsdb::BlockStatistics& block);
  void add_values(const tsdb::ColumnValues& values);

  int64_t window_ns_;
  std::vector<Window> windows_;
};

}  // namespace campanile::api
