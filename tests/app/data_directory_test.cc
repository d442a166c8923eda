#include "app/data_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace campanile::app {
namespace {

using testing::HasSubstr;

TEST(DataDirectory, IsMadeWithItsParentsAndLocked) {
  const auto scratch = DataDirectory::make_scratch("campanile-test");
  ASSERT_TRUE(scratch) << scratch.error().message;
  const auto path = scratch->path() / "a" / "b";
  auto first = DataDirectory::open(path);
  ASSERT_TRUE(first) << first.error().message;
  const auto second = DataDirectory::open(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message, HasSubstr(fmt::format("is in use by process {}", ::getpid())));
  const auto moved = std::move(*first);
  EXPECT_FALSE(DataDirectory::open(path)) << "the lock must move along";
}

TEST(DataDirectory, IsFreeOnceItsHolderIsGone) {
  const auto scratch = DataDirectory::make_scratch("campanile-test");
  ASSERT_TRUE(scratch);
  const auto path = scratch->path() / "data";
  { ASSERT_TRUE(DataDirectory::open(path)); }
  EXPECT_TRUE(DataDirectory::open(path));
  // A number left behind by a process that died means nothing.
  std::ofstream(path / "LOCK") << "999999\n";
  EXPECT_TRUE(DataDirectory::open(path));
}

TEST(DataDirectory, OfAKilledProcessIsFree) {
  const auto scratch = DataDirectory::make_scratch("campanile-test");
  ASSERT_TRUE(scratch);
  const auto path = scratch->path() / "data";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = DataDirectory::open(path);
    const char byte = held ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) == 1) ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  const auto refused = DataDirectory::open(path);
  EXPECT_THAT(refused ? "" : refused.error().message, HasSubstr(fmt::format("process {}", child)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(DataDirectory::open(path));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(DataDirectory, ScratchGoesWithItsObject) {
  std::filesystem::path path;
  {
    const auto scratch = DataDirectory::make_scratch("campanile-test");
    ASSERT_TRUE(scratch);
    path = scratch->path();
    std::ofstream(path / "file") << "x";
    EXPECT_TRUE(std::filesystem::exists(path / "LOCK"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(DataDirectory, SaysWhatIsInTheWay) {
  const auto scratch = DataDirectory::make_scratch("campanile-test");
  ASSERT_TRUE(scratch);
  std::ofstream(scratch->path() / "file") << "x";
  const auto under_file = DataDirectory::open(scratch->path() / "file" / "data");
  ASSERT_FALSE(under_file);
  EXPECT_EQ(under_file.error().code, ErrorCode::kIoError);
  EXPECT_THAT(under_file.error().message, HasSubstr("file/data"));
  EXPECT_FALSE(DataDirectory::open(scratch->path() / "file"));
}

}  // namespace
}  // namespace campanile::app
