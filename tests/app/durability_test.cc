#include "app/config/durability.h"

#include <gtest/gtest.h>

namespace campanile::app {
namespace {

TEST(Durability, IsThatOfTheStorageUnlessTheDatabaseHasItsOwn) {
  Config config;
  EXPECT_EQ(sync_every_ms(config, "campus"), 0u);
  EXPECT_TRUE(durability_warnings(config).empty());
  config.storage.databases = {{.name = "metrics", .sync_every_ms = 200}, {.name = "same", .sync_every_ms = 0}};
  EXPECT_EQ(sync_every_ms(config, "campus"), 0u);
  EXPECT_EQ(sync_every_ms(config, "metrics"), 200u);
  EXPECT_EQ(sync_every_ms(config, "same"), 0u);
  const auto warnings = durability_warnings(config);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("'metrics'"), std::string::npos);
  EXPECT_NE(warnings[0].find("200 ms"), std::string::npos);
}

TEST(Durability, TheShorterOfTwoTimesCounts) {
  Config config;
  config.storage.sync = SyncMode::kEvery;
  config.storage.sync_every_ms = 100;
  config.storage.databases = {{.name = "slow", .sync_every_ms = 5000}, {.name = "quick", .sync_every_ms = 10}};
  EXPECT_EQ(sync_every_ms(config, "campus"), 100u);
  EXPECT_EQ(sync_every_ms(config, "slow"), 100u);
  EXPECT_EQ(sync_every_ms(config, "quick"), 10u);
  EXPECT_EQ(durability_warnings(config).size(), 3u);
}

}  // namespace
}  // namespace campanile::app
