// Databases and retention policies of the engine: changed in the journal and in memory, and in the catalogue row before there is any chunk that needs it.

#include <mutex>
#include <shared_mutex>

#include "base/text.h"
#include "tsdb/engine_impl.h"

namespace campanile::tsdb {
namespace {

constexpr std::string_view kDefaultPolicy = "autogen";  // InfluxDB's name for the one that keeps for ever
constexpr size_t kContinuousQueryBytesMax = 1u << 20;
constexpr int64_t kShortestDurationNs = 3600 * kNanosPerSecond;

}  // namespace

std::chrono::milliseconds EngineImpl::sync_within(std::string_view database) const {
  const auto found = options_.sync_within.find(database);
  return found == options_.sync_within.end() ? std::chrono::milliseconds(0) : found->second;
}

void EngineImpl::take_effect(std::string_view database, const Catalog::Effect& effect) {
  for (const Catalog::Policy& policy : effect.made) index_.add_bucket(policy.bucket, policy.duration_ns, sync_within(database));
  for (const Catalog::Policy& policy : effect.altered) {
    if (const auto bucket = index_.bucket(policy.bucket)) bucket->duration_ns = policy.duration_ns;
  }
  for (const BucketId id : effect.dropped) {
    if (auto bucket = index_.remove_bucket(id)) sealer_.erase_bucket(std::move(bucket));
  }
}

Result<void> EngineImpl::write_catalog(const Catalog& catalog, kv::Durability durability) {
  kv::WriteBatch batch;
  batch.put(kCatalogKey, catalog.encode());
  return store_.write(batch, durability);
}

Result<void> EngineImpl::persist_catalog() {
  Catalog current;
  {
    const std::shared_lock lock(index_.gate);
    if (!catalog_is_behind_) return {};
    current = catalog_;
  }
  TRY(secure_definitions());
  TRY(write_catalog(current, kv::Durability::kBuffered));
  const std::unique_lock lock(index_.gate);
  catalog_is_behind_ = catalog_.applied_lsn() != current.applied_lsn();
  return {};
}

// REQUIRES: the gate is not held. Answers when the change would survive a power cut.
Result<void> EngineImpl::change(DatabaseChange change, bool takes_bucket) {
  journal::Lsn lsn = 0;
  journal::Journal* const journal = journal_;
  {
    const std::unique_lock lock(index_.gate);
    const bool exists = catalog_.find(change.database) != nullptr;
    const bool drops = change.kind == DatabaseChange::Kind::kDropDatabase || change.kind == DatabaseChange::Kind::kDropPolicy ||
                       change.kind == DatabaseChange::Kind::kDropQuery;
    const bool is_done = drops ? !exists : exists && change.kind == DatabaseChange::Kind::kCreateDatabase;
    const bool wants_database = !drops && change.kind != DatabaseChange::Kind::kCreateDatabase;
    if (wants_database && !exists) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", excerpt(change.database));
    if (is_done) {
      // Somebody else may have done it a moment ago: the answer waits for theirs to be durable.
      lsn = catalog_.applied_lsn();
    } else {
      if (takes_bucket) change.bucket = catalog_.next_bucket();
      if (journal) lsn = TRY(journal->append(journal::RecordType::kDatabase, encode_database_change(change)));
      Catalog changed = catalog_;
      const auto effect = changed.apply(change);
      if (lsn > 0) changed.set_applied_lsn(lsn);
      // What the journal has will be so at the next start, whatever the store says, and so it is from now on. Without a journal the row is all there is.
      if (!journal) TRY(write_catalog(changed, kv::Durability::kSynced));
      catalog_is_behind_ = journal != nullptr;
      catalog_ = std::move(changed);
      take_effect(change.database, effect);
    }
  }
  if (journal) TRY(journal->wait_durable(lsn));
  return {};
}

Result<void> EngineImpl::create_database(std::string_view name) {
  TRY(check_name("database", name));
  return change({.kind = DatabaseChange::Kind::kCreateDatabase, .database = std::string(name), .policy = std::string(kDefaultPolicy), .is_default = true}, true);
}

Result<void> EngineImpl::drop_database(std::string_view name) {
  return change({.kind = DatabaseChange::Kind::kDropDatabase, .database = std::string(name)}, false);
}

Result<void> EngineImpl::create_retention_policy(std::string_view database, const RetentionPolicy& policy) {
  TRY(check_name("retention policy", policy.name));
  if (policy.duration_ns != 0 && policy.duration_ns < kShortestDurationNs) {
    return fail(ErrorCode::kInvalidArgument, "retention policy duration must be at least 1h0m0s");
  }
  {
    const std::shared_lock lock(index_.gate);
    const Catalog::Database* const found = catalog_.find(database);
    if (!found) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", excerpt(database));
    if (const Catalog::Policy* const there = found->find(policy.name)) {
      const bool is_same = there->duration_ns == policy.duration_ns && (!policy.is_default || found->default_policy == policy.name);
      if (is_same) return {};
      return fail(ErrorCode::kAlreadyExists, "retention policy already exists");
    }
  }
  return change({.kind = DatabaseChange::Kind::kCreatePolicy,
                 .database = std::string(database),
                 .policy = policy.name,
                 .duration_ns = policy.duration_ns,
                 .is_default = policy.is_default},
                true);
}

Result<void> EngineImpl::drop_retention_policy(std::string_view database, std::string_view policy) {
  return change({.kind = DatabaseChange::Kind::kDropPolicy, .database = std::string(database), .policy = std::string(policy)}, false);
}

Result<void> EngineImpl::alter_retention_policy(std::string_view database, std::string_view policy, std::optional<int64_t> duration_ns, bool make_default) {
  if (duration_ns && *duration_ns != 0 && *duration_ns < kShortestDurationNs) {
    return fail(ErrorCode::kInvalidArgument, "retention policy duration must be at least 1h0m0s");
  }
  DatabaseChange altered{.kind = DatabaseChange::Kind::kAlterPolicy, .database = std::string(database), .policy = std::string(policy), .is_default = make_default};
  {
    const std::shared_lock lock(index_.gate);
    const Catalog::Database* const found = catalog_.find(database);
    if (!found) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", excerpt(database));
    const Catalog::Policy* const there = policy.empty() ? nullptr : found->find(policy);
    if (!there) return fail(ErrorCode::kNotFound, "retention policy not found: {}", excerpt(policy));
    altered.duration_ns = duration_ns.value_or(there->duration_ns);
  }
  return change(std::move(altered), false);
}

Result<void> EngineImpl::create_continuous_query(std::string_view database, const ContinuousQuery& query) {
  TRY(check_name("continuous query", query.name));
  if (query.text.size() > kContinuousQueryBytesMax) return fail(ErrorCode::kInvalidArgument, "a continuous query may have up to {} bytes", kContinuousQueryBytesMax);
  for (const ContinuousQuery& each : TRY(continuous_queries(database))) {
    if (each.name != query.name) continue;
    if (each.text == query.text) return {};
    return fail(ErrorCode::kAlreadyExists, "continuous query already exists");
  }
  return change({.kind = DatabaseChange::Kind::kCreateQuery, .database = std::string(database), .policy = query.name, .text = query.text}, false);
}

Result<void> EngineImpl::drop_continuous_query(std::string_view database, std::string_view name) {
  return change({.kind = DatabaseChange::Kind::kDropQuery, .database = std::string(database), .policy = std::string(name)}, false);
}

Result<std::vector<ContinuousQuery>> EngineImpl::continuous_queries(std::string_view database) const {
  const std::shared_lock lock(index_.gate);
  const Catalog::Database* const found = catalog_.find(database);
  if (!found) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", excerpt(database));
  return found->queries;
}

std::vector<std::string> EngineImpl::databases() const {
  std::vector<std::string> out;
  const std::shared_lock lock(index_.gate);
  for (const auto& [name, database] : catalog_.databases()) out.push_back(name);
  return out;
}

Result<std::vector<RetentionPolicy>> EngineImpl::retention_policies(std::string_view database) const {
  const std::shared_lock lock(index_.gate);
  const Catalog::Database* const found = catalog_.find(database);
  if (!found) return fail(ErrorCode::kNotFound, "database not found: \"{}\"", excerpt(database));
  std::vector<RetentionPolicy> out;
  for (const Catalog::Policy& policy : found->policies) {
    out.push_back({.name = policy.name, .duration_ns = policy.duration_ns, .is_default = policy.name == found->default_policy});
  }
  return out;
}

Result<BucketId> EngineImpl::bucket(std::string_view database, std::string_view retention_policy) const {
  const std::shared_lock lock(index_.gate);
  return catalog_.bucket(database, retention_policy);
}

}  // namespace campanile::tsdb
