#include "base/text.h"

#include <array>

#include <gtest/gtest.h>

namespace campanile {
namespace {

TEST(ParseDouble, TakesWholeNumbersAndFractions) {
  EXPECT_DOUBLE_EQ(*parse_double("21.375"), 21.375);
  EXPECT_DOUBLE_EQ(*parse_double("-4e3"), -4000);
}

TEST(ParseDouble, NamesWhatItGot) {
  const auto result = parse_double("12abc");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "'12abc' is not a number");
}

TEST(ParseInt64, RefusesWhatDoesNotFit) {
  EXPECT_EQ(*parse_int64("-9223372036854775808"), INT64_MIN);
  EXPECT_FALSE(parse_int64("9223372036854775808"));
  EXPECT_FALSE(parse_int64(""));
}

TEST(IsValidUtf8, FollowsRfc3629) {
  EXPECT_TRUE(is_valid_utf8("µg/m3"));
  EXPECT_FALSE(is_valid_utf8("\xc0\xaf"));          // overlong
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  EXPECT_FALSE(is_valid_utf8("\xe2\x82"));          // cut short
}

TEST(ClosestMatch, FindsTheTypo) {
  const std::array<std::string_view, 3> keys = {"listen", "body_max_bytes", "tokens"};
  EXPECT_EQ(closest_match("lisen", keys), "listen");
  EXPECT_EQ(closest_match("zzzzzzzz", keys), std::nullopt);
}

TEST(Excerpt, EscapesControlBytesAndCuts) {
  EXPECT_EQ(excerpt("a\nb"), "a\\x0ab");
  EXPECT_EQ(excerpt("abcdef", 3), "abc…");
}

TEST(Base64, RoundTripsEveryLength) {
  for (const std::string_view bytes : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    EXPECT_EQ(*base64_decode(base64_encode(bytes)), bytes);
  }
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");  // RFC 4648 section 10
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
}

TEST(Base64, RefusesStrayCharactersAndLengths) {
  EXPECT_FALSE(base64_decode("Zm8"));
  EXPECT_FALSE(base64_decode("Zm8!"));
  EXPECT_FALSE(base64_decode("Z=8="));
}

}  // namespace
}  // namespace campanile
