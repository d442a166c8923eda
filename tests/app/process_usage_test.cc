#include "app/bench/process_usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace campanile::app::bench {
namespace {

TEST(ProcessUsage, TicksAreFoundBehindAnOddName) {
  EXPECT_EQ(ticks_of_stat("42 (a (strange) name) S 1 42 42 0 -1 4194560 10 0 0 0 123 77 0 0 20 0 1 0"), 200u);
  EXPECT_FALSE(ticks_of_stat(""));
  EXPECT_FALSE(ticks_of_stat("42 (short) S 1 2"));
}

TEST(ProcessUsage, ResidentMemoryIsInBytes) {
  EXPECT_EQ(resident_of_status("Name:\tx\nVmRSS:\t    1234 kB\nThreads:\t3\n"), 1234u * 1024);
  EXPECT_FALSE(resident_of_status("Name:\tx\n"));
}

TEST(ProcessUsage, ThisProcessHasSome) {
  ASSERT_TRUE(read_process_usage(getpid()));
  EXPECT_GT(own_usage().resident_bytes, 100'000u);
  EXPECT_FALSE(read_process_usage(-1));
}

}  // namespace
}  // namespace campanile::app::bench
