#include "tsdb/bucket.h"

#include <gtest/gtest.h>

#include "tsdb/heads.h"
#include "tsdb/sealer.h"

namespace campanile::tsdb {
namespace {

TEST(ChunksState, RoundTripsThroughItsRow) {
  const ChunksState state{.columns = UINT64_MAX,
                          .overlaps = true,
                          .span_max_ns = UINT64_MAX,
                          .max_time_ns = INT64_MAX,
                          .max_time_before_tail_ns = INT64_MIN,
                          .tail_min_time_ns = -5,
                          .tail_rows = 1024,
                          .sequence = 7,
                          .sealed_lsn = 1ull << 60};
  const std::string row = encode_chunks_state(state);
  const auto back = decode_chunks_state(row);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode_chunks_state(*back), row);
  EXPECT_EQ(back->max_time_before_tail_ns, INT64_MIN);
  EXPECT_EQ(back->sealed_lsn, state.sealed_lsn);
  for (size_t size = 0; size < row.size(); ++size) EXPECT_FALSE(decode_chunks_state(row.substr(0, size)));
  EXPECT_EQ(decode_chunks_state("\x09").error().code, ErrorCode::kUnsupported);
}

TEST(ChunksState, ColumnsAboveSixtyThreeShareABit) {
  EXPECT_EQ(ChunksState::column_bit(1), 1u);
  EXPECT_EQ(ChunksState::column_bit(63), 1ull << 62);
  EXPECT_EQ(ChunksState::column_bit(64), 1ull << 63);
  EXPECT_EQ(ChunksState::column_bit(65535), 1ull << 63);
}

TEST(Meta, RoundTripsThroughItsRow) {
  const std::string row = encode_meta({.next_series = 12, .sequence = 99, .checkpoint_lsn = 5});
  const auto back = decode_meta(row);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->next_series, 12u);
  EXPECT_EQ(back->sequence, 99u);
  EXPECT_EQ(back->checkpoint_lsn, 5u);
  EXPECT_FALSE(decode_meta(row + "x"));
}

TEST(Postings, GrowFromTwoPlacesToABitmap) {
  Postings postings;
  Bitmap expected;
  for (const uint32_t series : {7u, 3u, 100'000u, 5u}) {
    postings.add(series);
    expected.add(series);
    Bitmap found;
    postings.add_to(found);
    EXPECT_EQ(found, expected);
  }
}

TEST(Heads, FreezeAtTheLimitAndCountWhatTheyTake) {
  Bucket bucket(1, 0);
  SeriesEntry& entry = bucket.add_series(1, "data", {.measurement = "data", .tags = {}});
  Heads heads(3);
  Heads::Change change;
  const Slot slot{1, FieldValue::of_float(1)};
  EXPECT_FALSE(heads.append(entry, 1, 10, std::span(&slot, 1), change));
  EXPECT_FALSE(heads.append(entry, 2, 10, std::span(&slot, 1), change));
  EXPECT_FALSE(heads.append(entry, 2, 10, std::span(&slot, 1), change)) << "replaces, is no row";
  EXPECT_TRUE(heads.append(entry, 3, 10, std::span(&slot, 1), change));
  EXPECT_EQ(entry.frozen->size(), 1u);
  EXPECT_EQ(entry.head, nullptr);
  for (int i = 4; i <= 6; ++i) EXPECT_FALSE(heads.append(entry, i, 10, std::span(&slot, 1), change)) << "queued already";
  heads.append(entry, 7, 10, std::span(&slot, 1), change);
  heads.count(change);
  EXPECT_EQ(heads.rows(), 7u);
  EXPECT_EQ(heads.columns(), 1u);
  EXPECT_GT(heads.bytes(), 0u);
  heads.retire(entry, 1);
  EXPECT_EQ(heads.rows(), 4u);
  heads.clear(entry);
  EXPECT_EQ(heads.rows(), 0u);
  EXPECT_EQ(heads.bytes(), 0u);
  EXPECT_EQ(entry.frozen, nullptr);
}

TEST(Bucket, FindsSeriesAndColumnsByName) {
  Bucket bucket(1, 0);
  SeriesEntry& entry = bucket.add_series(4, "data,room=302", {.measurement = "data", .tags = {{"room", "302"}}});
  EXPECT_EQ(bucket.find("data,room=302"), &entry);
  EXPECT_EQ(bucket.find("data"), nullptr);
  Measurement& measurement = *entry.measurement;
  EXPECT_EQ(bucket.find_measurement("data"), &measurement);
  EXPECT_EQ(bucket.add_column(measurement, "value", FieldType::kFloat), 1u);
  EXPECT_EQ(bucket.add_column(measurement, "count", FieldType::kInteger), 2u);
  EXPECT_EQ(measurement.find("count"), 2u);
  EXPECT_EQ(measurement.find("none"), std::nullopt);
  EXPECT_EQ(measurement.column(1).name, "value");
  EXPECT_FALSE(measurement.tags.equal("room", "302").isEmpty());
}

}  // namespace
}  // namespace campanile::tsdb
