// Payload time: the moments that devices write into their messages, in seconds, milliseconds, finer, or as ISO 8601 text.
//
//   Result<PayloadTime> time = time_of_text("2026-11-21T09:00:00+01:00");
//   if (time && *time) batch.set_time(**time);
//
// Nothing in the result: the device's clock was not set, because it names a moment before the year 2000 (boards without a battery begin
// in 1970). The message then gets the time of its reception.
// Threads: pure functions. Errors: kInvalidArgument, quoting the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace campanile::decoders {

using PayloadTime = std::optional<int64_t>;  // nanoseconds since 1970

// Seconds below 1e11, milliseconds below 1e14, microseconds below 1e17, nanoseconds above: each covers the years 1973 to 5138.
Result<PayloadTime> time_of_integer(int64_t value);
// With a fraction; kept to the microsecond, which is what a double of today's seconds holds.
Result<PayloadTime> time_of_number(double value);
// "2026-11-21T09:00:00.25Z", "2026-11-21 09:00:00", "+01:00" or "+0100" at the end; UTC without a zone. A number in text is a number.
Result<PayloadTime> time_of_text(std::string_view text);

}  // namespace campanile::decoders
