// GroupSink: where the rows of groups go, one after another, while a plan runs: the writer of the answer, or a stage before it.
//
// Threads: called by the one thread that runs the query. Errors: what add() or end() returns ends the query with it.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "query/group.h"
#include "query/value.h"

namespace campanile::query {

class GroupSink {
 public:
  virtual ~GroupSink() = default;
  // REQUIRES: the group lives until end().
  virtual void begin(const Group& group) = 0;
  // Rows come in the answer's order of time. Strings of the slots need to live for the call only. False once the group needs no more rows.
  virtual Result<bool> add(int64_t time_ns, std::span<const Value> slots) = 0;
  virtual Result<void> end() = 0;
};

}  // namespace campanile::query
