#include "query/running_queries.h"

#include <gtest/gtest.h>

namespace campanile::query {
namespace {

TEST(RunningQueries, ListsWhatRunsUntilItGoes) {
  int64_t now_ns = 100;
  RunningQueries running([&] { return now_ns; });
  {
    const auto one = running.begin("SELECT a", "campus");
    now_ns = 150;
    const auto two = running.begin("SELECT b", "lab");
    now_ns = 160;
    const auto listed = running.list();
    ASSERT_EQ(listed.size(), 2u);
    EXPECT_EQ(listed[0].text, "SELECT a");
    EXPECT_EQ(listed[0].running_ns, 60);
    EXPECT_EQ(listed[1].database, "lab");
    EXPECT_NE(listed[0].id, listed[1].id);
  }
  EXPECT_TRUE(running.list().empty());
}

TEST(RunningQueries, KillsTheOneThatIsMeant) {
  RunningQueries running([] { return int64_t{0}; });
  const auto one = running.begin("a", "");
  const auto two = running.begin("b", "");
  EXPECT_TRUE(running.kill(running.list()[1].id));
  EXPECT_FALSE(one.killed());
  EXPECT_TRUE(two.killed());
  EXPECT_TRUE(running.list()[1].killed);
  EXPECT_FALSE(running.kill(99));
}

}  // namespace
}  // namespace campanile::query
