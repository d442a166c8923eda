// `campanile pub`: publishes what the flags say and ends once the server has it (QoS 0: once it is sent).
//
//   return publish_command(parsed.options);
//
// Threads: called from main(); makes a loop and, with -l, a thread that reads standard input. Limits: kLinesMax lines wait for the server.
#pragma once

#include "app/client/client_options.h"

namespace campanile::app::client {

inline constexpr size_t kLinesMax = 1000;

// The exit code.
int publish_command(const ToolOptions& options);

}  // namespace campanile::app::client
