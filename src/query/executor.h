// The executor: runs a plan over the store and hands the rows to a sink.
//
//   Result<void> done = execute(plan, {.limits = limits, .cancelled = [&] { return responder.client_gone(); }}, sink);
//
// Groups are answered one after the other. Within a group aggregates take whole blocks by their statistics where the block
// lies in one window and no condition looks into it; other blocks are decoded and taken a column at a time. A group of raw
// points merges its series by time.
// Threads: runs on the caller's thread, which should not be an event loop; plans may run at the same time.
// Errors: those of the reader and the sink; kTooLarge naming the limit; kCancelled.
#pragma once

#include "query/plan.h"
#include "query/row_sink.h"

namespace campanile::query {

Result<void> execute(const SelectPlan& plan, const Context& context, RowSink& sink);

}  // namespace campanile::query
