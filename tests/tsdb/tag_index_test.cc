#include "tsdb/tag_index.h"

#include <gtest/gtest.h>

namespace campanile::tsdb {
namespace {

using Tags = std::vector<std::pair<std::string, std::string>>;

TEST(TagIndex, AForgottenValueGivesItsNumberToTheNext) {
  TextArena arena;
  TagIndex index;
  const Tags a{{"host", "h"}, {"job", "a"}}, b{{"host", "h"}, {"job", "b"}}, c{{"host", "h"}, {"job", "c"}};
  index.add(1, a, arena);
  index.add(2, b, arena);
  index.remove(1, a);
  EXPECT_TRUE(index.equal("job", "a").isEmpty());
  EXPECT_EQ(index.values("job", 0, 10), (std::vector<std::string_view>{"a", "b"})) << "somebody may still look at it";
  index.forget(a, arena);
  EXPECT_EQ(index.values("job", 0, 10), (std::vector<std::string_view>{"", "b"}));
  EXPECT_FALSE(index.is_used("job", 0));
  index.add(3, c, arena);
  EXPECT_EQ(index.values("job", 0, 10), (std::vector<std::string_view>{"c", "b"}));
  EXPECT_EQ(index.equal("job", "c"), Bitmap::bitmapOf(1, 3));
  EXPECT_EQ(index.equal("host", "h"), Bitmap::bitmapOf(2, 2, 3));
  EXPECT_EQ(index.present("job"), Bitmap::bitmapOf(2, 2, 3));
}

TEST(TagIndex, AValueThatCameBackIsNotForgotten) {
  TextArena arena;
  TagIndex index;
  const Tags a{{"job", "a"}};
  index.add(1, a, arena);
  index.remove(1, a);
  index.add(2, a, arena);
  index.forget(a, arena);
  EXPECT_EQ(index.equal("job", "a"), Bitmap::bitmapOf(1, 2));
  EXPECT_EQ(index.values_count("job"), 1u);
}

TEST(TagIndex, AValueIsThereUntilAllThatLeftItAreForgotten) {
  TextArena arena;
  TagIndex index;
  const Tags a{{"job", "a"}};
  index.add(1, a, arena);
  index.remove(1, a);
  index.add(2, a, arena);
  index.remove(2, a);
  index.forget(a, arena);
  EXPECT_EQ(index.values("job", 0, 1), (std::vector<std::string_view>{"a"})) << "who saw the second still may look";
  index.forget(a, arena);
  EXPECT_EQ(index.values("job", 0, 1), (std::vector<std::string_view>{""}));
}

}  // namespace
}  // namespace campanile::tsdb
