// Segment format: the bytes of one journal file, both ways, without touching a file. docs/format/journal.md draws them.
//
//   std::string frames;
//   append_frame(frames, 2, "payload");
//   seal_frames(frames, lsn, header.salt, synced);      // fills in the checksums
//
//   SegmentReader reader(header, file_bytes);
//   while (auto frame = reader.next()) use(frame->payload);
//
// A frame is a record as it lies in the file: 13 bytes of length, checksum and type, then the payload. A mark is a frame of the
// journal's own: the writer puts one at the head of every group and says there up to which Lsn it has synced. Marks let the reader tell
// a torn tail (expected after a power cut) from damage to what had been acknowledged. A unit is a frame of several records: they share its
// checksum, so that none of them is there without the others.
// Threads: pure functions; a reader has one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "journal/journal.h"

namespace campanile::journal {

// The header has a block of its own, so that writing records never rewrites the sector it lies in.
inline constexpr size_t kHeaderBytes = 4096;
inline constexpr size_t kFrameHeadBytes = 13;
inline constexpr size_t kMarkPayloadBytes = 16;
inline constexpr size_t kMarkBytes = kFrameHeadBytes + kMarkPayloadBytes;
inline constexpr uint8_t kMarkType = 255;
inline constexpr uint8_t kUnitType = 254;

struct SegmentHeader {
  Lsn start = 0;         // of the first frame
  Lsn previous_end = 0;  // where the frames of the segment before this one end
  uint64_t salt = 0;     // random; part of every checksum in the file
  // Where the records begin that were damaged, or gone with a file, and were left out before `start`; nothing in a journal that was never repaired.
  std::optional<Lsn> lost_from = {};
};

// kHeaderBytes long.
std::string encode_header(const SegmentHeader& header);
// Errors: kCorrupt; kUnsupported for a format version this program does not know.
Result<SegmentHeader> decode_header(std::string_view bytes);

// The header of a segment whose bytes differ from it in one place: it and its checksum leave no doubt. Nothing where there is none.
std::optional<SegmentHeader> mend_header(std::string_view bytes, Lsn start);

// Frames with their checksums still to be filled in by seal_frames(). REQUIRES: a payload under 4 GiB, type not 0.
void append_frame(std::string& frames, uint8_t type, std::string_view head, std::string_view tail = {});
void append_mark(std::string& frames);
void append_unit(std::string& frames, std::span<const NewRecord> records);
// What a unit of these has for its payload.
size_t unit_payload_bytes(std::span<const NewRecord> records);

// The whole length of the frame that begins at `offset`. REQUIRES: frames built by append_frame().
size_t frame_bytes(std::string_view frames, size_t offset);

// Fills in checksums and marks of `size` bytes of whole frames, the first of which begins at `start`.
void seal_frames(char* frames, size_t size, Lsn start, uint64_t salt, Lsn synced);

struct Frame {
  uint8_t type = 0;
  std::string_view payload;
  Lsn end = 0;
};

// Calls `replay` for the frame's record, or for each of a unit's. REQUIRES: not a mark. Errors: kCorrupt; what `replay` returns.
Result<void> replay_frame(const Frame& frame, bool is_synced, const ReplayFunction& replay);

class SegmentReader {
 public:
  // `file` is the whole file, header included, and must outlive the reader and its frames.
  SegmentReader(const SegmentHeader& header, std::string_view file) : SegmentReader(header, file, header.start) {}
  // From that position on, where a frame begins.
  SegmentReader(const SegmentHeader& header, std::string_view file, Lsn position);

  // The next frame, marks included; nothing at the first bytes that are not a whole frame with the right checksum.
  std::optional<Frame> next();

  Lsn position() const { return position_; }                                            // after the last frame returned
  uint64_t offset() const { return kHeaderBytes + (position_ - header_.start); }        // the same, in the file

  // Up to where the frames read so far say that the disk had been synced when they were written.
  Lsn known_synced() const { return known_synced_; }

  // What lies at position(), once next() has returned nothing.
  enum class Rest {
    kNothing,  // zeros to the end of the file
    kTorn,     // bytes that nobody was promised
    kDamaged,  // a later mark shows that what was here had been synced
  };
  Rest rest() const;
  // Where reading can go on behind what lies at position(): behind the frame there, if its length is right, or at the next mark.
  std::optional<Lsn> next_whole() const;

 private:
  SegmentHeader header_;
  std::string_view file_;
  Lsn position_;
  Lsn known_synced_;
};

}  // namespace campanile::journal
