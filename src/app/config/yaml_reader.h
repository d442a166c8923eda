// YAML reader: the text of a configuration file into a Config, with every mistake named by line and column.
//
//   Config config;
//   for (const Problem& problem : read_yaml(text, config)) fmt::print(stderr, "{}:{}: {}\n", file, problem.line, problem.message);
//
// Strict: an unknown or repeated key, a wrong type and a value out of range are problems, each with what was found, what is allowed and
// the closest known key. Reading goes on after one, so that all of them are told at once; values that are fine are set.
// Limits: kConfigBytesMax. Threads: pure function.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/config.h"

namespace campanile::app {

inline constexpr size_t kConfigBytesMax = 4 * kMiB;
inline constexpr size_t kProblemsMax = 50;  // further ones are counted, not told

struct Problem {
  size_t line = 0;  // from 1; 0: of the whole file
  size_t column = 0;
  std::string message;
};

std::vector<Problem> read_yaml(std::string_view text, Config& config);

}  // namespace campanile::app
