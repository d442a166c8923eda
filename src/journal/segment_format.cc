#include "journal/segment_format.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <xxhash.h>

#include "base/check.h"

namespace campanile::journal {
namespace {

constexpr std::string_view kMagic = "CMPJRNL\n";
constexpr std::string_view kMarkMagic = "\x8B"
                                        "CMPMRK\x0A";
// 2: units. What version 1 has is the same in both. 3: the same as 2 behind a loss, whose beginning the header has before its checksum.
constexpr uint32_t kFormatVersion = 2;
constexpr uint32_t kLossVersion = 3;
constexpr size_t kHeaderUsedBytes = 48;
constexpr size_t kLossHeaderUsedBytes = 56;
constexpr size_t kChecksumOffset = 4;  // in a frame
constexpr size_t kTypeOffset = 12;
constexpr size_t kUnitRecordHeadBytes = 5;  // length and type

static_assert(kMagic.size() == 8 && kMarkMagic.size() == 8);

template <typename Number>
void put(char* to, Number number) {
  for (size_t i = 0; i < sizeof(Number); ++i) to[i] = static_cast<char>(number >> (8 * i));
}

template <typename Number>
Number get(const char* from) {
  Number number = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) number |= Number{static_cast<uint8_t>(from[i])} << (8 * i);
  return number;
}

// Covers everything that says what the record is and where it belongs, so that a stale or misplaced block never passes.
uint64_t frame_checksum(uint64_t salt, Lsn start, uint32_t length, uint8_t type, const char* payload) {
  std::array<char, 21> place;
  put<uint64_t>(place.data(), salt);
  put<uint64_t>(place.data() + 8, start);
  put<uint32_t>(place.data() + 16, length);
  place[20] = static_cast<char>(type);
  return XXH3_64bits_withSeed(payload, length, XXH3_64bits(place.data(), place.size()));
}

struct ParsedFrame {
  uint8_t type;
  std::string_view payload;
};

// The frame at `bytes`, which begins at `start`; nothing unless all of it is there and its checksum holds.
std::optional<ParsedFrame> parse_frame(std::string_view bytes, Lsn start, uint64_t salt) {
  if (bytes.size() < kFrameHeadBytes) return std::nullopt;
  const auto length = get<uint32_t>(bytes.data());
  const auto type = static_cast<uint8_t>(bytes[kTypeOffset]);
  if (type == 0 || length > bytes.size() - kFrameHeadBytes) return std::nullopt;
  const char* payload = bytes.data() + kFrameHeadBytes;
  if (get<uint64_t>(bytes.data() + kChecksumOffset) != frame_checksum(salt, start, length, type, payload)) return std::nullopt;
  if (type == kMarkType && length != kMarkPayloadBytes) return std::nullopt;
  return ParsedFrame{type, std::string_view(payload, length)};
}

Lsn marked_synced(std::string_view mark_payload) { return get<uint64_t>(mark_payload.data() + kMarkMagic.size()); }

// Where in `bytes`, the first of which is at `start`, the first mark begins that is wanted. Where one frame is bad its length cannot be trusted, so what
// follows is found by the marks' own bytes. A mark counts only with its checksum, which holds for this file and this place alone.
template <typename Wanted>
std::optional<size_t> find_mark(std::string_view bytes, Lsn start, uint64_t salt, const Wanted& is_wanted) {
  for (size_t at = bytes.find(kMarkMagic); at != std::string_view::npos; at = bytes.find(kMarkMagic, at + 1)) {
    if (at < kFrameHeadBytes) continue;
    const size_t frame = at - kFrameHeadBytes;
    const auto mark = parse_frame(bytes.substr(frame, kMarkBytes), start + frame, salt);
    if (mark && mark->type == kMarkType && is_wanted(mark->payload)) return frame;
  }
  return std::nullopt;
}

void append_frame_head(std::string& frames, uint8_t type, size_t payload_bytes) {
  CHECK(type != 0);
  std::array<char, kFrameHeadBytes> frame_head = {};
  put<uint32_t>(frame_head.data(), static_cast<uint32_t>(payload_bytes));
  frame_head[kTypeOffset] = static_cast<char>(type);
  frames.append(frame_head.data(), frame_head.size());
}

}  // namespace

std::string encode_header(const SegmentHeader& header) {
  std::string bytes(kHeaderBytes, '\0');
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  put<uint32_t>(bytes.data() + 8, header.lost_from ? kLossVersion : kFormatVersion);
  put<uint32_t>(bytes.data() + 12, kHeaderBytes);
  put<uint64_t>(bytes.data() + 16, header.start);
  put<uint64_t>(bytes.data() + 24, header.previous_end);
  put<uint64_t>(bytes.data() + 32, header.salt);
  if (header.lost_from) put<uint64_t>(bytes.data() + 40, *header.lost_from);
  const size_t checked = (header.lost_from ? kLossHeaderUsedBytes : kHeaderUsedBytes) - 8;
  put<uint64_t>(bytes.data() + checked, XXH3_64bits(bytes.data(), checked));
  return bytes;
}

Result<SegmentHeader> decode_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) {
    return fail(ErrorCode::kCorrupt, "the file has {} bytes, a journal header alone has {}", bytes.size(), kHeaderBytes);
  }
  if (!bytes.starts_with(kMagic)) return fail(ErrorCode::kCorrupt, "not a journal file: it does not begin with the journal's mark");
  // The version comes before the checksum: a later format may place that elsewhere.
  const auto version = get<uint32_t>(bytes.data() + 8);
  if (version > kLossVersion) {
    return fail(ErrorCode::kUnsupported, "the journal has format version {}, this program knows up to {}: run the newer program that wrote it",
                version, kLossVersion);
  }
  const size_t checked = (version == kLossVersion ? kLossHeaderUsedBytes : kHeaderUsedBytes) - 8;
  const bool sound = version >= 1 && get<uint32_t>(bytes.data() + 12) == kHeaderBytes &&
                     get<uint64_t>(bytes.data() + checked) == XXH3_64bits(bytes.data(), checked);
  if (!sound) return fail(ErrorCode::kCorrupt, "the header does not match its checksum");
  SegmentHeader header{.start = get<uint64_t>(bytes.data() + 16),
                       .previous_end = get<uint64_t>(bytes.data() + 24),
                       .salt = get<uint64_t>(bytes.data() + 32)};
  if (version == kLossVersion) header.lost_from = get<uint64_t>(bytes.data() + 40);
  if (header.previous_end > header.start) {
    return fail(ErrorCode::kCorrupt, "the header says that the segment before ends at {}, after this one's start {}",
                header.previous_end, header.start);
  }
  return header;
}

std::optional<SegmentHeader> mend_header(std::string_view bytes, Lsn start) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  std::string tried(bytes.substr(0, kHeaderBytes));
  for (size_t at = 0; at < kLossHeaderUsedBytes; ++at) {
    for (int other = 1; other < 256; ++other) {
      tried[at] = static_cast<char>(bytes[at] ^ other);
      if (const auto header = decode_header(tried); header && header->start == start) return *header;
    }
    tried[at] = bytes[at];
  }
  return std::nullopt;
}

void append_frame(std::string& frames, uint8_t type, std::string_view head, std::string_view tail) {
  append_frame_head(frames, type, head.size() + tail.size());
  frames.append(head);
  frames.append(tail);
}

void append_mark(std::string& frames) {
  std::array<char, kMarkPayloadBytes> payload = {};
  std::copy(kMarkMagic.begin(), kMarkMagic.end(), payload.begin());
  append_frame(frames, kMarkType, std::string_view(payload.data(), payload.size()));
}

size_t unit_payload_bytes(std::span<const NewRecord> records) {
  size_t bytes = 0;
  for (const NewRecord& record : records) bytes += kUnitRecordHeadBytes + record.head.size() + record.tail.size();
  return bytes;
}

void append_unit(std::string& frames, std::span<const NewRecord> records) {
  append_frame_head(frames, kUnitType, unit_payload_bytes(records));
  for (const NewRecord& record : records) {
    std::array<char, kUnitRecordHeadBytes> record_head = {};
    put<uint32_t>(record_head.data(), static_cast<uint32_t>(record.head.size() + record.tail.size()));
    record_head[4] = static_cast<char>(record.type);
    frames.append(record_head.data(), record_head.size());
    frames.append(record.head);
    frames.append(record.tail);
  }
}

Result<void> replay_frame(const Frame& frame, bool is_synced, const ReplayFunction& replay) {
  if (frame.type != kUnitType) return replay(Record{static_cast<RecordType>(frame.type), frame.payload, frame.end, is_synced});
  for (std::string_view rest = frame.payload; !rest.empty();) {
    const size_t length = rest.size() < kUnitRecordHeadBytes ? 0 : get<uint32_t>(rest.data());
    if (rest.size() < kUnitRecordHeadBytes || length > rest.size() - kUnitRecordHeadBytes) {
      return fail(ErrorCode::kCorrupt, "the unit of records that ends at {} does not end where its last record does", frame.end);
    }
    TRY(replay(Record{static_cast<RecordType>(rest[4]), rest.substr(kUnitRecordHeadBytes, length), frame.end, is_synced}));
    rest.remove_prefix(kUnitRecordHeadBytes + length);
  }
  return {};
}

size_t frame_bytes(std::string_view frames, size_t offset) {
  CHECK(offset + kFrameHeadBytes <= frames.size());
  return kFrameHeadBytes + get<uint32_t>(frames.data() + offset);
}

void seal_frames(char* frames, size_t size, Lsn start, uint64_t salt, Lsn synced) {
  for (size_t at = 0; at < size;) {
    char* frame = frames + at;
    char* payload = frame + kFrameHeadBytes;
    const auto length = get<uint32_t>(frame);
    const auto type = static_cast<uint8_t>(frame[kTypeOffset]);
    CHECK(at + kFrameHeadBytes + length <= size);
    if (type == kMarkType) put<uint64_t>(payload + kMarkMagic.size(), synced);
    put<uint64_t>(frame + kChecksumOffset, frame_checksum(salt, start + at, length, type, payload));
    at += kFrameHeadBytes + length;
  }
}

SegmentReader::SegmentReader(const SegmentHeader& header, std::string_view file, Lsn position)
    : header_(header), file_(file), position_(position), known_synced_(position) {
  CHECK(file.size() >= kHeaderBytes && position >= header.start && offset() <= file.size());
}

std::optional<Frame> SegmentReader::next() {
  const auto parsed = parse_frame(file_.substr(offset()), position_, header_.salt);
  if (!parsed) return std::nullopt;
  position_ += kFrameHeadBytes + parsed->payload.size();
  if (parsed->type == kMarkType) known_synced_ = std::clamp(marked_synced(parsed->payload), known_synced_, position_);
  return Frame{parsed->type, parsed->payload, position_};
}

SegmentReader::Rest SegmentReader::rest() const {
  const std::string_view rest = file_.substr(offset());
  // Equal to itself one byte further on: all bytes are the first one. memcmp is the quick way through a preallocated tail.
  if (rest.empty() || (rest[0] == 0 && std::memcmp(rest.data(), rest.data() + 1, rest.size() - 1) == 0)) return Rest::kNothing;
  const bool is_promised = find_mark(rest, position_, header_.salt, [this](std::string_view mark) { return marked_synced(mark) > position_; }).has_value();
  return is_promised ? Rest::kDamaged : Rest::kTorn;
}

std::optional<Lsn> SegmentReader::next_whole() const {
  const std::string_view rest = file_.substr(offset());
  if (rest.size() < kFrameHeadBytes) return std::nullopt;
  const uint64_t length = kFrameHeadBytes + uint64_t{get<uint32_t>(rest.data())};
  if (length < rest.size() && parse_frame(rest.substr(length), position_ + length, header_.salt)) return position_ + length;
  const auto mark = find_mark(rest, position_, header_.salt, [](std::string_view) { return true; });
  return mark ? std::optional(position_ + *mark) : std::nullopt;
}

}  // namespace campanile::journal
