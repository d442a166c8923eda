#include "codec/varint.h"

#include <gtest/gtest.h>

namespace campanile::codec {
namespace {

TEST(Varint, RoundTripsAtEveryLength) {
  for (unsigned bit = 0; bit <= 64; ++bit) {
    const uint64_t edge = bit == 64 ? UINT64_MAX : (1ull << bit) - 1;
    for (const uint64_t value : {edge, edge + 1}) {
      std::string bytes;
      append_varint(bytes, value);
      EXPECT_EQ(bytes.size(), varint_bytes(value));
      ByteReader in(bytes);
      EXPECT_EQ(in.varint(), value);
      EXPECT_TRUE(in.ok() && in.at_end());
    }
  }
}

TEST(Varint, ZigzagKeepsSmallNumbersSmall) {
  EXPECT_EQ(zigzag(0), 0u);
  EXPECT_EQ(zigzag(-1), 1u);
  EXPECT_EQ(zigzag(1), 2u);
  for (const int64_t value : {INT64_MIN, INT64_MIN + 1, int64_t{-5}, int64_t{0}, int64_t{7}, INT64_MAX}) EXPECT_EQ(unzigzag(zigzag(value)), value);
}

TEST(ByteReader, RefusesWhatIsTooShortOrTooLong) {
  ByteReader cut("\x80\x80");
  EXPECT_EQ(cut.varint(), 0u);
  EXPECT_FALSE(cut.ok());
  ByteReader eleven(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  eleven.varint();
  EXPECT_FALSE(eleven.ok());
  ByteReader wide(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
  wide.varint();
  EXPECT_FALSE(wide.ok()) << "the tenth byte holds one bit only";
  ByteReader few("abc");
  EXPECT_EQ(few.bytes(4), "");
  EXPECT_FALSE(few.ok());
  EXPECT_EQ(few.byte(), 0) << "stays failed";
  ByteReader fixed("1234567");
  fixed.fixed<uint64_t>();
  EXPECT_FALSE(fixed.ok());
}

TEST(ByteReader, ReadsInOrder) {
  std::string bytes;
  append_fixed<uint32_t>(bytes, 0xdeadbeef);
  append_bytes(bytes, "room");
  append_signed(bytes, -300);
  ByteReader in(bytes);
  EXPECT_EQ(in.fixed<uint32_t>(), 0xdeadbeef);
  EXPECT_EQ(in.sized_bytes(), "room");
  EXPECT_EQ(in.signed_varint(), -300);
  EXPECT_TRUE(in.ok() && in.at_end());
}

}  // namespace
}  // namespace campanile::codec
