#include "tsdb/engine.h"

#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "engine_harness.h"
#include "base/random.h"
#include "codec/checksum.h"
#include "codec/varint.h"
#include "tsdb/chunk.h"

namespace campanile::tsdb {
namespace {

SeriesId only_series(const Reader& reader, std::string_view measurement) {
  const auto series = reader.series(measurement, {}).value();
  EXPECT_EQ(series.size(), 1u);
  return series.empty() ? 0 : series[0].id;
}

TEST(Engine, StoresAndReadsEveryType) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  Points points;
  points.add("data", {{"room", "302"}},
             {{"f", FieldValue::of_float(21.5)},
              {"i", FieldValue::of_integer(-3)},
              {"u", FieldValue::of_unsigned(UINT64_MAX)},
              {"b", FieldValue::of_boolean(true)},
              {"s", FieldValue::of_string("open")}},
             5);
  points.add("data", {{"room", "302"}}, {{"f", FieldValue::of_float(22)}});
  const WriteOutcome outcome = h.write(bucket, points.batch);
  EXPECT_EQ(outcome.points_stored, 2u);
  EXPECT_TRUE(outcome.errors.empty());
  EXPECT_EQ(outcome.lsn, h.journal.end());
  for (const bool sealed : {false, true}) {
    ASSERT_TRUE(!sealed || h.engine->seal_all());
    const auto reader = h.reader(bucket);
    const SeriesId id = only_series(*reader, "data");
    EXPECT_EQ(read_column(*reader, id, "f"), (OwnedColumn{{5, 21.5}, {kNow, 22.0}}));
    EXPECT_EQ(read_column(*reader, id, "i"), (OwnedColumn{{5, int64_t{-3}}}));
    EXPECT_EQ(read_column(*reader, id, "u"), (OwnedColumn{{5, uint64_t{UINT64_MAX}}}));
    EXPECT_EQ(read_column(*reader, id, "b"), (OwnedColumn{{5, true}}));
    EXPECT_EQ(read_column(*reader, id, "s"), (OwnedColumn{{5, std::string("open")}}));
    EXPECT_EQ(reader->last(id, "f").value()->time_ns, kNow);
    EXPECT_EQ(reader->last(id, "s").value()->text, "open");
    EXPECT_FALSE(reader->last(id, "none").value());
    EXPECT_TRUE(reader->has_field(id, "b"));
    EXPECT_FALSE(reader->has_field(id, "none"));
    EXPECT_FALSE(reader->has_field(id + 1, "b"));
    EXPECT_TRUE(read_column(*reader, id, "none").empty());
  }
  EXPECT_EQ(h.engine->status().head_points, 0u);
  EXPECT_EQ(h.engine->status().head_bytes, 0u);
  EXPECT_EQ(h.engine->status().columns, 5u);
  EXPECT_EQ(h.engine->status().points_written, 2u);
}

TEST(Engine, ListsWhatItHas) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  Points points;
  points.add("data", {{"room", "303"}, {"building", "u4"}}, {{"value", FieldValue::of_float(1)}});
  points.add("data", {{"building", "u4"}, {"room", "302"}}, {{"value", FieldValue::of_float(1)}, {"count", FieldValue::of_integer(1)}});
  points.add("air", {}, {{"co2", FieldValue::of_integer(400)}});
  h.write(bucket, points.batch);
  for (const bool reopened : {false, true}) {
    if (reopened) {
      h.checkpoint();
      EXPECT_TRUE(h.journal.records().empty());
      h.crash();
    }
    const auto reader = h.reader(bucket);
    EXPECT_EQ(reader->measurements(), (std::vector<std::string>{"air", "data"}));
    EXPECT_EQ(reader->tag_keys("data"), (std::vector<std::string>{"building", "room"}));
    EXPECT_EQ(reader->tag_values("data", "room"), (std::vector<std::string>{"302", "303"}));
    EXPECT_TRUE(reader->tag_values("none", "room").empty());
    const auto fields = reader->fields("data");
    ASSERT_EQ(fields.size(), 2u);
    EXPECT_EQ(fields[0].name, "count");
    EXPECT_EQ(fields[0].type, FieldType::kInteger);
    const auto series = reader->series("data", {}).value();
    ASSERT_EQ(series.size(), 2u);
    EXPECT_EQ(series[0].name->tag("room"), "302");
    EXPECT_EQ(series[1].name->tag("room"), "303");
    EXPECT_EQ(series[1].name->measurement, "data");
    EXPECT_TRUE(reader->has_field(series[0].id, "count"));
    EXPECT_FALSE(reader->has_field(series[1].id, "count"));
    EXPECT_EQ(h.engine->status().series, 3u);
  }
}

TEST(Engine, RefusesWhatCannotBeStoredAndKeepsTheRest) {
  EngineHarness h({.series_max = 2});
  const BucketId bucket = h.bucket();
  Points points;
  const std::string large(70'000, 'x');
  points.add("data", {}, {{"value", FieldValue::of_string("text")}}, 1);
  points.add("data", {}, {{"value", FieldValue::of_float(1)}}, 2);                                        // 1: conflict within the batch
  points.add("data", {}, {{"x", FieldValue::of_float(std::numeric_limits<double>::quiet_NaN())}}, 3);     // 2
  points.add("data", {}, {{"x", FieldValue::of_float(-std::numeric_limits<double>::infinity())}}, 3);     // 3
  points.add("data", {}, {}, 4);                                                                          // 4: no field
  points.add("data", {}, {{"x", FieldValue::of_float(1)}}, INT64_MIN + 1);                                // 5: time
  points.add("data", {}, {{"x", FieldValue::of_float(1)}}, INT64_MAX);                                    // 6
  points.add("data", {}, {{"large", FieldValue::of_string(large)}}, 5);                                   // 7
  points.add("data", {{"n", "2"}}, {{"x", FieldValue::of_float(1)}}, kTimeMax);
  points.add("data", {{"n", "3"}}, {{"x", FieldValue::of_float(1)}}, 6);                                  // 9: one series too many
  points.add("data", {}, {{"x", FieldValue::of_float(1)}}, kTimeMin);
  points.add("data", {}, {{"both", FieldValue::of_float(1)}, {"both", FieldValue::of_integer(1)}}, 7);    // 11: conflict within the point
  points.add("", {}, {{"x", FieldValue::of_float(1)}}, 8);                                                // 12
  const WriteOutcome outcome = h.write(bucket, points.batch);
  EXPECT_EQ(outcome.points_stored, 3u);
  std::vector<size_t> refused;
  for (const PointError& error : outcome.errors) refused.push_back(error.point);
  EXPECT_EQ(refused, (std::vector<size_t>{1, 2, 3, 4, 5, 6, 7, 9, 11, 12}));
  EXPECT_EQ(outcome.errors[0].error.code, ErrorCode::kTypeConflict);
  EXPECT_EQ(outcome.errors[0].error.message,
            "field type conflict: input field \"value\" on measurement \"data\" is type float, already exists as type string");
  EXPECT_EQ(outcome.errors[1].error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(outcome.errors[6].error.code, ErrorCode::kTooLarge);
  EXPECT_EQ(outcome.errors[7].error.code, ErrorCode::kTooLarge);
  const auto reader = h.reader(bucket);
  EXPECT_EQ(reader->series("data", {}).value().size(), 2u);
  EXPECT_FALSE(reader->has_field(1, "both"));

  // The same conflict when the column is known from before.
  Points again;
  again.add("data", {}, {{"value", FieldValue::of_boolean(true)}});
  EXPECT_EQ(h.write(bucket, again.batch).errors.at(0).error.message,
            "field type conflict: input field \"value\" on measurement \"data\" is type boolean, already exists as type string");
}

TEST(Engine, TheSeriesKeyOfTheDecoderIsUsed) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  PointBatch batch;
  for (int i = 0; i < 2; ++i) {
    batch.begin_point("data");
    batch.add_tag("room", "302");
    batch.add_field("value", FieldValue::of_float(i));
    batch.set_time(i);
    if (i == 1) batch.set_series_key("data,room=302");
    batch.end_point();
  }
  batch.begin_point("data");
  batch.add_field("value", FieldValue::of_float(1));
  batch.set_series_key("other,room=1");
  batch.end_point();
  const WriteOutcome outcome = h.write(bucket, batch);
  EXPECT_EQ(outcome.points_stored, 2u);
  ASSERT_EQ(outcome.errors.size(), 1u);
  EXPECT_EQ(outcome.errors[0].error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(h.reader(bucket)->series("data", {}).value().size(), 1u);
}

TEST(Engine, LastWriteWinsAcrossHeadChunksAndRestarts) {
  EngineHarness h({.chunk_points_max = 4});
  const BucketId bucket = h.bucket();
  const auto put = [&](int64_t time_ns, double value) {
    Points points;
    points.add("data", {}, {{"value", FieldValue::of_float(value)}}, time_ns);
    h.write(bucket, points.batch);
  };
  for (int i = 0; i < 10; ++i) put(i, i);
  ASSERT_TRUE(h.engine->seal_all());
  put(3, 33);
  put(20, 20);
  ASSERT_TRUE(h.engine->seal_all());
  put(3, 333);
  put(5, 55);
  OwnedColumn expected;
  for (int i = 0; i < 10; ++i) expected[i] = static_cast<double>(i);
  expected[3] = 333.0;
  expected[5] = 55.0;
  expected[20] = 20.0;
  for (int round = 0; round < 3; ++round) {
    const auto reader = h.reader(bucket);
    const SeriesId id = only_series(*reader, "data");
    for (const Order order : {Order::kAscending, Order::kDescending}) EXPECT_EQ(read_column(*reader, id, "value", {}, order), expected);
    const OwnedColumn part(expected.lower_bound(3), expected.upper_bound(6));
    EXPECT_EQ(read_column(*reader, id, "value", {3, 6}), part);
    EXPECT_EQ(read_column(*reader, id, "value", {3, 6}, Order::kDescending), part);
    EXPECT_EQ(reader->last(id, "value").value()->time_ns, 20);
    if (round == 0) h.crash();
    if (round == 1) h.checkpoint();
  }
}

TEST(Engine, WholeChunksAreAnsweredWithoutDecoding) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  Points points;
  for (int i = 0; i < 1024; ++i) points.add("data", {}, {{"value", FieldValue::of_float(i)}}, i * kSecond);
  h.write(bucket, points.batch);
  ASSERT_TRUE(h.engine->seal_all());
  // The values of the chunk are damaged under a checksum that is right: only a reader that decodes them can notice.
  const auto rows = h.store->iterate(bucket_begin(BucketRows::kChunks, bucket), bucket_end(BucketRows::kChunks, bucket));
  ASSERT_TRUE(rows->valid());
  const std::string key(rows->key());
  std::string value(rows->value());
  const auto chunk = parse_chunk(key, value);
  ASSERT_TRUE(chunk);
  value[static_cast<size_t>(chunk->values_block.data() - value.data())] = 0x7f;
  value.resize(value.size() - 4);
  codec::append_fixed(value, codec::checksum32(value, codec::checksum64(key)));
  kv::WriteBatch batch;
  batch.put(key, value);
  ASSERT_TRUE(h.store->write(batch, kv::Durability::kBuffered));

  const auto reader = h.reader(bucket);
  const auto cursor = reader->column(1, "value", {}, Order::kAscending).value();
  ASSERT_TRUE(cursor->next().value());
  EXPECT_EQ(cursor->statistics().count, 1024u);
  EXPECT_EQ(cursor->statistics().sum, 1023 * 512);
  EXPECT_EQ(cursor->statistics().last, FieldValue::of_float(1023));
  const auto values = cursor->values();
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().code, ErrorCode::kCorrupt);
  const auto cut = reader->column(1, "value", {5 * kSecond, 6 * kSecond}, Order::kAscending).value();
  EXPECT_FALSE(cut->next()) << "a part of the chunk needs decoding";
  EXPECT_EQ(reader->last(1, "value").value()->value, FieldValue::of_float(1023));
}

TEST(Engine, ADamagedChunkIsNamedAndTheOthersStayReadable) {
  EngineHarness h({.chunk_points_max = 5});
  const BucketId bucket = h.bucket();
  Points points;
  for (int i = 0; i < 60; ++i) points.add("data", {}, {{"value", FieldValue::of_float(i)}}, i);
  h.write(bucket, points.batch);
  ASSERT_TRUE(h.engine->seal_all());
  const auto rows = h.store->iterate(bucket_begin(BucketRows::kChunks, bucket), bucket_end(BucketRows::kChunks, bucket));
  rows->seek(chunk_key({bucket, 1, 1, 20, 0}));
  ASSERT_TRUE(rows->valid());
  std::string value(rows->value());
  value[value.size() / 2] ^= 1;
  kv::WriteBatch batch;
  batch.put(rows->key(), value);
  ASSERT_TRUE(h.store->write(batch, kv::Durability::kBuffered));
  const auto reader = h.reader(bucket);
  const auto cursor = reader->column(1, "value", {}, Order::kAscending).value();
  Result<bool> more = true;
  while (more && *more) more = cursor->next();
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(more.error().message.find("series 1 column 1 from 20"), std::string::npos) << more.error().message;
  EXPECT_EQ(read_column(*reader, 1, "value", {40, 80}).size(), 20u);
  EXPECT_EQ(reader->last(1, "value").value()->time_ns, 59);
}

TEST(Engine, SmallChunkGroupsAreMergedIntoTheirSuccessors) {
  EngineHarness h({.chunk_points_max = 1000});
  const BucketId bucket = h.bucket();
  OwnedColumn expected;
  for (int i = 0; i < 200; ++i) {
    Points points;
    points.add("data", {}, {{"value", FieldValue::of_float(i)}, {"state", FieldValue::of_boolean(i % 2 == 0)}}, i * kSecond);
    h.write(bucket, points.batch);
    expected[i * kSecond] = static_cast<double>(i);
    ASSERT_TRUE(i % 10 != 9 || h.engine->seal_all());
  }
  size_t chunks = 0;
  const auto rows = h.store->iterate(bucket_begin(BucketRows::kChunks, bucket), bucket_end(BucketRows::kChunks, bucket));
  for (; rows->valid(); rows->next()) ++chunks;
  EXPECT_LE(chunks, 2u * 6) << "20 groups of two columns without merging";
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value"), expected);
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "state").size(), 200u);
}

size_t count_chunks(const EngineHarness& h, BucketId bucket) {
  size_t chunks = 0;
  const auto rows = h.store->iterate(bucket_begin(BucketRows::kChunks, bucket), bucket_end(BucketRows::kChunks, bucket));
  for (; rows->valid(); rows->next()) ++chunks;
  return chunks;
}

TEST(Engine, ChunksAreMergedUpToFourTimesAFullHead) {
  EngineHarness h({.chunk_points_max = 10});
  const BucketId bucket = h.bucket();
  OwnedColumn expected;
  for (int i = 0; i < 400; ++i) {
    Points points;
    points.add("data", {}, {{"value", FieldValue::of_float(i)}, {"state", FieldValue::of_boolean(i % 3 == 0)}}, i * kSecond);
    h.write(bucket, points.batch);
    expected[i * kSecond] = static_cast<double>(i);
    ASSERT_TRUE(i % 10 != 9 || h.engine->seal_all());
  }
  EXPECT_EQ(count_chunks(h, bucket), 2u * 10);
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value"), expected);
  h.checkpoint();
  h.crash();
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value"), expected);
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value", {}, Order::kDescending), expected);
}

TEST(Engine, SmallChunksAreMergedOnRequest) {
  EngineHarness h({.chunk_points_max = 100});
  const BucketId bucket = h.bucket();
  OwnedColumn expected;
  for (int i = 0; i < 170; ++i) {
    Points points;
    points.add("data", {}, {{"value", FieldValue::of_float(i)}}, i * kSecond);
    // A column that comes seldom goes with the others.
    if (i % 40 == 0) points.add("data", {}, {{"seldom", FieldValue::of_integer(i)}}, i * kSecond);
    h.write(bucket, points.batch);
    expected[i * kSecond] = static_cast<double>(i);
    ASSERT_TRUE(i % 50 != 49 || h.engine->seal_all());
  }
  ASSERT_TRUE(h.engine->seal_all());
  ASSERT_GT(count_chunks(h, bucket), 2u);
  const auto before = h.reader(bucket);
  EXPECT_EQ(h.engine->merge_small_chunks().value(), 1u);
  EXPECT_EQ(count_chunks(h, bucket), 2u);
  EXPECT_EQ(h.engine->merge_small_chunks().value(), 0u) << "there is nothing left to merge";
  EXPECT_EQ(read_column(*before, 1, "value"), expected) << "a reader of before goes on";
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value"), expected);
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "seldom").size(), 5u);
  // What comes after, late points included, is put where it belongs.
  Points late;
  late.add("data", {}, {{"value", FieldValue::of_float(-1)}}, 5 * kSecond + 1);
  late.add("data", {}, {{"value", FieldValue::of_float(-2)}}, 6 * kSecond);
  h.write(bucket, late.batch);
  expected[5 * kSecond + 1] = -1.0;
  expected[6 * kSecond] = -2.0;
  ASSERT_TRUE(h.engine->seal_all());
  EXPECT_EQ(h.engine->merge_small_chunks().value(), 0u) << "chunks that overlap are left as they are";
  h.crash();
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value"), expected);
}

TEST(Engine, MergedChunksDoNotOutliveTheRetentionByMuch) {
  EngineHarness h({.chunk_points_max = 100});
  const int64_t day = 86'400 * kSecond;
  ASSERT_TRUE(h.engine->create_database("campus"));
  ASSERT_TRUE(h.engine->create_retention_policy("campus", {.name = "day", .duration_ns = day, .is_default = true}));
  const BucketId bucket = h.engine->bucket("campus", "").value();
  for (int hour = 0; hour < 24; ++hour) {
    Points points;
    points.add("data", {}, {{"value", FieldValue::of_float(hour)}}, kNow - day + hour * day / 24);
    h.write(bucket, points.batch);
    ASSERT_TRUE(h.engine->seal_all());
  }
  ASSERT_TRUE(h.engine->merge_small_chunks());
  EXPECT_GE(count_chunks(h, bucket), 6u) << "at most an eighth of the retention in a chunk";
  EXPECT_LT(count_chunks(h, bucket), 24u);
}

TEST(Engine, IrregularTimesOfManyColumnsAreStoredOnce) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  Random random(3);
  Points points;
  OwnedColumn expected;
  int64_t time_ns = kNow;
  for (int i = 0; i < 500; ++i) {
    time_ns += random.between(1, 1'000'000'000);
    points.add("data", {}, {{"a", FieldValue::of_float(1)}, {"b", FieldValue::of_float(2)}, {"c", FieldValue::of_integer(i)}}, time_ns);
    expected[time_ns] = int64_t{i};
  }
  h.write(bucket, points.batch);
  ASSERT_TRUE(h.engine->seal_all());
  EXPECT_LT(h.store->disk_bytes(), 500u * 5 + 2500) << "thirty bits a time, once, not three times";
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "c"), expected);
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "c", {}, Order::kDescending), expected);
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "a").size(), 500u);
}

TEST(Engine, ReaderSeesWhatWasWrittenBeforeWhileSealingGoesOn) {
  EngineHarness h({.chunk_points_max = 8});
  const BucketId bucket = h.bucket();
  for (int i = 0; i < 5; ++i) {
    Points points;
    for (int k = 0; k < 20; ++k) points.add("data", {}, {{"value", FieldValue::of_float(k)}}, (i * 20 + k) * kSecond);
    h.write(bucket, points.batch);
    const auto reader = h.reader(bucket);
    EXPECT_EQ(read_column(*reader, 1, "value").size(), static_cast<size_t>(i + 1) * 20);
    const auto open_cursor = reader->column(1, "value", {}, Order::kAscending).value();
    ASSERT_TRUE(h.engine->seal_all());
    // The former reader still sees all of it, and so does a cursor that was open before.
    EXPECT_EQ(read_column(*reader, 1, "value").size(), static_cast<size_t>(i + 1) * 20);
    size_t count = 0;
    while (open_cursor->next().value()) count += open_cursor->statistics().count;
    EXPECT_EQ(count, static_cast<size_t>(i + 1) * 20);
  }
}

TEST(Engine, PointsBeyondTheRetentionAreRefusedAndOldChunksErased) {
  EngineHarness h({.chunk_points_max = 5});
  const int64_t day = 86'400 * kSecond;
  ASSERT_TRUE(h.engine->create_database("campus"));
  ASSERT_TRUE(h.engine->create_retention_policy("campus", {.name = "day", .duration_ns = day, .is_default = true}));
  const BucketId bucket = h.engine->bucket("campus", "").value();
  Points points;
  points.add("data", {}, {{"value", FieldValue::of_float(1)}}, kNow - day - 1);
  for (int i = 0; i < 40; ++i) points.add("data", {}, {{"value", FieldValue::of_float(i)}}, kNow - day + i * kSecond);
  const auto outcome = h.write(bucket, points.batch);
  ASSERT_EQ(outcome.errors.size(), 1u);
  EXPECT_EQ(outcome.errors[0].error.message, "points beyond retention policy");
  ASSERT_TRUE(h.engine->seal_all());
  h.clock.advance_ns(25 * kSecond);
  ASSERT_TRUE(h.engine->sealer().enforce_retention());
  const auto left = read_column(*h.reader(bucket), 1, "value");
  EXPECT_EQ(left.begin()->first, kNow - day + 20 * kSecond) << "a whole chunk of twenty was older";
  EXPECT_EQ(left.size(), 20u);
  h.clock.advance_ns(day);
  ASSERT_TRUE(h.engine->sealer().enforce_retention());
  EXPECT_TRUE(read_column(*h.reader(bucket), 1, "value").empty());
  // Writing goes on although the newest group is gone from under the series.
  Points more;
  more.add("data", {}, {{"value", FieldValue::of_float(7)}});
  h.write(bucket, more.batch);
  ASSERT_TRUE(h.engine->seal_all());
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value").size(), 1u);
}

// What was written before a clock was set back stays, and so does what is written after it, however old it then looks.
TEST(Engine, AClockThatIsSetBackLosesNothing) {
  EngineHarness h({.chunk_points_max = 10});
  const int64_t day = 86'400 * kSecond;
  ASSERT_TRUE(h.engine->create_database("campus"));
  ASSERT_TRUE(h.engine->create_retention_policy("campus", {.name = "day", .duration_ns = day, .is_default = true}));
  const BucketId bucket = h.engine->bucket("campus", "").value();
  const auto write_some = [&] {
    for (int i = 0; i < 25; ++i) {
      Points points;
      points.add("data", {}, {{"value", FieldValue::of_float(i)}});
      EXPECT_EQ(h.write(bucket, points.batch).points_stored, 1u);
      h.clock.advance_ns(kSecond);
    }
  };
  write_some();
  h.clock.set_now_ns(kNow - 10 * day);
  write_some();
  ASSERT_TRUE(h.engine->seal_all());
  ASSERT_TRUE(h.engine->sealer().enforce_retention());
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value").size(), 50u);
  h.crash();
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value").size(), 50u);
}

// The state tells why and since then refuses, and is well again by itself.
TEST(Engine, TellsWhatKeepsItFromWritingChunks) {
  EngineHarness h({.head_bytes_max = 100'000, .chunk_points_max = 1024});
  const BucketId bucket = h.bucket();
  EXPECT_EQ(h.engine->status().failure, "");
  h.store->fail_writes({ErrorCode::kIoError, "no space left on device"});
  int number = 0;
  const auto write_one = [&] {
    Points points;
    for (int i = 0; i < 100; ++i) points.add("data", {{"room", std::to_string(number % 50)}}, {{"value", FieldValue::of_float(1)}}, kNow + ++number);
    return h.engine->write(bucket, points.batch, kNow).has_value();
  };
  while (write_one()) ASSERT_LT(number, 1'000'000);
  while (h.engine->status().failure.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(h.engine->status().is_full);
  EXPECT_NE(h.engine->status().failure.find("no space left on device"), std::string::npos);
  h.store->heal();
  while (!h.engine->status().failure.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  while (h.engine->status().is_full) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(write_one());
}

TEST(Engine, OverloadIsRefusedAndRelieved) {
  EngineHarness h({.head_bytes_max = 100'000, .chunk_points_max = 1024});
  const BucketId bucket = h.bucket();
  h.journal.fail_syncs(true);  // chunks wait for the journal, so nothing can leave memory
  bool refused = false;
  size_t stored = 0;
  for (int i = 0; i < 2000 && !refused; ++i) {
    Points points;
    for (int k = 0; k < 100; ++k) points.add("data", {{"n", std::to_string(k)}}, {{"value", FieldValue::of_float(i)}}, i * kSecond);
    const auto outcome = h.engine->write(bucket, points.batch, kNow);
    if (!outcome) {
      refused = true;
      EXPECT_TRUE(outcome.error().code == ErrorCode::kOverloaded || outcome.error().code == ErrorCode::kIoError) << outcome.error().message;
    } else {
      stored += outcome->points_stored;
    }
  }
  EXPECT_TRUE(refused);
  h.journal.fail_syncs(false);
  ASSERT_TRUE(h.engine->sealer().relieve(50'000));
  EXPECT_LE(h.engine->status().head_bytes, 50'000u);
  Points points;
  points.add("data", {{"n", "1"}}, {{"value", FieldValue::of_float(1)}}, 0);
  EXPECT_TRUE(h.engine->write(bucket, points.batch, kNow));
  size_t found = 0;
  const auto reader = h.reader(bucket);
  const auto found_series = reader->series("data", {}).value();
  for (const Series& series : found_series) found += read_column(*reader, series.id, "value").size();
  EXPECT_EQ(found, stored) << "time 0 of n=1 was written twice";
}

TEST(Engine, AJournalThatRefusesStoresNothingAndLosesNothing) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  h.journal.refuse(ErrorCode::kIoError);
  Points points;
  points.add("data", {{"room", "1"}}, {{"value", FieldValue::of_float(1)}}, 1);
  const auto refused = h.engine->write(bucket, points.batch, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kIoError);
  h.journal.accept();
  EXPECT_EQ(h.write(bucket, points.batch).points_stored, 1u);
  // The definitions that could not be journaled the first time went out before the points.
  h.crash();
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value").size(), 1u);
  // The same where the series is known already.
  h.journal.refuse(ErrorCode::kOverloaded);
  const auto overloaded = h.engine->write(bucket, points.batch, kNow);
  ASSERT_FALSE(overloaded);
  EXPECT_EQ(overloaded.error().code, ErrorCode::kOverloaded);
}

TEST(Engine, AReplacedJournalDoesNotMakeNewRecordsLookOld) {
  EngineHarness h({.chunk_points_max = 4});
  const BucketId bucket = h.bucket();
  Points points;
  for (int i = 0; i < 50; ++i) points.add("data", {}, {{"value", FieldValue::of_float(i)}}, i);
  h.write(bucket, points.batch);
  h.checkpoint();
  h.close();
  FakeJournal other;
  {
    auto engine = Engine::open(h.options, *h.store, h.clock).value();
    engine->start(other);
    Points more;
    more.add("data", {}, {{"value", FieldValue::of_float(100)}}, 100);
    ASSERT_TRUE(engine->write(bucket, more.batch, kNow));
    engine->stop();
  }
  auto engine = Engine::open(h.options, *h.store, h.clock).value();
  for (const auto& record : other.records()) ASSERT_TRUE(engine->replay({record.type, record.payload, record.lsn}));
  EXPECT_EQ(read_column(*engine->reader(bucket).value(), 1, "value").size(), 51u);
}

TEST(Engine, ReplayLeavesOutWhatIsInChunks) {
  EngineHarness h({.chunk_points_max = 16});
  const BucketId bucket = h.bucket();
  for (int i = 0; i < 40; ++i) {
    Points points;
    points.add("data", {}, {{"value", FieldValue::of_float(i)}}, i);
    h.write(bucket, points.batch);
  }
  ASSERT_TRUE(h.engine->seal_all());
  h.crash();
  EXPECT_EQ(h.engine->status().head_points, 0u) << "all 40 rows are in chunks";
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "value").size(), 40u);
}

TEST(Engine, MetricsAndStatusCount) {
  Metrics metrics;  // outlives the engine that counts into it
  EngineHarness h;
  const BucketId bucket = h.bucket();
  Points points;
  points.add("data", {}, {{"value", FieldValue::of_float(1)}}, 1);
  points.add("data", {}, {}, 1);
  h.write(bucket, points.batch);
  h.engine->register_metrics(metrics);
  h.write(bucket, points.batch);
  const std::string text = metrics.render();
  EXPECT_NE(text.find("campanile_tsdb_points_written_total 2"), std::string::npos) << text;
  EXPECT_NE(text.find("campanile_tsdb_points_refused_total 2"), std::string::npos);
  EXPECT_NE(text.find("campanile_tsdb_series 1"), std::string::npos);
  EXPECT_NE(text.find("campanile_tsdb_head_points 1"), std::string::npos);
}

TEST(Engine, BeforeStartAndAfterStopWritesAreRefused) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  h.engine->stop();
  Points points;
  points.add("data", {}, {{"value", FieldValue::of_float(1)}}, 1);
  const auto refused = h.engine->write(bucket, points.batch, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST(Engine, ALaterFormatIsRefusedWithAWord) {
  EngineHarness h;
  h.close();
  kv::WriteBatch batch;
  batch.put(kMetaKey, "\x63");
  ASSERT_TRUE(h.store->write(batch, kv::Durability::kSynced));
  const auto opened = Engine::open(h.options, *h.store, h.clock);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().message.find("99"), std::string::npos);
}

}  // namespace
}  // namespace campanile::tsdb
