// Times as requests of Campanile's own resources give them: milliseconds since 1970, or RFC 3339 where a millisecond is not fine enough.
//
//   const int64_t since_ns = TRY(parse_when("since", "2026-01-01T00:00:00Z"));
//
// Threads: pure functions. Errors: kInvalidArgument naming the parameter, what it was and what it may be.
#pragma once

#include <cstdint>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/result.h"

namespace campanile::api {

Result<int64_t> parse_when(std::string_view name, std::string_view text);
Result<int64_t> parse_json_when(std::string_view name, const boost::json::value& value);

}  // namespace campanile::api
