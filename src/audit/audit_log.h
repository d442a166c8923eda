// AuditLog: who did what to the data, when, why, and what came of it: kept durably, found again newest first.
//
//   auto log = TRY(AuditLog::open(options, store, clock));
//   ...                                                            // the journal replays into it
//   log->start(*journal);
//   AuditEntry entry = TRY(log->begin({.kind = "delete", .who = user, .what = statement}));   // refused: then do not do it
//   entry.values = TRY(erase(...));
//   log->finish(std::move(entry));
//
// begin() puts its record into the journal before anything that is done afterwards, so that no such thing is durable without it; whoever waits for
// his own record has waited for this one. An entry that is begun and never finished tells that the program ended in between.
// Threads: any that may wait for the disk; counts() any. Lock order: flush_mutex_, then mutex_, then the journal's own.
// Limits: options; beyond them the oldest go, at checkpoints and after every kPendingMax new entries, and are counted. Texts are cut at kTextBytesMax.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "audit/audit_entry.h"
#include "base/clock.h"
#include "journal/journal.h"
#include "kv/store.h"

namespace campanile::audit {

struct AuditOptions {
  uint64_t entries_max = 100'000;
  int64_t age_max_ns = 0;  // 0: for ever
};

// Which entries are asked for.
struct AuditFilter {
  uint64_t before = 0;           // older than that id; 0: from the newest
  int64_t since_ns = INT64_MIN;  // begun then or later
  std::string kind;              // empty: all
  size_t limit = 100;
};

class AuditLog final : public journal::Participant {
 public:
  static constexpr size_t kPendingMax = 1000;
  static constexpr size_t kTextBytesMax = 16 * 1024;

  // Both references must outlive the log. Errors: kIoError, kCorrupt, kUnsupported.
  static Result<std::unique_ptr<AuditLog>> open(const AuditOptions& options, kv::Store& store, const Clock& clock);

  // REQUIRES: replay is over.
  void start(journal::Journal& journal) { journal_ = &journal; }

  // Records that something is about to be done; answers the entry with its id and time. Errors: the journal's and the store's: nothing was recorded.
  Result<AuditEntry> begin(AuditEntry entry);
  // Records what came of it, durably; the state is kFinished where the caller says nothing else. What the journal refuses is logged.
  void finish(AuditEntry entry);

  // Newest first. Errors: kIoError, kCorrupt.
  Result<std::vector<AuditEntry>> list(const AuditFilter& filter) const;

  struct Counts {
    uint64_t kept = 0;
    uint64_t dropped = 0;
  };
  Counts counts() const;

  std::string_view name() const override { return "audit log"; }
  bool owns(journal::RecordType type) const override { return type == journal::RecordType::kAudit; }
  Result<void> replay(const journal::Record& record) override;
  Result<journal::Lsn> checkpoint() override;

 private:
  AuditLog(const AuditOptions& options, kv::Store& store, const Clock& clock, const AuditTotals& totals)
      : options_(options), store_(store), clock_(clock), totals_(totals) {}

  Result<journal::Lsn> append(const AuditEntry& entry);  // REQUIRES: mutex_
  Result<void> flush(kv::Durability durability);
  Result<uint64_t> first_to_keep(const AuditTotals& totals) const;

  const AuditOptions options_;
  kv::Store& store_;
  const Clock& clock_;
  journal::Journal* journal_ = nullptr;

  std::mutex flush_mutex_;  // one flush at a time
  mutable std::mutex mutex_;
  AuditTotals totals_;  // with what is pending
  std::map<uint64_t, std::shared_ptr<const std::string>> pending_;  // encoded; not yet in the store, or newer than there
};

// Does what `work` does, and records it: work(entry) fills in what came of it and answers with a Result. Where it fails, the entry says so. Without a
// log it is done all the same. Errors: of begin(), and then nothing was done; those of `work`.
template <typename Work>
auto recorded(AuditLog* log, AuditEntry entry, Work work) -> decltype(work(entry)) {
  if (log) entry = TRY(log->begin(std::move(entry)));
  auto done = work(entry);
  if (!done) {
    entry.state = State::kFailed;
    entry.note = done.error().message;
  }
  if (log) log->finish(std::move(entry));
  return done;
}

}  // namespace campanile::audit
