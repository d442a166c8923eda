#include "journal/log_writer.h"

#include <algorithm>

#include "base/check.h"

namespace campanile::journal {
namespace {

// A buffer that grew beyond this in a burst is given back rather than kept.
constexpr size_t kSpareBytesMax = 4u << 20;

}  // namespace

LogWriter::LogWriter(SegmentDirectory& directory, uint64_t segment_bytes, Lsn start, Lsn previous_end)
    : directory_(directory), segment_bytes_(segment_bytes), previous_end_(previous_end), synced_(start), written_(start), end_(start) {}

void LogWriter::add(std::string frames) {
  CHECK(!frames.empty());
  const Lsn start = end_;
  end_ += frames.size();
  unsynced_.push_back({start, std::move(frames)});
}

Result<void> LogWriter::write() {
  auto result = write_added();
  if (!result) give_up_segment();
  return result;
}

Result<void> LogWriter::sync() {
  auto result = sync_segment();
  if (!result) give_up_segment();
  return result;
}

Result<void> LogWriter::write_added() {
  if (!segment_) TRY(begin_segment());
  while (written_ < end_) {
    Batch& batch = batch_at(written_);
    const size_t count = fitting_bytes(batch);
    if (count == 0) {
      // A segment that exists says that all before it is safe, so that must be true first.
      TRY(sync_segment());
      TRY(begin_segment());
      continue;
    }
    char* frames = batch.frames.data() + (written_ - batch.start);
    seal_frames(frames, count, written_, segment_->header.salt, synced_);
    TRY(write_fully(*segment_->file, kHeaderBytes + (written_ - segment_->header.start), std::string_view(frames, count)));
    written_ += count;
    bytes_written_ += count;
  }
  return {};
}

Result<void> LogWriter::sync_segment() {
  if (written_ == synced_) return {};
  TRY(segment_->file->sync());
  ++syncs_;
  synced_ = written_;
  previous_end_ = synced_;
  release_synced();
  return {};
}

Result<void> LogWriter::begin_segment() {
  segment_.reset();
  segment_ = TRY(directory_.create(synced_, previous_end_, segment_bytes_));
  written_ = synced_;
  return {};
}

LogWriter::Batch& LogWriter::batch_at(Lsn lsn) {
  const auto after = std::upper_bound(unsynced_.begin(), unsynced_.end(), lsn, [](Lsn value, const Batch& batch) { return value < batch.start; });
  CHECK(after != unsynced_.begin());
  return *std::prev(after);
}

size_t LogWriter::fitting_bytes(const Batch& batch) const {
  const uint64_t used = written_ - segment_->header.start;
  const size_t from = written_ - batch.start;
  size_t to = from;
  while (to < batch.frames.size()) {
    const size_t next = to + frame_bytes(batch.frames, to);
    // The largest record allowed must fit into some segment: an empty one takes it even where its head does not quite fit.
    if (used + (next - from) > segment_bytes_ && used + (to - from) > 0) break;
    to = next;
  }
  return to - from;
}

void LogWriter::release_synced() {
  while (!unsynced_.empty() && unsynced_.front().start + unsynced_.front().frames.size() <= synced_) {
    std::string& frames = unsynced_.front().frames;
    if (frames.capacity() <= kSpareBytesMax && frames.capacity() > spare_.capacity()) {
      spare_ = std::move(frames);
      spare_.clear();
    }
    unsynced_.pop_front();
  }
}

void LogWriter::give_up_segment() {
  segment_.reset();
  written_ = synced_;
}

}  // namespace campanile::journal
