#include "tsdb/engine.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "base/check.h"
#include "base/log.h"
#include "tsdb/engine_impl.h"

namespace campanile::tsdb {
namespace {

// The most rows that a chunk may be asked to hold: several blocks of them still fit into what a chunk's reader accepts.
constexpr uint32_t kChunkPointsLimit = 16'384;

EngineOptions within_limits(EngineOptions options) {
  options.chunk_points_max = std::clamp<uint32_t>(options.chunk_points_max, 2, kChunkPointsLimit);
  return options;
}

// Rows of buckets that the catalogue no longer has: the program ended between a drop and the erasing.
Result<void> erase_orphans(kv::Store& store, const Catalog& catalog) {
  std::vector<bool> known(catalog.next_bucket(), false);
  for (const auto& [name, database] : catalog.databases()) {
    for (const Catalog::Policy& policy : database.policies) {
      if (policy.bucket < known.size()) known[policy.bucket] = true;
    }
  }
  kv::WriteBatch batch;
  for (BucketId bucket = 1; bucket < known.size(); ++bucket) {
    if (known[bucket]) continue;
    for (const BucketRows rows : kAllBucketRows) {
      const std::string begin = bucket_begin(rows, bucket);
      const std::string end = bucket_end(rows, bucket);
      const auto found = store.iterate(begin, end);
      if (found->valid()) batch.erase_range(begin, end);
      TRY(found->status());
    }
  }
  if (!batch.empty()) TRY(store.write(batch, kv::Durability::kBuffered));
  return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options, kv::Store& store, const Clock& clock) {
  Meta meta;
  if (const auto row = TRY(store.get(kMetaKey))) meta = TRY(decode_meta(*row));
  Catalog catalog;
  if (const auto row = TRY(store.get(kCatalogKey))) catalog = TRY(Catalog::decode(*row));
  TRY(erase_orphans(store, catalog));
  auto engine = std::make_unique<EngineImpl>(options, store, clock, meta, std::move(catalog));
  TRY(engine->load(meta));
  return engine;
}

EngineImpl::EngineImpl(const EngineOptions& options, kv::Store& store, const Clock& clock, const Meta& meta, Catalog catalog)
    : options_(within_limits(options)),
      store_(store),
      clock_(clock),
      catalog_(std::move(catalog)),
      heads_(options_.chunk_points_max),
      sealer_(options_, store, clock, index_, heads_, counters_, meta, [this] { return persist_definitions(); }) {}

EngineImpl::~EngineImpl() { stop(); }

Result<void> EngineImpl::load(const Meta& meta) {
  const std::unique_lock lock(index_.gate);
  for (const auto& [name, database] : catalog_.databases()) {
    for (const Catalog::Policy& policy : database.policies) index_.add_bucket(policy.bucket, policy.duration_ns, sync_within(name));
  }
  const journal::Lsn sealed = TRY(index_.load(store_, meta.next_series));
  highest_lsn_ = std::max({sealed, meta.checkpoint_lsn, catalog_.applied_lsn()});
  Heads::Change change;
  for (const auto& [id, bucket] : index_.buckets()) {
    for (const SeriesEntry& entry : bucket->entries()) change.columns += std::popcount(entry.chunks.columns);
  }
  heads_.count(change);
  sealer_.set_replayed(meta.checkpoint_lsn);
  return {};
}

void EngineImpl::start(journal::Journal& journal) {
  CHECK(!journal_);
  if (journal.end() < highest_lsn_) {
    // Somebody took the journal away: what it held is lost, but what is in the store must not make new records look old.
    log::warning("the journal ends before what the store holds of it ({} < {}): it was removed or replaced; points that were not yet in chunks are lost",
                 journal.end(), highest_lsn_);
    {
      const std::unique_lock lock(index_.gate);
      catalog_.set_applied_lsn(0);
    }
    if (auto forgotten = sealer_.forget_positions(); !forgotten) log::error("forgetting the journal's positions: {}", forgotten.error().message);
  }
  tell_losses();
  journal_ = &journal;
  sealer_.start(journal);
}

void EngineImpl::stop() {
  journal_ = nullptr;
  sealer_.stop();
}

Result<std::shared_ptr<const Reader>> EngineImpl::reader(BucketId id) const {
  const std::shared_lock lock(index_.gate);
  auto bucket = index_.bucket(id);
  if (!bucket) return fail(ErrorCode::kNotFound, "bucket {} does not exist; its database was dropped", id);
  return std::make_shared<const BucketReader>(std::move(bucket), index_, sealer_, store_);
}

bool EngineImpl::watch_changes(BucketId id, std::string_view name, int64_t before_ns) {
  {
    const std::shared_lock lock(index_.gate);
    const auto bucket = index_.bucket(id);
    if (!bucket) return false;
    if (Measurement* const measurement = bucket->find_measurement(name)) {
      measurement->watched_before_ns = before_ns;
      return true;
    }
  }
  const std::unique_lock lock(index_.gate);
  const auto bucket = index_.bucket(id);
  if (bucket) bucket->add_measurement(name).watched_before_ns = before_ns;
  return bucket != nullptr;
}

Result<void> EngineImpl::seal_all() {
  TRY(sealer_.seal_all());
  return {};
}

Result<uint64_t> EngineImpl::merge_small_chunks() { return sealer_.merge_small_chunks(); }

Result<void> EngineImpl::persist_definitions() {
  TRY(persist_catalog());
  return index_.persist(store_, [this] { return secure_definitions(); });
}

// A row tells the next start what need not be in the journal. It is on the disk when the store likes: were its record lost in a power cut and the row
// in the next one, points that came in between would be of nobody.
Result<void> EngineImpl::secure_definitions() {
  journal::Journal* const journal = journal_;
  if (!journal) return {};
  {
    const std::unique_lock lock(index_.gate);
    TRY(journal_definitions());
  }
  return journal->wait_durable(journal->end());
}

Result<journal::Lsn> EngineImpl::checkpoint() {
  return sealer_.checkpoint();
}

bool EngineImpl::owns(journal::RecordType type) const {
  using journal::RecordType;
  return type == RecordType::kSeries || type == RecordType::kPoints || type == RecordType::kDatabase || type == RecordType::kErase || type == RecordType::kCorrect ||
         type == RecordType::kLoss;
}

Result<void> EngineImpl::replay(const journal::Record& record) {
  if (record.type == journal::RecordType::kLoss) {
    definitions_may_be_missing_ = true;
    return {};
  }
  if (record.lsn > sealer_.checkpoint_lsn()) {
    switch (record.type) {
      case journal::RecordType::kDatabase: TRY(replay_change(record)); break;
      case journal::RecordType::kSeries: {
        const std::unique_lock lock(index_.gate);
        TRY(decode_definitions(record.payload, [this](const Definition& definition) { return replay_definition(definition); }));
        break;
      }
      case journal::RecordType::kPoints: TRY(replay_points(record)); break;
      case journal::RecordType::kErase:
      case journal::RecordType::kCorrect: TRY(replay_range_change(record)); break;
      default: return {};
    }
  }
  sealer_.set_replayed(record.lsn);
  const bool is_pressed = heads_.bytes() > options_.head_bytes_max / 5 * 4;
  if (is_pressed && !sealer_.has_unfinished_changes()) TRY(sealer_.relieve(options_.head_bytes_max / 5 * 2));
  return {};
}

Result<void> EngineImpl::replay_definition(const Definition& definition) {
  if (const auto* removal = std::get_if<SeriesRemoval>(&definition)) {
    // What replay has put there is too old, or erased.
    SeriesEntry* const entry = index_.series(removal->series);
    if (entry && entry->bucket == removal->bucket) sealer_.clear_removed(*entry);
  }
  const auto* const column = std::get_if<ColumnDefinition>(&definition);
  if (column && definitions_may_be_missing_) stand_in_for_columns(*column);
  return index_.replay(definition);
}

Result<void> EngineImpl::replay_change(const journal::Record& record) {
  const std::unique_lock lock(index_.gate);
  if (record.lsn <= catalog_.applied_lsn()) return {};
  const DatabaseChange change = TRY(decode_database_change(record.payload));
  take_effect(change.database, catalog_.apply(change));
  catalog_.set_applied_lsn(record.lsn);
  catalog_is_behind_ = true;
  return {};
}

Result<void> EngineImpl::replay_points(const journal::Record& record) {
  if (definitions_may_be_missing_) TRY(stand_in_for_definitions(record));
  const BucketId bucket_id = TRY(bucket_of_points(record.payload));
  const std::shared_lock lock(index_.gate);
  const auto bucket = index_.bucket(bucket_id);
  if (!bucket) return {};  // dropped
  Heads::Change change;
  std::vector<Sealer::Item> full;
  const auto put = [&](SeriesId series, int64_t time_ns, std::span<const Slot> slots) {
    SeriesEntry* const entry = index_.series(series);
    if (!entry || entry->bucket != bucket_id) return;
    sealer_.tell_if_watched(ChangeWatch::Change::kWritten, *entry, {time_ns, time_ns});
    if (record.lsn <= entry->chunks.sealed_lsn) return;
    if (heads_.append(*entry, time_ns, record.lsn, slots, change)) full.push_back({bucket, entry});
  };
  const auto decoded = decode_points(record.payload, put);
  heads_.count(change);
  if (!full.empty()) sealer_.enqueue(full);
  return decoded;
}

EngineStatus EngineImpl::status() const {
  std::string failure = sealer_.failure();
  const std::shared_lock lock(index_.gate);
  return {.series = index_.series_count(),
          .columns = heads_.columns(),
          .columns_made = heads_.columns_made(),
          .head_points = heads_.rows(),
          .head_bytes = heads_.bytes(),
          .points_written = counters_.points_written.value(),
          .checkpoint_lsn = sealer_.checkpoint_lsn(),
          .failure = std::move(failure),
          .is_full = is_full()};
}

void EngineImpl::register_metrics(Metrics& metrics) {
  const auto count = [&metrics](LateCounter& counter, std::string_view name, std::string_view help) { counter.show(metrics.counter(name, help)); };
  count(counters_.points_written, "campanile_tsdb_points_written_total", "Points accepted into the store");
  count(counters_.points_refused, "campanile_tsdb_points_refused_total", "Points that the store refused, one by one, with a reason");
  count(counters_.writes_refused, "campanile_tsdb_writes_refused_total", "Whole batches refused because of overload or a failing disk");
  count(counters_.chunks_sealed, "campanile_tsdb_chunks_sealed_total", "Compressed chunks written");
  count(counters_.values_sealed, "campanile_tsdb_values_sealed_total", "Values in compressed chunks written");
  count(counters_.seal_failures, "campanile_tsdb_seal_failures_total", "Attempts to write chunks that failed; what they held stays in memory and in the journal");
  count(counters_.series_removed, "campanile_tsdb_series_removed_total", "Series that left the index because they had no points any more");
  count(counters_.values_erased, "campanile_tsdb_values_erased_total", "Values that were erased on request");
  count(counters_.values_corrected, "campanile_tsdb_values_corrected_total", "Values that were corrected on request");
  count(counters_.chunks_expired, "campanile_tsdb_chunks_expired_total", "Chunks erased because their retention policy does not keep them longer");
  metrics.gauge("campanile_tsdb_series", "Series in the index", [this] { return static_cast<double>(status().series); });
  metrics.gauge("campanile_tsdb_columns", "Fields of all series that have had a value", [this] { return static_cast<double>(heads_.columns()); });
  metrics.gauge("campanile_tsdb_head_points", "Rows in memory that are not in chunks yet", [this] { return static_cast<double>(heads_.rows()); });
  metrics.gauge("campanile_tsdb_head_bytes", "Memory that they take", [this] { return static_cast<double>(heads_.bytes()); });
  metrics.gauge("campanile_tsdb_seal_queue", "Series whose full heads wait to be made into chunks", [this] { return static_cast<double>(sealer_.queued()); });
}

}  // namespace campanile::tsdb
