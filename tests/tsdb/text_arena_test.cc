#include "tsdb/text_arena.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "base/random.h"

namespace campanile::tsdb {
namespace {

TEST(TextArena, GivesAPlaceToTheNextTextOfItsLength) {
  TextArena arena;
  const std::string_view first = arena.copy("0123456789");
  const std::string_view other = arena.copy("abc");
  arena.give_back(first);
  EXPECT_NE(arena.copy("x").data(), first.data()) << "it is too short to be worth the room";
  const std::string_view again = arena.copy("abcdefghi");
  EXPECT_EQ(again.data(), first.data());
  EXPECT_EQ(again, "abcdefghi");
  EXPECT_EQ(other, "abc");
}

TEST(TextArena, TextsNeverOverlap) {
  const uint64_t seed = 11;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  TextArena arena;
  std::deque<std::pair<std::string, std::string_view>> kept;
  for (int i = 0; i < 20'000; ++i) {
    if (!kept.empty() && random.below(2) == 0) {
      EXPECT_EQ(kept.front().first, kept.front().second);
      arena.give_back(kept.front().second);
      kept.pop_front();
      continue;
    }
    std::string text(random.below(100) == 0 ? 70'000 : random.below(60), static_cast<char>('a' + random.below(26)));
    const std::string_view copied = arena.copy(text);
    kept.emplace_back(std::move(text), copied);
  }
  for (const auto& [text, copied] : kept) EXPECT_EQ(text, copied);
}

}  // namespace
}  // namespace campanile::tsdb
