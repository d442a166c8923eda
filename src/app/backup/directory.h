// Where the backups of a configuration go.
//
// Threads: a pure function, but for the working directory that a relative path begins at.
#pragma once

#include <filesystem>

#include "app/config/config.h"

namespace campanile::app {

inline std::filesystem::path backup_directory(const Config& config, const std::filesystem::path& data) {
  std::error_code error;
  return std::filesystem::absolute(config.storage.backup_directory.empty() ? data / "backups" : std::filesystem::path(config.storage.backup_directory), error);
}

}  // namespace campanile::app
