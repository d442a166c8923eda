#include "query/points_of_rows.h"

#include <gtest/gtest.h>

#include "influx.h"
#include "memory_engine.h"
#include "stored_engine.h"

namespace campanile::query {
namespace {

using testing::influx;
using testing::StoredEngine;

TEST(PointsOfRows, WhatDoesNotFitIsAPartialWriteAndTheRestStays) {
  StoredEngine stored;
  stored.load("db0", "cpu,host=a usage=1.5,idle=9i 10000000000\ncpu,host=b usage=2.5 10000000000\n");
  EXPECT_EQ(influx(stored.engine(), "SELECT idle AS usage INTO cpu FROM cpu"),
            R"({"results":[{"statement_id":0,"error":"partial write: field type conflict: input field \"usage\" on measurement \"cpu\" is type integer, already exists as type float dropped=1"}]})");
  EXPECT_EQ(influx(stored.engine(), "SELECT usage INTO other FROM cpu GROUP BY host; SELECT count(usage) FROM other"),
            R"({"results":[{"statement_id":0,"series":[{"name":"result","columns":["time","written"],"values":[[0,2]]}]},{"statement_id":1,"series":[{"name":"other","columns":["time","count"],"values":[[0,2]]}]}]})");
}

// Refuses the first writes for want of room, as the store does while its disk is behind.
class BusyEngine final : public testing::MemoryEngine {
 public:
  Result<tsdb::WriteOutcome> write(tsdb::BucketId bucket, const PointBatch& batch, int64_t now_ns, const tsdb::AppendPoints* append = nullptr) override {
    if (busy > 0 && busy-- > 0) return fail(ErrorCode::kOverloaded, "no room");
    return MemoryEngine::write(bucket, batch, now_ns, append);
  }
  int busy = 0;
};

TEST(PointsOfRows, AStoreWithoutRoomIsTriedAgainUntilTheQueryIsCancelled) {
  BusyEngine engine;
  engine.load("db0", "cpu,host=a usage=1.5 10000000000\n");
  engine.busy = 2;
  EXPECT_NE(influx(engine, "SELECT usage INTO other FROM cpu").find(R"("values":[[0,1]])"), std::string::npos);
  EXPECT_EQ(engine.busy, 0);
  engine.busy = 1'000'000;
  testing::InfluxOptions options;
  options.context.cancelled = [&engine] { return engine.busy < 1'000'000; };
  EXPECT_NE(influx(engine, "SELECT usage INTO other FROM cpu", options).find("query interrupted"), std::string::npos);
}

}  // namespace
}  // namespace campanile::query
