#include "app/bench/payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace campanile::app::bench {
namespace {

TEST(Payload, AStampComesBack) {
  PayloadMaker maker(PayloadKind::kRandom, 140, {}, 0xC0FFEE);
  const std::string payload(maker.make({.publisher = 7, .sequence = 1ull << 40, .sent_ns = 123'456'789'012}, 0));
  EXPECT_EQ(payload.size(), 140u);
  const auto stamp = read_stamp(payload, 0xC0FFEE);
  ASSERT_TRUE(stamp);
  EXPECT_EQ(stamp->publisher, 7u);
  EXPECT_EQ(stamp->sequence, 1ull << 40);
  EXPECT_EQ(stamp->sent_ns, 123'456'789'012);
}

TEST(Payload, AnotherRunsStampIsNotRead) {
  PayloadMaker maker(PayloadKind::kRandom, 24, {}, 1);
  EXPECT_TRUE(maker.is_stamped());
  EXPECT_FALSE(read_stamp(maker.make({}, 0), 2));
  EXPECT_FALSE(read_stamp("short", 1));
  EXPECT_FALSE(read_stamp("", 0));
}

TEST(Payload, TooSmallForAStampStaysItsSize) {
  for (const size_t bytes : {0u, 1u, 23u}) {
    PayloadMaker maker(PayloadKind::kRandom, bytes, {}, 1);
    EXPECT_FALSE(maker.is_stamped());
    EXPECT_EQ(maker.make({.publisher = 1}, 0).size(), bytes);
  }
}

TEST(Payload, ACampusReadingIsWhatASensorSends) {
  PayloadMaker maker(PayloadKind::kCampus, 0, {}, 1);
  EXPECT_FALSE(maker.is_stamped());
  const std::string first(maker.make({.sequence = 1}, 0x12));
  EXPECT_THAT(first, testing::MatchesRegex(R"(\{"value":[0-9]+\.[0-9][0-9][0-9],"value_units":"celsius","subID":"24","unitID":"auto_0012"\})"));
  EXPECT_NE(first, maker.make({.sequence = 2}, 0x12));
}

TEST(Payload, AFileIsSentAsItIs) {
  PayloadMaker maker(PayloadKind::kFile, 0, "the content", 1);
  EXPECT_EQ(maker.make({.sequence = 5}, 3), "the content");
}

}  // namespace
}  // namespace campanile::app::bench
