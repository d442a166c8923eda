// Place: a directory that holds backups: their manifests, and a pool of the files that they share. docs/format/backup.md draws it.
//
//   auto place = TRY(Place::open("/var/backups/campanile", Place::Use::kWrite));
//   const std::vector<std::string> ids = TRY(place.ids());          // oldest first
//   const Manifest newest = TRY(place.read(ids.back()));
//
// A file of the pool is named after its content, so that what has not changed since an earlier backup is there already, and never changes.
// Threads: one owner. A lock (flock on LOCK) keeps those who write apart from all others, also of other processes.
// Errors: kUnavailable while somebody else is at it; kNotFound; kIoError; kCorrupt.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backup/manifest.h"
#include "base/result.h"

namespace campanile::backup {

class Place {
 public:
  // kWrite makes the directory where it is missing. kRead leaves everything as it is, and works on what cannot be written.
  enum class Use { kRead, kWrite };
  static Result<Place> open(const std::filesystem::path& directory, Use use);
  Place(Place&& other) noexcept;
  Place& operator=(Place&&) = delete;
  ~Place();

  const std::filesystem::path& directory() const { return directory_; }
  Result<std::vector<std::string>> ids() const { return ids_in(directory_); }
  Result<Manifest> read(const std::string& id) const { return read_in(directory_, id); }

  // Where the pool has, or would have, that content.
  std::filesystem::path pool_path(const std::string& digest) const;
  // Whether it is there in full length.
  bool has(const FileEntry& file) const;
  // A file of the pool that is being made; put() gives it its name. One at a time.
  std::filesystem::path incoming_path() const;
  Result<void> put(const std::string& digest);

  // The time of a backup that is made now: `now_ns`, but always after the newest there is, also where the clock was set back.
  Result<int64_t> next_time_ns(int64_t now_ns) const;
  // The backup exists from now on. REQUIRES: the pool has its files.
  Result<void> publish(const Manifest& manifest);
  // Forgets all but the `keep` newest backups (0: keeps all), and what of the pool no backup needs. A manifest that cannot be read stops it before
  // anything is removed: it may need any of the pool.
  Result<void> prune(uint64_t keep);

  // Without a lock, for looking while somebody may be writing. A backup may be gone again when it is read: kNotFound.
  static Result<std::vector<std::string>> ids_in(const std::filesystem::path& directory);
  static Result<Manifest> read_in(const std::filesystem::path& directory, const std::string& id);
  static std::filesystem::path manifest_path(const std::filesystem::path& directory, const std::string& id);

 private:
  Place(std::filesystem::path directory, int lock) : directory_(std::move(directory)), lock_(lock) {}
  Result<void> sweep(const std::set<std::string>& needed);

  std::filesystem::path directory_;
  int lock_;
};

// What a command line names: a place (its newest backup) or one manifest in it.
struct Chosen {
  std::filesystem::path directory;
  std::string id;
};
// Errors: kNotFound, saying what is there instead.
Result<Chosen> choose_backup(const std::filesystem::path& path);

}  // namespace campanile::backup
