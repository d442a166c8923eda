// Writers, readers, checkpoints and drops at the same time: for the thread sanitizer, and for what must hold whatever the order.

#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "engine_harness.h"

namespace campanile::tsdb {
namespace {

TEST(EngineThreads, NothingIsLostOrSeenTwiceWhileAllGoesOn) {
  EngineHarness h({.head_bytes_max = 200'000, .chunk_points_max = 32});
  const BucketId bucket = h.bucket();
  constexpr int kWriters = 3;
  constexpr int kSeries = 8;
  constexpr int kPoints = 400;
  std::atomic<int> running{kWriters};
  std::array<std::atomic<int>, kWriters> written{};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      for (int i = 0; i < kPoints;) {
        Points points;
        std::vector<std::string> names;
        for (int s = 0; s < kSeries; ++s) names.push_back(std::to_string(s));
        for (int s = 0; s < kSeries; ++s) {
          points.add("data", {{"writer", std::string_view("012").substr(static_cast<size_t>(w), 1)}, {"n", names[static_cast<size_t>(s)]}},
                     {{"value", FieldValue::of_float(i)}}, i * kSecond);
        }
        const auto outcome = h.engine->write(bucket, points.batch, kNow);
        if (!outcome) {
          EXPECT_EQ(outcome.error().code, ErrorCode::kOverloaded) << outcome.error().message;
          std::this_thread::yield();
          continue;
        }
        EXPECT_EQ(outcome->points_stored, static_cast<size_t>(kSeries));
        written[static_cast<size_t>(w)] = ++i;
      }
      --running;
    });
  }
  threads.emplace_back([&] {  // checkpoints
    while (running > 0) {
      EXPECT_TRUE(h.engine->checkpoint());
      std::this_thread::yield();
    }
  });
  threads.emplace_back([&] {  // another database comes and goes
    while (running > 0) {
      EXPECT_TRUE(h.engine->create_database("guest"));
      const auto guest = h.engine->bucket("guest", "");
      Points points;
      points.add("data", {}, {{"value", FieldValue::of_float(1)}}, 1);
      if (guest) (void)h.engine->write(*guest, points.batch, kNow);
      EXPECT_TRUE(h.engine->drop_database("guest"));
    }
  });
  while (running > 0) {
    std::array<int, kWriters> before;
    for (size_t w = 0; w < kWriters; ++w) before[w] = written[w];
    const auto reader = h.reader(bucket);
    const auto found_series = reader->series("data", {}).value();
    for (const Series& series : found_series) {
      const auto w = static_cast<size_t>(series.name->tag("writer")[0] - '0');
      const Order order = series.id % 2 == 0 ? Order::kAscending : Order::kDescending;
      const auto cursor = reader->column(series.id, "value", {}, order).value();
      size_t count = 0;
      double sum = 0;
      for (;;) {
        const auto more = cursor->next();
        EXPECT_TRUE(more) << (more ? "" : more.error().message);
        if (!more || !*more) break;
        count += cursor->statistics().count;
        const auto values = cursor->values().value();
        for (const double value : values.floats) sum += value;
      }
      EXPECT_GE(count, static_cast<size_t>(before[w]));
      EXPECT_EQ(sum, static_cast<double>(count) * static_cast<double>(count - 1) / 2) << "each value once, in order, none missing in between";
      const auto last = reader->last(series.id, "value").value();
      // A series is known a moment before its first point is there.
      EXPECT_TRUE(last || before[w] == 0);
      EXPECT_TRUE(!last || last->time_ns >= (before[w] - 1) * kSecond);
    }
  }
  for (auto& thread : threads) thread.join();
  for (const bool crashed : {false, true}) {
    if (crashed) h.crash();
    const auto reader = h.reader(bucket);
    const auto all = reader->series("data", {}).value();
    ASSERT_EQ(all.size(), static_cast<size_t>(kWriters * kSeries));
    for (const Series& series : all) EXPECT_EQ(read_column(*reader, series.id, "value").size(), static_cast<size_t>(kPoints));
  }
}

TEST(EngineThreads, SeriesThatComeAndGoAreNeverTakenForOthers) {
  EngineHarness h({.chunk_points_max = 32});
  const BucketId bucket = h.bucket();
  constexpr int kWriters = 2;
  constexpr int kRounds = 150;
  constexpr int kJobs = 20;
  std::atomic<int> running{kWriters};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      for (int round = 0; round < kRounds; ++round) {
        // The time of every point tells whose it is.
        for (int job = 0; job < kJobs; ++job) {
          const int number = (w * kRounds + round) * kJobs + job;
          Points points;
          points.add("load", {{"job", std::to_string(number)}}, {{"value", FieldValue::of_float(number)}}, number);
          EXPECT_TRUE(h.engine->write(bucket, points.batch, kNow));
        }
      }
      --running;
    });
  }
  threads.emplace_back([&] {
    while (running > 0) EXPECT_TRUE(h.engine->erase(bucket, {.measurements = {"load"}, .predicate = {}, .range = {}}));
  });
  const TagPredicate odd{.kind = TagPredicate::Kind::kMatches, .key = "job", .value = {}, .pattern = std::make_shared<re2::RE2>("[13579]$"), .children = {}};
  while (running > 0) {
    const auto reader = h.reader(bucket);
    const auto found = reader->series("load", odd).value();
    for (const Series& series : found) {
      const int number = std::stoi(std::string(series.name->tag("job")));
      EXPECT_EQ(number % 2, 1);
      for (const auto& [time_ns, value] : read_column(*reader, series.id, "value")) {
        EXPECT_EQ(time_ns, number);
        EXPECT_EQ(std::get<double>(value), number);
      }
    }
    for (const std::string& job : reader->tag_values("load", "job")) EXPECT_LT(std::stoi(job), kWriters * kRounds * kJobs);
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(h.engine->erase(bucket, {.measurements = {"load"}, .predicate = {}, .range = {}}));
  EXPECT_EQ(h.engine->status().series, 0u);
}

}  // namespace
}  // namespace campanile::tsdb
