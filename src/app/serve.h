// `campanile serve` and `campanile demo`: starts every module, says that it is ready, waits for a signal and stops in order.
//
//   return serve_command({.config = config, .data_directory = "campanile-data"});
//
// Threads: called once, from main().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/config/config.h"

namespace campanile::app {

struct ServeArguments {
  Config config;                      // loaded, and checked for exposure
  std::string data_directory;         // config.data.directory; empty: a scratch one, removed at the end
  bool demo = false;                  // play the emulated campus to ourselves
  uint64_t demo_seed = 1;
  std::vector<std::string> warnings;  // of loading the configuration, to be logged
};

// The process's exit code: 0 after a signal, 1 where starting failed.
int serve_command(const ServeArguments& arguments);

}  // namespace campanile::app
