#include "codec/strings.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/compression.h"

namespace campanile::codec {
namespace {

size_t round_trip_strings(const std::vector<std::string>& values) {
  const std::vector<std::string_view> views(values.begin(), values.end());
  std::string bytes;
  encode_strings(views, bytes);
  std::vector<std::string_view> back(views.size());
  std::string text;
  ByteReader in(bytes);
  const auto decoded = decode_strings(in, back, text);
  EXPECT_TRUE(decoded) << (decoded ? "" : decoded.error().message);
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(back, views);
  for (size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 40) {
    ByteReader cut(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(decode_strings(cut, back, text));
  }
  return bytes.size();
}

TEST(Strings, RepeatedOnesAreStoredOnce) {
  std::vector<std::string> values;
  for (int i = 0; i < 1000; ++i) values.push_back(i % 3 == 0 ? "open" : "closed");
  EXPECT_LT(round_trip_strings(values), 100u);
}

TEST(Strings, RoundTripsEdges) {
  round_trip_strings({});
  round_trip_strings({""});
  round_trip_strings({"", "", ""});
  round_trip_strings({std::string(kStringBytesMax, 'x'), std::string("\0\xff", 2)});
}

TEST(Strings, RoundTripsRandomTexts) {
  Random random(9);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> values(random.below(100));
    const uint64_t different = 1 + random.below(200);
    for (auto& value : values) value = "message number " + std::to_string(random.below(different)) + random_bytes(random.below(3));
    round_trip_strings(values);
  }
}

TEST(Compression, RefusesSizesBeyondTheBound) {
  std::string bytes;
  append_compressed(std::string(10'000, 'a'), bytes);
  EXPECT_LT(bytes.size(), 100u);
  ByteReader in(bytes);
  EXPECT_FALSE(read_compressed(in, 9'999));
  ByteReader again(bytes);
  const auto whole = read_compressed(again, 10'000);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->size(), 10'000u);
}

TEST(Compression, RefusesAFrameOfAnotherSize) {
  std::string packed;
  append_compressed(std::string(1000, 'a'), packed);
  ByteReader in(packed);
  in.varint();
  std::string forged;
  append_varint(forged, 2000);
  append_bytes(forged, in.sized_bytes());
  ByteReader forged_in(forged);
  EXPECT_FALSE(read_compressed(forged_in, 1 << 20));
}

}  // namespace
}  // namespace campanile::codec
