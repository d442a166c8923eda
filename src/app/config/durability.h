// Durability: which databases may lose points in a power cut that were acknowledged, because the configuration says so.
//
//   const uint64_t ms = sync_every_ms(config, "metrics");     // 0: nothing that was acknowledged is lost
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/config.h"

namespace campanile::app {

// Of how much time points may be lost.
uint64_t sync_every_ms(const Config& config, std::string_view database);

// A line for the log for each such database.
std::vector<std::string> durability_warnings(const Config& config);

}  // namespace campanile::app
