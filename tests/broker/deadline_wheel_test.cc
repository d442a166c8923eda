#include "broker/deadline_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "base/random.h"

namespace campanile::broker {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

struct Item {
  WheelPlace wheel_place;
  int64_t deadline_ns = 0;
};

TEST(DeadlineWheel, IsNeverEarlyAndAtMostASecondLate) {
  DeadlineWheel<Item> wheel(5 * kSecond);
  Item item;
  wheel.add(&item, 7 * kSecond + 1);
  EXPECT_TRUE(wheel.advance(7 * kSecond + 1).empty());
  EXPECT_EQ(wheel.advance(8 * kSecond + 1).size(), 1u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(DeadlineWheel, TakesOutWhatIsRemoved) {
  DeadlineWheel<Item> wheel(0);
  Item a, b, c;
  for (Item* item : {&a, &b, &c}) wheel.add(item, 3 * kSecond);
  wheel.remove(&a);
  wheel.remove(&a);
  wheel.remove(&c);
  const auto due = wheel.advance(10 * kSecond);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0], &b);
}

TEST(DeadlineWheel, SurvivesALongPause) {
  DeadlineWheel<Item> wheel(0);
  Item soon, late;
  wheel.add(&soon, 3 * kSecond);
  wheel.add(&late, 100'000 * kSecond);
  EXPECT_EQ(wheel.advance(50'000 * kSecond).size(), 2u) << "the late one comes round, to be added again";
}

TEST(DeadlineWheel, ItemsComeInTheirSecond) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  Random random(seed);
  DeadlineWheel<Item> wheel(0);
  std::vector<Item> items(200);
  int64_t now = 0;
  for (Item& item : items) {
    item.deadline_ns = static_cast<int64_t>(random.below(1000)) * kSecond / 3;
    wheel.add(&item, item.deadline_ns);
  }
  size_t finished = 0;
  while (finished < items.size() && now < 2000 * kSecond) {
    now += static_cast<int64_t>(1 + random.below(2000)) * 1'000'000;
    for (Item* item : wheel.advance(now)) {
      if (item->deadline_ns > now) {
        wheel.add(item, item->deadline_ns);
      } else {
        EXPECT_LE(now - item->deadline_ns, 4 * kSecond);
        ++finished;
      }
    }
  }
  EXPECT_EQ(finished, items.size());
  EXPECT_EQ(wheel.size(), 0u);
}

}  // namespace
}  // namespace campanile::broker
