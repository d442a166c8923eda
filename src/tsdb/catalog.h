// Catalog: the databases, their retention policies, and the bucket number of each policy.
//
//   Catalog catalog = TRY(Catalog::decode(row));
//   catalog.apply({.kind = DatabaseChange::Kind::kCreateDatabase, .database = "campus", .policy = "autogen", .bucket = catalog.next_bucket()});
//   const BucketId bucket = TRY(catalog.bucket("campus", ""));
//
// Bucket numbers are never given twice, so that a record about a dropped bucket can mean no other one.
// Threads: the owner's lock.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tsdb/engine.h"
#include "tsdb/records.h"

namespace campanile::tsdb {

class Catalog {
 public:
  struct Policy {
    std::string name;
    BucketId bucket = 0;
    int64_t duration_ns = 0;
  };
  struct Database {
    std::vector<Policy> policies;
    std::string default_policy;
    std::vector<ContinuousQuery> queries;  // in the order in which they were made
    const Policy* find(std::string_view policy) const;
  };

  // What `apply` did to buckets.
  struct Effect {
    std::vector<Policy> made;
    std::vector<Policy> altered;
    std::vector<BucketId> dropped;
  };

  // Idempotent: what is there already, or gone already, has no effect.
  Effect apply(const DatabaseChange& change);

  BucketId next_bucket() const { return next_bucket_; }
  // That number is taken, whether or not there is such a bucket.
  void take_bucket(BucketId bucket) { next_bucket_ = std::max(next_bucket_, bucket + 1); }
  // The journal position of the last change applied: replay leaves out changes up to there, because a drop that is replayed after its database was
  // made again would drop the new one.
  journal::Lsn applied_lsn() const { return applied_lsn_; }
  void set_applied_lsn(journal::Lsn lsn) { applied_lsn_ = lsn; }
  const Database* find(std::string_view database) const;
  const std::map<std::string, Database, std::less<>>& databases() const { return databases_; }
  // Errors: kNotFound in InfluxDB's words.
  Result<BucketId> bucket(std::string_view database, std::string_view policy) const;

  std::string encode() const;
  static Result<Catalog> decode(std::string_view bytes);

 private:
  static void change_queries(Database& database, const DatabaseChange& change);
  static void change_policy(Database& database, const DatabaseChange& change, Effect& effect);

  std::map<std::string, Database, std::less<>> databases_;
  BucketId next_bucket_ = 1;
  journal::Lsn applied_lsn_ = 0;
};

// Errors: kInvalidArgument where a database or policy may not have that name.
Result<void> check_name(std::string_view what, std::string_view name);

}  // namespace campanile::tsdb
