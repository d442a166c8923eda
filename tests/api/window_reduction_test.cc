#include "api/window_reduction.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace campanile::api {
namespace {

// Blocks of floats one second apart; counts how many were decoded.
class FakeCursor final : public tsdb::ColumnCursor {
 public:
  explicit FakeCursor(std::vector<std::pair<int64_t, std::vector<double>>> blocks) : blocks_(std::move(blocks)) {}

  Result<bool> next() override {
    if (at_ == blocks_.size()) return false;
    const auto& [start_s, floats] = blocks_[at_++];
    times_.clear();
    statistics_ = {.count = floats.size(), .min = floats[0], .max = floats[0], .sum = 0};
    for (size_t i = 0; i < floats.size(); ++i) {
      times_.push_back((start_s + static_cast<int64_t>(i)) * kNanosPerSecond);
      statistics_.min = std::min(statistics_.min, floats[i]);
      statistics_.max = std::max(statistics_.max, floats[i]);
      statistics_.sum += floats[i];
    }
    statistics_.min_time_ns = times_.front();
    statistics_.max_time_ns = times_.back();
    statistics_.first = FieldValue::of_float(floats.front());
    statistics_.last = FieldValue::of_float(floats.back());
    return true;
  }
  const tsdb::BlockStatistics& statistics() const override { return statistics_; }
  Result<tsdb::ColumnValues> values() override {
    ++decoded;
    return tsdb::ColumnValues{.type = FieldType::kFloat, .times_ns = times_, .floats = blocks_[at_ - 1].second};
  }

  int decoded = 0;

 private:
  std::vector<std::pair<int64_t, std::vector<double>>> blocks_;
  size_t at_ = 0;
  std::vector<int64_t> times_;
  tsdb::BlockStatistics statistics_;
};

TEST(WindowReduction, TakesWholeBlocksFromTheirHeaders) {
  // 1000 s in at most 100 windows: 15 s is the first length that reads well and is long enough.
  WindowReduction reduction({0, 1000 * kNanosPerSecond}, 100);
  EXPECT_EQ(reduction.window_ns(), 15 * kNanosPerSecond);
  FakeCursor cursor({{0, {1, 2, 3}}, {14, {4, 5}}, {30, {9}}});
  ASSERT_TRUE(reduction.add(cursor));
  EXPECT_EQ(cursor.decoded, 1);  // only the one that lies across two windows
  ASSERT_EQ(reduction.windows().size(), 3u);
  EXPECT_EQ(reduction.windows()[0].count, 4u);
  EXPECT_DOUBLE_EQ(reduction.windows()[0].sum, 10);
  EXPECT_DOUBLE_EQ(reduction.windows()[0].max, 4);
  EXPECT_EQ(reduction.windows()[1].start_ns, 15 * kNanosPerSecond);
  EXPECT_DOUBLE_EQ(reduction.windows()[1].min, 5);
  EXPECT_EQ(reduction.windows()[2].start_ns, 30 * kNanosPerSecond);
}

TEST(WindowReduction, TheWholeOfTimeFits) {
  const WindowReduction reduction({INT64_MIN, INT64_MAX}, 1000);
  EXPECT_GT(reduction.window_ns(), 0);
}

TEST(WindowReduction, TimesBefore1970FallIntoTheirWindow) {
  WindowReduction reduction({-100 * kNanosPerSecond, 0}, 10);
  FakeCursor cursor({{-1, {7}}});
  ASSERT_TRUE(reduction.add(cursor));
  EXPECT_LT(reduction.windows()[0].start_ns, 0);
}

}  // namespace
}  // namespace campanile::api
