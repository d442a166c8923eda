#include "backup/data_files.h"

#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "backup/file_copy.h"
#include "backup/manifest.h"
#include "backup/restore.h"
#include "base/log.h"
#include "base/text.h"
#include "journal/file_system.h"
#include "journal/segment_directory.h"

namespace campanile::backup {
namespace {

constexpr std::string_view kJournal = "journal";
constexpr std::string_view kStore = "store";
constexpr std::string_view kLock = "LOCK";
// On the data's file system, so that the checkpoint's tables are links.
constexpr std::string_view kCheckpoint = "backup.unfinished";

// Regular files below `directory`, named from `prefix` on.
class Walk {
 public:
  Walk(std::vector<DataFile>& files, std::filesystem::path except) : files_(files), except_(std::move(except)) {}

  Result<void> add(const std::filesystem::path& directory, const std::string& prefix, const std::set<std::string_view>& skipped) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
      const std::string name = at->path().filename().string();
      if (!skipped.contains(name)) TRY(add_entry(*at, prefix + name));
    }
    if (error) return fail(ErrorCode::kIoError, "listing {}: {}", directory.string(), error.message());
    return {};
  }

 private:
  Result<void> add_entry(const std::filesystem::directory_entry& entry, const std::string& name) {
    std::error_code gone;  // its kind is then none of those below
    const auto kind = entry.symlink_status(gone).type();
    if (kind == std::filesystem::file_type::directory) {
      if (std::filesystem::equivalent(entry.path(), except_, gone)) return {};
      return add(entry.path(), name + "/", {});
    }
    if (kind == std::filesystem::file_type::regular && is_file_name(name)) {
      files_.push_back({.path = entry.path(), .name = name, .bytes = std::nullopt});
    } else if (kind == std::filesystem::file_type::regular || kind == std::filesystem::file_type::symlink) {
      log::warning("backup: {} is left out: {}", excerpt(entry.path().string(), 200),
                   kind == std::filesystem::file_type::symlink ? "it is a symbolic link" : "its name has control characters");
    }
    return {};
  }

  std::vector<DataFile>& files_;
  const std::filesystem::path except_;
};

// The store's files do not change, so that each has to be there in the length that it has now.
Result<void> add_store(const std::filesystem::path& directory, std::vector<DataFile>& files) {
  const size_t first = files.size();
  TRY(Walk(files, {}).add(directory, fmt::format("{}/", kStore), {kLock}));
  for (size_t i = first; i < files.size(); ++i) {
    std::error_code error;
    files[i].bytes = std::filesystem::file_size(files[i].path, error);
    if (error) return fail(ErrorCode::kIoError, "reading {}: {}", files[i].path.string(), error.message());
  }
  return {};
}

void add_journal(std::vector<journal::SegmentFile> segments, std::vector<DataFile>& files) {
  for (journal::SegmentFile& segment : segments) {
    std::string name = fmt::format("{}/{}", kJournal, segment.path.filename().string());
    files.push_back({.path = std::move(segment.path), .name = std::move(name), .bytes = segment.bytes});
  }
}

Result<void> add_others(const std::filesystem::path& data, const std::filesystem::path& except, std::vector<DataFile>& files) {
  return Walk(files, except).add(data, "", {kJournal, kStore, kLock, kCheckpoint, kUnfinishedRestore, kDamaged});
}

}  // namespace

DataFiles::DataFiles(DataFiles&& other) noexcept
    : files(std::move(other.files)),
      journal_files_(other.journal_files_),
      hold_(std::move(other.hold_)),
      checkpoint_(std::exchange(other.checkpoint_, {})) {}

DataFiles::~DataFiles() {
  std::error_code ignored;  // the next backup and the next start try again
  if (!checkpoint_.empty()) std::filesystem::remove_all(checkpoint_, ignored);
}

Result<void> DataFiles::add_all(std::vector<journal::SegmentFile> segments, const std::filesystem::path& store, const std::filesystem::path& data,
                                const std::filesystem::path& except) {
  add_journal(std::move(segments), files);
  journal_files_ = files.size();
  TRY(add_store(store, files));
  return add_others(data, except, files);
}

Result<DataFiles> freeze_running(const std::filesystem::path& data, const std::filesystem::path& except, kv::Store& store,
                                 journal::Journal& journal) {
  remove_leftovers(data);
  DataFiles out;
  out.checkpoint_ = data / kCheckpoint;
  TRY(make_directories(out.checkpoint_));
  // In this order. Held first, so that nothing the store's checkpoint still needs leaves the journal; the journal's end last, so that it lies behind
  // everything that the checkpoint speaks of.
  out.hold_ = TRY(journal.hold_segments());
  TRY(store.checkpoint(out.checkpoint_ / kStore));
  TRY(out.add_all(TRY(out.hold_->synced_files()), out.checkpoint_ / kStore, data, except));
  return out;
}

Result<DataFiles> read_resting(const std::filesystem::path& data, const std::filesystem::path& except) {
  std::error_code error;
  if (!std::filesystem::is_directory(data / kJournal, error) || !std::filesystem::is_directory(data / kStore, error)) {
    return fail(ErrorCode::kNotFound, "{} holds no data of Campanile: {} and {} are missing in it", data.string(), kJournal, kStore);
  }
  remove_leftovers(data);
  DataFiles out;
  const auto ignore = [](const journal::Record&) -> Result<void> { return {}; };
  const auto segments = TRY(journal::SegmentDirectory::open(journal::posix_file_system(), data / kJournal, ignore));
  TRY(out.add_all(segments->files(segments->recovered_end()), data / kStore, data, except));
  return out;
}

void remove_leftovers(const std::filesystem::path& data) {
  std::error_code error;
  std::filesystem::remove_all(data / kCheckpoint, error);
  if (error) log::warning("backup: {} cannot be removed: {}", (data / kCheckpoint).string(), error.message());
}

}  // namespace campanile::backup
