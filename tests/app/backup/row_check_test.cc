#include "app/backup/row_check.h"

#include <gtest/gtest.h>

#include "audit/audit_entry.h"
#include "ingest/rejected_format.h"
#include "tsdb/chunk.h"
#include "tsdb/sealer.h"

namespace campanile::app {
namespace {

constexpr int64_t kFirstNs = 1'790'000'000'000'000'000;

tsdb::ColumnData readings() {
  tsdb::ColumnData data(FieldType::kFloat);
  for (int i = 0; i < 100; ++i) {
    data.times_ns.push_back(kFirstNs + i);
    data.floats.push_back(i * 0.25);
  }
  return data;
}

struct Row {
  std::string key;
  std::string value;
};

// Times, and a column that shares them.
std::pair<Row, Row> chunk_group(tsdb::SeriesId series) {
  const auto data = readings();
  const tsdb::ChunkKey times{1, series, tsdb::kTimesColumn, kFirstNs, 9};
  const tsdb::ChunkKey column{1, series, 3, kFirstNs, 9};
  return {{tsdb::chunk_key(times), tsdb::encode_times_chunk(times, data.times_ns)},
          {tsdb::chunk_key(column), tsdb::encode_chunk(column, data, 0, data.size(), tsdb::Times::kShared)}};
}

TEST(RowCheck, UnpacksChunksWithTheTimesTheyShare) {
  RowCheck check;
  for (const tsdb::SeriesId series : {17u, 18u}) {
    const auto [times, column] = chunk_group(series);
    EXPECT_TRUE(check(times.key, times.value));
    const auto checked = check(column.key, column.value);
    EXPECT_TRUE(checked) << checked.error().message;
  }
  const auto lost = check(chunk_group(19).second.key, chunk_group(19).second.value);
  ASSERT_FALSE(lost) << "the times of another series are not these";
  EXPECT_NE(lost.error().message.find("series 19"), std::string::npos) << lost.error().message;
}

TEST(RowCheck, UnpacksChunksThatShareNoTimes) {
  auto data = readings();
  const tsdb::ChunkKey key{1, 17, 3, kFirstNs, 9};
  RowCheck check;
  const auto regular = check(tsdb::chunk_key(key), tsdb::encode_chunk(key, data, 0, data.size(), tsdb::Times::kEmbedded));
  EXPECT_TRUE(regular) << regular.error().message;
  data.times_ns.back() += 5;
  const auto embedded = check(tsdb::chunk_key(key), tsdb::encode_chunk(key, data, 0, data.size(), tsdb::Times::kEmbedded));
  EXPECT_TRUE(embedded) << embedded.error().message;
}

TEST(RowCheck, ADamagedChunkIsNamed) {
  auto [times, column] = chunk_group(17);
  column.value[column.value.size() / 2] ^= 1;
  RowCheck check;
  ASSERT_TRUE(check(times.key, times.value));
  const auto checked = check(column.key, column.value);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(checked.error().message.find("series 17 column 3"), std::string::npos) << checked.error().message;
}

TEST(RowCheck, OtherRowsAreDecodedByTheirOwners) {
  RowCheck check;
  const std::string rejected = ingest::encode_rejected({.id = 1, .topic = "a/b", .payload = "x"});
  EXPECT_TRUE(check(ingest::rejected_key(1), rejected));
  EXPECT_FALSE(check(ingest::rejected_key(1), rejected.substr(0, 3)));
  const std::string entry = audit::encode_entry({.id = 1, .kind = "delete", .who = "campus"});
  EXPECT_TRUE(check(audit::audit_key(1), entry));
  EXPECT_FALSE(check(audit::audit_key(1), entry.substr(0, 5)));
  EXPECT_TRUE(check(audit::kAuditTotalsKey, audit::encode_totals({})));
  EXPECT_FALSE(check(audit::kAuditTotalsKey, ""));
  for (const auto key : {"Ru4/302", "Ss12345678", "St12345678a/b", "Sm1234567812345678", "Sw12345678", "rt"}) {
    const auto checked = check(key, "\xff\xff");
    ASSERT_FALSE(checked) << key;
    EXPECT_NE(checked.error().message.find("row '"), std::string::npos) << checked.error().message;
  }
  EXPECT_TRUE(check("is12345678", "whatever"));
}

TEST(RowCheck, SeesUpToWhereTheStoreHasTheJournal) {
  RowCheck check;
  EXPECT_EQ(check.checkpoint_lsn(), 0u);
  EXPECT_FALSE(check(tsdb::kMetaKey, "whatever"));
  EXPECT_TRUE(check(tsdb::kMetaKey, tsdb::encode_meta({.next_series = 3, .sequence = 5, .checkpoint_lsn = 700})));
  EXPECT_EQ(check.checkpoint_lsn(), 700u);
}

}  // namespace
}  // namespace campanile::app
