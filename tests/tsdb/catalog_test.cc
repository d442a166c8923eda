#include "tsdb/catalog.h"

#include <gtest/gtest.h>

namespace campanile::tsdb {
namespace {

using Kind = DatabaseChange::Kind;

DatabaseChange create(std::string name, BucketId bucket) {
  return {.kind = Kind::kCreateDatabase, .database = std::move(name), .policy = "autogen", .bucket = bucket, .is_default = true};
}

TEST(Catalog, CreatesFindsAndDrops) {
  Catalog catalog;
  EXPECT_EQ(catalog.apply(create("campus", 1)).made.size(), 1u);
  EXPECT_EQ(catalog.bucket("campus", "").value(), 1u);
  EXPECT_EQ(catalog.bucket("campus", "autogen").value(), 1u);
  EXPECT_TRUE(catalog.apply(create("campus", 2)).made.empty()) << "applied again";
  EXPECT_EQ(catalog.bucket("x", "").error().message, "database not found: \"x\"");
  EXPECT_EQ(catalog.bucket("campus", "y").error().message, "retention policy not found: y");
  const auto effect = catalog.apply({.kind = Kind::kDropDatabase, .database = "campus"});
  EXPECT_EQ(effect.dropped, std::vector<BucketId>{1});
  EXPECT_TRUE(catalog.apply({.kind = Kind::kDropDatabase, .database = "campus"}).dropped.empty());
}

TEST(Catalog, BucketNumbersAreNeverGivenTwice) {
  Catalog catalog;
  catalog.apply(create("a", catalog.next_bucket()));
  catalog.apply({.kind = Kind::kDropDatabase, .database = "a"});
  EXPECT_EQ(catalog.next_bucket(), 2u);
  EXPECT_EQ(Catalog::decode(catalog.encode())->next_bucket(), 2u);
}

TEST(Catalog, RoundTripsThroughItsRow) {
  Catalog catalog;
  catalog.apply(create("campus", 1));
  catalog.apply({.kind = Kind::kCreatePolicy, .database = "campus", .policy = "month", .bucket = 2, .duration_ns = 99, .is_default = true});
  catalog.set_applied_lsn(77);
  const auto back = Catalog::decode(catalog.encode());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->bucket("campus", "").value(), 2u);
  EXPECT_EQ(back->find("campus")->find("month")->duration_ns, 99);
  EXPECT_EQ(back->applied_lsn(), 77u);
  const std::string row = catalog.encode();
  for (size_t size = 0; size < row.size(); ++size) EXPECT_FALSE(Catalog::decode(row.substr(0, size))) << size;
}

TEST(Catalog, NamesAreChecked) {
  EXPECT_TRUE(check_name("database", "campus of Toulouse"));
  EXPECT_FALSE(check_name("database", ""));
  EXPECT_FALSE(check_name("database", "a\nb"));
  EXPECT_FALSE(check_name("database", std::string(256, 'a')));
}

}  // namespace
}  // namespace campanile::tsdb
