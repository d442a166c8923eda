#include "backup/restore.h"

#include <set>
#include <system_error>

#include "backup/file_copy.h"

namespace campanile::backup {
namespace {

// A lock that a former start or restore left, and what the root of a file system has.
const std::set<std::string_view> kHarmless = {"LOCK", "lost+found"};

std::string first_name_in(const std::filesystem::path& directory, std::error_code& error) {
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!kHarmless.contains(name)) return name;
  }
  return {};
}

void remove_all_of(const Manifest& manifest, const std::filesystem::path& directory) {
  std::error_code ignored;
  for (const FileEntry& file : manifest.files) std::filesystem::remove_all(directory / file.name.substr(0, file.name.find('/')), ignored);
}

Result<void> copy_all(const Place& place, const Manifest& manifest, const std::filesystem::path& directory, Progress& progress) {
  std::set<std::filesystem::path> folders;
  for (const FileEntry& file : manifest.files) {
    const auto target = directory / file.name;
    TRY(make_directories(target.parent_path()));
    folders.insert(target.parent_path());
    const auto source = place.pool_path(file.digest);
    const auto content = copy_file(source, std::nullopt, target, progress);
    if (!content) return with_context(content.error(), fmt::format("{} of the backup", file.name));
    if (content->digest != file.digest || content->bytes != file.bytes) {
      return fail(ErrorCode::kCorrupt, "{} is damaged: it is not what was backed up as {}. Nothing was restored; restore another backup", source.string(),
                  file.name);
    }
    progress.copied(content->bytes);
    progress.file_done();
  }
  for (const auto& folder : folders) TRY(sync_directory(folder));
  return {};
}

}  // namespace

Result<void> check_empty(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error) && !error) return {};
  if (std::filesystem::exists(directory / kUnfinishedRestore, error)) {
    return fail(ErrorCode::kAlreadyExists, "a restore into {} was cut short: empty the directory, or choose another", directory.string());
  }
  const std::string name = first_name_in(directory, error);
  if (error) return fail(ErrorCode::kIoError, "looking into {}: {}", directory.string(), error.message());
  if (name.empty()) return {};
  return fail(ErrorCode::kAlreadyExists, "{} is not empty, there is {}: a backup is restored into a directory that is empty or not there yet", directory.string(),
              name);
}

Result<Manifest> restore_backup(const Place& place, const std::string& id, const std::filesystem::path& directory, Progress& progress) {
  Manifest manifest = TRY(place.read(id));
  const auto mark = directory / kUnfinishedRestore;
  TRY(write_text(mark, fmt::format("backup {} of {}\n", id, place.directory().string())));
  progress.begin(manifest.files.size(), manifest.bytes());
  auto copied = copy_all(place, manifest, directory, progress);
  if (!copied) remove_all_of(manifest, directory);
  TRY(remove_file(mark));
  TRY(sync_directory(directory));
  if (!copied) return std::unexpected(std::move(copied.error()));
  return manifest;
}

}  // namespace campanile::backup
