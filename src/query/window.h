// Window: the division of time that GROUP BY time() asks for.
//
//   Window hourly{.every_ns = kHour};
//   Window::Span span = hourly.around(time_ns);     // [span.start_ns, span.end_ns)
//
// Windows are aligned to 1970 plus the offset; with a time zone to its wall clock, so that a day is a day there.
// Threads: a plain value.
#pragma once

#include <cstdint>
#include <memory>

#include "query/time_zone.h"

namespace campanile::query {

struct Window {
  struct Span {
    int64_t start_ns;
    int64_t end_ns;  // not part of it; INT64_MAX where time ends
  };

  int64_t every_ns = 1;  // > 0
  int64_t offset_ns = 0;
  std::shared_ptr<const TimeZone> zone;  // null: UTC

  Span around(int64_t time_ns) const;
  // The same for a time not before the end of another span, which mostly is the one that follows. Cheaper.
  Span after(const Span& before, int64_t time_ns) const {
    const bool follows = !zone && before.end_ns < INT64_MAX - every_ns && time_ns < before.end_ns + every_ns;
    return follows ? Span{before.end_ns, before.end_ns + every_ns} : around(time_ns);
  }
};

// The multiple at or before a time, and the one at or after it; at the ends of time the last that there is.
int64_t floor_to(int64_t time_ns, int64_t every_ns);
int64_t ceil_to(int64_t time_ns, int64_t every_ns);

}  // namespace campanile::query
