// Recomputable: what jobs work on beside continuous queries: the tiers and trees of the configuration.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "tsdb/reader.h"

namespace campanile::app {

class Recomputable {
 public:
  virtual ~Recomputable() = default;
  // The length of the windows that a job of that name is made of; nothing where there is none.
  virtual std::optional<int64_t> interval_of(const std::string& database, const std::string& name) const = 0;
  // Answers how many rows were written; they are durable then. Errors: kTooLarge where fewer windows at once would do; those of the store and the query.
  virtual Result<uint64_t> recompute(const std::string& database, const std::string& name, tsdb::TimeRange range, const std::function<bool()>& cancelled) = 0;
};

}  // namespace campanile::app
