#include "tsdb/predicate.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

namespace campanile::tsdb {
namespace {

using Kind = TagPredicate::Kind;

class Predicate : public testing::Test {
 protected:
  void SetUp() override {
    add(1, {{"building", "u4"}, {"room", "302"}});
    add(2, {{"building", "u4"}, {"room", "303"}});
    add(3, {{"building", "bu"}});
    add(4, {});
    add(5, {{"building", "u4"}, {"floor", "3"}});
  }
  void add(uint32_t series, std::vector<std::pair<std::string, std::string>> tags) { index.add(series, tags, arena); }
  std::vector<uint32_t> find(const TagPredicate& predicate) {
    const Bitmap found = matching_series(index, predicate, gate);
    std::vector<uint32_t> out(found.cardinality());
    found.toUint32Array(out.data());
    return out;
  }
  static TagPredicate pattern(Kind kind, std::string key, const char* text) {
    return {.kind = kind, .key = std::move(key), .pattern = std::make_shared<const re2::RE2>(text)};
  }

  TextArena arena;
  TagIndex index;
  FairSharedMutex gate;
};

using Ids = std::vector<uint32_t>;

TEST_F(Predicate, ComparesTags) {
  EXPECT_EQ(find({}), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(find({.kind = Kind::kFalse}), Ids{});
  EXPECT_EQ(find({.kind = Kind::kEqual, .key = "building", .value = "u4"}), (Ids{1, 2, 5}));
  EXPECT_EQ(find({.kind = Kind::kNotEqual, .key = "building", .value = "u4"}), (Ids{3, 4}));
  EXPECT_EQ(find({.kind = Kind::kEqual, .key = "building", .value = "none"}), Ids{});
  EXPECT_EQ(find({.kind = Kind::kEqual, .key = "nothing", .value = "x"}), Ids{});
}

TEST_F(Predicate, AnAbsentTagIsEmpty) {
  EXPECT_EQ(find({.kind = Kind::kEqual, .key = "room", .value = ""}), (Ids{3, 4, 5}));
  EXPECT_EQ(find({.kind = Kind::kNotEqual, .key = "room", .value = ""}), (Ids{1, 2}));
  EXPECT_EQ(find({.kind = Kind::kEqual, .key = "nothing", .value = ""}), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(find(pattern(Kind::kMatches, "room", "^$")), (Ids{3, 4, 5}));
  EXPECT_EQ(find(pattern(Kind::kMatches, "room", ".*")), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(find(pattern(Kind::kNotMatches, "room", ".+")), (Ids{3, 4, 5}));
}

TEST_F(Predicate, PatternsMatchAnywhere) {
  EXPECT_EQ(find(pattern(Kind::kMatches, "room", "30")), (Ids{1, 2}));
  EXPECT_EQ(find(pattern(Kind::kMatches, "room", "3$")), (Ids{2}));
  EXPECT_EQ(find(pattern(Kind::kNotMatches, "building", "^u")), (Ids{3, 4}));
}

TEST_F(Predicate, Combines) {
  const TagPredicate u4{.kind = Kind::kEqual, .key = "building", .value = "u4"};
  const TagPredicate floor{.kind = Kind::kEqual, .key = "floor", .value = "3"};
  EXPECT_EQ(find({.kind = Kind::kAnd, .children = {u4, floor}}), (Ids{5}));
  EXPECT_EQ(find({.kind = Kind::kOr, .children = {{.kind = Kind::kEqual, .key = "building", .value = "bu"}, floor}}), (Ids{3, 5}));
  EXPECT_EQ(find({.kind = Kind::kAnd}), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(find({.kind = Kind::kOr}), Ids{});
}

TEST_F(Predicate, ManyValuesComeInSlices) {
  for (uint32_t series = 100; series < 20'000; ++series) add(series, {{"serial", "s" + std::to_string(series)}});
  EXPECT_EQ(find(pattern(Kind::kMatches, "serial", "^s12345$")), (Ids{12345}));
  EXPECT_EQ(find(pattern(Kind::kMatches, "serial", ".")).size(), 19'900u);
}

TEST_F(Predicate, TagIndexLists) {
  EXPECT_EQ(index.keys(), (std::vector<std::string>{"building", "floor", "room"}));
  EXPECT_EQ(index.values_count("building"), 2u);
  EXPECT_EQ(index.values("building", 0, 10), (std::vector<std::string_view>{"u4", "bu"}));
  EXPECT_EQ(index.present("room").cardinality(), 2u);
}

}  // namespace
}  // namespace campanile::tsdb
