#include "journal/file_system.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "journal/simulated_disk.h"
#include "temporary_directory.h"

namespace campanile::journal {
namespace {

// The operating system's files and the simulated ones behave alike as long as nothing fails.
class FileSystemTest : public testing::TestWithParam<bool> {
 protected:
  FileSystem& files() { return GetParam() ? posix_file_system() : static_cast<FileSystem&>(disk); }
  std::filesystem::path path(std::string_view name) const { return directory.path() / name; }

  TemporaryDirectory directory;
  SimulatedDisk disk;
};

INSTANTIATE_TEST_SUITE_P(Kinds, FileSystemTest, testing::Values(true, false),
                         [](const auto& tested) { return tested.param ? "posix" : "simulated"; });

TEST_P(FileSystemTest, KeepsWhatIsWritten) {
  auto file = files().create(path("a"));
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE((*file)->allocate(100));
  ASSERT_TRUE(write_fully(**file, 10, "hello"));
  ASSERT_TRUE((*file)->sync());
  ASSERT_TRUE(files().rename(path("a"), path("b")));
  ASSERT_TRUE(files().sync_directory(directory.path()));

  auto again = files().open(path("b"));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->read(10, 5).value(), "hello");
  const std::string all = (*again)->read(0, UINT64_MAX).value();
  EXPECT_EQ(all.size(), 100u);
  EXPECT_EQ(all.substr(15), std::string(85, '\0'));
  EXPECT_EQ((*again)->read(500, 5).value(), "");
  ASSERT_TRUE((*again)->truncate(12));
  EXPECT_EQ((*again)->read(10, 50).value(), "he");
  EXPECT_EQ(files().list(directory.path()).value(), std::vector<std::string>{"b"});
  ASSERT_TRUE(files().remove(path("b")));
  EXPECT_TRUE(files().remove(path("b"))) << "gone already is gone";
  EXPECT_TRUE(files().list(directory.path()).value().empty());
}

TEST_P(FileSystemTest, CreatingAgainEmpties) {
  ASSERT_TRUE(write_fully(**files().create(path("a")), 0, "old"));
  EXPECT_EQ((*files().create(path("a")))->read(0, 10).value(), "");
}

TEST_P(FileSystemTest, NamesTheFileThatFails) {
  const auto missing = files().open(path("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kIoError);
  EXPECT_NE(missing.error().message.find("missing"), std::string::npos);
  EXPECT_FALSE(files().rename(path("missing"), path("b")));
}

TEST(PosixFileSystem, MakesDirectoriesAndSaysWhereItCannot) {
  TemporaryDirectory directory;
  EXPECT_TRUE(posix_file_system().create_directories(directory.path() / "a" / "b"));
  EXPECT_TRUE(posix_file_system().create_directories(directory.path() / "a" / "b"));
  ASSERT_TRUE(posix_file_system().create(directory.path() / "file"));
  const auto blocked = posix_file_system().create_directories(directory.path() / "file" / "c");
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().code, ErrorCode::kIoError);
  EXPECT_FALSE(posix_file_system().list(directory.path() / "nowhere"));
  EXPECT_FALSE(posix_file_system().sync_directory(directory.path() / "nowhere"));
}

TEST(SimulatedDisk, LosesUnsyncedBytesAndNames) {
  size_t lost = 0, kept = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    SimulatedDisk disk;
    auto file = disk.create("/d/a");
    ASSERT_TRUE((*file)->write_at(0, "synced"));
    ASSERT_TRUE((*file)->sync());
    ASSERT_TRUE(disk.sync_directory("/d"));
    ASSERT_TRUE((*file)->write_at(6, " and not"));
    ASSERT_TRUE(disk.create("/d/b"));
    const auto survivor = disk.after_power_cut(random);
    const auto found = survivor->open("/d/a");
    ASSERT_TRUE(found);
    const std::string bytes = (*found)->read(0, 100).value();
    EXPECT_TRUE(bytes.starts_with("synced"));
    lost += bytes == "synced";
    kept += survivor->paths().size() == 2;
  }
  EXPECT_GT(lost, 0u);
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, 100u);
}

TEST(SimulatedDisk, AFailedSyncLosesWhatALaterOneSeemsToKeep) {
  SimulatedDisk disk;
  auto file = disk.create("/d/a");
  ASSERT_TRUE(disk.sync_directory("/d"));
  disk.fail(SimulatedDisk::Operation::kSync, EIO, 0, 1);
  ASSERT_TRUE((*file)->write_at(0, "x"));
  EXPECT_FALSE((*file)->sync());
  EXPECT_TRUE((*file)->sync());
  EXPECT_EQ((*file)->read(0, 1).value(), "x");
  EXPECT_EQ(disk.durable_bytes("/d/a"), "");
}

TEST(SimulatedDisk, WritesInPiecesWhenTold) {
  SimulatedDisk disk;
  disk.write_short(1);
  auto file = disk.create("/d/a");
  const std::string bytes(1000, 'x');
  EXPECT_LT((*file)->write_at(0, bytes).value(), bytes.size());
  ASSERT_TRUE(write_fully(**file, 0, bytes));
  EXPECT_EQ((*file)->read(0, 2000).value(), bytes);
}

}  // namespace
}  // namespace campanile::journal
