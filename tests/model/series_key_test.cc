#include "model/series_key.h"

#include <gtest/gtest.h>

namespace campanile {
namespace {

std::string key_of(std::string_view measurement, std::vector<Tag> tags) {
  std::string out;
  append_series_key(out, measurement, tags);
  return out;
}

TEST(SeriesKey, SortsTagsByKey) {
  EXPECT_EQ(key_of("data", {{"room", "302"}, {"building", "u4"}}), "data,building=u4,room=302");
  EXPECT_EQ(key_of("data", {{"building", "u4"}, {"room", "302"}}), "data,building=u4,room=302");
}

TEST(SeriesKey, LeavesOutTagsWithoutValue) { EXPECT_EQ(key_of("data", {{"room", ""}}), "data"); }

TEST(SeriesKey, EscapesWhatSeparates) {
  EXPECT_EQ(key_of("a b,c=d", {{"k=1", "x, y"}}), "a\\ b\\,c=d,k\\=1=x\\,\\ y");
}

TEST(SeriesKey, ParsesWhatItWrites) {
  const SeriesName name{"a b,c=d", {{"k=1", "x, y"}, {"l", "back\\slash"}}};
  const auto parsed = parse_series_key(series_key(name));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, name);
  EXPECT_EQ(parsed->tag("k=1"), "x, y");
  EXPECT_EQ(parsed->tag("none"), "");
}

TEST(SeriesKey, RefusesWhatIsNoKey) {
  EXPECT_FALSE(parse_series_key("data,room"));
  EXPECT_FALSE(parse_series_key("data,room=1,building=u4"));
}

}  // namespace
}  // namespace campanile
