#include "tsdb/chunk.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace campanile::tsdb {
namespace {

ColumnData column_of(FieldType type, size_t count, uint64_t seed) {
  Random random(seed);
  ColumnData data(type);
  auto text = std::make_shared<std::string>("closed open unknown ");
  for (size_t i = 0; i < count; ++i) {
    data.times_ns.push_back(1'700'000'000'000'000'000 + static_cast<int64_t>(i) * 10'000'000'000);
    switch (type) {
      case FieldType::kFloat: data.floats.push_back(static_cast<double>(random.between(-2000, 2000)) / 100); break;
      case FieldType::kInteger: data.integers.push_back(random.between(-5, 1000)); break;
      case FieldType::kUnsigned: data.unsigneds.push_back(random.next()); break;
      case FieldType::kBoolean: data.booleans.push_back(random.one_in(9)); break;
      case FieldType::kString: data.strings.push_back(std::string_view(*text).substr(random.one_in(2) ? 0 : 7, 6)); break;
    }
  }
  data.texts.push_back(std::move(text));
  return data;
}

constexpr FieldType kTypes[] = {FieldType::kFloat, FieldType::kInteger, FieldType::kUnsigned, FieldType::kBoolean, FieldType::kString};

void expect_same(const ColumnData& a, const ColumnData& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(a.times_ns, b.times_ns);
  for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a.value(i), b.value(i));
}

TEST(Chunk, RoundTripsEveryType) {
  for (const FieldType type : kTypes) {
    for (const size_t count : {1u, 2u, 3u, 100u, 1024u}) {
      const ColumnData data = column_of(type, count, count);
      const ChunkKey key{1, 17, 3, data.times_ns[0], 9};
      const std::string value = encode_chunk(key, data, 0, count, Times::kEmbedded);
      const auto chunk = parse_chunk(chunk_key(key), value);
      ASSERT_TRUE(chunk) << chunk.error().message;
      EXPECT_EQ(chunk->key, key);
      EXPECT_EQ(chunk->type, type);
      const BlockStatistics expected = data.statistics(0, count);
      EXPECT_EQ(chunk->statistics.count, count);
      EXPECT_EQ(chunk->statistics.max_time_ns, expected.max_time_ns);
      if (type != FieldType::kString) {
        EXPECT_EQ(chunk->statistics.min, expected.min);
        EXPECT_EQ(chunk->statistics.max, expected.max);
        EXPECT_NEAR(chunk->statistics.sum, expected.sum, 1e-9 * std::abs(expected.sum));
        EXPECT_EQ(chunk->statistics.first, expected.first);
        EXPECT_EQ(chunk->statistics.last, expected.last);
      }
      ColumnData back;
      const auto decoded = decode_chunk(*chunk, nullptr, back);
      ASSERT_TRUE(decoded) << decoded.error().message;
      expect_same(back, data);
    }
  }
}

TEST(Chunk, SharesTimes) {
  const ColumnData data = column_of(FieldType::kFloat, 50, 1);
  const ChunkKey key{1, 17, 3, data.times_ns[0], 9};
  const ChunkKey times_key{1, 17, kTimesColumn, data.times_ns[0], 9};
  const std::string times_bytes = chunk_key(times_key);
  const std::string times_value = encode_times_chunk(times_key, data.times_ns);
  const std::string bytes = chunk_key(key);
  const std::string value = encode_chunk(key, data, 0, 50, Times::kShared);
  const auto times = parse_chunk(times_bytes, times_value);
  ASSERT_TRUE(times) << times.error().message;
  EXPECT_TRUE(times->is_times);
  const auto chunk = parse_chunk(bytes, value);
  ASSERT_TRUE(chunk);
  ColumnData back;
  ASSERT_TRUE(decode_chunk(*chunk, &*times, back));
  expect_same(back, data);
  const auto missing = decode_chunk(*chunk, nullptr, back);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kCorrupt);
}

TEST(Chunk, EveryFlippedBitIsDetectedAndTheChunkNamed) {
  for (const FieldType type : kTypes) {
    const ColumnData data = column_of(type, 40, 2);
    const ChunkKey key{1, 17, 3, data.times_ns[0], 9};
    const std::string value = encode_chunk(key, data, 0, 40, Times::kEmbedded);
    for (size_t i = 0; i < value.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string damaged = value;
        damaged[i] ^= static_cast<char>(1 << bit);
        const auto chunk = parse_chunk(chunk_key(key), damaged);
        ASSERT_FALSE(chunk) << "byte " << i << " bit " << bit;
        ASSERT_EQ(chunk.error().code, ErrorCode::kCorrupt);
        ASSERT_NE(chunk.error().message.find("series 17 column 3"), std::string::npos);
      }
    }
    for (size_t size = 0; size < value.size(); ++size) ASSERT_FALSE(parse_chunk(chunk_key(key), std::string_view(value).substr(0, size)));
  }
}

TEST(Chunk, BelongsToItsKey) {
  const ColumnData data = column_of(FieldType::kFloat, 10, 3);
  const ChunkKey key{1, 17, 3, data.times_ns[0], 9};
  const std::string value = encode_chunk(key, data, 0, 10, Times::kEmbedded);
  EXPECT_FALSE(parse_chunk(chunk_key({1, 18, 3, data.times_ns[0], 9}), value)) << "under another series' key";
}

TEST(Chunk, TenSecondReadingsWithTwoDecimalsAreSmall) {
  Random random(4);
  ColumnData data(FieldType::kFloat);
  int64_t digits = 2000;
  for (int i = 0; i < 1024; ++i) {
    digits += random.between(-10, 10);
    data.times_ns.push_back(1'700'000'000'000'000'000 + i * 10'000'000'000);
    data.floats.push_back(static_cast<double>(digits) / 100);
  }
  const std::string value = encode_chunk({1, 1, 1, data.times_ns[0], 1}, data, 0, 1024, Times::kEmbedded);
  // 4.39 bits a value is what a step out of 21 takes.
  EXPECT_LE(value.size(), 1024 * 0.555 + 64);
}

TEST(Chunk, SumsOfDecimalsAreDecimals) {
  ColumnData data(FieldType::kFloat);
  for (int i = 0; i < 1000; ++i) {
    data.times_ns.push_back(i);
    data.floats.push_back(0.1);
  }
  const ChunkKey key{1, 1, 1, 0, 1};
  EXPECT_EQ(parse_chunk(chunk_key(key), encode_chunk(key, data, 0, 1000, Times::kEmbedded))->statistics.sum, 100.0);
}

}  // namespace
}  // namespace campanile::tsdb
