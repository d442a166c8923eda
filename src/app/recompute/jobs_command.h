// `campanile jobs`: lists, begins, pauses, resumes, cancels and watches the recomputations of a running server.
//
//   return jobs_command({.config = config, .action = "list"});
//
// Exit codes: 0; 1 where something went wrong, or the watched job failed or was cancelled. Threads: called once, from main().
#pragma once

#include <cstdint>
#include <string>

#include "app/config/config.h"

namespace campanile::app {

struct JobsArguments {
  Config config;
  std::string user;
  std::string action;    // list, add, pause, resume, cancel, watch
  uint64_t id = 0;       // of the last four
  std::string database;  // these of add
  std::string query;
  std::string start;
  std::string end;
  int64_t priority = 0;
  bool watch = false;
};

int jobs_command(const JobsArguments& arguments);

}  // namespace campanile::app
