// `campanile bench mqtt`: runs a load from connecting to the closing table.
//
//   return mqtt_bench_command(options);
//
// Threads: main(); it starts those of the load and directs them. Ctrl-C ends the measurement early, and the table is printed.
// Limits: connecting ends when nothing has moved for kConnectQuietS; draining when everything is there, when nothing has moved for
// kDrainQuietS, or after kDrainMaxS.
#pragma once

#include "app/bench/load_options.h"

namespace campanile::app::bench {

inline constexpr int kConnectQuietS = 15;
inline constexpr int kDrainQuietS = 2;
inline constexpr int kDrainMaxS = 60;

// Returns the exit code (load_report.h).
int mqtt_bench_command(const LoadOptions& options);

}  // namespace campanile::app::bench
