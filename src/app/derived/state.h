// DerivedState: how far a derivation has come: which windows are worked out, and which of them no longer hold.
//
//   state.mark("data,room=302", {time_ns, time_ns}, every_ns);      // a point was written late
//   const std::string row = encode_state(state);                    // of the key-value store, under state_key(): docs/format/derived.md
//
// A window is worked out where it ends at or before `complete_to_ns` and is in none of the sets. What is kept on the disk may be older than what is in memory:
// then windows are worked out once more.
// Threads: a value. Limits: kSeriesMax series and kIntervalsMax intervals of one are told apart; beyond them more is marked than was changed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/interval_set.h"
#include "base/result.h"
#include "query/tiers.h"
#include "tsdb/reader.h"

namespace campanile::app {

struct DerivedState {
  static constexpr size_t kSeriesMax = 100'000;
  static constexpr size_t kIntervalsMax = 1'000;

  std::string database;
  std::string name;
  std::string source;                  // the measurement that it is made of, or the first of them
  std::string meaning;                 // Derivation::meaning of the rows
  tsdb::BucketId target_bucket = 0;    // where the rows are
  int64_t complete_to_ns = INT64_MIN;  // INT64_MIN: nothing has been worked out yet
  IntervalSet missing;                 // long ago: a job fills it
  IntervalSet stale;                   // of all series
  std::map<std::string, IntervalSet, std::less<>> series_stale;  // by the key of the source's series
  IntervalSet working;                 // taken out of the sets by who is working on it

  // Marks the windows that are worked out and have a time of the range. `key` empty: of all series.
  void mark(std::string_view key, tsdb::TimeRange range, int64_t every_ns);
  // Moves what is stale within the interval to `working`.
  void take(IntervalSet::Interval interval);
  std::shared_ptr<const query::TierCoverage> coverage() const;
  bool is_current() const { return missing.empty() && stale.empty() && series_stale.empty() && working.empty(); }
};

inline constexpr std::string_view kStateKeysBegin = "v";
std::string state_key(const DerivedState& state);
std::string encode_state(const DerivedState& state);
// Errors: kCorrupt; kUnsupported for a later format version.
Result<DerivedState> decode_state(std::string_view row);

}  // namespace campanile::app
