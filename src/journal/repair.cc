#include "journal/repair.h"

#include <algorithm>

#include "journal/segment_directory.h"
#include "journal/segment_format.h"

namespace campanile::journal {
namespace {

// Frames that follow one another.
struct Piece {
  Lsn start;
  Lsn end;
};

// A file of the journal, and what is whole in it.
struct Scanned {
  Lsn start = 0;
  std::filesystem::path path;
  std::string bytes;
  std::optional<SegmentHeader> header;  // none: nothing in the file can be checked
  bool is_mended = false;
  Lsn limit = UINT64_MAX;  // frames from there on are in the next file
  std::vector<Piece> pieces;
};

class JournalRepair {
 public:
  JournalRepair(FileSystem& files, const std::filesystem::path& directory, const RepairOptions& options)
      : files_(files), directory_(directory), options_(options) {}

  Result<RepairedJournal> run() {
    TRY(read_files());
    done_.files = scanned_.size();
    if (scanned_.empty()) return std::move(done_);
    const Scanned& first = scanned_.front();
    reached_ = first.header ? first.header->previous_end : first.start;
    if (options_.store_reached && *options_.store_reached < reached_) {
      lose(*options_.store_reached, reached_, "the store has lost what the journal had let go of");
    }
    for (Scanned& scanned : scanned_) {
      if (scanned.header) find_pieces(scanned, &scanned == &scanned_.back());
      TRY(scanned.header ? put_in_place(scanned) : leave_out(scanned));
    }
    TRY(mark_end());
    return std::move(done_);
  }

 private:
  Result<void> read_files() {
    std::vector<std::pair<Lsn, std::filesystem::path>> found;
    for (const std::string& name : TRY(files_.list(directory_))) {
      if (const auto start = parse_segment_name(name)) found.emplace_back(*start, directory_ / name);
    }
    std::ranges::sort(found);
    for (auto& [start, path] : found) {
      Scanned scanned{.start = start, .path = path};
      const auto file = TRY(files_.open(path));
      scanned.bytes = TRY(file->read(0, UINT64_MAX));
      const auto header = decode_header(scanned.bytes);
      if (!header && header.error().code == ErrorCode::kUnsupported && !mend_header(scanned.bytes, start)) return with_context(header.error(), path.string());
      if (header && header->start == start) scanned.header = *header;
      if (!scanned.header) {
        scanned.header = mend_header(scanned.bytes, start);
        scanned.is_mended = scanned.header.has_value();
      }
      if (scanned.is_mended) done_.mended.push_back(fmt::format("{}: its header", path.string()));
      scanned_.push_back(std::move(scanned));
    }
    for (size_t i = 0; i + 1 < scanned_.size(); ++i) {
      if (scanned_[i + 1].header) scanned_[i].limit = scanned_[i + 1].header->previous_end;
    }
    return {};
  }

  void lose(Lsn from, Lsn to, std::string_view why) {
    if (!lost_from_) lost_from_ = from;
    told_ = std::max(told_, to);
    done_.losses.push_back({.from = from, .to = to, .what = fmt::format("{}: records from position {} up to {} are lost", why, from, to)});
  }

  // Fills in the pieces and tells what is lost between them.
  void find_pieces(Scanned& scanned, bool is_last) {
    // Before a file without a header nobody says where the frames end, as behind the last one's.
    const bool has_end = !is_last && scanned.limit != UINT64_MAX;
    for (Lsn at = scanned.start; at < scanned.limit;) {
      SegmentReader reader(*scanned.header, scanned.bytes, at);
      while (reader.position() < scanned.limit) {
        const auto frame = reader.next();
        if (!frame || frame->end > scanned.limit) break;
        if (frame->type != kMarkType) ++done_.records;
      }
      const Lsn end = std::min(reader.position(), scanned.limit);
      if (end > at) scanned.pieces.push_back({at, end});
      if (end == scanned.limit) return;
      if (!has_end && reader.rest() != SegmentReader::Rest::kDamaged) return;
      std::optional<Lsn> next = reader.next_whole();
      if (next && *next >= scanned.limit) next = std::nullopt;
      const bool is_cut = reader.rest() == SegmentReader::Rest::kNothing;
      damages_.push_back({end, next.value_or(scanned.limit), fmt::format("{}: {} offset {}", scanned.path.string(), is_cut ? "missing from" : "damaged at", reader.offset())});
      if (!next) return;
      at = *next;
    }
  }

  // Makes of the file the segments that its pieces are, each linked to what is before it. `reached_` moves on.
  Result<void> put_in_place(const Scanned& scanned) {
    const Lsn from = std::max(reached_, told_);
    if (scanned.header->previous_end > from) lose(from, scanned.header->previous_end, fmt::format("{}: what was before it is missing", scanned.path.string()));
    std::vector<Segment> wanted;
    if (scanned.pieces.empty() && damages_.empty()) wanted.push_back(link(scanned, {scanned.start, scanned.start}));  // it holds nothing
    for (const Piece& piece : scanned.pieces) {
      tell_damages(piece.start);
      wanted.push_back(link(scanned, piece));
      reached_ = piece.end;
    }
    tell_damages(UINT64_MAX);
    last_is_there_ = !wanted.empty();
    const bool is_whole = wanted.size() == 1 && !scanned.is_mended && same(wanted.front().header, *scanned.header);
    return is_whole ? Result<void>() : replace(scanned, wanted);
  }

  struct Segment {
    SegmentHeader header;
    std::string_view frames;
  };
  struct Damage {
    Lsn from;
    Lsn to;
    std::string where;
  };

  Segment link(const Scanned& scanned, const Piece& piece) {
    Segment segment{.header = {.start = piece.start, .previous_end = std::min(reached_, piece.start), .salt = scanned.header->salt}};
    segment.header.lost_from = std::exchange(lost_from_, std::nullopt);
    if (!segment.header.lost_from && piece.start == scanned.start) segment.header.lost_from = scanned.header->lost_from;
    segment.frames = std::string_view(scanned.bytes).substr(kHeaderBytes + (piece.start - scanned.start), piece.end - piece.start);
    return segment;
  }

  void tell_damages(Lsn before) {
    while (!damages_.empty() && damages_.front().from < before) {
      lose(damages_.front().from, damages_.front().to, damages_.front().where);
      damages_.erase(damages_.begin());
    }
  }

  static bool same(const SegmentHeader& one, const SegmentHeader& other) {
    return one.start == other.start && one.previous_end == other.previous_end && one.lost_from == other.lost_from;
  }

  // A file without a header that can be read: the salt, without which nothing in it can be checked, is gone.
  Result<void> leave_out(const Scanned& scanned) {
    last_is_there_ = false;
    const Lsn end = scanned.limit == UINT64_MAX ? scanned.start + scanned.bytes.size() : scanned.limit;
    // Where the next one's predecessor ends before this one begins, nothing in it was ever synced.
    if (end > scanned.start) lose(std::max(reached_, told_), end, fmt::format("{}: its header is damaged beyond mending", scanned.path.string()));
    TRY(copy_aside(scanned));
    if (options_.is_trial) return {};
    TRY(files_.remove(scanned.path));
    return files_.sync_directory(directory_);
  }

  // A start hands out positions behind the last file. Where that has gone, an empty one stands for it, or what its records were given would be given again.
  Result<void> mark_end() {
    if (last_is_there_ || options_.is_trial) return {};
    const Lsn start = scanned_.back().start + scanned_.back().bytes.size();
    const SegmentHeader header{.start = start, .previous_end = reached_, .salt = start, .lost_from = lost_from_};
    TRY(write_file(directory_ / segment_name(start), encode_header(header), {}));
    return files_.sync_directory(directory_);
  }

  // Those behind the first come first: until the file itself is replaced, its frames up to theirs are read from it.
  Result<void> replace(const Scanned& scanned, const std::vector<Segment>& wanted) {
    TRY(copy_aside(scanned));
    if (options_.is_trial) return {};
    for (size_t i = wanted.size(); i > 0; --i) {
      const Segment& segment = wanted[i - 1];
      // Room that was taken in advance is given back.
      TRY(write_file(directory_ / segment_name(segment.header.start), encode_header(segment.header), segment.frames));
    }
    if (wanted.empty() || wanted.front().header.start != scanned.start) TRY(files_.remove(scanned.path));
    return files_.sync_directory(directory_);
  }

  Result<void> copy_aside(const Scanned& scanned) {
    done_.changed.push_back(scanned.path.filename().string());
    if (options_.is_trial) return {};
    TRY(files_.create_directories(options_.aside));
    TRY(write_file(options_.aside / scanned.path.filename(), scanned.bytes, {}));
    return files_.sync_directory(options_.aside);
  }

  Result<void> write_file(const std::filesystem::path& path, std::string_view head, std::string_view rest) {
    const std::filesystem::path unfinished = path.string() + ".new";
    const auto file = TRY(files_.create(unfinished));
    TRY(write_fully(*file, 0, head));
    TRY(write_fully(*file, head.size(), rest));
    TRY(file->sync());
    return files_.rename(unfinished, path);
  }

  FileSystem& files_;
  const std::filesystem::path directory_;
  const RepairOptions& options_;
  std::vector<Scanned> scanned_;
  std::vector<Damage> damages_;    // of the file at hand, not told yet
  std::optional<Lsn> lost_from_;   // what the next segment's header has to tell
  Lsn reached_ = 0;                // where the segments so far end
  Lsn told_ = 0;                   // up to where losses have been told
  bool last_is_there_ = true;      // something of the last file
  RepairedJournal done_;
};

}  // namespace

Result<RepairedJournal> repair_journal(FileSystem& files, const std::filesystem::path& directory, const RepairOptions& options) {
  return JournalRepair(files, directory, options).run();
}

}  // namespace campanile::journal
