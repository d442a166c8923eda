#include "backup/verify.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <system_error>

#include "backup/file_copy.h"
#include "journal/file_system.h"
#include "journal/segment_directory.h"
#include "kv/store.h"
#include "kv/stored_rows.h"

namespace campanile::backup {
namespace {

constexpr std::string_view kJournalFolder = "journal/";
constexpr std::string_view kStoreFolder = "store/";
constexpr size_t kDamagesMax = 100;

std::unexpected<Error> read_only() { return fail(ErrorCode::kUnsupported, "a backup is only read"); }

// A file of the pool, read into memory at once: a journal's files have a limit, and are read whole anyhow.
class PoolFile final : public journal::File {
 public:
  explicit PoolFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::string> read(uint64_t offset, uint64_t bytes_max) override { return bytes_.substr(std::min<uint64_t>(offset, bytes_.size()), bytes_max); }
  Result<size_t> write_at(uint64_t, std::string_view) override { return read_only(); }
  Result<void> sync() override { return read_only(); }
  Result<void> allocate(uint64_t) override { return read_only(); }
  Result<void> truncate(uint64_t) override { return read_only(); }

 private:
  std::string bytes_;
};

// The journal of a backup, under the names that its files had.
class JournalOfBackup final : public journal::FileSystem {
 public:
  JournalOfBackup(const Place& place, const Manifest& manifest) {
    for (const FileEntry& file : manifest.files) {
      if (file.name.starts_with(kJournalFolder)) files_[file.name.substr(kJournalFolder.size())] = place.pool_path(file.digest);
    }
  }

  Result<std::vector<std::string>> list(const std::filesystem::path&) override {
    std::vector<std::string> names;
    for (const auto& [name, path] : files_) names.push_back(name);
    return names;
  }
  Result<std::unique_ptr<journal::File>> open(const std::filesystem::path& path) override {
    const auto found = files_.find(path.filename().string());
    if (found == files_.end()) return fail(ErrorCode::kNotFound, "the backup has no {}", path.string());
    return std::make_unique<PoolFile>(TRY(read_text(found->second, UINT64_MAX)));
  }
  Result<void> create_directories(const std::filesystem::path&) override { return {}; }
  Result<std::unique_ptr<journal::File>> create(const std::filesystem::path&) override { return read_only(); }
  Result<void> rename(const std::filesystem::path&, const std::filesystem::path&) override { return read_only(); }
  Result<void> remove(const std::filesystem::path&) override { return read_only(); }
  Result<void> sync_directory(const std::filesystem::path&) override { return read_only(); }

 private:
  std::map<std::string, std::filesystem::path> files_;
};

// The store of a backup as a directory of links, for as long as it is looked at.
class StoreOfBackup {
 public:
  static Result<StoreOfBackup> link(const Place& place, const Manifest& manifest) {
    std::error_code error;
    std::string name = (std::filesystem::temp_directory_path(error) / "campanile-verify-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) return fail(ErrorCode::kIoError, "making a temporary directory {}: {}", name, std::generic_category().message(errno));
    StoreOfBackup links(name);
    for (const FileEntry& file : manifest.files) {
      if (!file.name.starts_with(kStoreFolder)) continue;
      std::filesystem::create_symlink(place.pool_path(file.digest), links.path_ / file.name.substr(kStoreFolder.size()), error);
      if (error) return fail(ErrorCode::kIoError, "making links in {}: {}", name, error.message());
    }
    return links;
  }
  StoreOfBackup(StoreOfBackup&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  StoreOfBackup& operator=(StoreOfBackup&&) = delete;
  ~StoreOfBackup() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit StoreOfBackup(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

void check_journal(journal::FileSystem& files, const std::filesystem::path& directory, CheckReport& report) {
  const auto count = [&report](const journal::Record& record) -> Result<void> {
    report.journal_records += record.type != journal::RecordType::kLoss;
    return {};
  };
  const auto opened = journal::SegmentDirectory::open(files, directory, count);
  if (opened) report.journal_let_go = (*opened)->let_go();
  if (!opened) report.damages.push_back(fmt::format("journal: {}", opened.error().message));
}

void check_store(const std::filesystem::path& directory, const RowCheck& check_row, CheckReport& report) {
  if (const auto checked = kv::check_rocksdb(directory); !checked) {
    report.damages.push_back(checked.error().message);
    return;
  }
  const auto read = kv::read_stored_rows(directory, [&](std::string_view key, std::string_view value) {
    ++report.store_rows;
    const auto checked = check_row && report.damages.size() < kDamagesMax ? check_row(key, value) : Result<void>();
    if (!checked) report.damages.push_back(fmt::format("store: {}", checked.error().message));
  });
  if (!read) report.damages.push_back(read.error().message);
}

Result<void> check_content(const Place& place, const FileEntry& file, Progress& progress, CheckReport& report) {
  const auto path = place.pool_path(file.digest);
  const auto content = read_content(path, std::nullopt, progress);
  if (!content && content.error().code == ErrorCode::kCancelled) return std::unexpected(content.error());
  if (!content) {
    report.damages.push_back(fmt::format("{}: {}", file.name, content.error().message));
  } else if (content->bytes != file.bytes || content->digest != file.digest) {
    report.damages.push_back(fmt::format("{}: {} is damaged: {} bytes with SHA-256 {}…, {} bytes with {}… were backed up", file.name, path.string(),
                                         content->bytes, content->digest.substr(0, 12), file.bytes, file.digest.substr(0, 12)));
  }
  progress.file_done();
  return {};
}

}  // namespace

Result<CheckReport> verify_backup(const Place& place, const std::string& id, Progress& progress, const RowCheck& check_row) {
  const Manifest manifest = TRY(place.read(id));
  CheckReport report{.files = manifest.files.size(), .bytes = manifest.bytes()};
  progress.begin(report.files, report.bytes);
  for (const FileEntry& file : manifest.files) TRY(check_content(place, file, progress, report));
  // What RocksDB and the journal say about damaged files would only be harder to read.
  if (!report.damages.empty()) return report;
  JournalOfBackup journal(place, manifest);
  check_journal(journal, kJournalFolder, report);
  const StoreOfBackup store = TRY(StoreOfBackup::link(place, manifest));
  check_store(store.path(), check_row, report);
  return report;
}

Result<CheckReport> verify_data(const std::filesystem::path& data, const RowCheck& check_row) {
  std::error_code error;
  if (!std::filesystem::is_directory(data / kJournalFolder, error) || !std::filesystem::is_directory(data / kStoreFolder, error)) {
    return fail(ErrorCode::kNotFound, "{} holds no data of Campanile", data.string());
  }
  CheckReport report;
  for (std::filesystem::recursive_directory_iterator at(data, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (!at->is_regular_file(gone)) continue;
    ++report.files;
    report.bytes += at->file_size(gone);
  }
  check_journal(journal::posix_file_system(), data / kJournalFolder, report);
  check_store(data / kStoreFolder, check_row, report);
  return report;
}

}  // namespace campanile::backup
