#include "journal/segment_format.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace campanile::journal {
namespace {

constexpr SegmentHeader kHeader{.start = 5000, .previous_end = 4000, .salt = 77};

struct Segment {
  std::string file = encode_header(kHeader);

  // Adds one group as the writer would: a mark, then records.
  void add(const std::vector<std::string>& payloads, Lsn synced) {
    std::string frames;
    append_mark(frames);
    for (const auto& payload : payloads) append_frame(frames, 2, payload);
    seal_frames(frames.data(), frames.size(), end(), kHeader.salt, synced);
    file += frames;
  }
  Lsn end() const { return kHeader.start + file.size() - kHeaderBytes; }
};

std::vector<std::string> payloads_of(SegmentReader& reader) {
  std::vector<std::string> payloads;
  while (const auto frame = reader.next()) {
    if (frame->type != kMarkType) payloads.emplace_back(frame->payload);
  }
  return payloads;
}

TEST(SegmentFormat, TheHeaderComesBack) {
  const std::string bytes = encode_header(kHeader);
  ASSERT_EQ(bytes.size(), kHeaderBytes);
  const auto header = decode_header(bytes);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->start, kHeader.start);
  EXPECT_EQ(header->previous_end, kHeader.previous_end);
  EXPECT_EQ(header->salt, kHeader.salt);
}

// docs/format/journal.md promises these bytes.
TEST(SegmentFormat, TheBytesAreThoseOfThePage) {
  const std::string header = encode_header(kHeader);
  EXPECT_EQ(header.substr(0, 8), "CMPJRNL\n");
  EXPECT_EQ(header.substr(8, 8), std::string("\x02\0\0\0\x00\x10\0\0", 8));
  EXPECT_EQ(header.substr(16, 8), std::string("\x88\x13\0\0\0\0\0\0", 8));
  EXPECT_EQ(header.substr(24, 8), std::string("\xA0\x0F\0\0\0\0\0\0", 8));
  EXPECT_EQ(header.substr(32, 8), std::string("\x4D\0\0\0\0\0\0\0", 8));
  std::string frames;
  append_frame(frames, 2, "ab", "c");
  EXPECT_EQ(frames, std::string("\x03\0\0\0"
                                "\0\0\0\0\0\0\0\0"
                                "\x02"
                                "abc",
                                16));
  // The checksum is part of the format: a change of it is a new version.
  seal_frames(frames.data(), frames.size(), 5000, 77, 0);
  EXPECT_EQ(frames.substr(4, 8), std::string("\x8E\xB8\xEB\xAC\x13\x35\x8B\x30", 8));
}

TEST(SegmentFormat, ADamagedHeaderIsRefused) {
  const std::string sound = encode_header(kHeader);
  EXPECT_EQ(decode_header("").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_header(sound.substr(0, kHeaderBytes - 1)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_header(std::string(kHeaderBytes, '\0')).error().code, ErrorCode::kCorrupt);
  for (size_t at = 0; at < 48; ++at) {
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    EXPECT_FALSE(decode_header(damaged)) << "byte " << at;
  }
}

TEST(SegmentFormat, AHeaderBehindALossSaysWhereThatBegins) {
  SegmentHeader header = kHeader;
  header.lost_from = 5;
  const std::string bytes = encode_header(header);
  EXPECT_EQ(bytes[8], 3);
  EXPECT_EQ(decode_header(bytes).value().lost_from, std::optional<Lsn>(5));
  EXPECT_EQ(decode_header(encode_header(kHeader)).value().lost_from, std::nullopt);
}

TEST(SegmentFormat, OneBadByteOfAHeaderIsMended) {
  for (const bool is_after_loss : {false, true}) {
    SegmentHeader header = kHeader;
    if (is_after_loss) header.lost_from = 5;
    const std::string sound = encode_header(header);
    for (size_t at = 0; at < (is_after_loss ? 56u : 48u); ++at) {
      std::string damaged = sound;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
      const auto mended = mend_header(damaged, header.start);
      ASSERT_TRUE(mended) << "byte " << at;
      EXPECT_EQ(mended->salt, header.salt);
      EXPECT_EQ(mended->previous_end, header.previous_end);
      EXPECT_EQ(mended->lost_from, header.lost_from);
      damaged[(at + 1) % 48] = static_cast<char>(damaged[(at + 1) % 48] ^ 0x40);
      EXPECT_FALSE(mend_header(damaged, header.start)) << "two bytes from " << at;
    }
    EXPECT_FALSE(mend_header(sound, header.start + 1)) << "it is another's";
  }
}

TEST(SegmentFormat, ReadingGoesOnBehindADamagedFrameOrAtTheNextMark) {
  std::string frames;
  append_mark(frames);
  append_frame(frames, 2, "first");
  const size_t second = frames.size();
  append_frame(frames, 2, "second");
  const size_t third = frames.size();
  append_frame(frames, 2, "third");
  const size_t group = frames.size();
  append_mark(frames);
  append_frame(frames, 2, "fourth");
  seal_frames(frames.data(), frames.size(), kHeader.start, kHeader.salt, kHeader.start);
  const auto next_after = [&](size_t damaged_at) {
    std::string file = encode_header(kHeader) + frames;
    file[kHeaderBytes + damaged_at] = static_cast<char>(file[kHeaderBytes + damaged_at] ^ 1);
    SegmentReader reader(kHeader, file);
    while (reader.next()) {
    }
    EXPECT_EQ(reader.position(), kHeader.start + second);
    return reader.next_whole();
  };
  EXPECT_EQ(next_after(second + kFrameHeadBytes), std::optional<Lsn>(kHeader.start + third)) << "its length is right";
  EXPECT_EQ(next_after(second), std::optional<Lsn>(kHeader.start + group)) << "its length is not";
}

TEST(SegmentFormat, ANewerVersionIsToldFromDamage) {
  std::string newer = encode_header(kHeader);
  newer[8] = 4;
  const auto header = decode_header(newer);
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code, ErrorCode::kUnsupported);
}

// Units came with version 2; what version 1 wrote is read as it is.
TEST(SegmentFormat, AHeaderOfVersion1IsRead) {
  std::string older = encode_header(kHeader);
  older.replace(8, 4, std::string("\x01\0\0\0", 4));
  older.replace(40, 8, std::string("\x30\xEE\xD7\xE4\xE8\x5A\x40\xEA", 8));
  const auto header = decode_header(older);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->start, kHeader.start);
  EXPECT_EQ(header->salt, kHeader.salt);
  older[8] = 0;
  EXPECT_EQ(decode_header(older).error().code, ErrorCode::kCorrupt);
}

const std::vector<NewRecord> kUnit = {{.type = RecordType::kPoints, .head = "ab", .tail = "c"}, {.type = RecordType::kSession, .head = ""},
                                      {.type = RecordType::kRejected, .head = "", .tail = "defg"}};

Result<std::vector<std::string>> records_of(const Frame& frame) {
  std::vector<std::string> records;
  TRY(replay_frame(frame, true, [&](const Record& record) -> Result<void> {
    records.push_back(fmt::format("{}:{}@{}", static_cast<int>(record.type), record.payload, record.lsn));
    return {};
  }));
  return records;
}

TEST(SegmentFormat, AUnitIsOneFrameWhoseRecordsComeBackInOrder) {
  std::string frames;
  append_unit(frames, kUnit);
  EXPECT_EQ(frames.size(), kFrameHeadBytes + unit_payload_bytes(kUnit));
  EXPECT_EQ(frames.substr(0, 4) + frames.substr(12), std::string("\x16\0\0\0\xFE"
                                                                 "\x03\0\0\0\x02"
                                                                 "abc"
                                                                 "\0\0\0\0\x06"
                                                                 "\x04\0\0\0\x04"
                                                                 "defg",
                                                                 27));
  seal_frames(frames.data(), frames.size(), kHeader.start, kHeader.salt, 0);
  const std::string file = encode_header(kHeader) + frames;
  SegmentReader reader(kHeader, file);
  const auto frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(records_of(*frame).value(), (std::vector<std::string>{"2:abc@5035", "6:@5035", "4:defg@5035"}));
  EXPECT_FALSE(reader.next());
}

TEST(SegmentFormat, AUnitThatIsCutOrDamagedAnywhereIsGoneWhole) {
  std::string frames;
  append_unit(frames, kUnit);
  seal_frames(frames.data(), frames.size(), kHeader.start, kHeader.salt, 0);
  for (size_t at = 0; at < frames.size(); ++at) {
    const std::string cut = encode_header(kHeader) + frames.substr(0, at);
    EXPECT_FALSE(SegmentReader(kHeader, cut).next()) << at;
    std::string damaged = encode_header(kHeader) + frames;
    damaged[kHeaderBytes + at] = static_cast<char>(damaged[kHeaderBytes + at] ^ 0x20);
    EXPECT_FALSE(SegmentReader(kHeader, damaged).next()) << at;
  }
}

TEST(SegmentFormat, AUnitWhoseRecordsDoNotFillItIsCorrupt) {
  std::string frames;
  append_unit(frames, kUnit);
  const std::string payload = frames.substr(kFrameHeadBytes);
  for (size_t size = 1; size < payload.size(); ++size) {
    const auto records = records_of({.type = kUnitType, .payload = std::string_view(payload).substr(0, size), .end = 6000});
    if (size == 8 || size == 13) continue;  // where a record ends
    ASSERT_FALSE(records) << size;
    EXPECT_EQ(records.error().code, ErrorCode::kCorrupt);
  }
}

TEST(SegmentFormat, RecordsComeBackWithTheirPositions) {
  Segment segment;
  segment.add({"one", "", std::string(3000, 'x')}, 5000);
  segment.add({std::string("\0\0", 2)}, 6000);
  SegmentReader reader(kHeader, segment.file);
  EXPECT_EQ(payloads_of(reader), (std::vector<std::string>{"one", "", std::string(3000, 'x'), std::string("\0\0", 2)}));
  EXPECT_EQ(reader.position(), segment.end());
  EXPECT_EQ(reader.offset(), segment.file.size());
  EXPECT_EQ(reader.rest(), SegmentReader::Rest::kNothing);
}

TEST(SegmentFormat, ZerosAfterTheLastRecordAreTheEnd) {
  Segment segment;
  segment.add({"one"}, 5000);
  const size_t size = segment.file.size();
  segment.file.append(1000, '\0');
  SegmentReader reader(kHeader, segment.file);
  EXPECT_EQ(payloads_of(reader).size(), 1u);
  EXPECT_EQ(reader.offset(), size);
  EXPECT_EQ(reader.rest(), SegmentReader::Rest::kNothing);
}

TEST(SegmentFormat, ARecordCutAnywhereIsATornTail) {
  Segment segment;
  segment.add({"first"}, 5000);
  const size_t kept = segment.file.size();
  segment.add({"second", "third"}, segment.end());
  for (size_t size = kept + 1; size < segment.file.size(); ++size) {
    for (const bool preallocated : {false, true}) {
      std::string torn = segment.file.substr(0, size);
      if (preallocated) torn.append(500, '\0');
      SegmentReader reader(kHeader, torn);
      const auto payloads = payloads_of(reader);
      ASSERT_GE(payloads.size(), 1u);
      ASSERT_LE(payloads.size(), 2u) << size;
      EXPECT_NE(reader.rest(), SegmentReader::Rest::kDamaged) << size;
    }
  }
}

TEST(SegmentFormat, AHoleBeforeRecordsOfTheSameGroupIsATornTail) {
  // The disk may write the pages of one unfinished write in any order.
  Segment segment;
  segment.add({"first"}, 5000);
  const Lsn synced = segment.end();
  const size_t hole = segment.file.size() + kMarkBytes;
  segment.add({"second", "third"}, synced);
  segment.file.replace(hole, 10, std::string(10, '\0'));
  SegmentReader reader(kHeader, segment.file);
  EXPECT_EQ(payloads_of(reader), std::vector<std::string>{"first"});
  EXPECT_EQ(reader.rest(), SegmentReader::Rest::kTorn);
}

TEST(SegmentFormat, AHoleBeforeAMarkThatVouchesForItIsDamage) {
  Segment segment;
  segment.add({"first"}, 5000);
  const size_t hole = segment.file.size() + kMarkBytes;
  segment.add({"second"}, segment.end());
  segment.add({"third"}, segment.end());
  for (const char wrong : {'\0', '\xFF'}) {
    std::string damaged = segment.file;
    damaged.replace(hole, 10, std::string(10, wrong));
    SegmentReader reader(kHeader, damaged);
    EXPECT_EQ(payloads_of(reader), std::vector<std::string>{"first"});
    EXPECT_EQ(reader.rest(), SegmentReader::Rest::kDamaged);
  }
}

TEST(SegmentFormat, AMarkInsideAPayloadProvesNothing) {
  // A device may send the bytes of a mark; it cannot know the salt.
  Segment other;
  other.add({}, 1 << 30);
  const std::string forged = other.file.substr(kHeaderBytes);
  Segment segment;
  segment.add({"first"}, 5000);
  const size_t hole = segment.file.size() + kMarkBytes;
  segment.add({"second", forged, forged + "x" + forged}, segment.end());
  segment.file.replace(hole, 10, std::string(10, '\xFF'));
  SegmentReader reader(kHeader, segment.file);
  EXPECT_EQ(payloads_of(reader), std::vector<std::string>{"first"});
  EXPECT_EQ(reader.rest(), SegmentReader::Rest::kTorn);
}

TEST(SegmentFormat, ARecordOfAnotherPlaceOrFileDoesNotPass) {
  Segment segment;
  segment.add({"one"}, 5000);
  SegmentHeader elsewhere = kHeader;
  elsewhere.start += 1;
  EXPECT_FALSE(SegmentReader(elsewhere, segment.file).next());
  SegmentHeader other = kHeader;
  other.salt += 1;
  EXPECT_FALSE(SegmentReader(other, segment.file).next());
}

TEST(SegmentFormat, NoFlippedBitPasses) {
  Segment segment;
  segment.add({"one"}, 5000);
  segment.add({"two", "three"}, 5000);
  for (size_t bit = kHeaderBytes * 8; bit < segment.file.size() * 8; ++bit) {
    std::string damaged = segment.file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    SegmentReader reader(kHeader, damaged);
    (void)payloads_of(reader);
    ASSERT_LE(reader.offset(), bit / 8);
    ASSERT_NE(reader.rest(), SegmentReader::Rest::kNothing);
  }
}

TEST(SegmentFormat, GarbageIsRead) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string file = encode_header(kHeader);
    for (uint64_t n = random.below(300); n > 0; --n) file.push_back(static_cast<char>(random.one_in(2) ? 0 : random.next()));
    SegmentReader reader(kHeader, file);
    EXPECT_TRUE(payloads_of(reader).empty());
    EXPECT_NE(reader.rest(), SegmentReader::Rest::kDamaged);
  }
}

}  // namespace
}  // namespace campanile::journal
