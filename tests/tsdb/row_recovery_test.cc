#include "tsdb/row_recovery.h"

#include <gtest/gtest.h>

#include "engine_harness.h"

namespace campanile::tsdb {
namespace {

class RowRecovery : public testing::Test {
 protected:
  RowRecovery() {
    bucket_ = h_.bucket();
    for (int i = 0; i < 20; ++i) {
      Points points;
      points.add("data", {{"room", std::to_string(i % 3)}}, {{"value", FieldValue::of_float(i)}, {"count", FieldValue::of_integer(i)}}, kNow + i);
      h_.write(bucket_, points.batch);
    }
    EXPECT_TRUE(h_.engine->seal_all());
    h_.checkpoint();
  }

  // The rows go, and the engine is opened on what is left.
  std::vector<std::string> lose(std::string_view first, std::string_view last) {
    h_.close();
    kv::WriteBatch batch;
    batch.erase_range(first, last);
    EXPECT_TRUE(h_.store->write(batch, kv::Durability::kSynced));
    const auto told = recover_rows(*h_.store);
    EXPECT_TRUE(told) << told.error().message;
    EXPECT_EQ(recover_rows(*h_.store).value().has_written, false) << "a second time there is nothing to do";
    if (!told) return {};
    has_written_ = told->has_written;
    h_.open();
    return told->told;
  }
  std::vector<std::string> lose_row(std::string_view key) { return lose(key, std::string(key) + '\0'); }

  // Values of all series of "data", as "room field=number of values".
  std::vector<std::string> content(std::string_view database) {
    std::vector<std::string> out;
    const auto reader = h_.reader(h_.engine->bucket(database, "").value());
    const auto all = reader->series("data", {}).value();
    const auto fields = reader->fields("data");
    for (const Series& series : all) {
      for (const FieldInfo& field : fields) {
        out.push_back(fmt::format("{} {}={}", series.name->tag("room"), field.name, read_column(*reader, series.id, field.name).size()));
      }
    }
    return out;
  }

  EngineHarness h_;
  BucketId bucket_ = 0;
  bool has_written_ = false;
};

using Texts = std::vector<std::string>;
const Texts kAll = {"0 count=7", "0 value=7", "1 count=7", "1 value=7", "2 count=6", "2 value=6"};

TEST_F(RowRecovery, NothingIsToldOfWhatIsWhole) {
  EXPECT_EQ(lose("zz", "zz"), Texts{});
  EXPECT_FALSE(has_written_);
  EXPECT_EQ(content("campus"), kAll);
}

TEST_F(RowRecovery, CountersAreFoundAgain) {
  EXPECT_EQ(lose_row(kMetaKey), Texts{});
  EXPECT_TRUE(has_written_);
  EXPECT_EQ(content("campus"), kAll);
  Points points;
  points.add("data", {{"room", "new"}}, {{"value", FieldValue::of_float(1)}}, kNow);
  h_.write(bucket_, points.batch);
  EXPECT_EQ(content("campus").size(), kAll.size() + 2) << "it has a number of its own";
}

TEST_F(RowRecovery, ADatabaseWithoutAName) {
  EXPECT_EQ(lose_row(kCatalogKey), Texts{fmt::format("a database has no name any more; it is called recovered_{}", bucket_)});
  EXPECT_EQ(content(fmt::format("recovered_{}", bucket_)), kAll);
  EXPECT_GT(h_.bucket("another"), bucket_);
}

TEST_F(RowRecovery, FieldsWithoutNames) {
  const Texts told = lose_row(columns_row_key(bucket_, "data"));
  EXPECT_EQ(told.size(), 2u);
  EXPECT_EQ(content("campus"), (Texts{"0 column_1=7", "0 column_2=7", "1 column_1=7", "1 column_2=7", "2 column_1=6", "2 column_2=6"}));
}

TEST_F(RowRecovery, WhatIsKnownOfChunks) {
  EXPECT_EQ(lose(bucket_begin(BucketRows::kStates, bucket_), bucket_end(BucketRows::kStates, bucket_)),
            Texts{"what is known of the chunks of 3 series was made anew from them"});
  EXPECT_EQ(content("campus"), kAll);
}

TEST_F(RowRecovery, ASeriesWithoutARowIsNotFoundAndItsNumberNotGivenAgain) {
  const auto reader = h_.reader(bucket_);
  const SeriesId first = reader->series("data", {}).value()[0].id;
  EXPECT_EQ(lose_row(series_row_key(BucketRows::kSeries, bucket_, first)), Texts{"1 series have no name any more; their chunks stay, and nothing finds them"});
  EXPECT_EQ(content("campus"), (Texts{"1 count=7", "1 value=7", "2 count=6", "2 value=6"}));
  Points points;
  points.add("data", {{"room", "0"}}, {{"value", FieldValue::of_float(1)}}, kNow);
  h_.write(bucket_, points.batch);
  EXPECT_EQ(content("campus")[1], "0 value=1");
}

}  // namespace
}  // namespace campanile::tsdb
