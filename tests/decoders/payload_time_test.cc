#include "decoders/payload_time.h"

#include <gtest/gtest.h>

namespace campanile::decoders {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMoment = 1'600'000'000 * kSecond;

std::optional<int64_t> text(std::string_view value) {
  const auto time = time_of_text(value);
  EXPECT_TRUE(time.has_value()) << value;
  return time ? *time : std::nullopt;
}

TEST(PayloadTime, UnitsGoBySize) {
  EXPECT_EQ(time_of_integer(1'600'000'000).value(), kMoment);
  EXPECT_EQ(time_of_integer(1'600'000'000'123).value(), kMoment + 123'000'000);
  EXPECT_EQ(time_of_integer(1'600'000'000'123'456).value(), kMoment + 123'456'000);
  EXPECT_EQ(time_of_integer(1'600'000'000'123'456'789).value(), kMoment + 123'456'789);
  EXPECT_EQ(time_of_number(1'600'000'000.25).value(), kMoment + kSecond / 4);
  EXPECT_EQ(time_of_number(1'600'000'000'500.5).value(), kMoment + 500'500'000);
}

TEST(PayloadTime, AClockThatWasNotSetIsNoTime) {
  for (const int64_t value : {int64_t{-5}, int64_t{0}, int64_t{12}, int64_t{946'684'799}}) EXPECT_EQ(time_of_integer(value).value(), std::nullopt);
  EXPECT_EQ(text("1970-01-01T00:00:10Z"), std::nullopt);
  EXPECT_EQ(time_of_integer(946'684'800).value(), 946'684'800 * kSecond);
}

TEST(PayloadTime, ReadsIsoForms) {
  EXPECT_EQ(text("2020-09-13T12:26:40Z"), kMoment);
  EXPECT_EQ(text("2020-09-13 12:26:40"), kMoment);
  EXPECT_EQ(text(" 2020-09-13T14:26:40+02:00 "), kMoment);
  EXPECT_EQ(text("2020-09-13T14:26:40+0200"), kMoment);
  EXPECT_EQ(text("2020-09-13T07:26:40 -05"), kMoment);
  EXPECT_EQ(text("2020-09-13T12:26:40.123456789Z"), kMoment + 123'456'789);
  EXPECT_EQ(text("2020-09-13T12:26:40.1234567891234Z"), kMoment + 123'456'789);
  EXPECT_EQ(text("2020-09-13T12:26"), kMoment - 40 * kSecond);
  EXPECT_EQ(text("2020-09-13"), kMoment - (12 * 3600 + 26 * 60 + 40) * kSecond);
  EXPECT_EQ(text("2024-02-29T00:00:00Z"), 1'709'164'800 * kSecond);
}

TEST(PayloadTime, ReadsNumbersInText) {
  EXPECT_EQ(text("1600000000"), kMoment);
  EXPECT_EQ(text("1600000000.5"), kMoment + kSecond / 2);
}

TEST(PayloadTime, RefusesWhatIsNoMoment) {
  for (const std::string_view bad : {"", "yesterday", "2020-13-01", "2023-02-29", "2020-09-13T25:00:00Z", "2020-09-13T12:26:40.Z", "2020-09-13T12", "2020-9-13",
                                     "2020-09-13T12:26:40Zx", "2020-09-13T12:26:40+2", "0000-01-01", "9999-01-01", "nan", "inf", "1e300",
                                     "9223372036854775807e3"}) {
    EXPECT_FALSE(time_of_text(bad).has_value()) << bad;
  }
  EXPECT_FALSE(time_of_number(1e19).has_value());
  EXPECT_EQ(time_of_text("tomorrow").error().message, "time 'tomorrow' is neither seconds since 1970 nor like 2026-11-21T09:00:00Z");
}

}  // namespace
}  // namespace campanile::decoders
