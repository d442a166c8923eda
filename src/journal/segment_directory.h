// SegmentDirectory: which files the journal consists of; makes them, reads them back at start, lets go of the oldest.
//
//   auto directory = TRY(SegmentDirectory::open(files, path, replay));
//   auto segment = TRY(directory->create(start, previous_end, bytes));
//   TRY(directory->remove_before(lsn));
//
// Threads: open() first; then create() from the writer thread, the others from any thread.
// Errors: kIoError; kCorrupt from open() as Journal::open() says.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "journal/file_system.h"
#include "journal/journal.h"
#include "journal/segment_format.h"

namespace campanile::journal {

// The file name of the segment that begins at `start`: twenty digits, so that names sort as positions do.
std::string segment_name(Lsn start);
// Its start; nothing where it is not the name of a segment.
std::optional<Lsn> parse_segment_name(std::string_view name);

struct OpenSegment {
  SegmentHeader header;
  std::unique_ptr<File> file;
};

class SegmentDirectory {
 public:
  // Makes the directory where it is missing and replays every record kept, up to a torn tail. Writes nothing else: a full disk can be read.
  static Result<std::unique_ptr<SegmentDirectory>> open(FileSystem& files, const std::filesystem::path& path,
                                                        const ReplayFunction& replay);

  // Where the records found by open() end.
  Lsn recovered_end() const { return recovered_end_; }
  // A position after every one that an earlier run can have handed out, whether or not it reached the disk.
  Lsn first_unused() const { return first_unused_; }

  // A new last segment with room for `bytes` bytes of frames; the first time, what open() found is made to survive power loss before. Replaces
  // a segment of the same start, which then holds nothing durable. REQUIRES: everything this run wrote before previous_end is synced.
  Result<OpenSegment> create(Lsn start, Lsn previous_end, uint64_t bytes);

  // Removes segments, oldest first, that end at or before `lsn`; never the last, and none while there is a hold.
  Result<void> remove_before(Lsn lsn);

  // A hold begins, once no removal is under way, and ends. Any number at a time.
  void hold();
  void release();

  // The files kept, oldest first, each with the bytes up to the end of its frames. REQUIRES: `end` was synced before the call, and a hold where
  // somebody may remove them.
  std::vector<SegmentFile> files(Lsn end) const;

  Lsn begin() const;
  // Records up to there are in none of the files.
  Lsn let_go() const;
  // Bytes of frames in the files kept, where the last one reaches to `end`.
  uint64_t kept_bytes(Lsn end) const;

 private:
  struct Segment {
    Lsn start;
    Lsn previous_end;
    bool is_after_loss = false;  // records before it were damaged and left out
  };

  // Frames at the end of the last file that may not be on disk; create() puts them there first, into a segment of their own.
  struct Doubtful {
    Lsn old_start = 0;
    SegmentHeader header;
    std::string frames;
  };

  SegmentDirectory(FileSystem& files, std::filesystem::path path) : files_(files), path_(std::move(path)) {}
  Result<void> find_segments();
  Result<void> replay_all(const ReplayFunction& replay);
  // Answers where its records end. REQUIRES: the segments before it are replayed.
  Result<Lsn> replay_segment(Lsn start, Lsn limit, bool is_last, const ReplayFunction& replay);
  void find_doubtful(const SegmentHeader& header, std::string_view file, const SegmentReader& whole);
  Result<void> secure_doubtful();
  // A whole segment under its final name, on disk: its header, `frames` and room for `bytes` bytes of frames.
  Result<std::unique_ptr<File>> make_segment(const SegmentHeader& header, uint64_t bytes, std::string_view frames);
  Result<void> remove(Lsn start);
  Result<void> remove_left_over();
  std::filesystem::path path_of(Lsn start) const { return path_ / segment_name(start); }
  // Where the frames of segments_[index] end, when those of the last one end at `end`. REQUIRES: mutex_ is held.
  Lsn end_of(size_t index, Lsn end) const;

  FileSystem& files_;
  std::filesystem::path path_;
  std::mutex removal_mutex_;  // one removal at a time, and holds_; taken before mutex_
  size_t holds_ = 0;
  mutable std::mutex mutex_;  // segments_, never held during a file operation other than removing an empty segment
  std::vector<Segment> segments_;  // oldest first
  std::vector<Lsn> left_over_;     // files without records that the disk did not let go of
  Doubtful doubtful_;             // open() and the writer thread only
  Lsn recovered_end_ = 0;         // these two do not change after open()
  Lsn first_unused_ = 0;
};

}  // namespace campanile::journal
