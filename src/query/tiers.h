// Tiers: what was worked out of a measurement's points beforehand, window by window, and for which times it still holds.
//
//   for (const Tier& tier : tiers.of(bucket, "rooms")) ...                // the finest first
//   for (const auto& [from, to] : tier.coverage->clean(key, from_ns, to_ns)) ...
//
// A tier is a measurement of its own: one series for each of the source's, with its tags; one row for each window that has points, at its start; a
// column for each field and function. The planner of a query language sets query::Source::bucket, and tier_choice.h does the rest.
// Threads: a Tiers from any; a TierCoverage is never changed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/interval_set.h"
#include "query/plan.h"
#include "tsdb/engine.h"

namespace campanile::query {

// Of one tier at one moment. Times are in nanoseconds; intervals begin and end with windows.
struct TierCoverage {
  int64_t complete_to_ns = INT64_MIN;                           // nothing is said of later windows
  IntervalSet stale;                                            // of all series
  std::map<std::string, IntervalSet, std::less<>> series_stale;  // by the key of the source's series

  // The intervals in [from, to) whose windows hold for the series.
  IntervalSet clean(std::string_view key, int64_t from_ns, int64_t to_ns) const;
};

struct Tier {
  std::string level;         // as it is told: "1h"
  int64_t every_ns = 0;      // windows begin at multiples
  tsdb::BucketId bucket = 0;
  std::string measurement;
  std::string column;        // "{aggregate}_{field}"
  std::vector<Function> functions;
  std::vector<std::string> fields;  // empty: all
  std::shared_ptr<const TierCoverage> coverage;

  bool keeps(std::string_view field, Function function) const;
};

// The name of a tier's column by its template, in which {aggregate} and {field} stand for those.
std::string tier_column(std::string_view form, std::string_view aggregate, std::string_view field);
// "mean"; empty for a function that no tier keeps.
std::string_view tier_aggregate(Function function);

class Tiers {
 public:
  virtual ~Tiers() = default;
  // Those of a measurement that keep every series for itself, the finest first, as they are now: what they say is clean was in the store before the call.
  virtual std::vector<Tier> of(tsdb::BucketId bucket, std::string_view measurement) const = 0;
  // The retention policy of a measurement that tiers write, where it has one of its own; its name alone is enough to find it there.
  virtual std::optional<std::string> policy_of(std::string_view database, std::string_view measurement) const = 0;
};

}  // namespace campanile::query
