#include "api/sensor_directory.h"

#include <gtest/gtest.h>

#include "tests/query/stored_engine.h"

namespace campanile::api {
namespace {

TEST(SensorDirectory, ASeriesThatWasErasedIsTheSameSensorWhenItComesAgain) {
  query::testing::StoredEngine store;
  ManualClock clock{1'700'000'000'000'000'000};
  SensorDirectory directory(store.engine(), PlaceRules({}), clock, {});
  store.load("campus", "data,room=302 value=21.5 1700000000000000000");
  EXPECT_EQ(directory.refresh(), 0u);
  ASSERT_EQ(directory.size(), 1u);
  std::string id;
  const auto look = [&] {
    double value = -1;
    directory.poll({});
    directory.visit([&](size_t, const Sensor& sensor) {
      id = sensor.id;
      value = sensor.time_ns == 0 ? 0 : sensor.value.as_float();
    });
    return value;
  };
  EXPECT_EQ(look(), 21.5);
  const std::string before = id;
  ASSERT_TRUE(store.engine().erase(*store.engine().bucket("campus", ""), {}));
  directory.refresh();
  EXPECT_EQ(look(), 0);
  store.load("campus", "data,room=302 value=22.5 1700000001000000000");
  EXPECT_EQ(directory.refresh(), 1u);
  EXPECT_EQ(directory.size(), 1u);
  EXPECT_EQ(look(), 22.5);
  EXPECT_EQ(id, before);
  EXPECT_EQ(directory.source(before)->series, 2u);
}

}  // namespace
}  // namespace campanile::api
