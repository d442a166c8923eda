// The journal's segment reader on bytes of any origin, and on a sound segment that the input then damages: no record comes back that was not
// written, none before the damage is lost.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "journal/segment_format.h"

namespace {

using namespace campanile::journal;

void read(const SegmentHeader& header, std::string_view file) {
  SegmentReader reader(header, file);
  while (const auto frame = reader.next()) CHECK(frame->end == reader.position());
  CHECK(reader.offset() <= file.size());
  (void)reader.rest();
}

void read_as_file(std::string_view input) {
  if (const auto header = decode_header(input)) read(*header, input);
}

void read_behind_a_sound_header(std::string_view input) {
  const SegmentHeader header{.start = 100, .previous_end = 100, .salt = 7};
  read(header, encode_header(header) + std::string(input));
}

void read_as_unit(std::string_view input) {
  size_t bytes = 0;
  const auto count = [&](const Record& record) -> campanile::Result<void> {
    bytes += 5 + record.payload.size();
    return {};
  };
  if (replay_frame({.type = kUnitType, .payload = input, .end = 1}, true, count)) CHECK(bytes == input.size());
}

// The first byte says how many records, each next byte how long one is and whether a mark precedes it; the rest are pairs of place and damage.
void damage(std::string_view input) {
  const auto take = [&]() -> uint8_t {
    if (input.empty()) return 0;
    const auto byte = static_cast<uint8_t>(input.front());
    input.remove_prefix(1);
    return byte;
  };
  const SegmentHeader header{.start = 1'000'000, .previous_end = 999'000, .salt = 42};
  std::string frames;
  std::vector<std::string> payloads;
  std::vector<size_t> ends;
  for (unsigned n = take() % 16; n > 0; --n) {
    const uint8_t kind = take();
    if (kind % 3 == 0) append_mark(frames);
    payloads.emplace_back(kind, static_cast<char>(n));
    append_frame(frames, 2, payloads.back());
    ends.push_back(frames.size());
  }
  seal_frames(frames.data(), frames.size(), header.start, header.salt, header.start);
  size_t first_damage = frames.size();
  while (input.size() >= 3 && !frames.empty()) {
    const size_t place = (take() + 256u * take()) % frames.size();
    const uint8_t mask = take();
    frames[place] = static_cast<char>(frames[place] ^ mask);
    if (mask != 0) first_damage = std::min(first_damage, place);
  }
  const std::string file = encode_header(header) + frames;
  SegmentReader reader(header, file);
  size_t found = 0;
  while (const auto frame = reader.next()) {
    if (frame->type == kMarkType) continue;
    CHECK(found < payloads.size() && frame->payload == payloads[found]);
    ++found;
  }
  for (size_t i = 0; i < ends.size(); ++i) CHECK(ends[i] > first_damage || found > i);
  // Every mark here says that nothing behind the segment's start was synced.
  CHECK(reader.position() == header.start || reader.rest() != SegmentReader::Rest::kDamaged);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  read_as_file(input);
  read_behind_a_sound_header(input);
  read_as_unit(input);
  damage(input);
  return 0;
}
