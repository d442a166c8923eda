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
  EXPECT_LE(value.size(), 1024 * 0.5501 + 40);
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

// A walk of ten-second readings, and otherwise what column_of() makes.
ColumnData column_of_version_1(FieldType type, size_t count) {
  ColumnData data = column_of(type, count, 7);
  Random random(7);
  int64_t digits = 2000;
  for (double& value : data.floats) value = static_cast<double>(digits += random.between(-10, 10)) / 100;
  return data;
}

// What the first version of the format wrote, byte for byte.
TEST(Chunk, ReadsVersion1) {
  struct Written {
    FieldType type;
    size_t count;
    std::string_view hex;
  };
  const Written chunks[] = {
     {FieldType::kFloat, 70,
      "01014680e8d1b98a1402a81f02bc20018a0302c4200296a3110f018080d0e2c6bfce972f80c8afa02501020002a81f031315ea22e27662203a55d199c6587509eaa1645910aa"
      "e34e81b515a65a74f6571872cd82eaea1c7801c2b708a0"},
     {FieldType::kInteger, 12,
      "01020c80988be49903f60ab60b007000be0f00d0670f018080d0e2c6bfce972f80c8afa0250101700a00836ef370e7a7c70c000b596d31dea867c894f6"},
     {FieldType::kUnsigned, 12,
      "01030c80988be49903daece5f7f4debeacb301d8bfca8f89e7c3adbb01ffb1d82b85e51aaf43ff80ca8f9d20b5ef43ffa294ea0868a11a440f018080d0e2c6bfce972f80c8af"
      "a0250102ffb6fc979ce3e3d6094000cbf70d9ff77aa08f24758f61460a669853f1a71253ca6e480000000000000000b021a7bff298ff04edcbbdd01e37763728ccd7ee9e74c8"
      "2838dfdd6bb02a263fc0259058472e60d8461e1bc6596668575121c290a04e24e1cfa41b1975529c7f192ce1f5"},
     {FieldType::kBoolean, 12,
      "01040c80988be4990300000000000200040f018080d0e2c6bfce972f80c8afa02501c0008245fc91"},
     {FieldType::kString, 12,
      "01050c80988be499030f018080d0e2c6bfce972f80c8afa0250215150201000100c203000c6f70656e2075636c6f736564db44a44d"}};
  for (const auto& [type, count, hex] : chunks) {
    const ColumnData expected = column_of_version_1(type, count);
    const ChunkKey key{1, 17, 3, expected.times_ns[0], 9};
    const std::string value = from_hex(hex);
    const auto chunk = parse_chunk(chunk_key(key), value);
    ASSERT_TRUE(chunk) << chunk.error().message;
    EXPECT_EQ(chunk->statistics.count, count);
    EXPECT_EQ(chunk->statistics.max_time_ns, expected.times_ns.back());
    ColumnData back;
    const auto decoded = decode_chunk(*chunk, nullptr, back);
    ASSERT_TRUE(decoded) << decoded.error().message;
    expect_same(back, expected);
  }
}

TEST(Chunk, ReadsSharedTimesOfVersion1) {
  const ColumnData expected = column_of_version_1(FieldType::kFloat, 12);
  const ChunkKey key{1, 17, 3, expected.times_ns[0], 9};
  const ChunkKey times_key{1, 17, kTimesColumn, expected.times_ns[0], 9};
  const std::string value = from_hex("01090c80988be4990302a81f02bc1f029e1f02e41f02daf90201020001039e1f24b5c4a094e784eb1b181a5b37");
  const std::string times_value = from_hex("01000c80988be499030f018080d0e2c6bfce972f80c8afa025cb14813a");
  const std::string bytes = chunk_key(key);
  const std::string times_bytes = chunk_key(times_key);
  const auto chunk = parse_chunk(bytes, value);
  const auto times = parse_chunk(times_bytes, times_value);
  ASSERT_TRUE(chunk && times);
  ColumnData back;
  ASSERT_TRUE(decode_chunk(*chunk, &*times, back));
  expect_same(back, expected);
}

TEST(Chunk, RegularTimesTakeNoRoomOfTheirOwn) {
  ColumnData data = column_of(FieldType::kBoolean, 1000, 5);
  const ChunkKey key{1, 1, 1, data.times_ns[0], 1};
  const std::string regular = encode_chunk(key, data, 0, 1000, Times::kEmbedded);
  EXPECT_EQ(parse_chunk(chunk_key(key), regular)->times, Times::kRegular);
  data.times_ns[500] += 1;
  const std::string irregular = encode_chunk(key, data, 0, 1000, Times::kEmbedded);
  const std::string bytes = chunk_key(key);
  const auto chunk = parse_chunk(bytes, irregular);
  EXPECT_EQ(chunk->times, Times::kEmbedded);
  EXPECT_GT(irregular.size(), regular.size() + 20);
  ColumnData back;
  ASSERT_TRUE(decode_chunk(*chunk, nullptr, back));
  expect_same(back, data);
}

TEST(Chunk, RegularTimesReachFromEndToEnd) {
  ColumnData data(FieldType::kBoolean);
  for (int64_t i = -8; i <= 7; ++i) {
    data.times_ns.push_back(i * ((int64_t{1} << 60) - 1));
    data.booleans.push_back(i % 2 != 0);
  }
  const ChunkKey key{1, 1, 1, data.times_ns[0], 1};
  const std::string bytes = chunk_key(key);
  const std::string value = encode_chunk(key, data, 0, data.size(), Times::kEmbedded);
  const auto chunk = parse_chunk(bytes, value);
  ASSERT_TRUE(chunk) << chunk.error().message;
  EXPECT_EQ(chunk->times, Times::kRegular);
  ColumnData back;
  ASSERT_TRUE(decode_chunk(*chunk, nullptr, back));
  expect_same(back, data);
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
