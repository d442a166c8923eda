#include "app/bench/source_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace campanile::app::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(SourceAddresses, OneARangeANetworkAndAList) {
  EXPECT_THAT(*parse_source_addresses("127.0.0.9"), ElementsAre(0x7F000009u));
  EXPECT_THAT(*parse_source_addresses("127.0.0.254-127.0.1.1"), ElementsAre(0x7F0000FEu, 0x7F0000FFu, 0x7F000100u, 0x7F000101u));
  EXPECT_THAT(*parse_source_addresses("127.0.2.5/30"), ElementsAre(0x7F000205u, 0x7F000206u));
  EXPECT_THAT(*parse_source_addresses("10.0.0.1/32"), ElementsAre(0x0A000001u));
  EXPECT_THAT(*parse_source_addresses("127.0.0.1, 127.0.0.3 - 127.0.0.4"), ElementsAre(0x7F000001u, 0x7F000003u, 0x7F000004u));
  EXPECT_EQ(parse_source_addresses("127.1.0.0/16")->size(), 65'534u);
  EXPECT_EQ(parse_source_addresses("255.255.255.255")->at(0), 0xFFFFFFFFu);
}

TEST(SourceAddresses, MistakesAreNamed) {
  for (const auto* text : {"", "127.0.0", "127.0.0.1-", "::1", "127.0.0.1/33", "127.0.0.1/x", "127.0.0.1,", "a-b"}) {
    const auto parsed = parse_source_addresses(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr("--source-addresses")) << text;
  }
  EXPECT_THAT(parse_source_addresses("127.0.0.5-127.0.0.4").error().message, HasSubstr("ends before it begins"));
  EXPECT_EQ(parse_source_addresses("127.0.0.0/8").error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(parse_source_addresses("0.0.0.0/0").error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace campanile::app::bench
