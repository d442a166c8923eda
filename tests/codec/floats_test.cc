#include "codec/floats.h"

#include <limits>

#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/decimal.h"
#include "round_trip.h"

namespace campanile::codec {
namespace {

size_t floats(const std::vector<double>& values) { return round_trip(values, encode_floats, decode_floats); }

std::vector<double> walk(size_t count, int step_max, double scale, uint64_t seed) {
  Random random(seed);
  std::vector<double> values(count);
  int64_t digits = 2000;
  for (auto& value : values) {
    digits += random.between(-step_max, step_max);
    value = static_cast<double>(digits) / scale;
  }
  return values;
}

TEST(Floats, DecimalsCostTheirSteps) {
  // 201 steps are 7.65 bits; 21 steps 4.39.
  EXPECT_LE(floats(walk(1024, 100, 100, 1)), 1024u * 98 / 100);
  EXPECT_LE(floats(walk(1024, 10, 10, 2)), 1024u * 57 / 100);
}

TEST(Floats, ConstantsCostAFewBytes) { EXPECT_LE(floats(std::vector<double>(1024, 21.5)), 12u); }

TEST(Floats, KeepsEveryBit) {
  using limits = std::numeric_limits<double>;
  floats({});
  floats({0.0, -0.0, 1.0, -0.0});
  floats({limits::quiet_NaN(), -limits::quiet_NaN(), limits::infinity(), -limits::infinity()});
  floats({limits::denorm_min(), limits::max(), limits::lowest(), limits::epsilon()});
  floats({std::bit_cast<double>(0x7ff8dead'beef0001ull), 1.0});
  floats({0.1 + 0.2, 0.3, 1e300, 1e-300, 9007199254740993.0});
}

TEST(Floats, AFewOddOnesAreExceptions) {
  std::vector<double> values = walk(1024, 10, 10, 3);
  const size_t plain = floats(values);
  values[100] = -0.0;
  values[200] = 1.0 / 3;
  values[1023] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_LE(floats(values), plain + 100);
}

TEST(Floats, WidenedSinglesAreDecimalsOfTheirOwn) {
  std::vector<double> values = walk(1024, 10, 10, 4);
  for (double& value : values) value = static_cast<float>(value);
  EXPECT_LE(floats(values), 1024u * 57 / 100);
}

TEST(Floats, FullPrecisionStillShrinks) {
  Random random(5);
  std::vector<double> values(1024);
  for (double& value : values) value = 20 + random.unit() / 1000;
  EXPECT_LT(floats(values), 1024u * 7);
}

TEST(Floats, RoundTripsRandomColumns) {
  const uint64_t seed = 6;
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values = walk(random.below(300), 1 + static_cast<int>(random.below(5000)), std::pow(10, static_cast<double>(random.below(8))), random.next());
    const uint64_t odd = 1 + random.below(30);
    for (double& value : values) {
      if (random.one_in(odd)) value = std::bit_cast<double>(random.next());
    }
    floats(values);
  }
}

TEST(Decimal, FindsTheDigitsOfParsedText) {
  EXPECT_EQ(to_decimal(21.37, 2), 2137);
  EXPECT_EQ(to_decimal(21.37, 1), std::nullopt);
  EXPECT_EQ(to_decimal(-0.0, 0), std::nullopt);
  EXPECT_EQ(smallest_exponent(0.001), 3u);
  EXPECT_EQ(smallest_exponent(1.0 / 3), std::nullopt);
}

TEST(Decimal, CompactDoublesRoundTrip) {
  for (const double value : {0.0, -0.0, 21.5, -1234.5678, 1.0 / 3, 1e300, std::numeric_limits<double>::infinity(), 123456789.25}) {
    std::string bytes;
    append_compact_double(bytes, value);
    EXPECT_LE(bytes.size(), 9u);
    ByteReader in(bytes);
    EXPECT_EQ(std::bit_cast<uint64_t>(read_compact_double(in)), std::bit_cast<uint64_t>(value));
    EXPECT_TRUE(in.ok() && in.at_end());
  }
  ByteReader bad("\x20zzzzzzzzzz");
  read_compact_double(bad);
  EXPECT_FALSE(bad.ok());
}

}  // namespace
}  // namespace campanile::codec
