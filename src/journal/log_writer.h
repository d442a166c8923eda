// LogWriter: puts frames into segment files and knows how far they are written and how far they are synced.
//
//   writer.add(std::move(frames));
//   TRY(writer.write());
//   TRY(writer.sync());        // writer.synced() == writer.end()
//
// After any error the segment in use is given up, because nothing is known about its unsynced bytes. Everything unsynced is still in
// memory; the next write() begins a new segment at synced() and writes it all again, so that a fault loses no record and leaves no hole.
// Threads: one owner (the journal's thread). Limits: none of its own, the journal bounds what it adds.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "journal/segment_directory.h"

namespace campanile::journal {

class LogWriter {
 public:
  // `start` is the Lsn of the first frame to come, `previous_end` where the records on disk end.
  LogWriter(SegmentDirectory& directory, uint64_t segment_bytes, Lsn start, Lsn previous_end);

  // Takes whole frames that follow those added before. REQUIRES: not empty.
  void add(std::string frames);
  // Hands everything added to the operating system, beginning and syncing segments as they fill. Errors: kIoError.
  Result<void> write();
  // Makes everything written survive power loss. Errors: kIoError.
  Result<void> sync();

  Lsn end() const { return end_; }          // after everything added
  Lsn written() const { return written_; }  // the program may be killed up to here
  Lsn synced() const { return synced_; }    // the power may fail up to here
  uint64_t syncs() const { return syncs_; }
  uint64_t bytes_written() const { return bytes_written_; }

  // An emptied buffer with its memory, to fill again.
  std::string take_spare() { return std::exchange(spare_, {}); }

 private:
  struct Batch {
    Lsn start;
    std::string frames;
  };

  Result<void> write_added();
  Result<void> sync_segment();
  Result<void> begin_segment();
  Batch& batch_at(Lsn lsn);
  // How many bytes of whole frames from written_ on go into the segment now; 0: it is full.
  size_t fitting_bytes(const Batch& batch) const;
  void release_synced();
  void give_up_segment();

  SegmentDirectory& directory_;
  const uint64_t segment_bytes_;
  std::optional<OpenSegment> segment_;
  std::deque<Batch> unsynced_;  // oldest first; covers synced_ to end_
  std::string spare_;
  Lsn previous_end_;
  Lsn synced_;
  Lsn written_;
  Lsn end_;
  uint64_t syncs_ = 0;
  uint64_t bytes_written_ = 0;
};

}  // namespace campanile::journal
