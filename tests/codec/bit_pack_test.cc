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

TEST(BitPack, RoundTripsEveryKindOfRadix) {
  Random random(2);
  for (const uint64_t radix : {2u, 3u, 10u, 21u, 100u, 201u, 256u, 257u, 1000u, 65535u, 65536u}) {
    for (const size_t count : {1u, 7u, 8u, 9u, 500u, 1024u}) {
      std::vector<uint64_t> values(count);
      for (auto& value : values) value = random.below(radix);
      values[0] = radix - 1;
      std::string bytes;
      pack_radix(values, radix, bytes);
      ASSERT_EQ(bytes.size(), radix_bytes(count, radix));
      std::vector<uint64_t> back(count);
      unpack_radix(bytes, radix, back);
      ASSERT_EQ(back, values) << "radix " << radix << " count " << count;
    }
  }
}

TEST(BitPack, LargestDigitsFillAGroup) {
  for (uint64_t radix = 2; radix <= 300; ++radix) {
    const RadixGroup group = radix_group(radix);
    const std::vector<uint64_t> values(group.digits * 3, radix - 1);
    std::string bytes;
    pack_radix(values, radix, bytes);
    std::vector<uint64_t> back(values.size());
    unpack_radix(bytes, radix, back);
    ASSERT_EQ(back, values) << "radix " << radix;
  }
}

TEST(BitPack, RadixSpendsLessThanWholeBits) {
  EXPECT_LT(radix_bytes(1024, 201), packed_bytes(1024, 8));
  EXPECT_LT(radix_bytes(1024, 21), packed_bytes(1024, 5));
}

}  // namespace
}  // namespace campanile::codec
