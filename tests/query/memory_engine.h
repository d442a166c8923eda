// MemoryEngine: the store's contract kept by plain maps, so that queries are tested without a disk and with blocks cut
// where a test wants them.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tsdb/engine.h"

namespace campanile::query::testing {

using Cell = std::variant<double, int64_t, uint64_t, bool, std::string>;

struct MemoryColumn {
  FieldType type = FieldType::kFloat;
  std::map<int64_t, Cell> cells;
};

struct MemorySeries {
  tsdb::SeriesId id = 0;
  SeriesName name;
  std::map<std::string, MemoryColumn> columns;
};

struct MemoryBucket {
  std::map<std::string, MemorySeries> series;  // by key
  size_t block_points = 3;                     // of the blocks that cursors hand out
  mutable std::atomic<size_t> blocks_decoded = 0;  // how often values() was asked
};

class MemoryEngine : public tsdb::Engine {
 public:
  explicit MemoryEngine(size_t block_points = 3) : block_points_(block_points) {}

  // Line protocol with a time on every line, into the default policy or the one named. Aborts on bad input: it is the test's own.
  void load(std::string_view database, std::string_view lines, std::string_view retention_policy = "");
  MemoryBucket& memory(std::string_view database, std::string_view retention_policy = "");

  std::string_view name() const override { return "memory"; }
  bool owns(journal::RecordType) const override { return false; }
  Result<void> replay(const journal::Record&) override { return {}; }
  Result<journal::Lsn> checkpoint() override { return 0; }
  void start(journal::Journal&) override {}
  void stop() override {}
  Result<void> create_database(std::string_view name) override;
  Result<void> drop_database(std::string_view name) override;
  std::vector<std::string> databases() const override;
  Result<std::vector<tsdb::RetentionPolicy>> retention_policies(std::string_view database) const override;
  Result<void> create_retention_policy(std::string_view database, const tsdb::RetentionPolicy& policy) override;
  Result<void> create_continuous_query(std::string_view database, const tsdb::ContinuousQuery& query) override;
  Result<void> drop_continuous_query(std::string_view database, std::string_view name) override;
  Result<std::vector<tsdb::ContinuousQuery>> continuous_queries(std::string_view database) const override;
  Result<void> drop_retention_policy(std::string_view database, std::string_view policy) override;
  Result<void> alter_retention_policy(std::string_view database, std::string_view policy, std::optional<int64_t> duration_ns, bool make_default) override;
  Result<tsdb::BucketId> bucket(std::string_view database, std::string_view retention_policy) const override;
  Result<tsdb::WriteOutcome> write(tsdb::BucketId bucket, const PointBatch& batch, int64_t now_ns, const tsdb::AppendPoints* append = nullptr) override;
  Result<tsdb::ChangeOutcome> erase(tsdb::BucketId bucket, const tsdb::PointSelection& request, const tsdb::Cancelled& cancelled) override;
  Result<tsdb::ChangeOutcome> correct(tsdb::BucketId, const tsdb::CorrectionRequest&, const tsdb::Cancelled&) override { return no_corrections(); }
  Result<tsdb::ChangeOutcome> check_correction(tsdb::BucketId, const tsdb::CorrectionRequest&, const tsdb::Cancelled&) const override { return no_corrections(); }
  Result<std::shared_ptr<const tsdb::Reader>> reader(tsdb::BucketId bucket) const override;
  Result<void> wait_safe(const journal::Awaited&) override { return {}; }
  Result<void> seal_all() override { return {}; }
  Result<uint64_t> merge_small_chunks() override { return 0; }
  tsdb::EngineStatus status() const override { return {}; }
  void register_metrics(Metrics&) override {}

 private:
  static Result<tsdb::ChangeOutcome> no_corrections() { return fail(ErrorCode::kUnsupported, "no query language corrects"); }

  struct Policy {
    tsdb::RetentionPolicy policy;
    tsdb::BucketId bucket;
  };
  size_t block_points_;
  std::map<std::string, std::vector<Policy>, std::less<>> databases_;
  std::map<std::string, std::vector<tsdb::ContinuousQuery>, std::less<>> queries_;
  std::map<tsdb::BucketId, std::unique_ptr<MemoryBucket>> buckets_;
  tsdb::BucketId next_bucket_ = 1;
  tsdb::SeriesId next_series_ = 1;
};

}  // namespace campanile::query::testing
