#include "codec/timestamps.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "round_trip.h"

namespace campanile::codec {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSecond;

size_t timestamps(const std::vector<int64_t>& times) { return round_trip(times, encode_timestamps, decode_timestamps); }

TEST(Timestamps, RegularOnesCostAlmostNothing) {
  std::vector<int64_t> times;
  for (int i = 0; i < 1024; ++i) times.push_back(kStart + i * 10 * kSecond);
  EXPECT_LE(timestamps(times), 16u);
}

TEST(Timestamps, GapsCostAFewBytesEach) {
  std::vector<int64_t> times;
  for (int i = 0; i < 1024; ++i) times.push_back(kStart + (i + i / 300 * 50) * 10 * kSecond);
  EXPECT_LE(timestamps(times), 40u);
}

TEST(Timestamps, JitterOfWholeMillisecondsCostsItsBits) {
  Random random(6);
  std::vector<int64_t> times;
  for (int i = 0; i < 1000; ++i) times.push_back(kStart + i * 10 * kSecond + random.between(-4, 4) * 1'000'000);
  EXPECT_LE(timestamps(times), 1000u * 5 / 8 + 40);
}

TEST(Timestamps, RoundTripsEdges) {
  timestamps({0});
  timestamps({INT64_MIN});
  timestamps({INT64_MIN, INT64_MAX});
  timestamps({INT64_MIN, -1, 0, INT64_MAX});
  timestamps({-5, -4, -3, 100});
}

TEST(Timestamps, RoundTripsRandomTimes) {
  const uint64_t seed = 7;
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<int64_t> times{random.between(-kStart, kStart)};
    const int64_t unit = random.one_in(2) ? kSecond : 1;
    const uint64_t spread = 1 + random.below(1000);
    const size_t count = random.below(400);
    for (size_t i = 0; i < count; ++i) times.push_back(times.back() + unit * static_cast<int64_t>(1 + random.below(spread)));
    timestamps(times);
  }
}

TEST(Timestamps, RefusesTimesThatDoNotAscend) {
  std::string bytes("\x01\x00\x00", 3);  // regular, first 0, interval 0
  ByteReader in(bytes);
  std::vector<int64_t> times(2);
  EXPECT_FALSE(decode_timestamps(in, times));
  std::string overflow("\x01");
  append_signed(overflow, INT64_MAX);
  append_varint(overflow, 1);
  ByteReader overflow_in(overflow);
  EXPECT_FALSE(decode_timestamps(overflow_in, times));
}

}  // namespace
}  // namespace campanile::codec
