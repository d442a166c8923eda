// EngineImpl: the engine put together from its index, heads and sealer. engine.h has the contract.
//
// Lock order: the sealer's mutex, the index's gate, a series entry's lock; a reader's mutex and the sealer's queue mutex are leaves. The journal's and
// the store's own locks come after all of them: append() and write() may be called with the gate held, waiting for durability may not.
// Whoever appends in the engine's place (AppendPoints) does so with the gate held shared: his locks come after it, too.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tsdb/bucket_reader.h"
#include "tsdb/catalog.h"
#include "tsdb/engine.h"
#include "tsdb/sealer.h"
#include "tsdb/series_index.h"

namespace campanile::tsdb {

// InfluxDB's range of times: the two lowest values and the highest mean other things to it.
inline constexpr int64_t kTimeMin = -9'223'372'036'854'775'806;
inline constexpr int64_t kTimeMax = 9'223'372'036'854'775'806;

class EngineImpl final : public Engine {
 public:
  EngineImpl(const EngineOptions& options, kv::Store& store, const Clock& clock, const Meta& meta, Catalog catalog);
  ~EngineImpl() override;
  // Reads the index. REQUIRES: called once, before anything else.
  Result<void> load(const Meta& meta);

  void set_change_watch(ChangeWatch& watch) override { sealer_.set_change_watch(watch); }
  bool watch_changes(BucketId bucket, std::string_view measurement, int64_t before_ns) override;
  void start(journal::Journal& journal) override;
  void stop() override;
  Result<void> create_database(std::string_view name) override;
  Result<void> drop_database(std::string_view name) override;
  std::vector<std::string> databases() const override;
  Result<std::vector<RetentionPolicy>> retention_policies(std::string_view database) const override;
  Result<void> create_retention_policy(std::string_view database, const RetentionPolicy& policy) override;
  Result<void> create_continuous_query(std::string_view database, const ContinuousQuery& query) override;
  Result<void> drop_continuous_query(std::string_view database, std::string_view name) override;
  Result<std::vector<ContinuousQuery>> continuous_queries(std::string_view database) const override;
  Result<void> drop_retention_policy(std::string_view database, std::string_view policy) override;
  Result<void> alter_retention_policy(std::string_view database, std::string_view policy, std::optional<int64_t> duration_ns, bool make_default) override;
  Result<BucketId> bucket(std::string_view database, std::string_view retention_policy) const override;
  std::unique_ptr<KnownSeries> known_series(BucketId bucket) const override;
  Result<WriteOutcome> write(BucketId bucket, const PointBatch& batch, int64_t now_ns, const AppendPoints* append = nullptr) override;
  Result<void> wait_safe(const journal::Awaited& awaited) override;
  Result<ChangeOutcome> erase(BucketId bucket, const PointSelection& points, const Cancelled& cancelled = {}) override;
  Result<ChangeOutcome> check_correction(BucketId bucket, const CorrectionRequest& request, const Cancelled& cancelled = {}) const override;
  Result<ChangeOutcome> correct(BucketId bucket, const CorrectionRequest& request, const Cancelled& cancelled = {}) override;
  Result<std::shared_ptr<const Reader>> reader(BucketId bucket) const override;
  Result<void> seal_all() override;
  Result<uint64_t> merge_small_chunks() override;
  EngineStatus status() const override;
  void register_metrics(Metrics& metrics) override;

  std::string_view name() const override { return "time series"; }
  bool owns(journal::RecordType type) const override;
  Result<void> replay(const journal::Record& record) override;
  Result<journal::Lsn> checkpoint() override;

  // For tests: what the background thread does in its own time.
  Sealer& sealer() { return sealer_; }
  const SeriesIndex& index() const { return index_; }

 private:
  struct Scratch;
  struct Row;

  // write.cc
  // The sealer frees memory from four fifths of the limit on: above the limit it does not keep up, or cannot write.
  bool is_full() const { return heads_.bytes() > options_.head_bytes_max + options_.head_bytes_max / 4; }
  Result<std::shared_ptr<Bucket>> ready_bucket(BucketId bucket) const;
  void resolve(const Bucket& bucket, const PointBatch& batch, int64_t now_ns, Scratch& scratch, WriteOutcome& outcome);
  bool resolve_fields(const PointBatch& batch, const PointBatch::Point& point, const Measurement* measurement, Row& row, Scratch& scratch, Error& error);
  Result<void> define(Bucket& bucket, const PointBatch& batch, Scratch& scratch, WriteOutcome& outcome);
  Result<void> define_row(Bucket& bucket, const PointBatch& batch, Row& row, Scratch& scratch);
  Result<void> journal_definitions();
  void store_rows(const std::shared_ptr<Bucket>& bucket, Scratch& scratch, WriteOutcome& outcome, const AppendPoints* append);
  Result<journal::Lsn> append_points(const Bucket& bucket, std::string_view record, WriteOutcome& outcome, const AppendPoints* append);
  void put_rows(const std::shared_ptr<Bucket>& bucket, Scratch& scratch, size_t begin, size_t end, journal::Lsn lsn);

  // What chunks need in the store before them. REQUIRES: not called from two threads at once, without the gate.
  Result<void> persist_definitions();
  Result<void> secure_definitions();

  // databases.cc
  Result<void> change(DatabaseChange change, bool takes_bucket);
  std::chrono::milliseconds sync_within(std::string_view database) const;
  void take_effect(std::string_view database, const Catalog::Effect& effect);
  Result<void> write_catalog(const Catalog& catalog, kv::Durability durability);
  // Writes the row where it is behind.
  Result<void> persist_catalog();

  // range_change.cc
  struct PlannedCorrection {
    FieldType type;
    RangeChange change;
  };
  RetiredSeries::Hold hold_index() const;
  std::vector<const Measurement*> measurements_of(const Bucket& bucket, const PointSelection& points) const;
  std::vector<SeriesId> series_of(const Bucket& bucket, const PointSelection& points) const;
  Result<std::vector<PlannedCorrection>> plan_correction(const Bucket& bucket, const CorrectionRequest& request) const;
  Result<ChangeOutcome> check(const Bucket& bucket, const std::vector<PlannedCorrection>& plan, const CorrectionRequest& request, const Cancelled& cancelled) const;
  Result<void> check_series(const Reader& reader, SeriesId series, const PlannedCorrection& planned, const CorrectionRequest& request, ChangeOutcome& outcome) const;
  Result<void> replay_range_change(const journal::Record& record);

  // lost_definitions.cc
  Result<void> stand_in_for_definitions(const journal::Record& record);
  void stand_in_for_columns(const ColumnDefinition& column);
  void tell_losses() const;

  Result<void> replay_definition(const Definition& definition);
  Result<void> replay_change(const journal::Record& record);
  Result<void> replay_points(const journal::Record& record);

  const EngineOptions options_;
  kv::Store& store_;
  const Clock& clock_;
  SeriesIndex index_;
  Catalog catalog_;                  // under the index's gate
  bool catalog_is_behind_ = false;  // the same: the row does not have everything that the journal has
  Heads heads_;
  mutable Counters counters_;
  Sealer sealer_;
  std::atomic<journal::Journal*> journal_{nullptr};
  journal::Lsn highest_lsn_ = 0;  // that the store knows of, at load
  bool definitions_may_be_missing_ = false;  // these two in replay only
  uint64_t rows_without_series_ = 0;
};

}  // namespace campanile::tsdb
