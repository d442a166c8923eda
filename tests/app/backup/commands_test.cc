// `campanile backup --offline`, `verify` and `restore` as a command line runs them. With a server they are tested in tests/e2e/backup_test.py.

#include "app/backup/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../../backup/running_data.h"
#include "app/client/http_call.h"
#include "app/backup/progress_display.h"
#include "app/cli/command_line.h"
#include "app/data_directory.h"
#include "backup/restore.h"

namespace campanile::app {
namespace {

using backup::read_file;
using backup::RunningData;
using backup::write_file;
using testing::HasSubstr;

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

Ran run(const std::vector<std::string>& arguments) {
  Ran ran;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ran.code = run_command_line(arguments, {.serve = [](const ServeArguments&) { return 0; }});
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

class BackupCommands : public testing::Test {
 protected:
  std::string path(std::string_view name) const { return (scratch_.path() / name).string(); }
  Ran back_up() { return run({"backup", "--offline", "--data", path("data"), "--to", path("backups")}); }

  TemporaryDirectory scratch_;
};

TEST_F(BackupCommands, ThereAndBackWithoutAServer) {
  { RunningData(path("data")).append(journal::RecordType::kPoints, "x"); }
  write_file(scratch_.path() / "data" / "notes", "something");
  const Ran made = back_up();
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr(" in " + path("backups")));
  EXPECT_THAT(made.err, HasSubstr("backing up: 100 %"));

  const Ran verified = run({"verify", path("backups")});
  EXPECT_EQ(verified.code, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("is whole"));
  EXPECT_THAT(verified.out, HasSubstr("1 records in the journal"));
  EXPECT_EQ(run({"verify", path("data")}).code, 0);

  const Ran restored = run({"restore", path("backups"), path("new/data")});
  ASSERT_EQ(restored.code, 0) << restored.err;
  EXPECT_THAT(restored.out, HasSubstr("campanile serve --data " + path("new/data")));
  EXPECT_EQ(read_file(scratch_.path() / "new" / "data" / "notes"), "something");
  EXPECT_EQ(RunningData(path("new/data")).replayed(), std::vector<std::string>{"2:x"});

  const Ran refused = run({"restore", path("backups"), path("new/data")});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("is not empty"));
}

TEST_F(BackupCommands, DamageIsTold) {
  { RunningData(path("data")).append(journal::RecordType::kPoints, "x"); }
  write_file(scratch_.path() / "data" / "notes", "something");
  ASSERT_EQ(back_up().code, 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch_.path() / "backups" / "files")) {
    if (entry.is_regular_file() && read_file(entry.path()) == "something") write_file(entry.path(), "somethinG");
  }
  const Ran verified = run({"verify", path("backups")});
  EXPECT_EQ(verified.code, 1);
  EXPECT_THAT(verified.out, HasSubstr("notes: "));
  EXPECT_THAT(verified.err, HasSubstr("is damaged in 1 place\n"));
  const Ran restored = run({"restore", path("backups"), path("restored")});
  EXPECT_EQ(restored.code, 1);
  EXPECT_THAT(restored.err, HasSubstr("notes"));
}

TEST_F(BackupCommands, WhatIsInUseOrNotThereIsLeftAlone) {
  const Ran missing = back_up();
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("there is no data directory"));
  EXPECT_FALSE(std::filesystem::exists(path("data")));
  const RunningData running(path("data"));
  const auto lock = DataDirectory::open(path("data"));
  ASSERT_TRUE(lock);
  EXPECT_THAT(back_up().err, HasSubstr("is in use by process"));
  EXPECT_THAT(run({"verify", path("data")}).err, HasSubstr("is in use by process"));
  EXPECT_THAT(run({"restore", path("backups"), path("restored")}).err, HasSubstr("there is no " + path("backups")));
  EXPECT_FALSE(std::filesystem::exists(path("restored")));
}

TEST_F(BackupCommands, FlagsThatMakeNoSenseAreUsageErrors) {
  EXPECT_EQ(run({"backup", "--to", path("backups")}).code, kExitUsage) << "a server decides where its backups go";
  EXPECT_EQ(run({"backup", "--keep", "-1"}).code, kExitUsage);
  EXPECT_EQ(run({"restore", path("backups")}).code, kExitUsage);
  EXPECT_EQ(run({"verify"}).code, kExitUsage);
}

TEST_F(BackupCommands, WithoutAServerItSaysWhere) {
  const Ran ran = run({"backup", "--http", "127.0.0.1:1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("no server answers at 127.0.0.1:1"));
  EXPECT_THAT(run({"backup", "--user", "nobody"}).err, HasSubstr("no password of 'nobody'"));
}

TEST_F(BackupCommands, NoServerStartsWhereARestoreWasCutShort) {
  write_file(scratch_.path() / "data" / backup::kUnfinishedRestore, "");
  const auto opened = DataDirectory::open(path("data"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("cut short"));
}

TEST(ProgressDisplay, SaysHowFar) {
  const backup::ProgressStatus half{.files = 3, .files_total = 9, .bytes = 61'500'000, .bytes_total = 123'000'000};
  EXPECT_EQ(progress_line("restoring", half), "restoring: 50 %, 61.5 MB of 123.0 MB");
  EXPECT_EQ(progress_bar("restoring", half), "restoring  50 % [###############               ] 61.5 MB of 123.0 MB");
  EXPECT_EQ(percent_of({.files = 8, .files_total = 9, .bytes = 10, .bytes_total = 10}), 99u) << "not before the last file is done";
  EXPECT_EQ(percent_of({.files = 9, .files_total = 9, .bytes = 10, .bytes_total = 10}), 100u);
  EXPECT_EQ(size_text(999), "999 bytes");
  EXPECT_EQ(size_text(1000), "1.0 kB");
  EXPECT_EQ(size_text(999'960), "1.0 MB");
  EXPECT_EQ(size_text(UINT64_MAX), "18446.7 PB");
}

TEST(HttpCall, ReadsAnAnswer) {
  const auto answer = parse_answer("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->body, "{}");
  for (const auto text : {"", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 abc\r\n\r\n"}) EXPECT_FALSE(parse_answer(text)) << text;
}

}  // namespace
}  // namespace campanile::app
