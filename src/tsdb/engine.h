// Engine: the time-series store. Points go in through the journal and the head; chunks in the key-value store hold what is sealed.
//
//   auto engine = TRY(tsdb::Engine::open(options, store, clock));
//   TRY(Journal::open(dir, journal_options, [&](const Record& r) { return engine->replay(r); }));
//   engine->start(*journal);
//   const BucketId bucket = TRY(engine->bucket("campus", ""));
//   const WriteOutcome outcome = TRY(engine->write(bucket, batch, now_ns));    // acknowledge once outcome.awaited has come true
//
// A bucket is a database with one of its retention policies. A series is a measurement with its tags (model/series_key.h);
// its fields are columns, each of one type for as long as the measurement exists in the bucket. A point written again at the same time
// replaces the fields it carries (last write wins), as InfluxDB does.
// Threads: every method from any thread unless it says otherwise; write() holds no lock while it waits for anything.
// Errors: as each method says; I/O failures are kIoError and refuse writes, not reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "journal/journal.h"
#include "kv/store.h"
#include "model/known_series.h"
#include "model/point_batch.h"
#include "model/series_key.h"
#include "tsdb/change_watch.h"
#include "tsdb/correction.h"
#include "tsdb/reader.h"

namespace campanile::tsdb {

struct EngineOptions {
  uint64_t head_bytes_max = 512ull << 20;  // beyond it the largest and oldest heads are sealed
  uint32_t chunk_points_max = 1024;        // a column is sealed when it holds that many
  uint32_t series_max = 10'000'000;        // further new series are refused with kTooLarge, existing ones are not
  uint32_t correction_chunks_max = 256;    // chunks of a series that are corrected in one write of the store
  bool has_thread = true;                  // false: heads are sealed, and the rest of that thread's work is done, only when told to; for simulations
  // Databases whose points need not be synced before they are acknowledged, and within which time they are. Those that are not here: before.
  std::map<std::string, std::chrono::milliseconds, std::less<>> sync_within;
};

// A point that was not stored, and why. The others of its batch were.
struct PointError {
  size_t point;  // index in the batch
  Error error;
};

struct WriteOutcome {
  journal::Lsn lsn = 0;      // of the last record
  journal::Awaited awaited;  // acknowledge after this: the sync of that record, or its write where the database says so (sync_within)
  size_t points_stored = 0;
  std::vector<PointError> errors;  // kTypeConflict, kTooLarge (series limit, string over 64 KiB), kInvalidArgument (no field, time out of range)
};

// Appends a batch's one record in the engine's place, so that it is one unit with others. `refused`: the points that are not in it.
// Called with the index gate held; must not call the engine. Errors: the journal's; then nothing is stored.
using AppendPoints = std::function<Result<journal::Lsn>(const journal::NewRecord& points, std::span<const PointError> refused)>;

// Which points are to be changed: those of all series that fulfil the conditions, with times in the range.
struct PointSelection {
  std::vector<std::string> measurements;  // empty: all
  TagPredicate predicate;
  TimeRange range;
};

// Which values are to be corrected, and how: those of the field in the points. The same field may have another type in each measurement.
struct CorrectionRequest {
  PointSelection points;
  std::string field;
  Correction correction;
};

struct ChangeOutcome {
  journal::Lsn lsn = 0;         // of the last record; durable
  uint64_t series = 0;          // that were looked at
  uint64_t values = 0;          // that are gone, or corrected; a value that two overlapping chunks hold counts twice
  uint64_t damaged_chunks = 0;  // that could not be read and were left as they are
  uint64_t values_left = 0;     // that a correction has no result for: written after it was checked, and left as they are
  uint64_t series_left = 0;     // that were not come to before it was cancelled
};

// Asked now and then by what takes long; true ends it. May be empty.
using Cancelled = std::function<bool()>;

struct RetentionPolicy {
  std::string name;
  int64_t duration_ns = 0;  // 0: for ever
  bool is_default = false;
};

// A query that is run again and again. The engine keeps it with its database and does not know its language.
struct ContinuousQuery {
  std::string name;
  std::string text;
};

struct EngineStatus {
  uint64_t series = 0;
  uint64_t columns = 0;
  uint64_t columns_made = 0;    // the same, and those that are gone again; it changes with every new one
  uint64_t head_points = 0;
  uint64_t head_bytes = 0;
  uint64_t points_written = 0;  // since start
  journal::Lsn checkpoint_lsn = 0;  // of the last checkpoint: the journal's records up to there are in the store
  std::string failure;          // what keeps heads from being written to the store, in words; empty while nothing does
  bool is_full = false;         // writes are refused until heads have been written
};

class Engine : public journal::Participant {
 public:
  // Loads databases and the series index from `store`. Both references must outlive the engine.
  static Result<std::unique_ptr<Engine>> open(const EngineOptions& options, kv::Store& store, const Clock& clock);

  // REQUIRES: nothing is replayed or written yet. It must outlive the engine's last write.
  virtual void set_change_watch(ChangeWatch&) {}
  // Has the watch told of changes to a measurement's points before that time, from now on: a write that a reader made after this call does not see is told.
  // False: there is no such bucket.
  virtual bool watch_changes(BucketId, std::string_view, int64_t) { return false; }

  // From now on writes go to this journal. REQUIRES: replay is over. Starts the background sealing and retention thread.
  virtual void start(journal::Journal& journal) = 0;
  virtual void stop() = 0;  // joins it; heads stay in the journal

  // Databases. Names follow InfluxDB: not empty, no control characters, at most 255 bytes.
  virtual Result<void> create_database(std::string_view name) = 0;  // exists already: fine, as InfluxDB has it
  virtual Result<void> drop_database(std::string_view name) = 0;    // unknown: fine
  virtual std::vector<std::string> databases() const = 0;           // sorted
  virtual Result<std::vector<RetentionPolicy>> retention_policies(std::string_view database) const = 0;
  virtual Result<void> create_retention_policy(std::string_view database, const RetentionPolicy& policy) = 0;
  // With its points. Unknown: fine. Where it was the default one, there is none until another one is made so.
  virtual Result<void> drop_retention_policy(std::string_view database, std::string_view policy) = 0;
  // What is not given stays as it is. Errors: kNotFound, kInvalidArgument.
  virtual Result<void> alter_retention_policy(std::string_view database, std::string_view policy, std::optional<int64_t> duration_ns, bool make_default) = 0;
  // The same again is fine. Errors: kNotFound, kAlreadyExists, kInvalidArgument.
  virtual Result<void> create_continuous_query(std::string_view database, const ContinuousQuery& query) = 0;
  virtual Result<void> drop_continuous_query(std::string_view database, std::string_view name) = 0;  // unknown: fine
  virtual Result<std::vector<ContinuousQuery>> continuous_queries(std::string_view database) const = 0;
  // The bucket of a database and a retention policy; an empty policy means the default one.
  // Errors: kNotFound with InfluxDB's words: database not found: "x" / retention policy not found: x
  virtual Result<BucketId> bucket(std::string_view database, std::string_view retention_policy) const = 0;

  // The bucket's series, for a decoder of points that are written with write() before it goes; it must not outlive the engine. Null: there is no
  // such bucket any more.
  virtual std::unique_ptr<KnownSeries> known_series(BucketId) const { return nullptr; }

  // Stores a batch. Points without a time get `now_ns`. Valid points are stored although others are not. With `append` they are one
  // record, however many, which goes there; it is not called where there is no valid point.
  // Errors (nothing stored): kOverloaded, kIoError, kNotFound (the bucket was dropped).
  virtual Result<WriteOutcome> write(BucketId bucket, const PointBatch& batch, int64_t now_ns, const AppendPoints* append = nullptr) = 0;

  // Blocks until what a write() answered has come true. For workers. Errors: kIoError while the disk refuses.
  virtual Result<void> wait_safe(const journal::Awaited& awaited) = 0;

  // Erases points that were written before the call; those written meanwhile stay or go, each for good. Series without points are not
  // found any more; fields keep their types.
  // Takes as long as it takes to rewrite the chunks at both ends of the range in every series: for workers. When it answers, no reader made later
  // sees the points, and a power cut does not bring them back. Errors: kNotFound, kOverloaded, kIoError; after an error some series may have lost
  // their points, and where a record was written the others follow as soon as the disk allows. Where it is cancelled, some series have lost their points
  // and the others have not; the outcome tells how many.
  virtual Result<ChangeOutcome> erase(BucketId bucket, const PointSelection& points, const Cancelled& cancelled = {}) = 0;

  // Corrects the values of a field that were written before the call, each once, whatever happens to the program meanwhile: all series, or none.
  // Takes as long as it takes to rewrite the chunks of the field in the range; for workers. It can be cancelled until the first value is changed.
  // Errors (nothing is corrected): kInvalidArgument for a correction that does not fit the field's type or a value, which is named; kNotFound where
  // nothing has the field; kTooLarge for too many series; kTimeout where it was cancelled; kOverloaded. kIoError: where the record was written, it
  // is done as soon as the disk allows.
  virtual Result<ChangeOutcome> correct(BucketId bucket, const CorrectionRequest& request, const Cancelled& cancelled = {}) = 0;
  // What correct() would do: its errors, and how many series and values it would touch.
  virtual Result<ChangeOutcome> check_correction(BucketId bucket, const CorrectionRequest& request, const Cancelled& cancelled = {}) const = 0;

  // A consistent view of one bucket, cheap to make; hold it for one query.
  virtual Result<std::shared_ptr<const Reader>> reader(BucketId bucket) const = 0;

  // Seals every head column into chunks now, on the calling thread. For tests, backups and shutdown on request.
  virtual Result<void> seal_all() = 0;
  // Merges small chunks that follow one another, as sealing does by and by. Answers of how many series. For workers.
  virtual Result<uint64_t> merge_small_chunks() = 0;
  virtual EngineStatus status() const = 0;
  virtual void register_metrics(Metrics& metrics) = 0;
};

}  // namespace campanile::tsdb
