// Times and durations as InfluxQL writes them: '2026-01-01T00:00:00Z', '2026-01-01 00:00:00.5', 1h30m.
//
//   Result<int64_t> ns = parse_duration("1h30m");
//   if (looks_like_time("2026-01-01")) Result<int64_t> at = parse_time("2026-01-01", nullptr);
//   format_time(1'500'000'000);   // 1970-01-01T00:00:01.5Z
//
// Threads: pure functions. Units: nanoseconds since 1970.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "query/time_zone.h"

namespace campanile::query::influxql {

// The times that a query can name and a row can carry (two nanoseconds at the ends of int64 are markers in InfluxDB).
inline constexpr int64_t kMinTime = INT64_MIN + 2;
inline constexpr int64_t kMaxTime = INT64_MAX - 1;

// A sum of whole numbers with units: ns, u, µ, ms, s, m, h, d, w. Errors: kInvalidArgument in InfluxDB's words.
Result<int64_t> parse_duration(std::string_view text);

// Whether a string beside `time` is meant as one: it begins with a date.
bool looks_like_time(std::string_view text);

// RFC 3339 with an offset, or "2006-01-02 15:04:05.999999999" and "2006-01-02" in `zone` (null: UTC).
// Errors: kInvalidArgument "invalid timestamp string", or a time outside of what int64 holds.
Result<int64_t> parse_time(std::string_view text, const TimeZone* zone);

// RFC 3339 with as many decimals as it takes and, without a zone, a Z.
std::string format_time(int64_t time_ns);
std::string format_time(int64_t time_ns, const TimeZone& zone);

}  // namespace campanile::query::influxql
