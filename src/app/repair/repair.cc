#include "app/repair/repair.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

#include "app/data_directory.h"
#include "backup/data_files.h"
#include "backup/manifest.h"
#include "base/clock.h"
#include "base/text.h"
#include "journal/repair.h"
#include "journal/segment_directory.h"
#include "kv/salvage.h"
#include "kv/store.h"
#include "kv/stored_rows.h"
#include "tsdb/keys.h"
#include "tsdb/row_recovery.h"
#include "tsdb/sealer.h"

namespace campanile::app {
namespace {

constexpr size_t kBatchRows = 1024;

void say(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

// The files themselves and not copies, where the file system knows links: nobody writes into a file of RocksDB's a second time.
Result<void> keep_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  std::filesystem::create_directories(to, error);
  for (std::filesystem::directory_iterator at(from, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_regular_file(error)) continue;
    std::filesystem::create_hard_link(at->path(), to / at->path().filename(), error);
    if (error) std::filesystem::copy_file(at->path(), to / at->path().filename(), error);
    if (error) break;
  }
  if (error) return fail(ErrorCode::kIoError, "keeping the files of {} in {}: {}", from.string(), to.string(), error.message());
  return {};
}

class DataRepair {
 public:
  DataRepair(std::filesystem::path data, bool is_trial)
      : data_(std::move(data)), aside_(data_ / backup::kDamaged / backup::make_id(SystemClock().now_ns())), is_trial_(is_trial) {}

  // Answers whether anything was, or is to be, changed.
  Result<bool> run() {
    TRY(repair_store());
    const auto journal = TRY(journal::repair_journal(journal::posix_file_system(), data_ / "journal",
                                                     {.aside = aside_ / "journal", .is_trial = is_trial_, .store_reached = store_reached_}));
    for (const std::string& mended : journal.mended) say("mended: " + mended);
    for (const journal::JournalLoss& loss : journal.losses) say("lost: " + loss.what);
    say(fmt::format("journal: {} files, {} records that are whole", journal.files, journal.records));
    is_changed_ = is_changed_ || !journal.changed.empty();
    if (!is_trial_) TRY(accept_losses());
    return is_changed_;
  }
  const std::filesystem::path& aside() const { return aside_; }

 private:
  Result<void> repair_store() {
    const std::filesystem::path path = data_ / "store";
    if (!std::filesystem::is_directory(path)) return fail(ErrorCode::kNotFound, "{} holds no data of Campanile", data_.string());
    if (is_trial_) return look_at_store(path);
    auto store = kv::open_rocksdb(path, {});
    if (!store) {
      if (store.error().code != ErrorCode::kCorrupt && store.error().code != ErrorCode::kIoError) return std::unexpected(store.error());
      say("damaged: " + store.error().message);
      is_changed_ = true;
      TRY(keep_files(path, aside_ / "store"));
      TRY(kv::repair_rocksdb(path));
      tell_left_out(path / "lost");
      store = kv::open_rocksdb(path, {});
    }
    store_ = TRY(std::move(store));
    TRY(leave_out_rows(path));
    return read_meta(TRY(store_->get(tsdb::kMetaKey)));
  }

  // Where rows cannot be read, those that can go into a store of their own, which takes the place of the other once it has all that there will be. Where all
  // can be read some may be missing all the same: a repair may have been cut short.
  Result<void> leave_out_rows(const std::filesystem::path& path) {
    const std::vector<kv::UnreadableRange> lost = kv::salvage(*store_, [](std::string_view, std::string_view) {});
    for (const kv::UnreadableRange& one : lost) tell(one);
    return lost.empty() ? recover_rows(*store_) : copy_rows(path);
  }

  Result<void> recover_rows(kv::Store& store) {
    const tsdb::RecoveredRows done = TRY(tsdb::recover_rows(store));
    for (const std::string& told : done.told) say("store: " + told);
    is_changed_ = is_changed_ || done.has_written;
    return {};
  }

  Result<void> copy_rows(const std::filesystem::path& path) {
    const std::filesystem::path copy = data_ / "store.repaired";
    std::error_code error;
    std::filesystem::remove_all(copy, error);  // of a repair that was cut short
    {
      const auto to = TRY(kv::open_rocksdb(copy, {}));
      kv::WriteBatch batch;
      Result<void> written;
      const auto flush = [&] {
        if (written) written = to->write(batch, kv::Durability::kBuffered);
        batch.clear();
      };
      kv::salvage(*store_, [&](std::string_view key, std::string_view value) {
        batch.put(key, value);
        if (batch.size() >= kBatchRows) flush();
      });
      flush();
      TRY(std::move(written));
      TRY(recover_rows(*to));
      TRY(to->compact());
      TRY(to->sync());
    }
    store_ = nullptr;
    is_changed_ = true;
    std::filesystem::create_directories(aside_, error);
    // After a repair that made the list of files anew what it began with is there already.
    const std::filesystem::path kept = aside_ / (std::filesystem::exists(aside_ / "store", error) ? "store.listed" : "store");
    // At once: a start in between would find no store, and begin one.
    if (::renameat2(AT_FDCWD, copy.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) != 0) {
      return fail(ErrorCode::kIoError, "putting {} in the place of {}: {}", copy.string(), path.string(), std::generic_category().message(errno));
    }
    std::filesystem::rename(copy, kept, error);
    if (error) return fail(ErrorCode::kIoError, "keeping {} as {}: {}", copy.string(), kept.string(), error.message());
    store_ = TRY(kv::open_rocksdb(path, {}));
    return {};
  }

  static void tell(const kv::UnreadableRange& lost) {
    const auto name = [](std::string_view key, std::string_view otherwise) { return key.empty() ? std::string(otherwise) : fmt::format("'{}'", excerpt(key)); };
    say(fmt::format("lost: {}: rows between {} and {}", lost.why, name(lost.after, "the first"), name(lost.before, "the last")));
  }

  // What RocksDB could not read it moves there.
  static void tell_left_out(const std::filesystem::path& folder) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      if (at->path().extension() == ".sst") say(fmt::format("lost: the table {} cannot be read", at->path().filename().string()));
    }
  }

  Result<void> look_at_store(const std::filesystem::path& path) {
    std::optional<std::string> meta;
    auto read = kv::check_rocksdb(path);
    if (read) {
      read = kv::read_stored_rows(path, [&meta](std::string_view key, std::string_view value) {
        if (key == tsdb::kMetaKey) meta = value;
      });
    }
    if (read) return read_meta(meta);
    say("damaged: " + read.error().message);
    say("what can be read would be kept; what is lost is seen only then");
    is_changed_ = true;
    return {};
  }

  Result<void> read_meta(const std::optional<std::string>& row) {
    if (row) meta_ = TRY(tsdb::decode_meta(*row));
    store_reached_ = meta_.checkpoint_lsn;
    return {};
  }

  // From now on the store counts as having what the journal no longer has: it is lost, and was told.
  Result<void> accept_losses() {
    const auto opened = TRY(journal::SegmentDirectory::open(journal::posix_file_system(), data_ / "journal", [](const journal::Record&) -> Result<void> { return {}; }));
    const journal::Lsn let_go = opened->let_go();
    if (meta_.checkpoint_lsn >= let_go) return {};
    meta_.checkpoint_lsn = let_go;
    kv::WriteBatch batch;
    batch.put(tsdb::kMetaKey, tsdb::encode_meta(meta_));
    return store_->write(batch, kv::Durability::kSynced);
  }

  const std::filesystem::path data_;
  const std::filesystem::path aside_;
  const bool is_trial_;
  std::unique_ptr<kv::Store> store_;
  tsdb::Meta meta_;
  std::optional<journal::Lsn> store_reached_;
  bool is_changed_ = false;
};

Result<int> repair(const RepairArguments& arguments) {
  // Opening would make it.
  if (!std::filesystem::is_directory(arguments.directory)) return fail(ErrorCode::kNotFound, "there is no data directory {}", arguments.directory);
  const DataDirectory directory = TRY(DataDirectory::open(arguments.directory));
  DataRepair repair(directory.path(), arguments.is_trial);
  const bool is_changed = TRY(repair.run());
  if (!is_changed) {
    say(fmt::format("{} opens: there is nothing to repair", arguments.directory));
  } else if (arguments.is_trial) {
    say("nothing was changed; without --dry-run it would be");
  } else {
    say(fmt::format("repaired; what was changed is kept in {}; start with: campanile serve --data {}", repair.aside().string(), arguments.directory));
  }
  return is_changed && arguments.is_trial ? 1 : 0;
}

}  // namespace

int repair_command(const RepairArguments& arguments) {
  const auto done = repair(arguments);
  if (done) return *done;
  std::fprintf(stderr, "campanile: %s\n", done.error().message.c_str());
  return 1;
}

}  // namespace campanile::app
