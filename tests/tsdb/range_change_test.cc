// Erasing and correcting ranges. That every history of writes, changes, crashes and failing disks reads right is engine_model_test.cc's to show.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "codec/checksum.h"
#include "codec/varint.h"
#include "engine_harness.h"
#include "tsdb/chunk_correct.h"

namespace campanile::tsdb {
namespace {

// `count` rows of two columns that share their times, one a second from kNow.
void write_rows(EngineHarness& h, BucketId bucket, std::string_view room, int count) {
  Points points;
  for (int i = 0; i < count; ++i) {
    points.add("data", {{"room", room}}, {{"a", FieldValue::of_float(i)}, {"b", FieldValue::of_integer(-i)}}, kNow + i * kSecond);
  }
  h.write(bucket, points.batch);
}

TagPredicate room_is(std::string_view room) {
  return {.kind = TagPredicate::Kind::kEqual, .key = "room", .value = std::string(room), .pattern = nullptr, .children = {}};
}

size_t rows(EngineHarness& h, BucketId bucket, std::string_view room, std::string_view field) {
  const auto reader = h.reader(bucket);
  const auto series = reader->series("data", room_is(room)).value();
  return series.empty() ? 0 : read_column(*reader, series[0].id, field).size();
}

std::vector<std::string> chunk_keys(EngineHarness& h) {
  std::vector<std::string> keys;
  for (const auto it = h.store->iterate("d", "e"); it->valid(); it->next()) keys.emplace_back(it->key());
  return keys;
}

TEST(Erase, TakesTheRangeOutOfTheSeriesAskedForAlone) {
  for (const bool sealed : {false, true}) {
    EngineHarness h({.chunk_points_max = 50});
    const BucketId bucket = h.bucket();
    write_rows(h, bucket, "301", 200);
    write_rows(h, bucket, "302", 200);
    ASSERT_TRUE(!sealed || h.engine->seal_all());
    const auto erased = h.engine->erase(bucket, {.measurements = {"data"}, .predicate = room_is("302"), .range = {kNow + 30 * kSecond, kNow + 129 * kSecond}});
    ASSERT_TRUE(erased) << erased.error().message;
    EXPECT_EQ(erased->series, 1u);
    EXPECT_EQ(erased->values, 200u);
    EXPECT_EQ(erased->damaged_chunks, 0u);
    EXPECT_EQ(erased->lsn, h.journal.end());
    EXPECT_EQ(rows(h, bucket, "301", "a"), 200u);
    for (const std::string_view field : {"a", "b"}) {
      const auto reader = h.reader(bucket);
      const OwnedColumn left = read_column(*reader, reader->series("data", room_is("302")).value()[0].id, field);
      ASSERT_EQ(left.size(), 100u);
      EXPECT_TRUE(left.contains(kNow + 29 * kSecond));
      EXPECT_FALSE(left.contains(kNow + 30 * kSecond));
      EXPECT_FALSE(left.contains(kNow + 129 * kSecond));
      EXPECT_TRUE(left.contains(kNow + 130 * kSecond));
    }
  }
}

TEST(Erase, OfEverythingLeavesNoChunkAndOldAndNewPointsCanComeAgain) {
  EngineHarness h({.chunk_points_max = 50});
  const BucketId bucket = h.bucket();
  write_rows(h, bucket, "302", 200);
  ASSERT_TRUE(h.engine->seal_all());
  ASSERT_FALSE(chunk_keys(h).empty());
  ASSERT_EQ(h.engine->status().columns, 2u);
  ASSERT_TRUE(h.engine->erase(bucket, {}));
  EXPECT_TRUE(chunk_keys(h).empty());
  EXPECT_EQ(h.engine->status().columns, 0u);
  EXPECT_EQ(h.engine->status().series, 0u);
  EXPECT_EQ(rows(h, bucket, "302", "a"), 0u);
  write_rows(h, bucket, "302", 10);
  EXPECT_EQ(rows(h, bucket, "302", "a"), 10u);
  h.crash();
  EXPECT_EQ(rows(h, bucket, "302", "a"), 10u);
  EXPECT_EQ(h.engine->status().columns, 2u);
}

TEST(Erase, OfTimesFarAheadMakesReadsSimpleAgain) {
  EngineHarness h({.chunk_points_max = 50});
  const BucketId bucket = h.bucket();
  // A clock that was wrong for a moment: everything since lies before what it wrote.
  Points ahead;
  ahead.add("data", {{"room", "302"}}, {{"a", FieldValue::of_float(1)}}, kNow + 1'000'000 * kSecond);
  h.write(bucket, ahead.batch);
  ASSERT_TRUE(h.engine->seal_all());
  write_rows(h, bucket, "302", 100);
  ASSERT_TRUE(h.engine->seal_all());
  ASSERT_TRUE(h.engine->erase(bucket, {.measurements = {}, .predicate = {}, .range = {kNow + 500'000 * kSecond, INT64_MAX}}));
  const std::string state_key = series_row_key(BucketRows::kStates, bucket, 1);
  const ChunksState state = decode_chunks_state(*h.store->get(state_key).value()).value();
  EXPECT_FALSE(state.overlaps);
  EXPECT_EQ(state.max_time_ns, kNow + 99 * kSecond);
  EXPECT_EQ(rows(h, bucket, "302", "a"), 100u);
}

TEST(Erase, LeavesADamagedChunkAndSaysSo) {
  EngineHarness h({.chunk_points_max = 50});
  const BucketId bucket = h.bucket();
  write_rows(h, bucket, "302", 100);
  ASSERT_TRUE(h.engine->seal_all());
  const std::string key = chunk_key({bucket, 1, 1, kNow, 1});
  std::string value = *h.store->get(key).value();
  value[value.size() / 2] ^= 1;
  kv::WriteBatch damage;
  damage.put(key, value);
  ASSERT_TRUE(h.store->write(damage, kv::Durability::kSynced));
  const auto erased = h.engine->erase(bucket, {});
  ASSERT_TRUE(erased) << erased.error().message;
  EXPECT_EQ(erased->damaged_chunks, 1u);
  EXPECT_TRUE(h.store->get(key).value().has_value());
  EXPECT_EQ(rows(h, bucket, "302", "b"), 0u);
}

// A chunk that is damaged today may be mended from a backup tomorrow: the times that it shares must still be there.
TEST(Erase, KeepsTheTimesOfADamagedChunk) {
  for (const TimeRange range : {TimeRange{}, TimeRange{kNow + 100 * kSecond, INT64_MAX}, TimeRange{INT64_MIN, kNow + 100 * kSecond},
                                TimeRange{kNow + 100 * kSecond, kNow + 150 * kSecond}}) {
    for (const bool is_whole : {true, false}) {
      EngineHarness h({.chunk_points_max = 500});
      const BucketId bucket = h.bucket();
      Random random(17);
      Points points;
      // Uneven times, so that a block of them is worth sharing; three columns, so that two still do.
      for (int i = 0; i < 200; ++i) {
        points.add("data", {{"room", "302"}}, {{"a", FieldValue::of_float(i)}, {"b", FieldValue::of_integer(-i)}, {"c", FieldValue::of_boolean(i % 2 == 0)}},
                   kNow + i * kSecond + random.between(0, kSecond - 1));
      }
      h.write(bucket, points.batch);
      ASSERT_TRUE(h.engine->seal_all());
      const OwnedColumn before = read_column(*h.reader(bucket), 1, "a");
      ASSERT_EQ(before.size(), 200u);
      ASSERT_EQ(chunk_keys(h).size(), 4u) << "times are shared";
      const std::string key = chunk_key({bucket, 1, 1, before.begin()->first, 1});
      const std::string mended = *h.store->get(key).value();
      // Damage that the checksum finds, and damage that only decoding can.
      std::string damaged = mended;
      if (is_whole) {
        damaged[damaged.size() / 2] ^= 1;
      } else {
        damaged.resize(damaged.size() - 5);
        codec::append_fixed(damaged, codec::checksum32(damaged, codec::checksum64(key)));
      }
      kv::WriteBatch damage;
      damage.put(key, damaged);
      ASSERT_TRUE(h.store->write(damage, kv::Durability::kSynced));
      const auto erased = h.engine->erase(bucket, {.measurements = {}, .predicate = {}, .range = range});
      ASSERT_TRUE(erased) << erased.error().message;
      // What lies in the range as a whole goes without being decoded.
      const bool goes = range.from_ns == INT64_MIN && range.to_ns == INT64_MAX && !is_whole;
      EXPECT_EQ(erased->damaged_chunks, goes ? 0u : 1u);
      ASSERT_EQ(h.store->get(key).value().has_value(), !goes);
      if (goes) continue;
      kv::WriteBatch mending;
      mending.put(key, mended);
      ASSERT_TRUE(h.store->write(mending, kv::Durability::kSynced));
      EXPECT_EQ(read_column(*h.reader(bucket), 1, "a"), before);
      for (const std::string_view field : {"b", "c"}) {
        for (const auto& [time_ns, value] : read_column(*h.reader(bucket), 1, field)) EXPECT_TRUE(time_ns < range.from_ns || time_ns > range.to_ns);
      }
    }
  }
}

TEST(Erase, WhatIsWrittenAfterItWasAskedForStays) {
  EngineHarness h({.chunk_points_max = 20});
  const BucketId bucket = h.bucket();
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      Points points;
      points.add("data", {{"room", "302"}}, {{"a", FieldValue::of_float(i)}}, kNow + i * kSecond);
      h.write(bucket, points.batch);
      written = i + 1;
    }
  });
  for (int round = 0; round < 20; ++round) {
    const int before = written;
    while (written < before + 50) std::this_thread::yield();
    // Nothing written until now survives, everything from now on does where the range ends before it.
    const int64_t to_ns = kNow + (written - 1) * kSecond;
    ASSERT_TRUE(h.engine->erase(bucket, {.measurements = {}, .predicate = {}, .range = {INT64_MIN, to_ns}}));
    const int after = written;
    const auto reader = h.reader(bucket);
    // Where the writer had written nothing more by then, the series went and came again under another number.
    const auto series = reader->series("data", {}).value();
    const OwnedColumn left = series.empty() ? OwnedColumn{} : read_column(*reader, series[0].id, "a");
    ASSERT_TRUE(left.empty() || left.begin()->first > to_ns);
    for (int64_t time_ns = to_ns + kSecond; time_ns < kNow + after * kSecond; time_ns += kSecond) ASSERT_TRUE(left.contains(time_ns));
  }
  stop = true;
  writer.join();
}

TEST(Erase, AnswersWithWhatKeepsItFromWorking) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  write_rows(h, bucket, "302", 10);
  EXPECT_EQ(h.engine->erase(bucket + 1, {}).error().code, ErrorCode::kNotFound);
  h.journal.refuse(ErrorCode::kIoError);
  EXPECT_EQ(h.engine->erase(bucket, {}).error().code, ErrorCode::kIoError);
  h.journal.accept();
  EXPECT_EQ(rows(h, bucket, "302", "a"), 10u);
  EXPECT_EQ(h.engine->erase(bucket, {.measurements = {"none"}, .predicate = {}, .range = {}})->series, 0u);
  EXPECT_EQ(rows(h, bucket, "302", "a"), 10u);
}

TEST(Erase, StopsBetweenSlicesWhenItIsCancelledAndTellsHowFarItCame) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  Points points;
  std::vector<std::string> rooms;
  for (int i = 0; i < 600; ++i) rooms.push_back(std::to_string(i));
  for (const std::string& room : rooms) points.add("data", {{"room", room}}, {{"a", FieldValue::of_float(1)}}, kNow);
  h.write(bucket, points.batch);
  int asked = 0;
  const auto erased = h.engine->erase(bucket, {}, [&asked] { return ++asked > 1; });
  ASSERT_TRUE(erased) << erased.error().message;
  EXPECT_EQ(erased->series, 256u);
  EXPECT_EQ(erased->values, 256u);
  EXPECT_EQ(erased->series_left, 344u);
  EXPECT_EQ(h.engine->status().series, 344u);
}

double value_at(EngineHarness& h, BucketId bucket, std::string_view field, int64_t time_ns) {
  const OwnedColumn column = read_column(*h.reader(bucket), 1, field);
  const OwnedValue value = column.at(time_ns);
  return std::holds_alternative<double>(value) ? std::get<double>(value) : static_cast<double>(std::get<int64_t>(value));
}

CorrectionRequest in_room_302(std::string_view field, TimeRange range, Correction correction) {
  return {.points = {.measurements = {"data"}, .predicate = room_is("302"), .range = range}, .field = std::string(field), .correction = std::move(correction)};
}

TEST(Correct, ChangesTheRangeOfTheFieldAskedForAlone) {
  for (const bool sealed : {false, true}) {
    EngineHarness h({.chunk_points_max = 50});
    const BucketId bucket = h.bucket();
    write_rows(h, bucket, "302", 200);
    write_rows(h, bucket, "301", 200);
    ASSERT_TRUE(!sealed || h.engine->seal_all());
    const OwnedColumn other = read_column(*h.reader(bucket), 2, "a");
    const CorrectionRequest request = in_room_302("a", {kNow + 30 * kSecond, kNow + 129 * kSecond}, Correction::scale(2, 0.5));
    const auto would = h.engine->check_correction(bucket, request);
    ASSERT_TRUE(would) << would.error().message;
    EXPECT_EQ(would->series, 1u);
    EXPECT_EQ(would->values, 100u);
    const auto corrected = h.engine->correct(bucket, request);
    ASSERT_TRUE(corrected) << corrected.error().message;
    EXPECT_EQ(corrected->series, 1u);
    EXPECT_EQ(corrected->values, 100u);
    EXPECT_EQ(corrected->lsn, h.journal.end());
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(value_at(h, bucket, "a", kNow + i * kSecond), i >= 30 && i <= 129 ? 2 * i + 0.5 : i);
      EXPECT_EQ(value_at(h, bucket, "b", kNow + i * kSecond), -i);
    }
    EXPECT_EQ(read_column(*h.reader(bucket), 2, "a"), other);
  }
}

// The whole of it, at any step of it, with the disk refusing and the program ending there: each value is scaled once.
TEST(Correct, EveryValueOnceWhereverItIsInterrupted) {
  for (uint64_t writes = 0; writes < 14; ++writes) {
    for (const bool crashes : {true, false}) {
      SCOPED_TRACE(fmt::format("after {} writes of the store, {}", writes, crashes ? "a new start" : "the next pass"));
      EngineHarness h({.chunk_points_max = 20, .correction_chunks_max = 1});
      const BucketId bucket = h.bucket();
      write_rows(h, bucket, "302", 200);
      h.store->fail_writes({ErrorCode::kIoError, "no space left on device"}, writes);
      const auto corrected = h.engine->correct(bucket, in_room_302("a", {}, Correction::scale(2, 0)));
      h.store->heal();
      // What is written afterwards is not what was corrected.
      Points later;
      later.add("data", {{"room", "302"}}, {{"a", FieldValue::of_float(7)}}, kNow + 5 * kSecond);
      h.write(bucket, later.batch);
      if (crashes) h.crash();
      ASSERT_TRUE(h.engine->seal_all());
      for (int i = 0; i < 200; ++i) ASSERT_EQ(value_at(h, bucket, "a", kNow + i * kSecond), i == 5 ? 7 : 2 * i) << i;
      // No row of progress is left behind.
      EXPECT_FALSE(h.store->iterate("ip", "iq")->valid());
    }
  }
}

TEST(Correct, RefusesBeforeAnythingIsChanged) {
  EngineHarness h({.chunk_points_max = 20});
  const BucketId bucket = h.bucket();
  write_rows(h, bucket, "302", 100);
  Points large;
  large.add("data", {{"room", "302"}}, {{"b", FieldValue::of_integer(INT64_MAX / 2 + 1)}}, kNow + 50 * kSecond);
  h.write(bucket, large.batch);
  const OwnedColumn before = read_column(*h.reader(bucket), 1, "b");
  const journal::Lsn end = h.journal.end();
  const auto refused = h.engine->correct(bucket, in_room_302("b", {}, Correction::scale(2, 0)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("4611686018427387904 * 2 + 0 does not fit into field \"b\", which is of type integer"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(h.engine->correct(bucket, in_room_302("c", {}, Correction::scale(2, 0))).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(h.engine->correct(bucket, in_room_302("b", {}, Correction::set(FieldValue::of_string("x")))).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(h.engine->correct(bucket, in_room_302("b", {}, Correction::scale(1, 1)), [] { return true; }).error().code, ErrorCode::kTimeout);
  EXPECT_EQ(h.engine->correct(bucket + 1, in_room_302("b", {}, Correction::scale(1, 1))).error().code, ErrorCode::kNotFound);
  h.journal.refuse(ErrorCode::kIoError);
  EXPECT_EQ(h.engine->correct(bucket, in_room_302("b", {}, Correction::scale(1, 1))).error().code, ErrorCode::kIoError);
  h.journal.accept();
  EXPECT_EQ(h.journal.end(), end);
  EXPECT_EQ(read_column(*h.reader(bucket), 1, "b"), before);
  // Beside it, where everything fits, it is done.
  EXPECT_EQ(h.engine->correct(bucket, in_room_302("b", {INT64_MIN, kNow + 49 * kSecond}, Correction::scale(2, 0)))->values, 50u);
}

TEST(Correct, SeveralMeasurementsAreOneUnit) {
  EngineHarness h;
  const BucketId bucket = h.bucket();
  Points points;
  points.add("air", {}, {{"a", FieldValue::of_float(1)}}, kNow);
  points.add("water", {}, {{"b", FieldValue::of_float(7)}, {"a", FieldValue::of_integer(2)}}, kNow);
  h.write(bucket, points.batch);
  const size_t records = h.journal.records().size();
  const auto corrected = h.engine->correct(bucket, {.points = {}, .field = "a", .correction = Correction::set(FieldValue::of_integer(9))});
  ASSERT_TRUE(corrected) << corrected.error().message;
  EXPECT_EQ(corrected->values, 2u);
  const auto written = h.journal.records();
  ASSERT_EQ(written.size(), records + 2);
  EXPECT_EQ(written[records].lsn, written[records + 1].lsn);
  const auto reader = h.reader(bucket);
  EXPECT_EQ(read_column(*reader, 1, "a").at(kNow), OwnedValue(9.0));
  EXPECT_EQ(read_column(*reader, 2, "a").at(kNow), OwnedValue(int64_t{9}));
  EXPECT_EQ(read_column(*reader, 2, "b").at(kNow), OwnedValue(7.0));
}

TEST(Correct, LeavesADamagedChunkAndSaysSo) {
  EngineHarness h({.chunk_points_max = 25});
  const BucketId bucket = h.bucket();
  write_rows(h, bucket, "302", 150);
  ASSERT_TRUE(h.engine->seal_all());
  const std::string key = chunk_key({bucket, 1, 1, kNow, 1});
  const std::string mended = *h.store->get(key).value();
  std::string value = mended;
  value[value.size() / 2] ^= 1;
  kv::WriteBatch damage;
  damage.put(key, value);
  ASSERT_TRUE(h.store->write(damage, kv::Durability::kSynced));
  const CorrectionRequest request = in_room_302("a", {}, Correction::scale(10, 0));
  EXPECT_EQ(h.engine->check_correction(bucket, request)->damaged_chunks, 1u);
  const auto corrected = h.engine->correct(bucket, request);
  ASSERT_TRUE(corrected) << corrected.error().message;
  EXPECT_EQ(corrected->damaged_chunks, 1u);
  EXPECT_EQ(corrected->values, 50u);
  ASSERT_EQ(*h.store->get(key).value(), value);
  kv::WriteBatch mending;
  mending.put(key, mended);
  ASSERT_TRUE(h.store->write(mending, kv::Durability::kSynced));
  EXPECT_EQ(value_at(h, bucket, "a", kNow + 99 * kSecond), 99);
  EXPECT_EQ(value_at(h, bucket, "a", kNow + 100 * kSecond), 1000);
}

TEST(Correct, AJournalThatIsLostLeavesNothingToGoOnWith) {
  EngineHarness h({.chunk_points_max = 20, .correction_chunks_max = 1});
  const BucketId bucket = h.bucket();
  write_rows(h, bucket, "302", 200);
  h.store->fail_writes({ErrorCode::kIoError, "no space left on device"}, 5);
  ASSERT_FALSE(h.engine->correct(bucket, in_room_302("a", {}, Correction::scale(2, 0))));
  h.store->heal();
  ASSERT_TRUE(h.store->iterate("ip", "iq")->valid());
  h.close();
  h.journal.lose();
  h.open();
  EXPECT_FALSE(h.store->iterate("ip", "iq")->valid());
}

TEST(CorrectionProgress, ComesBackFromItsRow) {
  const std::string bytes = encode_progress({.lsn = 300, .key = "key"});
  const auto back = decode_progress(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->lsn, 300u);
  EXPECT_EQ(back->key, "key");
  for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode_progress(bytes.substr(0, cut)));
  EXPECT_EQ(decode_progress("\x02" + bytes.substr(1)).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace campanile::tsdb
