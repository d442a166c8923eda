#include "app/disk_space.h"

#include <sys/statvfs.h>

#include <fmt/format.h>

namespace campanile::app {
namespace {

constexpr uint64_t kMebibyte = 1 << 20;

}  // namespace

void DiskSpace::measure() {
  struct statvfs now {};
  // What cannot be measured is left as it was: whoever writes there will tell what is wrong.
  if (::statvfs(directory_.c_str(), &now) != 0) return;
  free_bytes_ = static_cast<uint64_t>(now.f_bavail) * now.f_frsize;
  is_read_only_ = (now.f_flag & ST_RDONLY) != 0;
}

std::optional<Finding> DiskSpace::low() const {
  const uint64_t free = free_bytes();
  if (free >= bytes_min_) return std::nullopt;
  return Finding{.message = fmt::format("{} MiB are free where the data is ({}), {} MiB should be (storage.free_bytes_min)", free / kMebibyte,
                                        directory_.string(), bytes_min_ / kMebibyte)};
}

std::optional<Finding> DiskSpace::read_only() const {
  if (!is_read_only_) return std::nullopt;
  return Finding{.message = fmt::format("the file system of {} is read-only", directory_.string()), .stops_writes = true};
}

}  // namespace campanile::app
