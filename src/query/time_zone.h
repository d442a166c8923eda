// TimeZone: a place's offset from UTC through the years, for windows that follow its days and for times written in it.
//
//   auto zone = TRY(TimeZone::find("Europe/Paris"));
//   zone->offset_ns(0);       // one hour
//
// The rules come from the system's time zone files, read once.
// Threads: immutable, shared freely.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace campanile::query {

class TimeZone {
 public:
  // Errors: kNotFound in InfluxDB's words.
  static Result<std::shared_ptr<const TimeZone>> find(std::string_view name);
  virtual ~TimeZone() = default;

  // Local time minus UTC at an instant.
  virtual int64_t offset_ns(int64_t utc_ns) const = 0;
  // The instant of a wall clock's reading. Where the clock reads so twice it is the later one.
  int64_t to_utc(int64_t local_ns) const;
};

}  // namespace campanile::query
