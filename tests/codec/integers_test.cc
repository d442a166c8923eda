#include "codec/integers.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "codec/bit_pack.h"
#include "codec/packed_integers.h"
#include "round_trip.h"

namespace campanile::codec {
namespace {

size_t packed(const std::vector<int64_t>& values) {
  const size_t bytes = round_trip(values, encode_packed, decode_packed);
  // The estimate decides between forms; it need not be exact, but must not mislead. Repetitions, which only the compression itself finds, make it too high.
  // What fills bytes evenly is left to the store, which makes less of it.
  const bool is_even = !values.empty() && static_cast<uint64_t>(*std::ranges::max_element(values)) - static_cast<uint64_t>(*std::ranges::min_element(values)) < 16;
  EXPECT_LE(static_cast<double>(bytes), 16 + (is_even ? 7 : 1.3) * static_cast<double>(estimate_packed_bytes(values)));
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

TEST(PackedIntegers, ReadsWhatWasPackedInFullWords) {
  // 14 digits of base 21 in 62 bits, of -10 to 10 one after another: what programs before dense words wrote.
  std::string bytes("\x03\x13\x15", 3);
  std::vector<uint64_t> digits(21);
  for (size_t i = 0; i < digits.size(); ++i) digits[i] = i;
  pack_radix(digits, 21, full_radix_group(21), bytes);
  ByteReader in(bytes);
  std::vector<int64_t> values(21);
  ASSERT_TRUE(decode_packed(in, values));
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<int64_t>(i) - 10);
}

// Steps of a smooth reading: small ones are frequent.
std::vector<int64_t> peaked(size_t count, uint64_t seed, unsigned scale) {
  Random random(seed);
  std::vector<int64_t> values(count);
  for (auto& value : values) {
    for (int i = 0; i < 6; ++i) value += random.between(-1, 1);
    value *= scale;
    value += random.between(0, scale - 1);
  }
  return values;
}

TEST(PackedIntegers, FrequentValuesTakeFewerBits) {
  // The entropy of the sum of six steps is 3.04 bits, and there is one that is as good as random.
  EXPECT_LT(packed(peaked(4096, 6, 2)), 4096 * 4.25 / 8);
  // With a second byte that is as good as random, 8 bits more.
  EXPECT_LT(packed(peaked(4096, 7, 256)), 4096 * 11.3 / 8);
}

TEST(PackedIntegers, PlanesKeepTheFewThatStandOut) {
  std::vector<int64_t> values = peaked(2000, 8, 1);
  values[3] = 5'000'000'000;
  values[1999] = INT64_MIN;
  EXPECT_LT(packed(values), 2000 * 3.2 / 8 + 80);
}

TEST(PackedIntegers, RefusesPlanesThatAreNone) {
  for (const char planes : {'\0', '\3'}) {
    std::string bytes("\x05\x00", 2);
    bytes += planes;
    bytes += std::string(40, '\0');
    ByteReader in(bytes);
    std::vector<int64_t> values(4);
    EXPECT_FALSE(decode_packed(in, values));
  }
}

TEST(Integers, SteadyChangeCostsItsDeviationsOnly) {
  std::vector<int64_t> counter(1000);
  for (size_t i = 0; i < counter.size(); ++i) counter[i] = static_cast<int64_t>(i * i) / 2;
  EXPECT_LT(integers(counter), 270u) << "two bits each, which the store compresses";
}

// A few values far apart do not make all others wide, and one that changes rarely is not packed at all.
TEST(Integers, WhatFillsBytesEvenlyIsForValuesThatChange) {
  std::vector<int64_t> digits(3000), switches(3000, 0);
  Random random(6);
  int64_t value = 0;
  for (int64_t& digit : digits) digit = value += random.between(-1, 1);
  for (size_t i = 1000; i < 3000; ++i) switches[i] = i % 900 == 0 ? 1 - switches[i - 1] : switches[i - 1];
  EXPECT_EQ(integers(digits) / 10, (3000 * 2 / 8) / 10u);
  EXPECT_LT(integers(switches), 40u);
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
