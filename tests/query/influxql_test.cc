#include "influx.h"

#include <gtest/gtest.h>

#include "memory_engine.h"

namespace campanile::query {
namespace {

using testing::influx;
using testing::MemoryEngine;

TEST(Influxql, Smoke) {
  MemoryEngine engine;
  engine.load("db0", "cpu,host=a usage=1.5 10000000000\ncpu,host=b usage=2.5 20000000000\n");
  EXPECT_EQ(influx(engine, "SELECT usage FROM cpu"), "");
  EXPECT_EQ(influx(engine, "SELECT mean(usage) FROM cpu GROUP BY host"), "");
}

}  // namespace
}  // namespace campanile::query
