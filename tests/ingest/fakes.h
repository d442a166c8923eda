// Stand-ins for the journal and the store, which remember what they were given and fail when told to.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "model/series_key.h"
#include "tsdb/engine.h"

namespace campanile::ingest {

class FakeJournal final : public journal::Journal {
 public:
  Result<journal::Lsn> append(journal::RecordType type, std::string_view head, std::string_view tail) override {
    const std::lock_guard lock(mutex_);
    if (failure) return std::unexpected(*failure);
    records.push_back({type, std::string(head) + std::string(tail)});
    return records.size();
  }
  Result<journal::Lsn> append_together(std::span<const journal::NewRecord>) override { return fail(ErrorCode::kUnsupported, "not in tests"); }
  journal::Lsn durable() const override { return end(); }
  journal::Lsn end() const override {
    const std::lock_guard lock(mutex_);
    return records.size();
  }
  journal::JournalStatus status() const override { return {}; }
  void add_listener(journal::CommitListener) override {}
  Result<void> wait_durable(journal::Lsn) override { return {}; }
  Result<void> truncate_before(journal::Lsn) override { return {}; }
  Result<std::unique_ptr<journal::SegmentHold>> hold_segments() override { return fail(ErrorCode::kUnsupported, "a journal without files"); }

  std::optional<Error> failure;
  std::vector<std::pair<journal::RecordType, std::string>> records;

 private:
  mutable std::mutex mutex_;
};

// Keeps points as text: "bucket series field=value… @time". A field called "conflict" is refused for good, one called "busy" for now.
class FakeEngine final : public tsdb::Engine {
 public:
  Result<void> wait_safe(const journal::Awaited&) override { return {}; }
  Result<tsdb::WriteOutcome> write(tsdb::BucketId bucket, const PointBatch& batch, int64_t now_ns, const tsdb::AppendPoints* append) override {
    const std::lock_guard lock(mutex_);
    if (failure) return std::unexpected(*failure);
    if (!database_of(bucket)) return fail(ErrorCode::kNotFound, "the bucket is gone");
    tsdb::WriteOutcome outcome;
    std::vector<std::string> stored;
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto& point = batch.points()[i];
      std::string text = *database_of(bucket) + " ";
      append_series_key(text, point.measurement, batch.tags(point));
      bool conflicts = false;
      bool is_busy = false;
      for (const Field& field : batch.fields(point)) {
        text += " " + std::string(field.name) + "=" + to_string(field.value);
        conflicts |= field.name == "conflict";
        is_busy |= field.name == "busy";
      }
      if (is_busy) {
        outcome.errors.push_back({i, {ErrorCode::kOverloaded, "try again later"}});
        continue;
      }
      text += " @" + std::to_string(point.has_time ? point.time_ns : now_ns);
      if (conflicts) {
        outcome.errors.push_back({i, {ErrorCode::kTypeConflict, "field type conflict: input field \"conflict\" on measurement \"" + std::string(point.measurement) +
                                                                    "\" is type string, already exists as type float"}});
        continue;
      }
      stored.push_back(std::move(text));
      ++outcome.points_stored;
    }
    outcome.lsn = ++writes + 1000;
    if (append && !stored.empty()) outcome.lsn = TRY((*append)({.type = journal::RecordType::kPoints, .head = stored.front()}, outcome.errors));
    points.insert(points.end(), stored.begin(), stored.end());
    outcome.awaited = is_relaxed && !append ? journal::Awaited{.written = outcome.lsn} : journal::Awaited{.synced = outcome.lsn};
    return outcome;
  }
  Result<void> create_database(std::string_view name) override {
    const std::lock_guard lock(mutex_);
    if (!ids_.contains(name)) ids_.emplace(name, ++last_id_);
    return {};
  }
  Result<void> drop_database(std::string_view name) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = ids_.find(name); found != ids_.end()) ids_.erase(found);
    return {};
  }
  Result<tsdb::BucketId> bucket(std::string_view database, std::string_view retention_policy) const override {
    const std::lock_guard lock(mutex_);
    const auto found = ids_.find(database);
    if (found == ids_.end()) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", database);
    if (!retention_policy.empty() && retention_policy != "autogen") return fail(ErrorCode::kNotFound, "retention policy not found: {}", retention_policy);
    return found->second;
  }
  std::vector<std::string> databases() const override {
    std::vector<std::string> names;
    for (const auto& [name, id] : ids_) names.push_back(name);
    return names;
  }

  std::string_view name() const override { return "fake engine"; }
  bool owns(journal::RecordType) const override { return false; }
  Result<void> replay(const journal::Record&) override { return {}; }
  Result<journal::Lsn> checkpoint() override { return 0; }
  void start(journal::Journal&) override {}
  void stop() override {}
  Result<std::vector<tsdb::RetentionPolicy>> retention_policies(std::string_view) const override { return std::vector<tsdb::RetentionPolicy>(); }
  Result<void> create_retention_policy(std::string_view, const tsdb::RetentionPolicy&) override { return {}; }
  Result<void> create_continuous_query(std::string_view, const tsdb::ContinuousQuery&) override { return {}; }
  Result<void> drop_continuous_query(std::string_view, std::string_view) override { return {}; }
  Result<std::vector<tsdb::ContinuousQuery>> continuous_queries(std::string_view) const override { return std::vector<tsdb::ContinuousQuery>(); }
  Result<void> drop_retention_policy(std::string_view, std::string_view) override { return {}; }
  Result<void> alter_retention_policy(std::string_view, std::string_view, std::optional<int64_t>, bool) override { return {}; }
  Result<std::shared_ptr<const tsdb::Reader>> reader(tsdb::BucketId) const override { return fail(ErrorCode::kUnsupported, "not in tests"); }
  Result<void> seal_all() override { return {}; }
  Result<uint64_t> merge_small_chunks() override { return 0; }
  Result<tsdb::ChangeOutcome> erase(tsdb::BucketId, const tsdb::PointSelection&, const tsdb::Cancelled&) override { return tsdb::ChangeOutcome{}; }
  Result<tsdb::ChangeOutcome> correct(tsdb::BucketId, const tsdb::CorrectionRequest&, const tsdb::Cancelled&) override { return tsdb::ChangeOutcome{}; }
  Result<tsdb::ChangeOutcome> check_correction(tsdb::BucketId, const tsdb::CorrectionRequest&, const tsdb::Cancelled&) const override {
    return tsdb::ChangeOutcome{};
  }
  tsdb::EngineStatus status() const override { return {}; }
  void register_metrics(Metrics&) override {}

  std::optional<Error> failure;
  std::vector<std::string> points;
  uint64_t writes = 0;
  bool is_relaxed = false;  // its points may be acknowledged before their sync

 private:
  std::optional<std::string> database_of(tsdb::BucketId bucket) const {
    for (const auto& [name, id] : ids_) {
      if (id == bucket) return name;
    }
    return std::nullopt;
  }
  mutable std::mutex mutex_;
  std::map<std::string, tsdb::BucketId, std::less<>> ids_;
  tsdb::BucketId last_id_ = 0;
};

}  // namespace campanile::ingest
