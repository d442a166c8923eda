// Random runs of the log on a disk that loses power and fails, at any file operation: what was acknowledged is there afterwards, in order,
// and nothing is there that was not appended. A failure prints the seed; CAMPANILE_TEST_SEED runs that one alone.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "journal/log_writer.h"
#include "journal/segment_directory.h"
#include "journal/simulated_disk.h"

namespace campanile::journal {
namespace {

constexpr uint64_t kSegmentBytes = 600;

struct Acknowledgement {
  uint64_t change;  // the disk's count of changes when it was given
  size_t records;   // how many of them are safe
  Lsn highest;      // handed out so far
};

// The journal without its thread: one generation is what happens between two starts.
class Generation {
 public:
  Generation(SimulatedDisk& disk, Random& random, std::vector<std::string>& records)
      : disk_(disk), random_(random), records_(records) {}

  // Opens the log and checks that it holds the first of the records, at least `safe`.
  void open(const Acknowledgement& before) {
    std::vector<std::string> found;
    Lsn previous = 0;
    auto directory = SegmentDirectory::open(disk_, "/journal", [&](const Record& record) -> Result<void> {
      EXPECT_GT(record.lsn, previous);
      previous = record.lsn;
      EXPECT_EQ(record.type, RecordType::kPoints);
      found.emplace_back(record.payload);
      return {};
    });
    ASSERT_TRUE(directory) << directory.error().message;
    directory_ = std::move(*directory);
    ASSERT_LE(found.size(), records_.size());
    ASSERT_GE(found.size(), before.records);
    for (size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], records_[i]) << "record " << i;
    records_ = std::move(found);
    EXPECT_GE(directory_->first_unused(), before.highest) << "an Lsn would be handed out twice";
    writer_.emplace(*directory_, kSegmentBytes, directory_->first_unused(), directory_->recovered_end());
    ASSERT_TRUE(writer_->write());  // as Journal::open() does before any Lsn goes out
    acknowledgements_.push_back({disk_.changes(), records_.size(), writer_->end()});
  }

  void run(size_t steps) {
    for (size_t i = 0; i < steps; ++i) {
      switch (random_.below(12)) {
        case 0:
          disk_.fail(static_cast<SimulatedDisk::Operation>(random_.below(static_cast<uint64_t>(SimulatedDisk::Operation::kCount))), EIO,
                     random_.below(4), 1 + random_.below(3));
          break;
        case 1: disk_.heal(); break;
        case 2: (void)writer_->write(); break;
        default:
          add();
          if (writer_->write() && !random_.one_in(4)) (void)writer_->sync();
      }
      acknowledge();
    }
  }

  const std::vector<Acknowledgement>& acknowledgements() const { return acknowledgements_; }

 private:
  void add() {
    std::string frames;
    append_mark(frames);
    for (uint64_t n = 1 + random_.below(4); n > 0; --n) {
      const size_t bytes = random_.one_in(20) ? random_.below(kSegmentBytes + 1) : random_.below(80);
      std::string payload = "record " + std::to_string(records_.size()) + " ";
      // Runs of zeros and of the journal's own bytes must not confuse it.
      while (payload.size() < bytes) payload.push_back(random_.one_in(3) ? '\0' : static_cast<char>(random_.next()));
      payload.resize(std::min<size_t>(payload.size(), kSegmentBytes));
      append_frame(frames, static_cast<uint8_t>(RecordType::kPoints), payload);
      records_.push_back(payload);
      ends_.push_back(writer_->end() + frames.size());
    }
    writer_->add(std::move(frames));
  }

  void acknowledge() {
    size_t safe = records_.size() - ends_.size();
    for (const Lsn end : ends_) safe += end <= writer_->synced() ? 1 : 0;
    acknowledgements_.push_back({disk_.changes(), safe, writer_->end()});
  }

  SimulatedDisk& disk_;
  Random& random_;
  std::vector<std::string>& records_;
  std::vector<Lsn> ends_;  // of the records of this generation
  std::unique_ptr<SegmentDirectory> directory_;
  std::optional<LogWriter> writer_;
  std::vector<Acknowledgement> acknowledgements_;
};

void run_seed(uint64_t seed) {
  SCOPED_TRACE("CAMPANILE_TEST_SEED=" + std::to_string(seed));
  Random random(seed);
  auto disk = std::make_unique<SimulatedDisk>();
  std::vector<std::string> records;
  Acknowledgement given = {};
  for (int start = 0; start < 4; ++start) {
    if (random.one_in(4)) disk->write_short(random.next());
    // The power may go during recovery, too.
    const uint64_t cut = disk->changes() + random.below(200);
    disk->cut_power_at(cut, random.next());
    Generation generation(*disk, random, records);
    ASSERT_NO_FATAL_FAILURE(generation.open(given));
    generation.run(2 + random.below(25));
    auto survivor = disk->cut_disk();
    const bool was_cut = survivor != nullptr;
    // Else the run ends with a power cut, or with the program killed: then nothing is lost yet, but what was not synced still may be.
    const bool was_killed = !was_cut && random.one_in(2);
    if (!was_cut && !was_killed) survivor = disk->after_power_cut(random);
    for (const Acknowledgement& later : generation.acknowledgements()) {
      // What was said after the cut was never said.
      if (!was_cut || later.change <= cut) given = later;
    }
    disk->heal();
    if (!was_killed) disk = std::move(survivor);
  }
  Generation last(*disk, random, records);
  ASSERT_NO_FATAL_FAILURE(last.open(given));
}

TEST(JournalCrash, EveryAcknowledgedRecordIsThereAfterAPowerCutAtAnyOperation) {
  log::set_level(log::Level::kOff);
  if (const char* seed = std::getenv("CAMPANILE_TEST_SEED")) {
    run_seed(std::strtoull(seed, nullptr, 10));
    return;
  }
  for (uint64_t seed = 1; seed <= 3000 && !testing::Test::HasFailure(); ++seed) run_seed(seed);
}

}  // namespace
}  // namespace campanile::journal
