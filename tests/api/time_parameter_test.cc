#include "api/time_parameter.h"

#include <gtest/gtest.h>

namespace campanile::api {
namespace {

TEST(ParseWhen, TakesMillisecondsAndRfc3339) {
  EXPECT_EQ(parse_when("since", "1500").value(), 1'500'000'000);
  EXPECT_EQ(parse_when("since", "-1").value(), -1'000'000);
  EXPECT_EQ(parse_when("since", "1970-01-01T00:00:01.000000001Z").value(), 1'000'000'001);
  EXPECT_EQ(parse_when("since", "1970-01-01T01:00:00+01:00").value(), 0);
  EXPECT_EQ(parse_json_when("start", boost::json::value(1500)).value(), 1'500'000'000);
  EXPECT_EQ(parse_json_when("start", boost::json::value("1970-01-01T00:00:02Z")).value(), 2'000'000'000);
}

TEST(ParseWhen, NamesWhatItCannotRead) {
  for (const std::string_view text : {"", "yesterday", "12x", "99999999999999999999", "9223372036854775807", "2026-13-01T00:00:00Z"}) {
    const auto when = parse_when("parameter since", text);
    ASSERT_FALSE(when) << text;
    EXPECT_TRUE(when.error().message.starts_with("parameter since is '")) << when.error().message;
  }
  EXPECT_FALSE(parse_json_when("start", boost::json::value(true)));
  EXPECT_FALSE(parse_json_when("start", boost::json::value(1.5)));
}

}  // namespace
}  // namespace campanile::api
