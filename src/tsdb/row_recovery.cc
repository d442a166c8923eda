#include "tsdb/row_recovery.h"

#include <algorithm>
#include <map>
#include <set>

#include "tsdb/catalog.h"
#include "tsdb/chunk.h"
#include "tsdb/sealer.h"
#include "tsdb/series_index.h"

namespace campanile::tsdb {
namespace {

constexpr size_t kBatchChanges = 4096;

class RowRecovery {
 public:
  explicit RowRecovery(kv::Store& store) : store_(store) {}

  Result<RecoveredRows> run() {
    const auto row = TRY(store_.get(kMetaKey));
    if (row) meta_ = TRY(decode_meta(*row));
    TRY(find_numbers());
    TRY(recover_catalog());
    for (const BucketId bucket : known_buckets_) index_.add_bucket(bucket, 0);
    TRY(index_.load(store_, meta_.next_series));
    TRY(look_at_chunks());
    TRY(index_.persist(store_, [] { return Result<void>(); }));
    TRY(write_states());
    // A directory in which nothing was ever sealed has no such row.
    if (!buckets_.empty()) TRY(put_if_other(kMetaKey, row, encode_meta(meta_)));
    TRY(store_.sync());
    if (nameless_.size() > 0) done_.told.push_back(fmt::format("{} series have no name any more; their chunks stay, and nothing finds them", nameless_.size()));
    return std::move(done_);
  }

 private:
  // The greatest numbers in use, and the buckets that have rows.
  Result<void> find_numbers() {
    for (const BucketRows kind : {BucketRows::kSeries, BucketRows::kStates}) {
      const auto rows = store_.iterate(bucket_begin(kind, 0), bucket_end(kind, UINT32_MAX - 1));
      for (; rows->valid(); rows->next()) {
        take(bucket_of_row(rows->key()), TRY(series_of_row(rows->key())));
      }
      TRY(rows->status());
    }
    const auto chunks = store_.iterate(bucket_begin(BucketRows::kChunks, 0), bucket_end(BucketRows::kChunks, UINT32_MAX - 1));
    for (; chunks->valid(); chunks->next()) {
      const ChunkKey key = TRY(parse_chunk_key(chunks->key()));
      take(key.bucket, key.series);
      meta_.sequence = std::max(meta_.sequence, key.sequence);
    }
    return chunks->status();
  }

  void take(BucketId bucket, SeriesId series) {
    buckets_.insert(bucket);
    meta_.next_series = std::max(meta_.next_series, series + 1);
  }

  Result<void> put_if_other(std::string_view key, const std::optional<std::string>& before, const std::string& now) {
    if (before == now) return {};
    done_.has_written = true;
    kv::WriteBatch batch;
    batch.put(key, now);
    return store_.write(batch, kv::Durability::kBuffered);
  }

  // Buckets below the catalogue's next one that it does not have were dropped.
  Result<void> recover_catalog() {
    Catalog catalog;
    const auto row = TRY(store_.get(kCatalogKey));
    if (row) catalog = TRY(Catalog::decode(*row));
    const BucketId next = catalog.next_bucket();
    for (const BucketId bucket : buckets_) {
      if (bucket < next) continue;
      const std::string name = fmt::format("recovered_{}", bucket);
      catalog.apply({.kind = DatabaseChange::Kind::kCreateDatabase, .database = name, .policy = "autogen", .bucket = bucket, .duration_ns = 0, .is_default = true});
      done_.told.push_back(fmt::format("a database has no name any more; it is called {}", name));
    }
    for (const auto& [name, database] : catalog.databases()) {
      for (const Catalog::Policy& policy : database.policies) known_buckets_.insert(policy.bucket);
    }
    return catalog.next_bucket() == next ? Result<void>() : put_if_other(kCatalogKey, row, catalog.encode());
  }

  Result<void> look_at_chunks() {
    for (const BucketId id : known_buckets_) {
      const auto bucket = index_.bucket(id);
      const auto rows = store_.iterate(bucket_begin(BucketRows::kChunks, id), bucket_end(BucketRows::kChunks, id));
      for (; rows->valid(); rows->next()) {
        const ChunkKey key = TRY(parse_chunk_key(rows->key()));
        SeriesEntry* const entry = index_.series(key.series);
        if (!entry || entry->bucket != id) {
          nameless_.insert(key.series);
          continue;
        }
        const bool has_state = entry->chunks.sequence != 0;
        const bool is_defined = key.column <= entry->measurement->columns.size();
        if (has_state && is_defined) continue;
        const auto chunk = parse_chunk(rows->key(), rows->value());
        if (!chunk) continue;  // whoever asks for it is told
        if (!is_defined) define_columns(*bucket, *entry, *chunk);
        if (!has_state) add_to_state(*entry, *chunk);
      }
      TRY(rows->status());
    }
    return {};
  }

  void define_columns(Bucket& bucket, SeriesEntry& entry, const Chunk& chunk) {
    const size_t before = entry.measurement->columns.size();
    done_.has_written = true;
    index_.stand_in_for_columns(bucket, *entry.measurement, chunk.key.column, chunk.type);
    for (size_t i = before; i < entry.measurement->columns.size(); ++i) {
      done_.told.push_back(fmt::format("a field of measurement \"{}\" has no name any more; it is called {}", entry.measurement->name, entry.measurement->columns[i].name));
    }
  }

  // Nothing is known of the order in which the chunks came, so all are looked at by whoever reads.
  void add_to_state(SeriesEntry& entry, const Chunk& chunk) {
    ChunksState& state = new_states_[&entry];
    if (chunk.key.column != kTimesColumn) state.columns |= ChunksState::column_bit(chunk.key.column);
    state.overlaps = true;
    const auto span = static_cast<uint64_t>(chunk.statistics.max_time_ns) - static_cast<uint64_t>(chunk.statistics.min_time_ns);
    state.span_max_ns = std::max(state.span_max_ns, span);
    state.max_time_ns = std::max(state.max_time_ns, chunk.statistics.max_time_ns);
    state.sequence = std::max(state.sequence, chunk.key.sequence);
    state.sealed_lsn = meta_.checkpoint_lsn;
  }

  Result<void> write_states() {
    kv::WriteBatch batch;
    done_.has_written = done_.has_written || !new_states_.empty();
    for (const auto& [entry, state] : new_states_) {
      batch.put(series_row_key(BucketRows::kStates, entry->bucket, entry->id), encode_chunks_state(state));
      if (batch.size() < kBatchChanges) continue;
      TRY(store_.write(batch, kv::Durability::kBuffered));
      batch.clear();
    }
    if (!new_states_.empty()) done_.told.push_back(fmt::format("what is known of the chunks of {} series was made anew from them", new_states_.size()));
    return batch.empty() ? Result<void>() : store_.write(batch, kv::Durability::kBuffered);
  }

  kv::Store& store_;
  Meta meta_;
  std::set<BucketId> buckets_;        // that have rows
  std::set<BucketId> known_buckets_;  // that have a database
  SeriesIndex index_;
  std::map<SeriesEntry*, ChunksState> new_states_;
  std::set<SeriesId> nameless_;
  RecoveredRows done_;
};

}  // namespace

Result<RecoveredRows> recover_rows(kv::Store& store) { return RowRecovery(store).run(); }

}  // namespace campanile::tsdb
