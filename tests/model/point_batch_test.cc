#include "model/point_batch.h"

#include <string>

#include <gtest/gtest.h>

namespace campanile {
namespace {

TEST(PointBatch, KeepsPointsAndForgetsAbandonedOnes) {
  PointBatch batch;
  batch.begin_point("data");
  batch.add_tag("room", "302");
  batch.add_field("value", FieldValue::of_float(21.5));
  batch.set_time(5);
  batch.end_point();
  batch.begin_point("bad");
  batch.add_tag("x", "y");
  EXPECT_EQ(batch.size(), 1u) << "the open point is not there yet";
  EXPECT_EQ(batch.points().size(), 1u);
  batch.abandon_point();
  batch.begin_point("later");
  batch.add_field("n", FieldValue::of_integer(3));
  batch.end_point();

  ASSERT_EQ(batch.size(), 2u);
  const auto& first = batch.points()[0];
  EXPECT_EQ(batch.tags(first)[0], (Tag{"room", "302"}));
  EXPECT_TRUE(first.has_time);
  const auto& second = batch.points()[1];
  EXPECT_EQ(batch.tags(second).size(), 0u);
  EXPECT_EQ(batch.fields(second)[0].value, FieldValue::of_integer(3));
  EXPECT_FALSE(second.has_time);
}

TEST(PointBatch, CopiesStayValidWhileTheArenaGrows) {
  PointBatch batch;
  std::vector<std::string_view> views;
  for (int i = 0; i < 5000; ++i) views.push_back(batch.copy("value number " + std::to_string(i)));
  const auto large = batch.copy(std::string(100'000, 'x'));
  EXPECT_EQ(views[0], "value number 0");
  EXPECT_EQ(views[4999], "value number 4999");
  EXPECT_EQ(large.size(), 100'000u);
  batch.clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.copy("again"), "again");
}

}  // namespace
}  // namespace campanile
