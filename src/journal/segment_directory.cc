#include "journal/segment_directory.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/log.h"
#include "base/random.h"
#include "base/text.h"

namespace campanile::journal {
namespace {

constexpr std::string_view kSuffix = ".log";
constexpr std::string_view kUnfinishedSuffix = ".log.new";
constexpr size_t kNameDigits = 20;

// Between the last record found and the first Lsn handed out after a start. A run hands out Lsns ahead of the disk, and what it handed out
// may have been noted elsewhere; skipping more than can ever be ahead means that no Lsn names two records. kAheadBytesMax in
// journal.cc keeps the other side of the bargain.
constexpr uint64_t kLsnGapBytes = 1ull << 32;

uint64_t random_salt() {
  const std::string bytes = random_bytes(sizeof(uint64_t));
  uint64_t salt = 0;
  std::memcpy(&salt, bytes.data(), sizeof(salt));
  return salt;
}

}  // namespace

std::string segment_name(Lsn start) { return fmt::format("{:020}{}", start, kSuffix); }

std::optional<Lsn> parse_segment_name(std::string_view name) {
  if (name.size() != kNameDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view digits = name.substr(0, kNameDigits);
  if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto start = parse_uint64(digits);
  return start ? std::optional(*start) : std::nullopt;
}

Result<std::unique_ptr<SegmentDirectory>> SegmentDirectory::open(FileSystem& files, const std::filesystem::path& path,
                                                                 const ReplayFunction& replay) {
  std::unique_ptr<SegmentDirectory> directory(new SegmentDirectory(files, path));
  TRY(files.create_directories(path));
  TRY(directory->find_segments());
  TRY(directory->replay_all(replay));
  return directory;
}

Result<void> SegmentDirectory::find_segments() {
  for (const std::string& name : TRY(files_.list(path_))) {
    // A file that was being made when the program stopped. It got its final name only once it was whole.
    if (name.ends_with(kUnfinishedSuffix)) TRY(files_.remove(path_ / name));
    if (const auto start = parse_segment_name(name)) segments_.push_back({*start, 0});
  }
  std::sort(segments_.begin(), segments_.end(), [](const Segment& a, const Segment& b) { return a.start < b.start; });
  for (Segment& segment : segments_) {
    const std::filesystem::path path = path_of(segment.start);
    auto file = TRY(files_.open(path));
    const auto header = decode_header(TRY(file->read(0, kHeaderBytes)));
    if (!header) return with_context(header.error(), path.string());
    if (header->start != segment.start) {
      return fail(ErrorCode::kCorrupt, "{}: the header says that it begins at {}: the file was renamed", path.string(), header->start);
    }
    segment.previous_end = header->previous_end;
    segment.is_after_loss = header->lost_from.has_value();
  }
  return {};
}

Result<void> SegmentDirectory::replay_all(const ReplayFunction& replay) {
  if (segments_.empty()) return {};
  Lsn reached = segments_.front().previous_end;
  for (size_t i = 0, count = segments_.size(); i < count; ++i) {
    const auto [start, previous_end, is_after_loss] = segments_[i];
    if (previous_end != reached) {
      return fail(ErrorCode::kCorrupt, "{}: the records before it should end at {} but end at {}: a journal file is missing",
                  path_of(start).string(), previous_end, reached);
    }
    const bool is_last = i + 1 == count;
    const Lsn limit = is_last ? UINT64_MAX : segments_[i + 1].previous_end;
    if (is_after_loss) TRY(replay(Record{RecordType::kLoss, {}, start}));
    // Where the next one's predecessor ends before this one begins, nothing in this one was ever synced.
    if (limit <= start) continue;
    const Lsn position = TRY(replay_segment(start, limit, is_last, replay));
    if (position > start) reached = position;
  }
  recovered_end_ = reached;
  first_unused_ = std::max(reached, segments_.back().start) + kLsnGapBytes;
  return {};
}

namespace {

// Up to where a mark somewhere in the file vouches for its frames.
Lsn synced_end(const SegmentHeader& header, std::string_view file) {
  SegmentReader reader(header, file);
  while (reader.next()) {}
  return reader.known_synced();
}

}  // namespace

Result<Lsn> SegmentDirectory::replay_segment(Lsn start, Lsn limit, bool is_last, const ReplayFunction& replay) {
  const std::filesystem::path path = path_of(start);
  auto file = TRY(files_.open(path));
  const std::string bytes = TRY(file->read(0, UINT64_MAX));
  const auto header = decode_header(bytes);
  if (!header) return with_context(header.error(), path.string());
  SegmentReader reader(*header, bytes);
  const Lsn synced = is_last ? synced_end(*header, bytes) : limit;
  // A later segment was begun only once all before its predecessor's end was synced. What lies behind that end is a write that
  // failed and was done again in the later segment.
  while (reader.position() < limit) {
    const auto frame = reader.next();
    if (!frame || frame->end > limit) break;
    if (frame->type == kMarkType) continue;
    TRY(replay_frame(*frame, frame->end <= synced, replay));
  }
  if (reader.position() == limit) return limit;
  const auto rest = reader.rest();
  if (!is_last && rest == SegmentReader::Rest::kNothing) {
    return fail(ErrorCode::kCorrupt, "{}: its records end at {}, those of the next file begin after {}: a journal file is missing, or this one was cut",
                path.string(), reader.position(), limit);
  }
  if (!is_last || rest == SegmentReader::Rest::kDamaged) {
    return fail(ErrorCode::kCorrupt, "{}: no valid record at offset {}, though later ones were stored: the file is damaged", path.string(),
                reader.offset());
  }
  if (rest == SegmentReader::Rest::kTorn) {
    log::info("journal: {} ends in an unfinished write at offset {}; cutting it, nothing acknowledged was in it", path.string(), reader.offset());
  }
  find_doubtful(*header, bytes, reader);
  return reader.position();
}

// What was replayed may still be in memory only, where the program was killed and the machine was not; and the next segment's existence will say
// that it is on disk. Syncing the file would not do: if a sync had failed before, the kernel holds these bytes for clean. So the frames
// that no later mark vouches for go into a segment of their own, as they would have after a fault.
void SegmentDirectory::find_doubtful(const SegmentHeader& header, std::string_view file, const SegmentReader& whole) {
  doubtful_.old_start = header.start;
  doubtful_.header.start = whole.position();
  SegmentReader reader(header, file);
  for (Lsn at = reader.position(); at < whole.position(); at = reader.position()) {
    const auto frame = reader.next();
    if (!frame || frame->end <= whole.known_synced()) continue;
    if (doubtful_.frames.empty()) doubtful_.header.start = at;
    append_frame(doubtful_.frames, frame->type, frame->payload);
  }
  const Lsn start = doubtful_.header.start;
  doubtful_.header.previous_end = start == header.start ? header.previous_end : start;
  if (start == header.start) doubtful_.header.lost_from = header.lost_from;
  doubtful_.header.salt = random_salt();
  seal_frames(doubtful_.frames.data(), doubtful_.frames.size(), start, doubtful_.header.salt, start);
}

Result<void> SegmentDirectory::secure_doubtful() {
  const SegmentHeader& header = doubtful_.header;
  if (doubtful_.frames.empty()) return {};
  TRY(make_segment(header, doubtful_.frames.size(), doubtful_.frames));
  if (header.start != doubtful_.old_start) {
    // Nothing needs this: it gives back the room that was taken in advance, and the bytes of a torn write.
    if (auto old = files_.open(path_of(doubtful_.old_start))) (void)(*old)->truncate(kHeaderBytes + (header.start - doubtful_.old_start));
    std::lock_guard lock(mutex_);
    segments_.push_back({header.start, header.previous_end});
  }
  doubtful_ = {};
  return {};
}

Result<std::unique_ptr<File>> SegmentDirectory::make_segment(const SegmentHeader& header, uint64_t bytes, std::string_view frames) {
  const std::filesystem::path path = path_of(header.start);
  const std::filesystem::path unfinished = path.string() + ".new";
  const auto make = [&]() -> Result<std::unique_ptr<File>> {
    auto file = TRY(files_.create(unfinished));
    TRY(file->allocate(kHeaderBytes + bytes));
    TRY(write_fully(*file, 0, encode_header(header)));
    TRY(write_fully(*file, kHeaderBytes, frames));
    TRY(file->sync());
    TRY(files_.rename(unfinished, path));
    TRY(files_.sync_directory(path_));
    return file;
  };
  auto made = make();
  if (!made) (void)files_.remove(unfinished);
  return made;
}

Result<OpenSegment> SegmentDirectory::create(Lsn start, Lsn previous_end, uint64_t bytes) {
  TRY(secure_doubtful());
  OpenSegment segment;
  segment.header = SegmentHeader{.start = start, .previous_end = previous_end, .salt = random_salt()};
  segment.file = TRY(make_segment(segment.header, bytes, {}));
  std::lock_guard lock(mutex_);
  std::erase(left_over_, start);  // replaced
  // Segments that hold nothing: one that had this one's name and is gone, those of earlier starts that never wrote.
  while (!segments_.empty() && segments_.back().start >= previous_end) {
    if (segments_.back().start != start && !remove(segments_.back().start)) left_over_.push_back(segments_.back().start);
    segments_.pop_back();
  }
  segments_.push_back({start, previous_end});
  return segment;
}

Result<void> SegmentDirectory::remove(Lsn start) { return files_.remove(path_of(start)); }

Result<void> SegmentDirectory::remove_before(Lsn lsn) {
  std::lock_guard removal(removal_mutex_);
  if (holds_ > 0) return {};
  TRY(remove_left_over());
  for (;;) {
    Lsn oldest = 0;
    {
      std::lock_guard lock(mutex_);
      if (segments_.size() < 2 || segments_[1].previous_end > lsn) return {};
      oldest = segments_.front().start;
    }
    TRY(remove(oldest));
    // One after another, so that a power cut never leaves a hole between files.
    TRY(files_.sync_directory(path_));
    std::lock_guard lock(mutex_);
    if (!segments_.empty() && segments_.front().start == oldest) segments_.erase(segments_.begin());
  }
}

// They go before the records behind which they lie: the next start would miss those.
Result<void> SegmentDirectory::remove_left_over() {
  std::vector<Lsn> left_over;
  {
    std::lock_guard lock(mutex_);
    left_over = left_over_;
  }
  for (const Lsn start : left_over) {
    TRY(remove(start));
    TRY(files_.sync_directory(path_));
    std::lock_guard lock(mutex_);
    std::erase(left_over_, start);
  }
  return {};
}

Lsn SegmentDirectory::begin() const {
  std::lock_guard lock(mutex_);
  return segments_.empty() ? 0 : segments_.front().start;
}

Lsn SegmentDirectory::let_go() const {
  std::lock_guard lock(mutex_);
  return segments_.empty() ? 0 : segments_.front().previous_end;
}

Lsn SegmentDirectory::end_of(size_t index, Lsn end) const {
  // What lies behind the next one's previous_end is a write that failed and was done again there; one that begins there or later holds nothing.
  const Lsn frames_end = index + 1 < segments_.size() ? segments_[index + 1].previous_end : end;
  return std::max(frames_end, segments_[index].start);
}

uint64_t SegmentDirectory::kept_bytes(Lsn end) const {
  std::lock_guard lock(mutex_);
  // Until the first create() of this run nothing was added to what open() found.
  if (!segments_.empty() && segments_.back().start < first_unused_) end = recovered_end_;
  uint64_t bytes = 0;
  for (size_t i = 0; i < segments_.size(); ++i) bytes += end_of(i, end) - segments_[i].start;
  return bytes;
}

void SegmentDirectory::hold() {
  std::lock_guard removal(removal_mutex_);
  ++holds_;
}

void SegmentDirectory::release() {
  std::lock_guard removal(removal_mutex_);
  --holds_;
}

std::vector<SegmentFile> SegmentDirectory::files(Lsn end) const {
  std::lock_guard lock(mutex_);
  if (!segments_.empty() && segments_.back().start < first_unused_) end = recovered_end_;
  std::vector<SegmentFile> files;
  for (size_t i = 0; i < segments_.size(); ++i) {
    files.push_back({path_of(segments_[i].start), kHeaderBytes + (end_of(i, end) - segments_[i].start)});
  }
  return files;
}

}  // namespace campanile::journal
