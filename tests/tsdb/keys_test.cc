#include "tsdb/keys.h"

#include <gtest/gtest.h>

namespace campanile::tsdb {
namespace {

TEST(Keys, ChunkKeysRoundTrip) {
  for (const ChunkKey& key : {ChunkKey{1, 17, 2, -5, 9}, ChunkKey{UINT32_MAX, UINT64_MAX, UINT16_MAX, INT64_MIN, UINT64_MAX}, ChunkKey{0, 0, 0, INT64_MAX, 0}}) {
    const std::string bytes = chunk_key(key);
    EXPECT_EQ(bytes.size(), kChunkKeyBytes);
    EXPECT_EQ(parse_chunk_key(bytes).value(), key);
  }
  EXPECT_FALSE(parse_chunk_key("d"));
  EXPECT_FALSE(parse_chunk_key(std::string(kChunkKeyBytes, 'x')));
}

TEST(Keys, SortAsWhatTheyName) {
  const std::vector<ChunkKey> sorted = {{1, 1, 1, INT64_MIN, 0}, {1, 1, 1, -1, 5}, {1, 1, 1, 0, 1}, {1, 1, 1, 0, 256}, {1, 1, 2, -9, 0},
                                        {1, 2, 0, -9, 0},        {1, 256, 0, 0, 0}, {2, 0, 0, 0, 0}, {256, 0, 0, 0, 0}};
  for (size_t i = 1; i < sorted.size(); ++i) EXPECT_LT(chunk_key(sorted[i - 1]), chunk_key(sorted[i])) << i;
}

TEST(Keys, ColumnRangesHoldTheirChunksOnly) {
  const std::string inside = chunk_key({3, 7, 4, INT64_MAX, UINT64_MAX});
  EXPECT_LE(column_begin(3, 7, 4), chunk_key({3, 7, 4, INT64_MIN, 0}));
  EXPECT_LT(inside, column_end(3, 7, 4));
  EXPECT_LE(column_end(3, 7, 4), chunk_key({3, 7, 5, INT64_MIN, 0}));
  EXPECT_LT(chunk_key({3, 7, UINT16_MAX, INT64_MAX, UINT64_MAX}), column_end(3, 7, UINT16_MAX));
  EXPECT_LE(column_end(3, 7, UINT16_MAX), chunk_key({3, 8, 0, INT64_MIN, 0}));
}

TEST(Keys, RowsOfABucketLieInItsRange) {
  for (const BucketRows rows : {BucketRows::kSeries, BucketRows::kStates}) {
    const std::string key = series_row_key(rows, 5, 77);
    EXPECT_LT(bucket_begin(rows, 5), key);
    EXPECT_LT(key, bucket_end(rows, 5));
    EXPECT_EQ(series_of_row(key).value(), 77u);
    EXPECT_FALSE(series_of_row(key + "x"));
  }
  const std::string columns = columns_row_key(5, "data");
  EXPECT_EQ(measurement_of_row(columns), "data");
  EXPECT_LT(columns, bucket_end(BucketRows::kColumns, 5));
}

}  // namespace
}  // namespace campanile::tsdb
