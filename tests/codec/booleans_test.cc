#include "codec/booleans.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "round_trip.h"

namespace campanile::codec {
namespace {

size_t booleans(const std::vector<uint8_t>& values) { return round_trip(values, encode_booleans, decode_booleans); }

TEST(Booleans, RunsCostAFewBytes) {
  std::vector<uint8_t> values(1024, 0);
  for (size_t i = 300; i < 700; ++i) values[i] = 1;
  EXPECT_LE(booleans(values), 8u);
}

TEST(Booleans, NoiseCostsABitEach) {
  Random random(8);
  std::vector<uint8_t> values(1024);
  for (auto& value : values) value = random.one_in(2);
  EXPECT_LE(booleans(values), 129u);
}

TEST(Booleans, RoundTripsEveryShortColumn) {
  booleans({});
  for (size_t count = 1; count <= 10; ++count) {
    for (unsigned bits = 0; bits < (1u << count); ++bits) {
      std::vector<uint8_t> values(count);
      for (size_t i = 0; i < count; ++i) values[i] = bits >> i & 1;
      booleans(values);
    }
  }
}

}  // namespace
}  // namespace campanile::codec
