#include "backup/place.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "backup/digest.h"
#include "backup/file_copy.h"
#include "base/clock.h"

namespace campanile::backup {
namespace {

constexpr std::string_view kManifestSuffix = ".backup";
constexpr std::string_view kPool = "files";
constexpr std::string_view kIncoming = "incoming";
constexpr uint64_t kManifestBytesMax = 1ull << 30;

std::string words(int error_number) { return std::generic_category().message(error_number); }

// The names in a directory; none where it is missing.
Result<std::vector<std::string>> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(ErrorCode::kIoError, "listing {}: {}", directory.string(), error.message());
  }
  return names;
}

}  // namespace

Result<Place> Place::open(const std::filesystem::path& directory, Use use) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(directory, error);
  if (use == Use::kWrite) {
    if (auto made = make_directories(absolute); !made) return with_context(std::move(made.error()), "the backups' directory");
    TRY(make_directories(absolute / kPool));
  } else if (!std::filesystem::is_directory(absolute, error)) {
    return fail(ErrorCode::kNotFound, "{} is no directory of backups", absolute.string());
  }
  const auto lock_path = absolute / "LOCK";
  const int flags = use == Use::kWrite ? O_RDWR | O_CREAT : O_RDONLY;
  const int lock = ::open(lock_path.c_str(), flags | O_CLOEXEC, 0600);
  // Where nobody can write there is nobody to be kept out.
  if (lock < 0 && use == Use::kRead) return Place(absolute, -1);
  if (lock < 0) return fail(ErrorCode::kIoError, "opening {}: {}", lock_path.string(), words(errno));
  Place place(absolute, lock);
  if (::flock(lock, (use == Use::kWrite ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    return fail(ErrorCode::kUnavailable, "the backups in {} are in use by another backup, restore or check: wait until it has ended", absolute.string());
  }
  return place;
}

Place::Place(Place&& other) noexcept : directory_(std::move(other.directory_)), lock_(std::exchange(other.lock_, -1)) {}

Place::~Place() {
  if (lock_ >= 0) ::close(lock_);
}

std::filesystem::path Place::manifest_path(const std::filesystem::path& directory, const std::string& id) {
  return directory / fmt::format("{}{}", id, kManifestSuffix);
}

Result<std::vector<std::string>> Place::ids_in(const std::filesystem::path& directory) {
  std::vector<std::string> ids;
  for (std::string& name : TRY(names_in(directory))) {
    if (!name.ends_with(kManifestSuffix)) continue;
    name.resize(name.size() - kManifestSuffix.size());
    if (is_id(name)) ids.push_back(std::move(name));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<Manifest> Place::read_in(const std::filesystem::path& directory, const std::string& id) {
  const auto path = manifest_path(directory, id);
  auto manifest = parse_manifest(TRY(read_text(path, kManifestBytesMax)));
  if (!manifest) return with_context(std::move(manifest.error()), path.string());
  if (manifest->id != id) return fail(ErrorCode::kCorrupt, "{}: it says that it is {}: the file was renamed", path.string(), manifest->id);
  return manifest;
}

std::filesystem::path Place::pool_path(const std::string& digest) const { return directory_ / kPool / digest.substr(0, 2) / digest; }

bool Place::has(const FileEntry& file) const {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(pool_path(file.digest), error);
  return !error && bytes == file.bytes;
}

std::filesystem::path Place::incoming_path() const { return directory_ / kPool / kIncoming; }

Result<void> Place::put(const std::string& digest) {
  const auto path = pool_path(digest);
  TRY(make_directories(path.parent_path()));
  if (::rename(incoming_path().c_str(), path.c_str()) != 0) return fail(ErrorCode::kIoError, "renaming to {}: {}", path.string(), words(errno));
  return sync_directory(path.parent_path());
}

Result<int64_t> Place::next_time_ns(int64_t now_ns) const {
  const auto all = TRY(ids());
  if (all.empty() || all.back() < make_id(now_ns)) return now_ns;
  return TRY(read(all.back())).time_ns + kNanosPerMilli;
}

Result<void> Place::publish(const Manifest& manifest) { return write_text(manifest_path(directory_, manifest.id), encode_manifest(manifest)); }

Result<void> Place::prune(uint64_t keep) {
  const auto all = TRY(ids());
  const size_t gone = keep > 0 && all.size() > keep ? all.size() - keep : 0;
  std::set<std::string> needed;
  for (size_t i = gone; i < all.size(); ++i) {
    const Manifest manifest = TRY(read(all[i]));
    for (const FileEntry& file : manifest.files) needed.insert(file.digest);
  }
  for (size_t i = 0; i < gone; ++i) TRY(remove_file(manifest_path(directory_, all[i])));
  // Before their files go: no power cut may leave a backup without them.
  if (gone > 0) TRY(sync_directory(directory_));
  return sweep(needed);
}

Result<void> Place::sweep(const std::set<std::string>& needed) {
  const auto pool = directory_ / kPool;
  for (const std::string& folder : TRY(names_in(pool))) {
    if (folder.size() != 2) continue;
    for (const std::string& name : TRY(names_in(pool / folder))) {
      if (is_digest(name) && !needed.contains(name)) TRY(remove_file(pool / folder / name));
    }
  }
  return remove_file(incoming_path());
}

Result<Chosen> choose_backup(const std::filesystem::path& path) {
  std::error_code error;
  auto absolute = std::filesystem::absolute(path, error).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();  // a '/' at the end
  if (std::filesystem::is_directory(absolute, error)) {
    auto ids = TRY(Place::ids_in(absolute));
    if (!ids.empty()) return Chosen{absolute, ids.back()};
    return fail(ErrorCode::kNotFound, "there is no backup in {}: it has no file *{}", absolute.string(), kManifestSuffix);
  }
  const std::string name = absolute.filename().string();
  if (!std::filesystem::is_regular_file(absolute, error)) {
    return fail(ErrorCode::kNotFound, "there is no {}; a directory of backups, or a file *{} in it, is wanted", absolute.string(), kManifestSuffix);
  }
  if (!name.ends_with(kManifestSuffix)) {
    return fail(ErrorCode::kInvalidArgument, "{} is no backup; a directory of backups, or a file *{} in it, is wanted", absolute.string(), kManifestSuffix);
  }
  return Chosen{absolute.parent_path(), name.substr(0, name.size() - kManifestSuffix.size())};
}

}  // namespace campanile::backup
