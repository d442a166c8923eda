#include "ingest/rejected_format.h"

#include <gtest/gtest.h>

namespace campanile::ingest {
namespace {

TEST(RejectedFormat, ReadsWhatItWrote) {
  const RejectedMessage message{.id = 161,
                                .time_ns = -5,
                                .topic = "u4/302/temperature",
                                .client = "",
                                .decoder = "neocampus",
                                .reason = "value is null",
                                .payload = std::string("\0\xff{", 3),
                                .payload_bytes = 5'000'000};
  const auto read = decode_rejected(encode_rejected(message)).value();
  EXPECT_EQ(read.id, message.id);
  EXPECT_EQ(read.time_ns, message.time_ns);
  EXPECT_EQ(read.topic, message.topic);
  EXPECT_EQ(read.client, message.client);
  EXPECT_EQ(read.decoder, message.decoder);
  EXPECT_EQ(read.reason, message.reason);
  EXPECT_EQ(read.payload, message.payload);
  EXPECT_EQ(read.payload_bytes, message.payload_bytes);

  const RejectedTotals totals{.next_id = 7, .first_id = 3, .total = 9, .dropped = 2, .kept_bytes = 1234, .by_reason = {{"a", 1}, {"b", 8}}};
  const auto read_totals = decode_totals(encode_totals(totals)).value();
  EXPECT_EQ(read_totals.next_id, 7u);
  EXPECT_EQ(read_totals.first_id, 3u);
  EXPECT_EQ(read_totals.dropped, 2u);
  EXPECT_EQ(read_totals.kept_bytes, 1234u);
  EXPECT_EQ(read_totals.by_reason, totals.by_reason);
}

TEST(RejectedFormat, RefusesBytesThatWereCutOrGrewOrAreOfAnotherVersion) {
  const std::string bytes = encode_rejected({.id = 1, .topic = "t", .payload = "p"});
  for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_EQ(decode_rejected(bytes.substr(0, cut)).error().code, ErrorCode::kCorrupt) << cut;
  EXPECT_FALSE(decode_rejected(bytes + "x").has_value());
  std::string newer = bytes;
  newer[0] = 2;
  EXPECT_EQ(decode_rejected(newer).error().message, "a rejected message has format version 2, this program knows 1");
  const std::string totals = encode_totals({.by_reason = {{"a", 1}}});
  for (size_t cut = 0; cut < totals.size(); ++cut) EXPECT_FALSE(decode_totals(totals.substr(0, cut)).has_value()) << cut;
}

TEST(RejectedFormat, KeysSortById) {
  uint64_t id = 1;
  for (; id < uint64_t{1} << 62; id *= 3) {
    EXPECT_LT(rejected_key(id), rejected_key(id + 1));
    EXPECT_LT(rejected_key(id), rejected_key(id * 3));
    EXPECT_LT(rejected_key(id), kRejectedKeysEnd);
    EXPECT_GT(rejected_key(id), kRejectedKeysBegin);
  }
}

}  // namespace
}  // namespace campanile::ingest
