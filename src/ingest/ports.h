// Ports: what ingest asks of the layers above; app/wiring.cc connects them.
#pragma once

#include <cstdint>

#include "model/point_batch.h"
#include "tsdb/engine.h"

namespace campanile::ingest {

// Hears of points that were stored: live pages, later rules.
class StoredListener {
 public:
  virtual ~StoredListener() = default;
  // Called for every batch, on the thread that stored it (an event loop or a worker), before its sender is acknowledged. Must be cheap and must
  // not block. The batch lives for the call; its points without a time of their own got `now_ns`. Points that the store refused are not in it.
  virtual void on_stored(tsdb::BucketId bucket, const PointBatch& batch, int64_t now_ns) = 0;
};

}  // namespace campanile::ingest
