#include "journal/log_writer.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "journal/simulated_disk.h"

namespace campanile::journal {
namespace {

using Operation = SimulatedDisk::Operation;
constexpr uint64_t kSegmentBytes = 300;

class LogWriterTest : public testing::Test {
 protected:
  LogWriterTest() {
    auto opened = SegmentDirectory::open(disk, "/journal", [](const Record&) -> Result<void> { return {}; });
    EXPECT_TRUE(opened);
    directory = std::move(*opened);
    writer = std::make_unique<LogWriter>(*directory, kSegmentBytes, 0, 0);
  }

  void add(size_t records, size_t payload_bytes) {
    std::string frames;
    append_mark(frames);
    for (size_t i = 0; i < records; ++i) append_frame(frames, 2, std::string(payload_bytes, 'x'));
    writer->add(std::move(frames));
  }

  size_t replayed() {
    size_t records = 0;
    const auto again = SegmentDirectory::open(disk, "/journal", [&](const Record&) -> Result<void> {
      ++records;
      return {};
    });
    EXPECT_TRUE(again) << again.error().message;
    return records;
  }

  SimulatedDisk disk;
  std::unique_ptr<SegmentDirectory> directory;
  std::unique_ptr<LogWriter> writer;
};

TEST_F(LogWriterTest, WritingIsNotSyncing) {
  add(1, 10);
  EXPECT_EQ(writer->written(), 0u);
  ASSERT_TRUE(writer->write());
  EXPECT_EQ(writer->written(), writer->end());
  EXPECT_EQ(writer->synced(), 0u);
  ASSERT_TRUE(writer->sync());
  EXPECT_EQ(writer->synced(), writer->end());
  EXPECT_EQ(writer->syncs(), 1u);
  ASSERT_TRUE(writer->sync());
  EXPECT_EQ(writer->syncs(), 1u) << "nothing new to sync";
}

TEST_F(LogWriterTest, AGroupIsSplitBetweenRecordsWhereASegmentIsFull) {
  add(20, 50);
  ASSERT_TRUE(writer->write());
  ASSERT_TRUE(writer->sync());
  EXPECT_GE(disk.paths().size(), 4u);
  for (const auto& path : disk.paths()) EXPECT_LE(disk.durable_bytes(path).size(), kHeaderBytes + kSegmentBytes);
  EXPECT_EQ(replayed(), 20u);
}

TEST_F(LogWriterTest, ARecordAsLargeAsASegmentHasOneToItself) {
  add(1, 10);
  add(1, kSegmentBytes);
  add(1, 10);
  ASSERT_TRUE(writer->write());
  ASSERT_TRUE(writer->sync());
  EXPECT_EQ(replayed(), 3u);
}

TEST_F(LogWriterTest, AFaultAtAnyOperationLosesNothing) {
  for (const Operation operation : {Operation::kCreate, Operation::kAllocate, Operation::kWrite, Operation::kSync, Operation::kRename,
                                    Operation::kSyncDirectory}) {
    for (uint64_t after = 0; after < 4; ++after) {
      const size_t before = replayed();
      disk.fail(operation, EIO, after, 1);
      add(10, 50);
      // It fails at most once, and the same call again is enough.
      const bool done = writer->write() && writer->sync();
      EXPECT_TRUE(done || (writer->write() && writer->sync()));
      EXPECT_EQ(writer->synced(), writer->end());
      EXPECT_EQ(replayed(), before + 10);
      disk.heal();
    }
  }
}

TEST_F(LogWriterTest, AfterAFaultWhatIsSyncedStays) {
  add(1, 10);
  ASSERT_TRUE(writer->write() && writer->sync());
  const Lsn synced = writer->synced();
  add(1, 10);
  ASSERT_TRUE(writer->write());
  disk.fail(Operation::kSync, EIO);
  EXPECT_FALSE(writer->sync());
  EXPECT_EQ(writer->synced(), synced);
  EXPECT_EQ(writer->written(), synced) << "what was written is in doubt";
  disk.heal();
  ASSERT_TRUE(writer->write());
  EXPECT_EQ(disk.paths().back(), "/journal/" + segment_name(synced)) << "a new segment from there on";
}

TEST_F(LogWriterTest, ABufferComesBackEmpty) {
  EXPECT_EQ(writer->take_spare().capacity(), std::string().capacity());
  add(1, 1000);
  writer = std::make_unique<LogWriter>(*directory, 5000, 0, 0);
  add(1, 1000);
  ASSERT_TRUE(writer->write() && writer->sync());
  const std::string spare = writer->take_spare();
  EXPECT_TRUE(spare.empty());
  EXPECT_GE(spare.capacity(), 1000u);
}

}  // namespace
}  // namespace campanile::journal
