// CommandLine: `campanile` and its subcommands, from the arguments to an exit code.
//
//   return run_command_line({argv + 1, argv + argc}, {.serve = serve_command});
//
// Exit codes: 0; 1 where something went wrong; 2 where the command line cannot be understood. pub and sub keep those of mosquitto_pub and
// mosquitto_sub. What was asked for goes to standard output, errors to standard error.
// Threads: main() only, before there are others.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/serve.h"

namespace campanile::app {

inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;

// What runs the program proper, so that the command line is tested without it.
struct Commands {
  std::function<int(const ServeArguments&)> serve;
};

int run_command_line(const std::vector<std::string>& arguments, const Commands& commands);

// A bash script that completes subcommands and flags.
std::string bash_completion();

}  // namespace campanile::app
