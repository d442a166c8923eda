// What journal_test.cc does not reach through the journal.

#include "journal/segment_directory.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/log.h"
#include "journal/log_writer.h"
#include "journal/simulated_disk.h"

namespace campanile::journal {
namespace {

class SegmentDirectoryTest : public testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::kOff); }

  std::unique_ptr<SegmentDirectory> open(SimulatedDisk& files) {
    payloads.clear();
    auto opened = SegmentDirectory::open(files, "/journal", [this](const Record& record) -> Result<void> {
      payloads.emplace_back(record.payload);
      return {};
    });
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }

  void write(LogWriter& writer, std::string_view payload) {
    std::string frames;
    append_mark(frames);
    append_frame(frames, 2, payload);
    writer.add(std::move(frames));
    ASSERT_TRUE(writer.write());
  }

  SimulatedDisk disk;
  std::vector<std::string> payloads;
};

TEST_F(SegmentDirectoryTest, NamesSortAsPositionsDo) {
  EXPECT_EQ(segment_name(0), "00000000000000000000.log");
  EXPECT_EQ(segment_name(4294967721), "00000000004294967721.log");
  EXPECT_EQ(segment_name(UINT64_MAX), "18446744073709551615.log");
}

TEST_F(SegmentDirectoryTest, OpeningChangesNothing) {
  auto directory = open(disk);
  LogWriter writer(*directory, 1000, 0, 0);
  write(writer, "x");
  const uint64_t changes = disk.changes();
  directory = open(disk);
  EXPECT_EQ(payloads, std::vector<std::string>{"x"});
  EXPECT_EQ(disk.changes(), changes);
}

// A file of a start that wrote nothing, which the disk did not let go of, must not stay behind when the records before it have gone.
TEST_F(SegmentDirectoryTest, AnEmptyFileThatCouldNotBeRemovedGoesBeforeWhatItStandsBehind) {
  Lsn synced = 0;
  for (const std::string_view payload : {"a", "", "b"}) {
    auto directory = open(disk);
    LogWriter writer(*directory, 200, directory->first_unused(), directory->recovered_end());
    if (payload == "b") disk.fail(SimulatedDisk::Operation::kRemove, EIO, 0, 2);
    ASSERT_TRUE(writer.write());
    if (payload.empty()) continue;
    for (int i = 0; i < 5; ++i) write(writer, std::string(100, payload[0]));
    ASSERT_TRUE(writer.sync());
    synced = writer.synced();
    if (payload != "b") continue;
    EXPECT_FALSE(directory->remove_before(synced)) << "nothing goes while the disk lets go of nothing";
    EXPECT_EQ(disk.paths().size(), 11u);
    EXPECT_EQ(directory->let_go(), 0u);
    EXPECT_TRUE(directory->remove_before(synced));
    EXPECT_EQ(disk.paths().size(), 1u);
    EXPECT_GT(directory->let_go(), 0u);
    EXPECT_LT(directory->let_go(), synced);
  }
  open(disk);
  EXPECT_EQ(payloads, std::vector<std::string>{std::string(100, 'b')});
}

TEST_F(SegmentDirectoryTest, PositionsGoOnBeyondWhatMayHaveBeenHandedOut) {
  auto directory = open(disk);
  EXPECT_EQ(directory->first_unused(), 0u);
  LogWriter writer(*directory, 1000, 0, 0);
  write(writer, "x");
  directory = open(disk);
  EXPECT_EQ(directory->recovered_end(), writer.end());
  EXPECT_EQ(directory->first_unused(), writer.end() + (1ull << 32));
  EXPECT_EQ(directory->kept_bytes(directory->first_unused()), writer.end()) << "the gap is not kept";
  ASSERT_TRUE(directory->create(directory->first_unused(), directory->recovered_end(), 1000));
  EXPECT_EQ(directory->kept_bytes(directory->first_unused() + 7), writer.end() + 7);
}

TEST_F(SegmentDirectoryTest, WhatAFailedSyncLeftInMemoryIsWrittenAgain) {
  // The sync fails, the program is killed before it can write elsewhere, and starts again: the kernel still shows the record.
  auto directory = open(disk);
  LogWriter writer(*directory, 1000, 0, 0);
  write(writer, "safe");
  ASSERT_TRUE(writer.sync());
  write(writer, "in doubt");
  disk.fail(SimulatedDisk::Operation::kSync, EIO, 0, 1);
  ASSERT_FALSE(writer.sync());

  directory = open(disk);
  EXPECT_EQ(payloads, (std::vector<std::string>{"safe", "in doubt"}));
  ASSERT_TRUE(directory->create(directory->first_unused(), directory->recovered_end(), 1000));
  Random random(1);
  const auto survivor = disk.after_power_cut(random);
  directory = open(*survivor);
  EXPECT_EQ(payloads, (std::vector<std::string>{"safe", "in doubt"}));
}

TEST_F(SegmentDirectoryTest, CreatingFailsWhileWhatWasFoundIsInDoubt) {
  auto directory = open(disk);
  LogWriter writer(*directory, 1000, 0, 0);
  write(writer, "x");
  directory = open(disk);
  for (uint64_t after = 0; after < 2; ++after) {
    disk.fail(SimulatedDisk::Operation::kSyncDirectory, EIO, after, 1);
    EXPECT_FALSE(directory->create(directory->first_unused(), directory->recovered_end(), 1000));
  }
  ASSERT_TRUE(directory->create(directory->first_unused(), directory->recovered_end(), 1000));
  directory = open(disk);
  EXPECT_EQ(payloads, std::vector<std::string>{"x"});
}

TEST_F(SegmentDirectoryTest, EmptySegmentsOfEarlierStartsAreRemoved) {
  for (int i = 0; i < 3; ++i) {
    auto directory = open(disk);
    ASSERT_TRUE(directory->create(directory->first_unused(), directory->recovered_end(), 1000));
    EXPECT_EQ(disk.paths().size(), 1u);
  }
}

}  // namespace
}  // namespace campanile::journal
