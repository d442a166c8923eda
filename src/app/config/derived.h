// TierConfig and TreeConfig: what is worked out of measurements by itself, as it stands in the configuration.
//
//   for (const TierConfig& tier : config.tiers) ...
//
// docs/guides/downsampling.md explains each value; app/derived makes measurements of them. Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace campanile::app {

// Windows of one length, and how long they are kept.
struct LevelConfig {
  uint64_t every_s = 0;
  uint64_t keep_s = 0;  // 0: as the default retention policy has it
};

struct TierConfig {
  std::string name;
  std::string database;          // empty: ingest.database
  std::string retention_policy;  // empty: the default one
  std::vector<std::string> measurements;  // names, or patterns with *
  std::vector<std::string> fields;        // empty: all
  std::vector<std::string> aggregates;    // empty: all nine
  std::vector<std::string> by;            // tags; empty: all, each series for itself
  std::string target = "{measurement}_downsample_{level}";
  std::string column = "{aggregate}_{field}";
  std::vector<LevelConfig> levels;        // empty: 1m, 1h and 1d
};

struct TreeNodeConfig {
  std::string id;
  std::string name;
  bool root = false;
  std::vector<std::string> children;  // identifiers of nodes
  std::string target;                 // of a leaf: a value of the tag
};

struct RatioConfig {
  std::string id;
  std::string of;  // nodes
  std::string to;
};

struct TreeConfig {
  std::string name;
  std::string database;
  std::string retention_policy;
  std::string measurement = "sensors";
  std::string tag = "sensor";
  std::string field = "value";
  std::string target = "cq_{node}_{level}";
  std::string column = "value";
  std::vector<TreeNodeConfig> nodes;
  std::vector<RatioConfig> ratios;
  std::vector<LevelConfig> levels;  // empty: 30s, 1m, 1h and 1d
};

// "30s", "1m", "1h", "1d": the largest unit that leaves a whole number.
std::string level_name(uint64_t every_s);

// Without what stands twice, ascending; the defaults where the list is empty.
std::vector<LevelConfig> levels_of(const TierConfig& tier);
std::vector<LevelConfig> levels_of(const TreeConfig& tree);

// The targets of a node and of all below it, sorted. REQUIRES: the tree was checked.
std::vector<std::string> targets_below(const TreeConfig& tree, const std::string& node);

// Whether the last one makes sense by itself and beside the others. Errors: kInvalidArgument.
Result<void> check_last(const std::vector<TierConfig>& tiers);
Result<void> check_last(const std::vector<TreeConfig>& trees);

}  // namespace campanile::app
