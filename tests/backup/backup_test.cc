// Backups of a store and a journal that are in use, brought back, looked at, and spoilt.

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "backup/data_files.h"
#include "backup/digest.h"
#include "backup/file_copy.h"
#include "backup/place.h"
#include "backup/restore.h"
#include "backup/verify.h"
#include "backup/writer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "running_data.h"

namespace campanile::backup {
namespace {

using journal::RecordType;

class BackupTest : public testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::kOff); }

  std::filesystem::path data() const { return scratch_.path() / "data"; }
  std::filesystem::path backups() const { return scratch_.path() / "backups"; }
  std::filesystem::path restored() const { return scratch_.path() / "restored"; }

  Result<Manifest> write(DataFiles& files, uint64_t keep = 0) {
    Progress progress;
    return write(files, progress, keep);
  }
  Result<Manifest> write(DataFiles& files, Progress& progress, uint64_t keep = 0) {
    auto place = TRY(Place::open(backups(), Place::Use::kWrite));
    now_ns_ += kNanosPerSecond;
    return write_backup(place, files, {.id = make_id(now_ns_), .time_ns = now_ns_, .program = "test", .keep = keep}, progress);
  }
  Manifest back_up(RunningData& running, uint64_t keep = 0) {
    auto files = freeze_running(running.path(), backups(), running.store(), running.journal());
    EXPECT_TRUE(files) << files.error().message;
    auto made = write(*files, keep);
    EXPECT_TRUE(made) << made.error().message;
    return made.value_or(Manifest{});
  }
  Result<Manifest> restore(const std::string& id, const std::filesystem::path& directory) {
    TRY(check_empty(directory));
    TRY(make_directories(directory));
    const auto place = TRY(Place::open(backups(), Place::Use::kRead));
    Progress progress;
    return restore_backup(place, id, directory, progress);
  }
  CheckReport verify(const std::string& id) {
    const auto place = Place::open(backups(), Place::Use::kRead);
    EXPECT_TRUE(place) << place.error().message;
    Progress progress;
    const auto report = verify_backup(*place, id, progress);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(CheckReport{});
  }
  std::vector<std::filesystem::path> pool() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(backups() / "files")) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }
  std::filesystem::path pool_path(const FileEntry& file) const { return backups() / "files" / file.digest.substr(0, 2) / file.digest; }

  TemporaryDirectory scratch_;
  int64_t now_ns_ = 1'790'000'000 * kNanosPerSecond;
};

const FileEntry& entry_of(const Manifest& manifest, std::string_view prefix) {
  for (const FileEntry& file : manifest.files) {
    if (file.name.starts_with(prefix)) return file;
  }
  ADD_FAILURE() << "no file " << prefix;
  static const FileEntry nothing;
  return nothing;
}

TEST_F(BackupTest, BringsBackStoreJournalAndEverythingElse) {
  {
    RunningData running(data());
    running.put("key", "before");
    const std::vector<RecordType> types = {RecordType::kSeries,   RecordType::kPoints,  RecordType::kDatabase, RecordType::kRejected,
                                           RecordType::kRetained, RecordType::kSession, RecordType::kErase};
    for (const RecordType type : types) running.append(type, "one");
    const std::vector<journal::NewRecord> unit = {{RecordType::kPoints, "both"}, {RecordType::kSession, "or none"}};
    ASSERT_TRUE(running.journal().append_together(unit));
    write_file(data() / "accounts", "somebody\n");
    write_file(data() / "certificates" / "server.pem", "PEM");
    write_file(data() / "LOCK", "17\n");
    write_file(data() / "damaged" / "20261126T053702.123Z" / "journal" / "0.log", "what a repair kept");
    std::filesystem::create_symlink("/etc/passwd", data() / "link");
    const Manifest made = back_up(running);
    running.put("key", "after");
    running.append(RecordType::kPoints, "after");
    const auto done = restore(made.id, restored());
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_FALSE(std::filesystem::exists(data() / "backup.unfinished"));
  }
  EXPECT_EQ(read_file(restored() / "accounts"), "somebody\n");
  EXPECT_EQ(read_file(restored() / "certificates" / "server.pem"), "PEM");
  EXPECT_FALSE(std::filesystem::exists(restored() / "LOCK"));
  EXPECT_FALSE(std::filesystem::exists(restored() / "damaged"));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(restored() / "link")));
  EXPECT_FALSE(std::filesystem::exists(restored() / kUnfinishedRestore));
  RunningData back(restored());
  EXPECT_EQ(back.get("key"), "before");
  EXPECT_EQ(back.replayed(), (std::vector<std::string>{"1:one", "2:one", "3:one", "4:one", "5:one", "6:one", "7:one", "2:both", "6:or none"}));
}

TEST_F(BackupTest, EverythingAcknowledgedBeforeIsThereUnderLoad) {
  RunningData running(data());
  std::atomic<bool> done = false;
  std::atomic<uint64_t> acknowledged = 0;
  // Each value is in the journal before it is in the store, as the program has it; checkpoints let go of the journal meanwhile.
  std::thread load([&] {
    for (uint64_t i = 1; !done; ++i) {
      const auto lsn = running.journal().append(RecordType::kPoints, fmt::format("{} {}", i, std::string(500, 'x')));
      if (!lsn || !running.journal().wait_durable(*lsn)) continue;
      running.put("newest", fmt::format("{}", i));
      acknowledged = i;
      if (i % 50 == 0) {
        EXPECT_TRUE(running.store().sync());
        EXPECT_TRUE(running.journal().truncate_before(*lsn));
      }
    }
  });
  for (int round = 0; round < 5; ++round) {
    const uint64_t wanted = acknowledged + 30;
    while (acknowledged < wanted) std::this_thread::yield();
    const uint64_t before = acknowledged;
    const Manifest made = back_up(running);
    const auto directory = scratch_.path() / fmt::format("restored {}", round);
    ASSERT_TRUE(restore(made.id, directory));
    EXPECT_TRUE(verify(made.id).damages.empty());
    RunningData back(directory);
    const uint64_t stored = std::stoull(back.get("newest"));
    uint64_t last = 0;
    for (const std::string& record : back.replayed()) {
      const uint64_t number = std::stoull(record.substr(2));
      if (last > 0) { EXPECT_EQ(number, last + 1); }
      last = number;
    }
    EXPECT_GE(last, stored) << "the journal reaches beyond the store";
    EXPECT_GE(last, before);
    ASSERT_FALSE(back.replayed().empty());
    EXPECT_LE(std::stoull(back.replayed().front().substr(2)), stored + 1) << "and begins before its end";
  }
  done = true;
  load.join();
}

TEST_F(BackupTest, WhatIsThereAlreadyIsNotCopiedAgain) {
  RunningData running(data());
  Random random(7);
  for (int i = 0; i < 300; ++i) running.append(RecordType::kPoints, random_bytes(2000));
  for (int i = 0; i < 300; ++i) running.put(fmt::format("key {}", i), random_bytes(2000));
  const Manifest first = back_up(running);
  EXPECT_EQ(first.copied_bytes, first.bytes());
  running.append(RecordType::kPoints, "a little more");
  const Manifest second = back_up(running);
  EXPECT_GT(second.bytes(), first.bytes());
  // The last segment, and the store's few small files.
  EXPECT_LT(second.copied_bytes, first.bytes() / 4);
  EXPECT_EQ(entry_of(second, "journal/").digest, entry_of(first, "journal/").digest);
  ASSERT_TRUE(restore(second.id, restored()));
  EXPECT_EQ(RunningData(restored()).replayed().size(), 301u);
}

TEST_F(BackupTest, TheJournalIsLetGoOfOnceItIsCopied) {
  RunningData running(data());
  for (int i = 0; i < 100; ++i) running.append(RecordType::kPoints, random_bytes(10'000));
  running.put("key", "value");
  auto files = freeze_running(data(), backups(), running.store(), running.journal());
  ASSERT_TRUE(files);
  uint64_t kept_while_copied = 0;
  Progress progress([&](const ProgressStatus& now) {
    EXPECT_TRUE(running.journal().truncate_before(running.journal().end()));
    if (now.files + 1 == files->journal_files()) kept_while_copied = running.journal().status().kept_bytes;
  });
  ASSERT_TRUE(write(*files, progress));
  EXPECT_GT(kept_while_copied, 1'000'000u);
  EXPECT_LT(running.journal().status().kept_bytes, 200'000u);
}

TEST_F(BackupTest, AFileOfThePoolThatWasShortenedIsCopiedAgain) {
  RunningData running(data());
  running.append(RecordType::kPoints, "x");
  write_file(data() / "notes", "something");
  const Manifest first = back_up(running);
  std::filesystem::resize_file(pool_path(entry_of(first, "notes")), 3);
  EXPECT_FALSE(verify(first.id).damages.empty());
  (void)back_up(running);
  EXPECT_TRUE(verify(first.id).damages.empty());
}

TEST_F(BackupTest, KeepsAsManyAsAskedForAndWhatTheyNeed) {
  RunningData running(data());
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    running.append(RecordType::kPoints, random_bytes(30'000));
    running.put(fmt::format("{}", i), random_bytes(1000));
    write_file(data() / "notes", fmt::format("{}", i));
    ids.push_back(back_up(running, i == 4 ? 2 : 0).id);
  }
  EXPECT_EQ(Place::ids_in(backups()).value(), (std::vector<std::string>{ids[3], ids[4]}));
  std::set<std::string> needed;
  for (const std::string& id : {ids[3], ids[4]}) {
    EXPECT_TRUE(verify(id).damages.empty());
    const auto manifest = Place::read_in(backups(), id);
    ASSERT_TRUE(manifest);
    for (const FileEntry& file : manifest->files) needed.insert(file.digest);
  }
  std::set<std::string> found;
  for (const auto& path : pool()) found.insert(path.filename().string());
  EXPECT_EQ(found, needed);
}

TEST_F(BackupTest, NothingIsRemovedWhileAManifestCannotBeRead) {
  RunningData running(data());
  running.append(RecordType::kPoints, "x");
  write_file(data() / "notes", "first");
  const Manifest first = back_up(running);
  write_file(data() / "notes", "second");
  const Manifest second = back_up(running);
  const auto path = Place::manifest_path(backups(), second.id);
  const std::string whole = read_file(path);
  write_file(path, "damaged");
  write_file(data() / "notes", "third");
  (void)back_up(running, 2);
  EXPECT_EQ(Place::ids_in(backups())->size(), 3u);
  write_file(path, whole);
  EXPECT_TRUE(verify(first.id).damages.empty());
  EXPECT_TRUE(verify(second.id).damages.empty());
}

TEST_F(BackupTest, OneThatIsCutShortIsNotThereAndHelpsTheNext) {
  RunningData running(data());
  for (int i = 0; i < 100; ++i) running.append(RecordType::kPoints, random_bytes(10'000));
  std::stop_source stop;
  uint64_t seen = 0;
  {
    Progress progress(
        [&](const ProgressStatus& now) {
          if (now.files == 5) stop.request_stop();
          seen = now.files_total;
        },
        stop.get_token());
    auto files = freeze_running(data(), backups(), running.store(), running.journal());
    ASSERT_TRUE(files) << files.error().message;
    const auto made = write(*files, progress);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kCancelled);
  }
  EXPECT_GT(seen, 10u);
  EXPECT_TRUE(Place::ids_in(backups())->empty());
  EXPECT_EQ(choose_backup(backups()).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(backups() / "files" / "incoming"));
  EXPECT_FALSE(std::filesystem::exists(data() / "backup.unfinished"));
  const Manifest made = back_up(running);
  EXPECT_TRUE(verify(made.id).damages.empty());
}

TEST_F(BackupTest, AFailingDiskLeavesNoHalfBackup) {
  RunningData running(data());
  running.append(RecordType::kPoints, "x");
  write_file(backups() / "files" / "incoming" / "in the way", "a directory where a file is to be");
  auto files = freeze_running(data(), backups(), running.store(), running.journal());
  ASSERT_TRUE(files);
  const auto made = write(*files);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kIoError);
  EXPECT_TRUE(Place::ids_in(backups())->empty());
}

TEST_F(BackupTest, WhatWasCopiedInVainIsRemoved) {
  RunningData running(data());
  running.append(RecordType::kPoints, "x");
  write_file(data() / "notes", "something");
  auto files = freeze_running(data(), backups(), running.store(), running.journal());
  ASSERT_TRUE(files);
  // A file that is shorter than it was ends the backup after all others are copied.
  files->files.push_back({.path = data() / "notes", .name = "more notes", .bytes = 1000});
  const auto made = write(*files);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kIoError);
  EXPECT_TRUE(pool().empty());
  EXPECT_TRUE(Place::ids_in(backups())->empty());
}

TEST_F(BackupTest, WithoutRoomItIsRefusedBeforeItBegins) {
  RunningData running(data());
  running.append(RecordType::kPoints, "x");
  auto files = freeze_running(data(), backups(), running.store(), running.journal());
  ASSERT_TRUE(files);
  auto place = Place::open(backups(), Place::Use::kWrite);
  ASSERT_TRUE(place);
  Progress progress;
  const auto made = write_backup(*place, *files, {.id = make_id(now_ns_), .program = "test", .free_bytes_min = 1ull << 60}, progress);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kTooLarge);
  EXPECT_NE(made.error().message.find(backups().string()), std::string::npos);
  EXPECT_TRUE(pool().empty());
}

// Every file in turn loses a byte's truth: it is found and named, and nothing of the backup is restored.
TEST_F(BackupTest, DamageIsFoundNamedAndNotRestored) {
  RunningData running(data());
  running.append(RecordType::kPoints, "x");
  running.put("key", "value");
  write_file(data() / "notes", "something");
  const Manifest made = back_up(running);
  ASSERT_TRUE(verify(made.id).damages.empty());
  for (const FileEntry& file : made.files) {
    SCOPED_TRACE(file.name);
    const auto path = pool_path(file);
    const std::string whole = read_file(path);
    std::string spoilt = whole;
    if (spoilt.empty()) spoilt = "more than nothing";
    spoilt[spoilt.size() / 2] ^= 1;
    write_file(path, spoilt);
    const CheckReport report = verify(made.id);
    ASSERT_EQ(report.damages.size(), 1u);
    EXPECT_NE(report.damages[0].find(file.name), std::string::npos) << report.damages[0];
    EXPECT_NE(report.damages[0].find(path.string()), std::string::npos) << report.damages[0];
    const auto restoring = restore(made.id, restored());
    ASSERT_FALSE(restoring);
    EXPECT_EQ(restoring.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(restoring.error().message.find(file.name), std::string::npos) << restoring.error().message;
    EXPECT_TRUE(std::filesystem::is_empty(restored()));
    std::filesystem::remove(path);
    EXPECT_EQ(verify(made.id).damages.size(), 1u);
    EXPECT_FALSE(restore(made.id, restored()));
    EXPECT_TRUE(std::filesystem::is_empty(restored()));
    write_file(path, whole);
  }
  EXPECT_TRUE(verify(made.id).damages.empty());
}

// What was damaged before it was backed up has the right checksums.
TEST_F(BackupTest, VerifyReadsWhatIsInTheFiles) {
  {
    RunningData running(data());
    for (int i = 0; i < 100; ++i) running.append(RecordType::kPoints, random_bytes(3000));
    for (int i = 0; i < 100; ++i) running.put(fmt::format("key {}", i), random_bytes(1000));
    ASSERT_TRUE(running.store().checkpoint(scratch_.path() / "store"));
  }
  std::filesystem::remove_all(data() / "store");
  std::filesystem::rename(scratch_.path() / "store", data() / "store");
  const auto back_up_resting = [&] {
    auto files = read_resting(data(), backups());
    EXPECT_TRUE(files) << files.error().message;
    return files ? write(*files)->id : std::string();
  };
  const CheckReport whole = verify(back_up_resting());
  EXPECT_TRUE(whole.damages.empty());
  EXPECT_EQ(whole.journal_records, 100u);
  ASSERT_TRUE(verify_data(data()));
  EXPECT_TRUE(verify_data(data())->damages.empty());

  std::filesystem::path table;
  for (const auto& entry : std::filesystem::directory_iterator(data() / "store")) {
    if (entry.path().extension() == ".sst") table = entry.path();
  }
  ASSERT_FALSE(table.empty());
  std::string bytes = read_file(table);
  bytes[bytes.size() / 2] ^= 1;
  write_file(table, bytes);
  const CheckReport damaged = verify(back_up_resting());
  ASSERT_EQ(damaged.damages.size(), 1u);
  EXPECT_NE(damaged.damages[0].find("store"), std::string::npos) << damaged.damages[0];
  EXPECT_EQ(verify_data(data())->damages.size(), 1u);
}

TEST_F(BackupTest, VerifyAsksTheOwnersOfRows) {
  {
    RunningData running(data());
    running.put("bad", "x");
    running.put("good", "value");
  }
  const auto check = [](std::string_view key, std::string_view value) -> Result<void> {
    if (value == "value") return {};
    return fail(ErrorCode::kCorrupt, "'{}' is no value", key);
  };
  const auto report = verify_data(data(), check);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->store_rows, 2u);
  EXPECT_EQ(report->damages, std::vector<std::string>{"store: 'bad' is no value"});
}

TEST_F(BackupTest, AMissingJournalFileIsToldBeforeItIsBackedUp) {
  {
    RunningData running(data());
    for (int i = 0; i < 100; ++i) running.append(RecordType::kPoints, random_bytes(3000));
  }
  std::set<std::filesystem::path> segments;
  for (const auto& entry : std::filesystem::directory_iterator(data() / "journal")) segments.insert(entry.path());
  ASSERT_GE(segments.size(), 4u);
  std::filesystem::remove(*std::next(segments.begin()));
  auto files = read_resting(data(), backups());
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(verify_data(data())->damages.size(), 1u);
}

TEST_F(BackupTest, BackupsInsideTheDataAreNotBackedUp) {
  RunningData running(data());
  running.append(RecordType::kPoints, "x");
  const auto inside = data() / "backups";
  for (int i = 0; i < 2; ++i) {
    auto place = Place::open(inside, Place::Use::kWrite);
    ASSERT_TRUE(place);
    auto files = freeze_running(data(), place->directory(), running.store(), running.journal());
    ASSERT_TRUE(files) << files.error().message;
    for (const DataFile& file : files->files) EXPECT_FALSE(file.name.starts_with("backups")) << file.name;
    Progress progress;
    ASSERT_TRUE(write_backup(*place, *files, {.id = fmt::format("{}", i), .program = "test"}, progress));
  }
}

TEST_F(BackupTest, ADirectoryThatIsNotEmptyIsLeftAlone) {
  RunningData running(data());
  running.append(RecordType::kPoints, "x");
  const Manifest made = back_up(running);
  write_file(restored() / "precious", "x");
  const auto refused = restore(made.id, restored());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyExists);
  EXPECT_NE(refused.error().message.find("precious"), std::string::npos);
  EXPECT_EQ(read_file(restored() / "precious"), "x");
  std::filesystem::remove(restored() / "precious");
  write_file(restored() / "LOCK", "");
  std::filesystem::create_directory(restored() / "lost+found");
  EXPECT_TRUE(restore(made.id, restored()));
  EXPECT_FALSE(check_empty(restored()));
}

TEST_F(BackupTest, ARestoreThatIsCutShortIsMarked) {
  RunningData running(data());
  running.append(RecordType::kPoints, "x");
  const Manifest made = back_up(running);
  const auto place = Place::open(backups(), Place::Use::kRead);
  ASSERT_TRUE(place);
  std::filesystem::create_directory(restored());
  bool marked = true;
  Progress progress([&](const ProgressStatus&) { marked = marked && std::filesystem::exists(restored() / kUnfinishedRestore); });
  ASSERT_TRUE(restore_backup(*place, made.id, restored(), progress));
  EXPECT_TRUE(marked) << "at every moment before the end";
  write_file(scratch_.path() / "cut" / kUnfinishedRestore, "");
  const auto refused = check_empty(scratch_.path() / "cut");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("cut short"), std::string::npos) << refused.error().message;
}

TEST_F(BackupTest, WhoWritesIsAlone) {
  auto writer = Place::open(backups(), Place::Use::kWrite);
  ASSERT_TRUE(writer);
  EXPECT_EQ(Place::open(backups(), Place::Use::kWrite).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Place::open(backups(), Place::Use::kRead).error().code, ErrorCode::kUnavailable);
  { const Place gone = std::move(*writer); }
  const auto reader = Place::open(backups(), Place::Use::kRead);
  ASSERT_TRUE(reader);
  EXPECT_TRUE(Place::open(backups(), Place::Use::kRead));
  EXPECT_EQ(Place::open(backups(), Place::Use::kWrite).error().code, ErrorCode::kUnavailable);
}

TEST_F(BackupTest, AClockThatWasSetBackMakesNoOlderBackup) {
  RunningData running(data());
  const Manifest made = back_up(running);
  const auto place = Place::open(backups(), Place::Use::kRead);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->next_time_ns(made.time_ns - kNanosPerSecond).value(), made.time_ns + kNanosPerMilli);
  EXPECT_EQ(place->next_time_ns(made.time_ns).value(), made.time_ns + kNanosPerMilli);
  EXPECT_EQ(place->next_time_ns(made.time_ns + kNanosPerSecond).value(), made.time_ns + kNanosPerSecond);
}

TEST_F(BackupTest, ACommandLineNamesAPlaceOrOneBackup) {
  RunningData running(data());
  const Manifest first = back_up(running);
  const Manifest second = back_up(running);
  EXPECT_EQ(choose_backup(backups())->id, second.id);
  EXPECT_EQ(choose_backup(backups().string() + "/")->id, second.id);
  const auto one = choose_backup(Place::manifest_path(backups(), first.id));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->id, first.id);
  EXPECT_EQ(one->directory, backups());
  EXPECT_EQ(choose_backup(data()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(choose_backup(backups() / "nothing.backup").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(choose_backup(backups() / "LOCK").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace campanile::backup
