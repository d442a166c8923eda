#include "backup/writer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "backup/file_copy.h"
#include "base/log.h"

namespace campanile::backup {
namespace {

// What the newest backup says about a file's content, by name and size: a hint where to look first, never taken on trust.
using Known = std::map<std::pair<std::string, uint64_t>, std::string>;

Known known_files(const Place& place) {
  Known known;
  const auto ids = place.ids();
  if (!ids || ids->empty()) return known;
  auto newest = place.read(ids->back());
  if (!newest) {
    log::warning("backup: {}; everything is copied anew", newest.error().message);
    return known;
  }
  for (FileEntry& file : newest->files) known[{std::move(file.name), file.bytes}] = std::move(file.digest);
  return known;
}

uint64_t size_of(const DataFile& file) {
  if (file.bytes) return *file.bytes;
  std::error_code gone;
  const auto bytes = std::filesystem::file_size(file.path, gone);
  return gone ? 0 : bytes;
}

bool is_known(const Known& known, const Place& place, const std::string& name, uint64_t bytes) {
  const auto found = known.find({name, bytes});
  return found != known.end() && place.has({.name = name, .bytes = bytes, .digest = found->second});
}

Result<void> check_room(const Place& place, uint64_t wanted, uint64_t free_bytes_min) {
  std::error_code error;
  const auto space = std::filesystem::space(place.directory(), error);
  if (error) return fail(ErrorCode::kIoError, "measuring the disk of {}: {}", place.directory().string(), error.message());
  if (wanted + free_bytes_min <= space.available) return {};
  return fail(ErrorCode::kTooLarge, "up to {} bytes are to be copied to {}, and {} have to stay free (storage.free_bytes_min), but only {} are free: make room, "
              "or let storage.backup_directory name another disk", wanted, place.directory().string(), free_bytes_min, space.available);
}

class Writer {
 public:
  Writer(Place& place, Progress& progress) : place_(place), progress_(progress), known_(known_files(place)) {}

  Result<void> begin(const DataFiles& data, uint64_t free_bytes_min) {
    uint64_t total = 0;
    uint64_t unknown = 0;
    for (const DataFile& file : data.files) {
      const uint64_t bytes = size_of(file);
      total += bytes;
      if (!is_known(known_, place_, file.name, bytes)) unknown += bytes;
    }
    TRY(check_room(place_, unknown, free_bytes_min));
    progress_.begin(data.files.size(), total);
    return {};
  }

  // Nothing where the file has gone, and may have.
  Result<std::optional<FileEntry>> add(const DataFile& file) {
    auto added = is_known(known_, place_, file.name, size_of(file)) ? share(file) : copy(file);
    if (!added && added.error().code == ErrorCode::kNotFound && !file.bytes) {
      progress_.file_done();
      return std::nullopt;
    }
    if (!added) return std::unexpected(std::move(added.error()));
    progress_.file_done();
    return FileEntry{.name = file.name, .bytes = added->bytes, .digest = std::move(added->digest)};
  }

 private:
  Result<Content> share(const DataFile& file) {
    auto content = TRY(read_content(file.path, file.bytes, progress_));
    if (place_.has({.name = file.name, .bytes = content.bytes, .digest = content.digest})) return content;
    progress_.expect(content.bytes);
    return copy(file);
  }

  Result<Content> copy(const DataFile& file) {
    auto content = TRY(copy_file(file.path, file.bytes, place_.incoming_path(), progress_));
    // Also where the pool has it, in a wrong length or under another file's name: it is on disk already, and no worse than what is there.
    if (!place_.has({.name = file.name, .bytes = content.bytes, .digest = content.digest})) progress_.copied(content.bytes);
    TRY(place_.put(content.digest));
    return content;
  }

  Place& place_;
  Progress& progress_;
  const Known known_;
};

Result<Manifest> write_all(Place& place, DataFiles& data, const WriteOptions& options, Progress& progress) {
  Manifest manifest{.id = options.id, .time_ns = options.time_ns, .program = options.program};
  Writer writer(place, progress);
  TRY(writer.begin(data, options.free_bytes_min));
  for (size_t i = 0; i < data.files.size(); ++i) {
    // The tables may take hours, and the journal grows as long as it is held.
    if (i == data.journal_files()) data.release_journal();
    if (auto entry = TRY(writer.add(data.files[i]))) manifest.files.push_back(std::move(*entry));
  }
  std::sort(manifest.files.begin(), manifest.files.end(), [](const FileEntry& a, const FileEntry& b) { return a.name < b.name; });
  manifest.copied_bytes = progress.status().copied_bytes;
  TRY(place.publish(manifest));
  return manifest;
}

}  // namespace

Result<Manifest> write_backup(Place& place, DataFiles& data, const WriteOptions& options, Progress& progress) {
  auto written = write_all(place, data, options, progress);
  // One that was stopped may go on where it was. After a fault the disk may be full, and the server's own: what was copied in vain is not left on it.
  if (!written && written.error().code == ErrorCode::kCancelled) return written;
  if (const auto pruned = place.prune(written ? options.keep : 0); !pruned) {
    log::warning("backup: what is no longer needed is not removed: {}", pruned.error().message);
  }
  return written;
}

}  // namespace campanile::backup
