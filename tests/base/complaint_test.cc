#include "base/complaint.h"

#include <gtest/gtest.h>

namespace campanile {
namespace {

TEST(Complaint, IsMadeOnceAMinuteWithACount) {
  Complaint complaint;
  EXPECT_EQ(complaint.note(-5), 1u) << "the first at once, whatever the clock says";
  EXPECT_EQ(complaint.note(0), 0u);
  EXPECT_EQ(complaint.note(Complaint::kEveryNs - 6), 0u);
  EXPECT_EQ(complaint.note(Complaint::kEveryNs), 3u);
  EXPECT_EQ(complaint.note(Complaint::kEveryNs + 1), 0u);
  EXPECT_EQ(complaint.note(10 * Complaint::kEveryNs), 2u);
  EXPECT_EQ(complaint.note(20 * Complaint::kEveryNs), 1u);
}

}  // namespace
}  // namespace campanile
