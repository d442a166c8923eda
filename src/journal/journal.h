// Journal: the append-only log that makes an acknowledgement true. One thread writes and syncs for everybody (group commit).
//
//   auto journal = TRY(Journal::open(directory, options, replay));
//   const Lsn lsn = TRY(journal->append(RecordType::kPoints, payload));
//   commits.when_durable(lsn, [](Result<void> stored) { ... });   // journal/commit_queue.h
//   journal->append_together(records);                            // a unit: after a power cut all of them are there, or none
//   journal->append_within(200ms, RecordType::kPoints, payload);  // nobody waits for its sync, which takes place in time all the same
//
// A record is on disk and survives power loss when durable() has reached its Lsn. docs/format/journal.md draws the bytes.
// Threads: append(), durable() and status() from any thread; listeners run on the journal's thread and must not block.
// Limits: options.pending_bytes_max of appended but unsynced bytes; beyond it append() answers kOverloaded.
// Errors: after a failed write or sync nothing more is acknowledged: append() answers kIoError with the cause until
// the journal has been able to write again, into a new file. Records appended before the fault are kept and written then: they were
// reported as failed, and may still come back in a later replay.
// An Lsn names one record for ever: after a start the positions go on beyond any that the run before can have handed out.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace campanile::journal {

// A position in the endless stream of journal bytes: that of the first byte after a record. 0 is before everything.
using Lsn = uint64_t;

// Who a record belongs to. The numbers are on disk; never renumber them.
enum class RecordType : uint8_t {
  kSeries = 1,     // tsdb: a series or column gets its number
  kPoints = 2,     // tsdb: rows of values
  kDatabase = 3,   // tsdb: a database or retention policy is made or dropped
  kRejected = 4,   // ingest: a message that could not be decoded
  kRetained = 5,   // broker: a retained message is set or cleared
  kSession = 6,    // broker: session state
  kErase = 7,      // tsdb: a range of times of some series is erased
  kCorrect = 8,    // tsdb: values in a range of times of some series are corrected
  kAudit = 9,      // audit: something was done to the data, or is about to be
  kLoss = 253,     // in no file: at replay, that records before the next one were damaged and left out (journal/repair.h)
};

struct Record {
  RecordType type;
  std::string_view payload;
  Lsn lsn;  // after the record
  // False: it may be in the system's memory alone, and a power cut during this start may take it back. Until the journal is open nothing may be done
  // with it that cannot be done again without it.
  bool is_synced = true;
};

// A record on its way in: `head` and `tail` are written one after the other as one payload.
struct NewRecord {
  RecordType type;
  std::string_view head;
  std::string_view tail = {};
};

// What an acknowledgement waits for: that records up to `synced` would survive a power cut, and those up to `written` that the program is killed.
struct Awaited {
  Lsn synced = 0;
  Lsn written = 0;

  bool is_nothing() const { return synced == 0 && written == 0; }
  void include(const Awaited& other) {
    synced = std::max(synced, other.synced);
    written = std::max(written, other.written);
  }
};

struct JournalOptions {
  uint64_t segment_bytes = 64ull << 20;        // a new file begins after that many
  uint64_t pending_bytes_max = 64ull << 20;    // appended, not yet synced
  // 0: sync as soon as anything waits. Above 0: the named relaxation "sync every N ms"; durable() then runs ahead of the disk.
  uint32_t sync_every_ms = 0;
  // No Lsn up to this one is handed out. For an owner whose own files name positions: should the journal's directory be lost or be an
  // older one than those files, new records still come after everything they speak of.
  Lsn lsn_min = 0;
  // While commits carry at least gather_records records each, the next one waits that long for more to come along: with a thousand
  // senders that each wait for an answer, many small commits cost more than they save. gather_us 0: never.
  uint32_t gather_us = 500;
  uint32_t gather_records = 16;
  uint32_t retry_ms = 1000;                    // after a failed write or sync: how long until the next attempt
  const Clock* clock = nullptr;                // what says that a sync is due; null: the system's. It must outlive the journal
  // False: whoever waits for a commit makes it, and nobody else does, so that a simulation takes the same path again. One thread only then.
  bool has_thread = true;
};

struct JournalStatus {
  Lsn let_go = 0;        // records up to there have been let go of
  Lsn end = 0;           // after the last appended record
  Lsn durable = 0;       // after the last record that survives power loss
  Lsn begin = 0;         // of the oldest record still kept
  uint64_t syncs = 0;    // since open
  uint64_t bytes = 0;    // written since open
  uint64_t kept_bytes = 0;  // of records in the files; not end - begin, because positions leave a gap at every start
  std::string failure;   // empty while healthy; otherwise what failed, in words
};

// Called for each record still kept, oldest first. An error stops open().
using ReplayFunction = std::function<Result<void>(const Record&)>;
// Called after each commit with durable(), or with the failure that keeps it from moving.
using CommitListener = std::function<void(Lsn durable, const Result<void>& state)>;

// Appends records in the journal's place, for a caller who makes them one unit with records of his own. Errors: the journal's.
using AppendFunction = std::function<Result<Lsn>(std::span<const NewRecord> records)>;

class FileSystem;  // journal/file_system.h

// The first `bytes` bytes of a journal file: its header and whole frames, none of which changes any more.
struct SegmentFile {
  std::filesystem::path path;
  uint64_t bytes = 0;
};

// While it lives no file of the journal is removed, however many checkpoints there are. For who copies them. It must go before the journal.
class SegmentHold {
 public:
  virtual ~SegmentHold() = default;
  // Syncs everything appended before the call, and answers all files kept, oldest first: copied with that many bytes each under their names, they are
  // a journal that ends there or later. Blocks for a sync; never on an event loop. Errors: kIoError while the journal cannot write.
  virtual Result<std::vector<SegmentFile>> synced_files() = 0;
};

class Journal {
 public:
  // Opens or makes the journal in `directory`, replays what it holds, cuts a torn tail, and starts the writer thread.
  // Errors: kIoError; kCorrupt where a record in the middle (not the torn tail) fails its checksum, naming file and offset;
  // whatever `replay` returned.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& directory, const JournalOptions& options,
                                               const ReplayFunction& replay);
  // The same on other files than the operating system's, which must outlive the journal. For tests and simulations.
  static Result<std::unique_ptr<Journal>> open(FileSystem& files, const std::filesystem::path& directory, const JournalOptions& options,
                                               const ReplayFunction& replay);
  // Writes and syncs what is pending, unless the disk refuses. REQUIRES: no other call is running or follows.
  virtual ~Journal() = default;

  // Adds a record; its order is that of the Lsns returned. `parts` are written one after another as one payload.
  // Errors: kOverloaded, kIoError, kTooLarge (a payload over segment_bytes). After an error nothing was added.
  virtual Result<Lsn> append(RecordType type, std::string_view head, std::string_view tail = {}) = 0;

  // Adds records as one unit: a replay sees all of them, in this order and with this one Lsn, or none. REQUIRES: not empty.
  // Errors: as append(); their payloads together are to fit into segment_bytes.
  virtual Result<Lsn> append_together(std::span<const NewRecord> records) = 0;

  // As append(), for who does not wait for the sync: it comes at the latest `within` after the call, or with the first one that somebody
  // waits for. While the disk refuses it comes later. Like written() and sync_to() only for a journal that tells writing from syncing; any other
  // syncs at once.
  virtual Result<Lsn> append_within(std::chrono::milliseconds within, RecordType type, std::string_view payload) {
    static_cast<void>(within);
    return append(type, payload);
  }
  // After the last record that the operating system has: it survives that the program is killed. It never goes back: where the disk refuses,
  // what was written may be in memory alone until it can be written again.
  virtual Lsn written() const { return durable(); }
  // Syncs up to `lsn` at once, whatever was said when it was appended. Does not wait.
  virtual void sync_to(Lsn lsn) { static_cast<void>(lsn); }

  virtual Lsn durable() const = 0;
  virtual Lsn end() const = 0;
  virtual JournalStatus status() const = 0;

  // REQUIRES: called before the first append(). Listeners stay for the journal's life.
  virtual void add_listener(CommitListener listener) = 0;

  // Blocks until durable() >= lsn, which it sees to as sync_to() does. For shutdown, tests and command-line tools; never on an event loop.
  // Errors: kIoError while the journal cannot write; kInvalidArgument for an lsn after end().
  virtual Result<void> wait_durable(Lsn lsn) = 0;

  // Lets go of whole segments that end at or before `lsn`; of none while somebody holds them.
  virtual Result<void> truncate_before(Lsn lsn) = 0;

  // Waits for a removal that is under way. Any number of holds at a time. Errors: kUnsupported for a journal without files.
  virtual Result<std::unique_ptr<SegmentHold>> hold_segments() = 0;
};

// A part of the program whose state the journal protects. See journal/checkpoint.h for who calls it.
class Participant {
 public:
  virtual ~Participant() = default;
  virtual std::string_view name() const = 0;
  virtual bool owns(RecordType type) const = 0;
  // Applies a record at start, before any other call. Records may have been applied and checkpointed already: replay is idempotent.
  virtual Result<void> replay(const Record& record) = 0;
  // Makes the effect of every record appended before the call durable elsewhere, and returns the Lsn from which the
  // journal is still needed. Runs on the checkpoint thread while appends go on.
  virtual Result<Lsn> checkpoint() = 0;
};

}  // namespace campanile::journal
