// MessageFormat: how `campanile sub` prints a message: as it is, behind its topic (-v), or in the form that -F gives.
//
//   TRY(check_format("%I %t %p"));
//   out += format_message("%I %t %p", {.topic = "a", .payload = "1"}, time);   // 2026-11-21T09:42:53+0000 a 1
//
// Sequences are those of mosquitto_sub(1), "Output format": % for the message, @ for strftime, \ for characters. Fields take a width
// ("%10t"), '-' to align left, '0' to pad with zeros, and a precision ("%.3t"), which cuts texts and never the payload.
// Threads: pure functions; local time is that of the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace campanile::app::client {

// A message as it came; the views live for the call.
struct FormattedMessage {
  std::string_view topic;
  std::string_view payload;
  uint8_t qos = 0;
  bool retain = false;
  uint16_t packet_id = 0;
  std::string_view properties;  // version 5, encoded
};

// Errors: kInvalidArgument in mosquitto's words: "Invalid format specifier 'k'."
Result<void> check_format(std::string_view format);

// REQUIRES: check_format(format). Errors: kInvalidArgument where %J meets a payload that is no JSON.
Result<std::string> format_message(std::string_view format, const FormattedMessage& message, int64_t time_ns);

}  // namespace campanile::app::client
