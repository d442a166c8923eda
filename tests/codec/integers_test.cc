#include "codec/integers.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/packed_integers.h"
#include "round_trip.h"

namespace campanile::codec {
namespace {

size_t packed(const std::vector<int64_t>& values) {
  const size_t bytes = round_trip(values, encode_packed, decode_packed);
  // The estimate decides between forms; it need not be exact, but must not mislead.
  EXPECT_NEAR(static_cast<double>(estimate_packed_bytes(values)), static_cast<double>(bytes), 16 + 0.3 * static_cast<double>(bytes));
  return bytes;
}
size_t integers(const std::vector<int64_t>& values) { return round_trip(values, encode_integers, decode_integers); }

TEST(PackedIntegers, RoundTripsEdges) {
  packed({});
  packed({0});
  packed({INT64_MIN});
  packed({INT64_MIN, INT64_MAX});
  packed({INT64_MAX, INT64_MIN, 0, -1, 1});
  packed({5, 5, 5, 5});
}

TEST(PackedIntegers, AFewOutliersDoNotWidenTheRest) {
  std::vector<int64_t> values(1000);
  Random random(3);
  for (auto& value : values) value = random.between(100, 115);
  const size_t calm = packed(values);
  values[10] = 1'000'000'000'000;
  values[999] = INT64_MAX;
  EXPECT_LT(packed(values), calm + 40);
  values[500] = -1'000'000'000;
  EXPECT_LT(packed(values), calm + 200);
}

TEST(PackedIntegers, RefusesExceptionsOutsideTheRun) {
  std::string bytes("\x01\x00\x03\x01\x09\x01", 6);  // above minimum, base 0, width 3, one exception at position 9
  bytes += "\x00\x00";
  ByteReader in(bytes);
  std::vector<int64_t> values(4);
  EXPECT_FALSE(decode_packed(in, values));
}

TEST(Integers, ChoosesTheSmallestForm) {
  std::vector<int64_t> counter(1000), states(1000), noise(1000);
  Random random(4);
  for (size_t i = 0; i < counter.size(); ++i) {
    counter[i] = 1'000'000 + static_cast<int64_t>(i) * 3;
    states[i] = i < 400 ? 7 : 12;
    noise[i] = random.between(0, 255);
  }
  EXPECT_LT(integers(counter), 16u);
  EXPECT_LT(integers(states), 16u);
  EXPECT_LT(integers(noise), 1024u);
}

TEST(Integers, RoundTripsRandomColumns) {
  const uint64_t seed = 5;
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<int64_t> values(random.below(300));
    const unsigned width = 1 + static_cast<unsigned>(random.below(64));
    const bool walks = random.one_in(2);
    const uint64_t repeats = 1 + random.below(40);
    int64_t last = 0;
    for (auto& value : values) {
      if (!random.one_in(repeats)) {
        value = last;
        continue;
      }
      const auto step = static_cast<int64_t>(random.next() >> (64 - width));
      value = walks ? static_cast<int64_t>(static_cast<uint64_t>(last) + static_cast<uint64_t>(step)) : step;
      last = value;
    }
    integers(values);
    packed(values);
  }
}

}  // namespace
}  // namespace campanile::codec
