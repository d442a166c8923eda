#include "audit/audit_entry.h"

#include <gtest/gtest.h>

namespace campanile::audit {
namespace {

TEST(AuditEntry, ComesBackFromItsBytes) {
  const AuditEntry entry{.id = 300, .time_ns = -5, .state = State::kFailed, .ended_ns = 7, .kind = "delete", .who = "campus", .what = "DELETE FROM data", .why = "moved",
                         .database = "campanile", .from_ns = INT64_MIN, .to_ns = 12, .series = 3, .values = 4000, .note = "2 chunks are damaged"};
  const std::string bytes = encode_entry(entry);
  const auto back = decode_entry(bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode_entry(*back), bytes);
  EXPECT_EQ(back->id, 300u);
  EXPECT_EQ(back->time_ns, -5);
  EXPECT_EQ(back->state, State::kFailed);
  EXPECT_EQ(back->why, "moved");
  EXPECT_EQ(back->from_ns, INT64_MIN);
  EXPECT_EQ(back->to_ns, 12);
  EXPECT_EQ(back->values, 4000u);
  EXPECT_EQ(back->note, "2 chunks are damaged");
  for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode_entry(bytes.substr(0, cut))) << cut;
  EXPECT_FALSE(decode_entry(bytes + "x"));
  EXPECT_EQ(decode_entry("\x02" + bytes.substr(1)).error().code, ErrorCode::kUnsupported);
}

TEST(AuditTotals, ComeBackFromTheirBytes) {
  const std::string bytes = encode_totals({.next_id = 700, .first_id = 600, .dropped = 599});
  const auto back = decode_totals(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->next_id, 700u);
  EXPECT_EQ(back->first_id, 600u);
  EXPECT_EQ(back->dropped, 599u);
  for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode_totals(bytes.substr(0, cut))) << cut;
  EXPECT_FALSE(decode_totals(encode_totals({.next_id = 1, .first_id = 2})));
}

TEST(AuditKeys, SortAsTheirNumbersDo) {
  EXPECT_LT(audit_key(255), audit_key(256));
  EXPECT_LT(audit_key(UINT32_MAX), audit_key(uint64_t{UINT32_MAX} + 1));
  EXPECT_GE(audit_key(0), kAuditKeysBegin);
  EXPECT_LT(audit_key(UINT64_MAX), kAuditKeysEnd);
}

}  // namespace
}  // namespace campanile::audit
