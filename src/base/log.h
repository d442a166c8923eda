// Logging to standard error: one line an event, level first, words meant for the operator.
//
//   log::info("listening for MQTT on {}", address);
//
// Threads: any. Secrets never go in. The path of a single message does not log: it counts (base/metrics.h).
#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/result.h"

namespace campanile::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

void set_level(Level level);
// "debug", "info", "warning", "error" or "off".
Result<Level> parse_level(std::string_view name);
bool enabled(Level level);
void write(Level level, std::string_view line);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kDebug)) write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kInfo)) write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kWarning)) write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kError)) write(Level::kError, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace campanile::log
