// Derivation: one measurement that is worked out of others, window by window, as the configuration has it.
//
//   for (Derivation& each : derivations_of(tier, "campus", "rooms", fields)) ...        // one for each level
//   for (Derivation& each : derivations_of(tree, "campus")) ...                         // in the order in which they build on one another
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/config/derived.h"
#include "query/tiers.h"
#include "tsdb/reader.h"

namespace campanile::app {

// Of two measurements with one series each, column by column of the same time.
struct Ratio {
  std::string of;
  std::string to;
  std::string column;
};

struct Derivation {
  std::string set;        // the tier or tree of the configuration
  std::string name;       // of the measurement that is written
  std::string level;
  int64_t every_ns = 0;
  std::string database;
  std::string policy;     // of the sources; empty: the default one
  std::string target_policy;  // empty: the default one
  int64_t keep_ns = 0;        // of that policy, where it is ours
  std::vector<std::string> sources;
  std::string statement;  // CREATE CONTINUOUS QUERY …; empty where it is a ratio, or no field is there to be kept
  std::optional<Ratio> ratio;
  std::string column;     // as the configuration has it
  // Of a tier: what it keeps, and whether every series for itself.
  std::vector<query::Function> functions;
  std::vector<std::string> fields;
  bool is_by_series = false;
  // Of a tree's lowest level: of which series.
  std::string tag;
  std::vector<std::string> members;
  // Another one than that of rows which are there: they mean something else.
  std::string meaning;

  bool is_tier() const { return !functions.empty(); }
};

std::vector<Derivation> derivations_of(const TierConfig& tier, const std::string& database, const std::string& measurement, const std::vector<tsdb::FieldInfo>& fields);
std::vector<Derivation> derivations_of(const TreeConfig& tree, const std::string& database);

// Whether a name is meant by a pattern, in which * stands for anything.
bool matches_pattern(std::string_view pattern, std::string_view name);

// The retention policy of what is kept that long: "keep_90d"; empty for 0.
std::string policy_for(uint64_t keep_s);

}  // namespace campanile::app
