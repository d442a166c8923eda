// The account of a load run once its threads have ended: what is still in flight, and what was acknowledged but never delivered.
//
//   settle(plan, threads, report);
//
// Threads: after those of the run have ended.
#pragma once

#include <memory>
#include <span>

#include "app/bench/load_report.h"
#include "app/bench/load_thread.h"

namespace campanile::app::bench {

// Fills `unacknowledged`, `lost` and `undelivered`. With stamped payloads each subscriber's messages are looked at one by one; otherwise
// counts must do, and they can only where every subscriber gets everything. A subscriber whose connection was lost is left out: what it
// missed is not the broker's to answer for, and the loss of the connection is reported by itself.
// REQUIRES: report.acknowledged_total, sent_total and delivered_total are filled.
void settle(const LoadPlan& plan, std::span<const std::unique_ptr<LoadThread>> threads, LoadReport& report);

}  // namespace campanile::app::bench
