// The repair of a journal that the input damages: whatever it does, the journal opens afterwards, has no record that was not written, and has them in order; and
// what is repaired is whole.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "journal/repair.h"
#include "journal/segment_directory.h"
#include "journal/segment_format.h"
#include "journal/simulated_disk.h"

namespace {

using namespace campanile;
using namespace campanile::journal;

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t take() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }

 private:
  std::string_view bytes_;
};

void put(SimulatedDisk& disk, Lsn start, const std::string& content) {
  const auto file = disk.create("/journal/" + segment_name(start)).value();
  CHECK(write_fully(*file, 0, content));
  CHECK(file->sync());
}

// Four files, of which the second begins behind a gap and the last is still being written. Answers the payloads.
std::vector<std::string> write_journal(SimulatedDisk& disk, std::vector<std::pair<Lsn, std::string>>& files) {
  std::vector<std::string> payloads;
  Lsn previous_end = 0;
  for (const Lsn gap : {0, 5000, 0, 7000}) {
    const SegmentHeader header{.start = previous_end + gap, .previous_end = previous_end, .salt = 1000 + gap};
    std::string frames;
    for (int group = 0; group < 3; ++group) {
      append_mark(frames);
      for (int i = 0; i <= group; ++i) {
        payloads.push_back(std::to_string(payloads.size()) + std::string(static_cast<size_t>(3 * i), 'x'));
        append_frame(frames, 2, payloads.back());
      }
    }
    seal_frames(frames.data(), frames.size(), header.start, header.salt, header.start);
    files.emplace_back(header.start, encode_header(header) + frames);
    previous_end = header.start + frames.size();
  }
  files.back().second += std::string(100, '\0');
  CHECK(disk.create_directories("/journal"));
  for (const auto& [start, content] : files) put(disk, start, content);
  return payloads;
}

// Each five bytes: which file, where, and what becomes of it there.
void damage(SimulatedDisk& disk, std::vector<std::pair<Lsn, std::string>>& files, Input& input) {
  while (!input.empty()) {
    auto& [start, content] = files[input.take() % files.size()];
    const uint8_t kind = input.take() % 16;
    const size_t place = input.take() + 256u * input.take();
    const uint8_t mask = input.take();
    if (kind == 0) {
      (void)disk.remove("/journal/" + segment_name(start));
      content.clear();
    }
    if (content.empty()) continue;
    // Nearly all of a header is zeros that nobody reads.
    const size_t at = kind < 5 ? place % 64 % content.size() : std::min(content.size() - 1, kHeaderBytes + place % 512);
    if (kind == 1) {
      content.resize(at);
    } else {
      content[at] = static_cast<char>(content[at] ^ mask);
    }
    put(disk, start, content);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  log::set_level(log::Level::kOff);
  Input input({reinterpret_cast<const char*>(data), std::min<size_t>(size, 200)});
  SimulatedDisk disk;
  std::vector<std::pair<Lsn, std::string>> files;
  const std::vector<std::string> payloads = write_journal(disk, files);
  damage(disk, files, input);
  const auto done = repair_journal(disk, "/journal", {.aside = "/aside"});
  if (!done) {
    CHECK(done.error().code == ErrorCode::kUnsupported);  // a version byte was damaged, and more
    return 0;
  }
  size_t next = 0;
  const auto opened = SegmentDirectory::open(disk, "/journal", [&](const Record& record) -> Result<void> {
    if (record.type == RecordType::kLoss) return {};
    while (next < payloads.size() && payloads[next] != record.payload) ++next;
    CHECK(next < payloads.size());
    ++next;
    return {};
  });
  CHECK(opened);
  const auto again = repair_journal(disk, "/journal", {.aside = "/aside"});
  CHECK(again && again->changed.empty() && again->losses.empty());
  return 0;
}
