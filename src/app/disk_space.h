// DiskSpace: what the file system of the data directory has left, and whether it takes writes at all.
//
//   DiskSpace space(data, 1 << 30);
//   space.measure();                        // may wait for the disk
//   if (const auto finding = space.low()) ...
//
// Threads: measure() from one thread; low() and read_only() from any, and they do not wait. Before the first measure() nothing is found.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "app/health_watch.h"

namespace campanile::app {

class DiskSpace {
 public:
  // bytes_min: how much should be free; 0: whatever there is.
  DiskSpace(std::filesystem::path directory, uint64_t bytes_min) : directory_(std::move(directory)), bytes_min_(bytes_min) {}

  void measure();
  std::optional<Finding> low() const;
  std::optional<Finding> read_only() const;
  uint64_t free_bytes() const { return free_bytes_.load(std::memory_order_relaxed); }

 private:
  const std::filesystem::path directory_;
  const uint64_t bytes_min_;
  std::atomic<uint64_t> free_bytes_{UINT64_MAX};
  std::atomic<bool> is_read_only_{false};
};

}  // namespace campanile::app
