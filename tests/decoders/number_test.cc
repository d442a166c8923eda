#include "decoders/line_protocol/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/random.h"

namespace campanile::decoders {
namespace {

NumberToken parse(const std::string& text) { return parse_number(text.data(), text.data() + text.size()); }

TEST(Number, ShortDecimalsAreTheNearestDoubles) {
  const uint64_t seed = 20261121;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int i = 0; i < 200'000; ++i) {
    std::string text = random.one_in(2) ? "-" : "";
    for (uint64_t digits = random.below(12); digits > 0; --digits) text += static_cast<char>('0' + random.below(10));
    text += std::to_string(random.below(10));
    if (random.one_in(2)) {
      text += '.';
      for (uint64_t digits = random.below(14); digits > 0; --digits) text += static_cast<char>('0' + random.below(10));
    }
    if (random.one_in(10)) text += "e" + std::to_string(random.between(-320, 305));
    const NumberToken number = parse(text);
    const double wanted = std::strtod(text.c_str(), nullptr);
    if (std::isinf(wanted)) {
      EXPECT_EQ(number.error, "invalid float") << text;
      continue;
    }
    ASSERT_EQ(number.error, "") << text;
    ASSERT_EQ(number.value.type(), FieldType::kFloat);
    const double got = number.value.as_float();
    ASSERT_EQ(std::memcmp(&got, &wanted, sizeof got), 0) << text << " got " << got << " wanted " << wanted;
  }
}

TEST(Number, WholeNumbersOfBothKinds) {
  EXPECT_EQ(parse("5i").value, FieldValue::of_integer(5));
  EXPECT_EQ(parse("-007i").value, FieldValue::of_integer(-7));
  EXPECT_EQ(parse("9223372036854775807i").value, FieldValue::of_integer(INT64_MAX));
  EXPECT_EQ(parse("-9223372036854775808i").value, FieldValue::of_integer(INT64_MIN));
  EXPECT_EQ(parse("0u").value, FieldValue::of_unsigned(0));
  EXPECT_EQ(parse("18446744073709551615u").value, FieldValue::of_unsigned(UINT64_MAX));
}

TEST(Number, StopsOnTheDelimiter) {
  for (const std::string rest : {",b=2", " 12", "\nm b=1", "\r\nm b=1", "\r", ""}) {
    for (const std::string digits : {"1", "1.5", "7i", "7u", "12345678901234567890", "1e3"}) {
      const std::string text = digits + rest;
      const NumberToken number = parse(text);
      EXPECT_EQ(number.error, "") << text;
      EXPECT_EQ(number.end, text.data() + digits.size()) << text;
    }
  }
}

TEST(Number, RefusesInTheWordsOfInfluxDB) {
  for (const std::string text : {".", "-", "-.", "--5", "1.2.3", "nan", "-Inf", "0x10", "1_000", "1-2", "1.5i", "-i", "1e5i", "1ii", "1t", "-1u", "1\r5"}) {
    EXPECT_EQ(parse(text).error, "invalid number") << text;
  }
  for (const std::string text : {"1e", "1e400", "-e5", "1e5e5", "1e+"}) EXPECT_EQ(parse(text).error, "invalid float") << text;
  EXPECT_EQ(parse("99999999999999999999i").error,
            "unable to parse integer 99999999999999999999: strconv.ParseInt: parsing \"99999999999999999999\": value out of range");
  EXPECT_EQ(parse("18446744073709551616u").error,
            "unable to parse unsigned 18446744073709551616: strconv.ParseUint: parsing \"18446744073709551616\": value out of range");
}

TEST(Number, WhatIsTooSmallIsZero) {
  EXPECT_EQ(parse("1e-400").value.as_float(), 0.0);
  EXPECT_TRUE(std::signbit(parse("-1e-400").value.as_float()));
  EXPECT_EQ(parse("5e-324").value.as_float(), std::numeric_limits<double>::denorm_min());
}

}  // namespace
}  // namespace campanile::decoders
