// ProgressDisplay: how far something has come, on standard error: a bar that moves on a terminal, a line for each tenth elsewhere.
//
//   ProgressDisplay display("restoring");
//   display.show(status);
//
// Threads: one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "backup/progress.h"

namespace campanile::app {

class ProgressDisplay {
 public:
  explicit ProgressDisplay(std::string what);
  ~ProgressDisplay();  // ends the bar's line
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;
  void show(const backup::ProgressStatus& status);

 private:
  const std::string what_;
  const bool terminal_;
  std::string shown_;
  uint64_t tenths_ = 0;
};

// 0 to 100; 100 only when all is done.
uint64_t percent_of(const backup::ProgressStatus& status);
// "restoring  40 % [########            ] 123.0 of 400.0 MB"
std::string progress_bar(std::string_view what, const backup::ProgressStatus& status);
// "restoring: 40 %, 123.0 of 400.0 MB"
std::string progress_line(std::string_view what, const backup::ProgressStatus& status);
// "17 bytes", "123.4 MB": thousands, as disks are sold.
std::string size_text(uint64_t bytes);

}  // namespace campanile::app
