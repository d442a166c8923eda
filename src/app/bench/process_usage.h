// ProcessUsage: the memory, CPU time and open files of a process, as /proc tells them.
//
//   const auto before = read_process_usage(pid);
//
// Threads: any. Linux only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace campanile::app::bench {

struct ProcessUsage {
  uint64_t resident_bytes = 0;
  double cpu_s = 0;  // user and system
};

// Nothing where there is no such process, or it may not be looked at.
std::optional<ProcessUsage> read_process_usage(int pid);
// This process.
ProcessUsage own_usage();

// The user and system ticks in /proc/PID/stat, whose second field may itself hold blanks and brackets.
std::optional<uint64_t> ticks_of_stat(std::string_view stat);
// The figure behind "VmRSS:" in /proc/PID/status, in bytes.
std::optional<uint64_t> resident_of_status(std::string_view status);

}  // namespace campanile::app::bench
