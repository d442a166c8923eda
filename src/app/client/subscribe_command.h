// `campanile sub`: prints the messages of some topics until a count, a time or a signal ends it. A connection that is lost is made again
// after a second, as mosquitto_sub does.
//
//   return subscribe_command(parsed.options);
//
// Threads: called from main(); makes one loop, which prints.
#pragma once

#include "app/client/client_options.h"

namespace campanile::app::client {

// The exit code.
int subscribe_command(const ToolOptions& options);

}  // namespace campanile::app::client
