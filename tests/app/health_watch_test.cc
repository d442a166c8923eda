// What is wrong appears and goes by itself, with the time since when; the disk's space and a clock that is set back are two such things.

#include "app/health_watch.h"

#include <gtest/gtest.h>

#include <sys/mount.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "app/clock_step.h"
#include "app/disk_space.h"
#include "base/log.h"
#include "../journal/temporary_directory.h"

namespace campanile::app {
namespace {

class HealthWatchTest : public testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::kOff); }
  void TearDown() override { log::set_level(log::Level::kInfo); }

  ManualClock clock{1'700'000'000 * kNanosPerSecond};
};

TEST_F(HealthWatchTest, AProblemIsThereWhileItsCauseIs) {
  std::optional<Finding> cause;
  HealthWatch watch(clock, {{.name = "journal", .refused = "points", .remedy = "make room", .look = [&] { return cause; }}});
  EXPECT_TRUE(watch.problems().empty());
  const int64_t began_ns = clock.now_ns();
  cause = Finding{.message = "no space", .stops_writes = true};
  EXPECT_EQ(watch.problems().size(), 1u);
  clock.advance_ns(5 * kNanosPerSecond);
  cause->message = "no space still";
  const auto problems = watch.problems();
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].name, "journal");
  EXPECT_EQ(problems[0].message, "no space still");
  EXPECT_EQ(problems[0].refused, "points");
  EXPECT_EQ(problems[0].remedy, "make room");
  EXPECT_TRUE(problems[0].stops_writes);
  EXPECT_EQ(problems[0].since_ns, began_ns);
  cause.reset();
  EXPECT_TRUE(watch.problems().empty());
  cause = Finding{.message = "again"};
  EXPECT_EQ(watch.problems().front().since_ns, clock.now_ns());
}

TEST_F(HealthWatchTest, TheThreadMeasuresByItself) {
  std::atomic<int> measured = 0;
  HealthWatch watch(clock, {}, [&] { ++measured; });
  watch.start();
  EXPECT_EQ(measured, 1);
  while (measured < 2) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  watch.stop();
}

TEST_F(HealthWatchTest, SpaceIsLowBelowTheLimit) {
  DiskSpace ample(std::filesystem::temp_directory_path(), 0);
  DiskSpace low(std::filesystem::temp_directory_path(), UINT64_MAX - 1);
  EXPECT_FALSE(low.low());
  ample.measure();
  low.measure();
  EXPECT_FALSE(ample.low());
  ASSERT_TRUE(low.low());
  EXPECT_FALSE(low.low()->stops_writes);
  EXPECT_NE(low.low()->message.find("storage.free_bytes_min"), std::string::npos);
  EXPECT_FALSE(low.read_only());
}

TEST_F(HealthWatchTest, AReadOnlyFileSystemStopsWritesUntilItIsWritable) {
  TemporaryDirectory directory;
  if (::mount("tmpfs", directory.path().c_str(), "tmpfs", MS_RDONLY, nullptr) != 0) GTEST_SKIP() << "nothing can be mounted here";
  DiskSpace space(directory.path(), 0);
  space.measure();
  const auto found = space.read_only();
  EXPECT_EQ(::mount("tmpfs", directory.path().c_str(), "tmpfs", MS_REMOUNT, nullptr), 0);
  space.measure();
  const auto after = space.read_only();
  EXPECT_EQ(::umount(directory.path().c_str()), 0);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->stops_writes);
  EXPECT_FALSE(after);
}

TEST_F(HealthWatchTest, AClockThatWasSetBackIsToldUntilItHasCaughtUp) {
  ClockStep step(clock);
  EXPECT_FALSE(step.look());
  clock.advance_ns(kNanosPerSecond);
  clock.set_now_ns(clock.now_ns() - kNanosPerSecond / 2);  // NTP does that
  EXPECT_FALSE(step.look());
  clock.set_now_ns(clock.now_ns() - 3600 * kNanosPerSecond);
  const auto found = step.look();
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->stops_writes);
  EXPECT_NE(found->message.find("3600 s"), std::string::npos) << found->message;
  clock.advance_ns(3599 * kNanosPerSecond);
  EXPECT_TRUE(step.look());
  clock.advance_ns(2 * kNanosPerSecond);
  EXPECT_FALSE(step.look());
}

TEST_F(HealthWatchTest, AfterADayTheEarlierTimeWasTheWrongOne) {
  ClockStep step(clock);
  clock.set_now_ns(clock.now_ns() - 10'000 * 24 * 3600 * kNanosPerSecond);
  EXPECT_TRUE(step.look());
  clock.advance_ns(23 * 3600 * kNanosPerSecond);
  EXPECT_TRUE(step.look());
  clock.advance_ns(2 * 3600 * kNanosPerSecond);
  EXPECT_FALSE(step.look());
  clock.advance_ns(kNanosPerSecond);
  EXPECT_FALSE(step.look());
}

}  // namespace
}  // namespace campanile::app
