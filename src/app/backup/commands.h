// `campanile backup`, `verify` and `restore`: from their flags to an exit code.
//
//   return backup_command({.config = config, .keep = 7});
//
// Exit codes: 0; 1 where something went wrong or, for verify, something is damaged. What was done goes to standard output, progress and errors to
// standard error. Threads: called once, from main().
#pragma once

#include <cstdint>
#include <string>

#include "app/config/config.h"

namespace campanile::app {

struct BackupArguments {
  Config config;      // says where the server is, its accounts, and with `offline` where the data is
  std::string user;   // whose password the configuration knows; empty: the first account there is
  uint64_t keep = 0;  // how many backups stay; 0: all
  bool offline = false;
};

int backup_command(const BackupArguments& arguments);

// `path`: a directory of backups, one backup in it, or a data directory that no server uses.
int verify_command(const std::string& path);

int restore_command(const std::string& backup, const std::string& directory);

}  // namespace campanile::app
