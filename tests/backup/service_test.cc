#include "backup/service.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/log.h"
#include "base/random.h"
#include "running_data.h"

namespace campanile::backup {
namespace {

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::kOff); }

  JobStatus wait_for_end(const Service& service) {
    for (int i = 0; i < 60'000; ++i) {
      const auto now = service.status();
      if (now && now->state != JobState::kRunning) return *now;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ADD_FAILURE() << "the backup has not ended";
    return {};
  }

  TemporaryDirectory scratch_;
  const std::filesystem::path place_ = scratch_.path() / "backups";
  SystemClock clock_;
};

TEST_F(ServiceTest, MakesOneBackupAfterAnother) {
  RunningData running(scratch_.path() / "data");
  Service service({.data = running.path(), .place = place_, .program = "test"}, running.store(), running.journal(), clock_);
  EXPECT_FALSE(service.status());
  EXPECT_TRUE(service.list()->empty());
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    const auto id = service.start(2);
    ASSERT_TRUE(id) << id.error().message;
    ids.push_back(*id);
    const JobStatus end = wait_for_end(service);
    EXPECT_EQ(end.state, JobState::kDone) << end.error;
    EXPECT_EQ(end.id, *id);
    EXPECT_EQ(end.progress.bytes, end.progress.bytes_total);
    EXPECT_EQ(end.progress.files, end.progress.files_total);
  }
  const auto list = service.list();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].id, ids[2]);
  EXPECT_EQ((*list)[1].id, ids[1]);
  EXPECT_EQ(service.newest_ns() / kNanosPerMilli, (*list)[0].time_ns / kNanosPerMilli);
  const Service later({.data = running.path(), .place = place_, .program = "test"}, running.store(), running.journal(), clock_);
  EXPECT_EQ(later.newest_ns(), (*list)[0].time_ns);
}

TEST_F(ServiceTest, AFailureIsTold) {
  RunningData running(scratch_.path() / "data");
  Service service({.data = running.path(), .place = place_, .program = "test", .free_bytes_min = 1ull << 60}, running.store(), running.journal(), clock_);
  ASSERT_TRUE(service.start(0));
  const JobStatus end = wait_for_end(service);
  EXPECT_EQ(end.state, JobState::kFailed);
  EXPECT_NE(end.error.find("storage.free_bytes_min"), std::string::npos) << end.error;
  EXPECT_TRUE(service.list()->empty());
  EXPECT_TRUE(service.start(0)) << "and the next may be tried";
}

TEST_F(ServiceTest, APlaceThatCannotBeIsToldAtOnce) {
  RunningData running(scratch_.path() / "data");
  write_file(place_, "a file");
  Service service({.data = running.path(), .place = place_, .program = "test"}, running.store(), running.journal(), clock_);
  EXPECT_EQ(service.start(0).error().code, ErrorCode::kIoError);
  EXPECT_FALSE(service.status());
}

TEST_F(ServiceTest, StoppingEndsABackupAndRefusesOthers) {
  RunningData running(scratch_.path() / "data");
  for (int i = 0; i < 200; ++i) running.append(journal::RecordType::kPoints, random_bytes(50'000));
  Service service({.data = running.path(), .place = place_, .program = "test"}, running.store(), running.journal(), clock_);
  ASSERT_TRUE(service.start(0));
  service.stop();
  const auto end = service.status();
  ASSERT_TRUE(end);
  EXPECT_NE(end->state, JobState::kRunning);
  // Whole or not there.
  EXPECT_EQ(service.list()->size(), end->state == JobState::kDone ? 1u : 0u);
  EXPECT_EQ(service.start(0).error().code, ErrorCode::kUnavailable);
}

TEST_F(ServiceTest, ABackupOfAKilledServerLeavesNothingBehind) {
  RunningData running(scratch_.path() / "data");
  write_file(running.path() / "backup.unfinished" / "store" / "000012.sst", "x");
  const Service service({.data = running.path(), .place = place_, .program = "test"}, running.store(), running.journal(), clock_);
  EXPECT_FALSE(std::filesystem::exists(running.path() / "backup.unfinished"));
}

}  // namespace
}  // namespace campanile::backup
