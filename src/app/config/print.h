// Print: the configuration as text: YAML that can be fed back, and the table of the guide.
//
//   fmt::print("{}", print_config(Config{}));   // campanile check-config --defaults
//
// Secrets are printed as "***" unless empty.
// Threads: pure functions.
#pragma once

#include <string>

#include "app/config/config.h"

namespace campanile::app {

// Every setting with its comment above it. read_yaml() gives the same Config back, secrets aside.
std::string print_config(const Config& config);

// The tables of docs/guides/configuration.md; a test holds the two equal.
std::string settings_markdown();

}  // namespace campanile::app
