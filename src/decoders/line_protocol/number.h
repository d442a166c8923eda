// Numbers of line protocol: floats, integers (5i) and unsigned integers (5u), with a fast way for the short decimals that sensors send.
//
//   NumberToken number = parse_number(at, end);
//   if (number.error.empty()) { use(number.value); at = number.end; }
//
// Threads: pure functions.
#pragma once

#include <string>

#include "model/field_value.h"

namespace campanile::decoders {

struct NumberToken {
  FieldValue value;
  const char* end = nullptr;  // on the delimiter
  std::string error;          // InfluxDB's words; empty: a number
};

// Whether a value or a timestamp may end here: at the end, a comma, a space, a line feed, or a carriage return before one.
inline bool is_value_end(const char* at, const char* end) {
  return at == end || *at == ',' || *at == ' ' || *at == '\n' || (*at == '\r' && (at + 1 == end || at[1] == '\n'));
}

// REQUIRES: at < end.
NumberToken parse_number(const char* at, const char* end);

}  // namespace campanile::decoders
