// Store: an ordered map from bytes to bytes on disk. The rest of the program sees this interface and never RocksDB.
//
//   auto store = TRY(kv::open_rocksdb(directory, options));
//   kv::WriteBatch batch;
//   batch.put("a", "1");
//   TRY(store->write(batch, kv::Durability::kSynced));
//
// Keys sort by unsigned bytes. Prefixes are given out in docs/format/kv.md; each module keeps to its own.
// Threads: every method from any thread; an iterator and a snapshot belong to one thread at a time and must go before the store.
// Errors: kIoError and kCorrupt with the store's own words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace campanile::kv {

enum class Durability {
  kBuffered,  // survives the program, may be lost by a power cut
  kSynced,    // survives a power cut
};

// Changes applied together or not at all, in order.
class WriteBatch {
 public:
  struct Change {
    enum class Kind { kPut, kErase, kEraseRange } kind;
    std::string key;
    std::string value;  // kPut: the value. kEraseRange: the key after the last one erased.
  };
  void put(std::string_view key, std::string_view value) { changes_.push_back({Change::Kind::kPut, std::string(key), std::string(value)}); }
  void erase(std::string_view key) { changes_.push_back({Change::Kind::kErase, std::string(key), {}}); }
  // Erases every key in [first, last): nothing where last <= first.
  void erase_range(std::string_view first, std::string_view last) {
    changes_.push_back({Change::Kind::kEraseRange, std::string(first), std::string(last)});
  }
  bool empty() const { return changes_.empty(); }
  size_t size() const { return changes_.size(); }
  void clear() { changes_.clear(); }
  const std::vector<Change>& changes() const { return changes_; }

 private:
  std::vector<Change> changes_;
};

// Walks the keys of a range in order, over the state of the moment it was made. It begins on the first key; seeks outside the range stop at
// its edge. next() and previous() past the end make it invalid, from where only a seek leads back.
class Iterator {
 public:
  virtual ~Iterator() = default;
  virtual void seek(std::string_view key) = 0;           // onto the first key >= `key`
  virtual void seek_for_previous(std::string_view key) = 0;  // onto the last key <= `key`
  virtual void next() = 0;      // REQUIRES: valid()
  virtual void previous() = 0;  // REQUIRES: valid()
  virtual bool valid() const = 0;
  // REQUIRES: valid(). The views live until the iterator moves.
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  // What ended the walk, where that was a fault rather than the end.
  virtual Result<void> status() const = 0;
};

// A moment in the store's life, to read from while writes go on.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
};

// What a store holds in memory, in bytes.
struct StoreMemory {
  uint64_t write_buffers = 0;  // written and not yet in a file
  uint64_t cached_blocks = 0;  // parts of files, as many as the cache may hold
  uint64_t open_files = 0;     // what it knows of its files, beside the cache
};

class Store {
 public:
  virtual ~Store() = default;
  virtual Result<std::optional<std::string>> get(std::string_view key, const Snapshot* at = nullptr) const = 0;
  virtual Result<void> write(const WriteBatch& batch, Durability durability) = 0;
  // Keys in [first, last); an empty `last` means to the end.
  virtual std::unique_ptr<Iterator> iterate(std::string_view first, std::string_view last, const Snapshot* at = nullptr) const = 0;
  virtual std::shared_ptr<const Snapshot> snapshot() const = 0;
  // Makes every buffered write survive a power cut.
  virtual Result<void> sync() = 0;
  // Gives back the room of what was overwritten and erased. Takes as long as reading and writing everything once: for workers.
  virtual Result<void> compact() { return {}; }
  virtual uint64_t disk_bytes() const = 0;
  // Makes `directory`, which must not exist while its parent does, a store of its own with everything written before the call; writes go on
  // meanwhile. Tables are hard links where the file system is the same, and copies where not. Remove it when it has been used: links keep tables
  // on disk that the store has let go of. Errors: kUnsupported for a store in memory.
  virtual Result<void> checkpoint(const std::filesystem::path& directory) = 0;
  virtual StoreMemory memory() const = 0;
};

struct RocksDbOptions {
  uint64_t block_cache_bytes = 64ull << 20;
  uint64_t write_buffer_bytes = 32ull << 20;
};

// Opens or makes the store. Errors: kUnavailable where another process has it open; kIoError; kCorrupt.
Result<std::unique_ptr<Store>> open_rocksdb(const std::filesystem::path& directory, const RocksDbOptions& options);

// Whether a store that nobody has open can be read: opens it without writing, and compares every block of every table with its checksum.
// Errors: kCorrupt and kIoError naming the file where RocksDB does.
Result<void> check_rocksdb(const std::filesystem::path& directory);

// For a store that does not open: makes anew what RocksDB keeps beside its tables (MANIFEST, CURRENT, logs) from the files that are there. What cannot be read
// it moves to lost/ in the directory. REQUIRES: nobody has it open. Errors: kIoError; kCorrupt where that cannot be done either.
Result<void> repair_rocksdb(const std::filesystem::path& directory);

// Everything in memory, for tests and simulations. kv/faulty_store.h is one that fails on request.
std::unique_ptr<Store> make_memory_store();

}  // namespace campanile::kv
