#include "codec/bit_pack.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace campanile::codec {
namespace {

TEST(BitPack, RoundTripsEveryWidthAndManyCounts) {
  Random random(1);
  for (unsigned width = 0; width <= 64; ++width) {
    for (const size_t count : {0u, 1u, 2u, 7u, 8u, 9u, 63u, 64u, 65u, 200u}) {
      std::vector<uint64_t> values(count);
      for (auto& value : values) value = width == 0 ? 0 : random.next() >> (64 - width);
      std::string bytes = "x";  // appends behind what is there
      pack_bits(values, width, bytes);
      ASSERT_EQ(bytes.size(), 1 + packed_bytes(count, width));
      std::vector<uint64_t> back(count);
      unpack_bits(std::string_view(bytes).substr(1), width, back);
      ASSERT_EQ(back, values) << "width " << width << " count " << count;
    }
  }
}

TEST(BitPack, KeepsOnlyTheLowBits) {
  std::string bytes;
  pack_bits(std::vector<uint64_t>{0xff, 0xff}, 4, bytes);
  EXPECT_EQ(bytes, "\xff");
}

void round_trip_radix(const std::vector<uint64_t>& values, uint64_t radix, RadixGroup group) {
  std::string bytes;
  pack_radix(values, radix, group, bytes);
  ASSERT_EQ(bytes.size(), radix_bytes(values.size(), group));
  std::vector<uint64_t> back(values.size());
  unpack_radix(bytes, radix, group, back);
  ASSERT_EQ(back, values) << "radix " << radix << " digits " << group.digits << " count " << values.size();
}

TEST(BitPack, RoundTripsEveryKindOfRadix) {
  Random random(2);
  for (const uint64_t radix : {2u, 3u, 10u, 21u, 100u, 201u, 256u, 257u, 1000u, 46340u, 65535u, 65536u}) {
    for (const size_t count : {1u, 7u, 8u, 9u, 500u, 1024u}) {
      std::vector<uint64_t> values(count);
      for (auto& value : values) value = random.below(radix);
      values[0] = radix - 1;
      for (unsigned digits = 1; const auto group = radix_group(radix, digits); ++digits) round_trip_radix(values, radix, *group);
    }
  }
}

TEST(BitPack, LargestDigitsFillAGroup) {
  for (uint64_t radix = 2; radix <= 300; ++radix) {
    for (const RadixGroup group : {full_radix_group(radix), dense_radix_group(radix)}) {
      round_trip_radix(std::vector<uint64_t>(group.digits * 130, radix - 1), radix, group);
    }
  }
}

TEST(BitPack, WordsWithoutDigitsOrWithTooManyAreRefused) {
  EXPECT_FALSE(radix_group(21, 0));
  EXPECT_TRUE(radix_group(21, 14));
  EXPECT_FALSE(radix_group(21, 15));
}

TEST(BitPack, RadixSpendsLessThanWholeBits) {
  EXPECT_LE(radix_bytes(10'000, dense_radix_group(201)) * 8, 76'700u);
  EXPECT_LE(radix_bytes(10'000, dense_radix_group(21)) * 8, 44'010u);
}

}  // namespace
}  // namespace campanile::codec
