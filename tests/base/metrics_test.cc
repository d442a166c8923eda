#include "base/metrics.h"

#include <gtest/gtest.h>

namespace campanile {
namespace {

TEST(Metrics, RendersCountersAndGauges) {
  Metrics metrics;
  metrics.counter("campanile_points_stored_total", "Points stored").add(3);
  metrics.counter("campanile_points_stored_total", "Points stored").add(4);
  metrics.gauge("campanile_series", "Series", [] { return 12.0; }, {{"database", "campanile"}});
  const std::string text = metrics.render();
  EXPECT_NE(text.find("# TYPE campanile_points_stored_total counter\ncampanile_points_stored_total 7"), std::string::npos) << text;
  EXPECT_NE(text.find("campanile_series{database=\"campanile\"} 12"), std::string::npos) << text;
}

TEST(Metrics, LabelsMakeSeparateCounters) {
  Metrics metrics;
  auto& a = metrics.counter("campanile_dropped_total", "Dropped", {{"reason", "full"}});
  auto& b = metrics.counter("campanile_dropped_total", "Dropped", {{"reason", "late"}});
  a.add();
  EXPECT_EQ(b.value(), 0u);
  EXPECT_EQ(&a, &metrics.counter("campanile_dropped_total", "Dropped", {{"reason", "full"}}));
}

}  // namespace
}  // namespace campanile
