// The store on disk. RocksDB does not throw by design; every Status becomes an Error here and nothing of RocksDB leaves this file.

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "kv/rocksdb_files.h"
#include "kv/store.h"
#include "kv/stored_rows.h"

namespace campanile::kv {
namespace {

// Each open table file costs a descriptor and some memory; a process here shares its descriptors with its connections.
constexpr int kOpenFilesMax = 512;
constexpr size_t kRemarkBytesMax = 1024;
// A block is read and unpacked as a whole: several chunks of a kilobyte or two, or a hundred small rows.
constexpr size_t kBlockBytes = 16 << 10;
constexpr std::string_view kNobodysKey = "\xff";  // docs/format/kv.md gives out no such prefix

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

std::unexpected<Error> store_error(const rocksdb::Status& status, std::string_view doing) {
  ErrorCode code = ErrorCode::kIoError;
  if (status.IsCorruption()) code = ErrorCode::kCorrupt;
  if (status.IsInvalidArgument() || status.IsNotSupported()) code = ErrorCode::kInvalidArgument;
  return fail(code, "store: {}: {}", doing, status.ToString());
}

Result<void> result_of(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return {};
  return store_error(status, doing);
}

// What RocksDB has to say goes to our log. A diary of its own beside the data ends the process (an assertion) on a disk that takes no more.
class Remarks final : public rocksdb::Logger {
 public:
  Remarks() : Logger(rocksdb::WARN_LEVEL) {}
  void Logv(const char* format, va_list arguments) override { say(log::Level::kDebug, format, arguments); }
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < rocksdb::WARN_LEVEL || level == rocksdb::HEADER_LEVEL) return;
    // What it leaves out of its log at a start: the end of it after a power cut, or everything from a damaged place on.
    const bool is_loss = std::strstr(format, "dropping") != nullptr;
    say(level == rocksdb::WARN_LEVEL && !is_loss ? log::Level::kDebug : log::Level::kWarning, format, arguments);
  }
  void LogHeader(const char*, va_list) override {}  // its options, at every start

 private:
  static void say(log::Level level, const char* format, va_list arguments) {
    if (!log::enabled(level)) return;
    char text[kRemarkBytesMax];
    std::vsnprintf(text, sizeof text, format, arguments);
    log::write(level, fmt::format("store: {}", text));
  }
};

class RocksDbSnapshot final : public Snapshot {
 public:
  explicit RocksDbSnapshot(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  ~RocksDbSnapshot() override { db_.ReleaseSnapshot(snapshot_); }
  RocksDbSnapshot(const RocksDbSnapshot&) = delete;
  RocksDbSnapshot& operator=(const RocksDbSnapshot&) = delete;
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* snapshot_;
};

rocksdb::ReadOptions read_options(const Snapshot* at) {
  rocksdb::ReadOptions options;
  if (at) options.snapshot = static_cast<const RocksDbSnapshot*>(at)->get();
  return options;
}

class RocksDbIterator final : public Iterator {
 public:
  RocksDbIterator(rocksdb::DB& db, std::string_view first, std::string_view last, const Snapshot* at)
      : first_(first), last_(last), first_slice_(first_), last_slice_(last_) {
    auto options = read_options(at);
    options.iterate_lower_bound = &first_slice_;
    if (!last_.empty()) options.iterate_upper_bound = &last_slice_;
    iterator_.reset(db.NewIterator(options));
    iterator_->SeekToFirst();
  }

  void seek(std::string_view key) override { iterator_->Seek(slice(key)); }
  void seek_for_previous(std::string_view key) override { iterator_->SeekForPrev(slice(key)); }
  void next() override { iterator_->Next(); }
  void previous() override { iterator_->Prev(); }
  bool valid() const override { return iterator_->Valid(); }
  std::string_view key() const override { return view(iterator_->key()); }
  std::string_view value() const override { return view(iterator_->value()); }
  Result<void> status() const override { return result_of(iterator_->status(), "reading a range"); }

 private:
  // The bounds must live as long as the iterator, which keeps pointers to them.
  const std::string first_;
  const std::string last_;
  const rocksdb::Slice first_slice_;
  const rocksdb::Slice last_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksDbStore final : public Store {
 public:
  RocksDbStore(std::unique_ptr<rocksdb::Env> files, std::unique_ptr<rocksdb::DB> db, std::filesystem::path directory)
      : files_(std::move(files)), db_(std::move(db)), directory_(std::move(directory)) {}

  ~RocksDbStore() override {
    rocksdb::CancelAllBackgroundWork(db_.get(), /*wait=*/true);
    (void)db_->Close();
  }

  Result<std::optional<std::string>> get(std::string_view key, const Snapshot* at) const override {
    std::string value;
    const auto status = db_->Get(read_options(at), db_->DefaultColumnFamily(), slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return store_error(status, "reading a key");
    return value;
  }

  Result<void> write(const WriteBatch& batch, Durability durability) override {
    rocksdb::WriteBatch changes;
    for (const auto& change : batch.changes()) {
      switch (change.kind) {
        case WriteBatch::Change::Kind::kPut: TRY(result_of(changes.Put(change.key, change.value), "adding to a batch")); break;
        case WriteBatch::Change::Kind::kErase: TRY(result_of(changes.Delete(change.key), "adding to a batch")); break;
        case WriteBatch::Change::Kind::kEraseRange:
          // RocksDB refuses a whole batch for an empty range.
          if (change.key < change.value) TRY(result_of(changes.DeleteRange(change.key, change.value), "adding to a batch"));
      }
    }
    TRY(recover());
    rocksdb::WriteOptions options;
    options.sync = durability == Durability::kSynced;
    return remember(db_->Write(options, &changes), "writing");
  }

  std::unique_ptr<Iterator> iterate(std::string_view first, std::string_view last, const Snapshot* at) const override {
    return std::make_unique<RocksDbIterator>(*db_, first, last, at);
  }

  std::shared_ptr<const Snapshot> snapshot() const override { return std::make_shared<RocksDbSnapshot>(*db_); }

  Result<void> sync() override {
    TRY(recover());
    return remember(db_->FlushWAL(/*sync=*/true), "syncing");
  }

  // RocksDB changes to a new write-ahead log only where there is something in memory to flush, and must never go on in one that has failed. The
  // next fault may come before anything else is written: this tombstone of a key that nobody has is then what is flushed.
  Result<void> leave_something_in_memory() {
    rocksdb::WriteOptions memory_only;
    memory_only.disableWAL = true;
    return result_of(db_->Delete(memory_only, slice(kNobodysKey)), "preparing for a fault");
  }

  Result<void> compact() override {
    TRY(recover());
    TRY(remember(db_->Flush({}), "writing out what is in memory"));
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    TRY(remember(db_->CompactRange(options, nullptr, nullptr), "compacting"));
    return leave_something_in_memory();
  }

  uint64_t disk_bytes() const override {
    uint64_t bytes = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory_, error), end; !error && at != end; at.increment(error)) {
      std::error_code gone;  // files come and go while we look
      const auto size = at->file_size(gone);
      if (!gone) bytes += size;
    }
    return bytes;
  }

  Result<void> checkpoint(const std::filesystem::path& directory) override {
    TRY(recover());
    rocksdb::Checkpoint* made = nullptr;
    TRY(result_of(rocksdb::Checkpoint::Create(db_.get(), &made), "preparing a checkpoint"));
    const std::unique_ptr<rocksdb::Checkpoint> owned(made);
    // What is in memory is flushed to a table first, so that the checkpoint has no write-ahead log to bring along.
    TRY(remember(owned->CreateCheckpoint(directory.string()), "making a checkpoint"));
    return leave_something_in_memory();
  }

  StoreMemory memory() const override {
    const auto of = [&](const std::string& property) {
      uint64_t bytes = 0;
      db_->GetIntProperty(property, &bytes);
      return bytes;
    };
    return {.write_buffers = of(rocksdb::DB::Properties::kSizeAllMemTables),
            .cached_blocks = of(rocksdb::DB::Properties::kBlockCacheUsage),
            .open_files = of(rocksdb::DB::Properties::kEstimateTableReadersMem)};
  }

 private:
  // After a fault in the background RocksDB refuses every write until it is told to go on, which it may once the cause has gone.
  Result<void> recover() {
    if (!failed_.load()) return {};
    std::lock_guard lock(recovery_mutex_);
    if (!failed_.load()) return {};
    const auto status = db_->Resume();
    if (!status.ok()) return store_error(status, "going on after a fault");
    TRY(leave_something_in_memory());
    failed_.store(false);
    return {};
  }

  Result<void> remember(const rocksdb::Status& status, std::string_view doing) {
    if (!status.ok()) failed_.store(true);
    return result_of(status, doing);
  }

  std::unique_ptr<rocksdb::Env> files_;  // outlives db_
  std::unique_ptr<rocksdb::DB> db_;
  std::filesystem::path directory_;
  std::atomic<bool> failed_{false};
  std::mutex recovery_mutex_;
};

rocksdb::Options database_options(const RocksDbOptions& options, rocksdb::Env& files) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  // Index blocks count against the cache, so that memory stays inside its bounds however many files there are.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  table.block_size = kBlockBytes;
  table.index_block_restart_interval = 16;

  rocksdb::Options database;
  database.env = &files;
  database.create_if_missing = true;
  database.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Values come compressed; what is left to gain is in keys and headers, which are much alike. On the last level, where nearly everything lies, that is
  // worth Zstandard's time.
  database.compression = rocksdb::kNoCompression;
  for (const auto kind : rocksdb::GetSupportedCompressions()) {
    if (kind == rocksdb::kLZ4Compression) database.compression = kind;
    if (kind == rocksdb::kZSTD) database.bottommost_compression = kind;
  }
  database.write_buffer_size = options.write_buffer_bytes;
  database.max_write_buffer_number = 2;
  database.max_total_wal_size = 4 * options.write_buffer_bytes;
  database.max_open_files = kOpenFilesMax;
  database.max_background_jobs = 2;
  database.bytes_per_sync = 1u << 20;  // spreads writing back over time instead of one long stall
  database.info_log = std::make_shared<Remarks>();
  database.info_log_level = rocksdb::WARN_LEVEL;
  database.max_bgerror_resume_count = 0;  // recover() does it, when somebody writes
  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;
  return database;
}

struct ReadOnlyDatabase {
  static Result<ReadOnlyDatabase> open(const std::filesystem::path& directory) {
    ReadOnlyDatabase out{.files = rocksdb::NewCompositeEnv(rocksdb::FileSystem::Default()), .db = nullptr};
    auto options = database_options({}, *out.files);
    options.create_if_missing = false;
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::OpenForReadOnly(options, directory.string(), &db);
    out.db.reset(db);
    TRY(result_of(status, "opening " + directory.string()));
    return out;
  }

  std::unique_ptr<rocksdb::Env> files;  // outlives db
  std::unique_ptr<rocksdb::DB> db;
};

// RocksDB takes a directory without the file CURRENT for one to begin in, and removes tables that it does not know.
Result<void> refuse_lost_list(const std::filesystem::path& directory) {
  std::error_code error;
  if (std::filesystem::exists(directory / "CURRENT", error)) return {};
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".sst") return fail(ErrorCode::kCorrupt, "store: opening {}: the file CURRENT is missing, and there are tables", directory.string());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocksdb(const std::filesystem::path& directory, const RocksDbOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(ErrorCode::kIoError, "creating {}: {}", directory.string(), error.message());
  TRY(refuse_lost_list(directory));
  auto files = rocksdb::NewCompositeEnv(std::make_shared<RetryableFiles>(rocksdb::FileSystem::Default()));
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(database_options(options, *files), directory.string(), &db);
  std::unique_ptr<rocksdb::DB> owned(db);
  if (!status.ok()) {
    const std::string text = status.ToString();
    // RocksDB has no code of its own for this case; its two messages name the lock file.
    if (status.IsIOError() && (text.find("While lock file") != std::string::npos || text.find("lock hold by current process") != std::string::npos)) {
      return fail(ErrorCode::kUnavailable, "the store in {} is in use: {}", directory.string(), text);
    }
    if (text.find("MANIFEST-") != std::string::npos && text.find("No such file") != std::string::npos) {
      return fail(ErrorCode::kCorrupt, "store: opening {}: the file CURRENT is damaged, or the file that it names is missing: {}", directory.string(), text);
    }
    return store_error(status, "opening " + directory.string());
  }
  auto store = std::make_unique<RocksDbStore>(std::move(files), std::move(owned), directory);
  TRY(store->leave_something_in_memory());
  return store;
}

Result<void> check_rocksdb(const std::filesystem::path& directory) {
  const auto opened = TRY(ReadOnlyDatabase::open(directory));
  return result_of(opened.db->VerifyChecksum(), "reading " + directory.string());
}

Result<void> repair_rocksdb(const std::filesystem::path& directory) {
  const auto files = rocksdb::NewCompositeEnv(rocksdb::FileSystem::Default());
  return result_of(rocksdb::RepairDB(directory.string(), database_options({}, *files)), "repairing " + directory.string());
}

Result<void> read_stored_rows(const std::filesystem::path& directory, const RowVisitor& visit) {
  const auto opened = TRY(ReadOnlyDatabase::open(directory));
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(opened.db->NewIterator(options));
  for (at->SeekToFirst(); at->Valid(); at->Next()) visit(view(at->key()), view(at->value()));
  return result_of(at->status(), "reading " + directory.string());
}

}  // namespace campanile::kv
