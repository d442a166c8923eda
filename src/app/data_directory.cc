#include "app/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "backup/restore.h"
#include "base/text.h"

namespace campanile::app {
namespace {

// What the file says about its holder; "another process" where it says nothing yet.
std::string holder_of(int file) {
  char text[32] = {};
  const ssize_t size = ::pread(file, text, sizeof text - 1, 0);
  const Result<uint64_t> pid = parse_uint64(trim(std::string_view(text, size > 0 ? static_cast<size_t>(size) : 0)));
  return pid ? fmt::format("process {}", *pid) : "another process";
}

Result<void> write_own_number(int file, const std::filesystem::path& path) {
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return fail(ErrorCode::kIoError, "{} cannot be written: {}", path.string(), std::strerror(errno));
  }
  return {};
}

}  // namespace

DataDirectory::DataDirectory(std::filesystem::path path, int lock, bool remove_at_end)
    : path_(std::move(path)), lock_(lock), remove_at_end_(remove_at_end) {}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), remove_at_end_(other.remove_at_end_) {}

DataDirectory& DataDirectory::operator=(DataDirectory&& other) noexcept {
  if (this == &other) return *this;
  release();
  path_ = std::move(other.path_);
  lock_ = std::exchange(other.lock_, -1);
  remove_at_end_ = other.remove_at_end_;
  return *this;
}

DataDirectory::~DataDirectory() { release(); }

void DataDirectory::release() {
  if (lock_ < 0) return;
  if (remove_at_end_) {
    std::error_code ignored;  // scratch: the system clears its temporary files sooner or later
    std::filesystem::remove_all(path_, ignored);
  }
  ::close(std::exchange(lock_, -1));
}

Result<DataDirectory> DataDirectory::open(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return fail(ErrorCode::kIoError, "the data directory {}: {}", path.string(), error.message());
  if (!std::filesystem::exists(absolute, error)) {
    std::filesystem::create_directories(absolute, error);
    if (error) {
      return fail(ErrorCode::kIoError, "the data directory {} cannot be made: {}; choose another with --data or data.directory",
                  absolute.string(), error.message());
    }
    std::filesystem::permissions(absolute, std::filesystem::perms::owner_all, error);
  }
  const std::filesystem::path lock_path = absolute / "LOCK";
  const int file = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return fail(ErrorCode::kIoError, "the data directory {} cannot be used: {}; choose another with --data or data.directory",
                absolute.string(), std::strerror(errno));
  }
  DataDirectory directory(std::move(absolute), file, false);
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    const int cause = errno;
    if (cause != EWOULDBLOCK) return fail(ErrorCode::kIoError, "{} cannot be locked: {}", lock_path.string(), std::strerror(cause));
    return fail(ErrorCode::kUnavailable, "the data directory {} is in use by {}; stop it, or choose another with --data",
                directory.path().string(), holder_of(file));
  }
  TRY(write_own_number(file, lock_path));
  if (std::filesystem::exists(directory.path() / backup::kUnfinishedRestore, error)) {
    return fail(ErrorCode::kCorrupt, "a restore into the data directory {} was cut short, so that a part of the data is missing: empty it and restore again",
                directory.path().string());
  }
  return directory;
}

Result<DataDirectory> DataDirectory::make_scratch(std::string_view prefix) {
  std::error_code error;
  const auto temporary = std::filesystem::temp_directory_path(error);
  if (error) return fail(ErrorCode::kIoError, "there is no directory for temporary files: {}", error.message());
  std::string name = (temporary / fmt::format("{}-XXXXXX", prefix)).string();
  if (!::mkdtemp(name.data())) {
    return fail(ErrorCode::kIoError, "a scratch directory {} cannot be made: {}", name, std::strerror(errno));
  }
  DataDirectory directory = TRY(open(name));
  directory.remove_at_end_ = true;
  return directory;
}

}  // namespace campanile::app
