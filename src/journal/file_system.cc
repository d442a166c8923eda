#include "journal/file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace campanile::journal {
namespace {

std::unexpected<Error> io_error(std::string_view doing, const std::filesystem::path& path, int error_number) {
  return fail(ErrorCode::kIoError, "{} {}: {}", doing, path.string(), std::generic_category().message(error_number));
}

// Repeats a call that a signal interrupted.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto answer = call();
    if (answer != -1 || errno != EINTR) return answer;
  }
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override { ::close(descriptor_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<size_t> write_at(uint64_t offset, std::string_view bytes) override {
    const ssize_t written =
        uninterrupted([&] { return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (written < 0) return io_error("writing", path_, errno);
    if (written == 0 && !bytes.empty()) return io_error("writing", path_, ENOSPC);
    return static_cast<size_t>(written);
  }

  Result<void> sync() override {
    if (uninterrupted([&] { return ::fdatasync(descriptor_); }) != 0) return io_error("syncing", path_, errno);
    return {};
  }

  Result<void> allocate(uint64_t bytes) override {
    if (uninterrupted([&] { return ::fallocate(descriptor_, 0, 0, static_cast<off_t>(bytes)); }) == 0) return {};
    // Some file systems (NFS, older FUSE) have no fallocate: a file with a hole is slower to sync and just as safe.
    if (errno == EOPNOTSUPP || errno == ENOSYS) return truncate(bytes);
    return io_error("allocating room for", path_, errno);
  }

  Result<void> truncate(uint64_t bytes) override {
    if (uninterrupted([&] { return ::ftruncate(descriptor_, static_cast<off_t>(bytes)); }) != 0) {
      return io_error("resizing", path_, errno);
    }
    return {};
  }

  Result<std::string> read(uint64_t offset, uint64_t bytes_max) override {
    struct stat status = {};
    if (::fstat(descriptor_, &status) != 0) return io_error("reading", path_, errno);
    const uint64_t size = static_cast<uint64_t>(status.st_size);
    std::string bytes(offset < size ? std::min(size - offset, bytes_max) : 0, '\0');
    size_t have = 0;
    while (have < bytes.size()) {
      const ssize_t got = uninterrupted([&] {
        return ::pread(descriptor_, bytes.data() + have, bytes.size() - have, static_cast<off_t>(offset + have));
      });
      if (got < 0) return io_error("reading", path_, errno);
      if (got == 0) break;
      have += static_cast<size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

 private:
  int descriptor_;
  std::filesystem::path path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> create(const std::filesystem::path& path) override {
    return open_with(path, O_RDWR | O_CREAT | O_TRUNC, "creating");
  }

  Result<std::unique_ptr<File>> open(const std::filesystem::path& path) override {
    return open_with(path, O_RDWR, "opening");
  }

  Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_error("renaming to", to, errno);
    return {};
  }

  Result<void> remove(const std::filesystem::path& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_error("removing", path, errno);
    return {};
  }

  Result<void> sync_directory(const std::filesystem::path& directory) override {
    const int descriptor = uninterrupted([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (descriptor < 0) return io_error("opening", directory, errno);
    const int answer = uninterrupted([&] { return ::fsync(descriptor); });
    const int error_number = errno;
    ::close(descriptor);
    if (answer != 0) return io_error("syncing", directory, error_number);
    return {};
  }

  Result<void> create_directories(const std::filesystem::path& directory) override {
    std::error_code error;
    if (!std::filesystem::create_directories(directory, error) && error) {
      return io_error("creating", directory, error.value());
    }
    return {};
  }

  Result<std::vector<std::string>> list(const std::filesystem::path& directory) override {
    std::error_code error;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
      names.push_back(at->path().filename().string());
    }
    if (error) return io_error("listing", directory, error.value());
    return names;
  }

 private:
  static Result<std::unique_ptr<File>> open_with(const std::filesystem::path& path, int flags, std::string_view doing) {
    const int descriptor = uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0640); });
    if (descriptor < 0) return io_error(doing, path, errno);
    return std::make_unique<PosixFile>(descriptor, path);
  }
};

}  // namespace

Result<void> write_fully(File& file, uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t written = TRY(file.write_at(offset, bytes));
    offset += written;
    bytes.remove_prefix(written);
  }
  return {};
}

FileSystem& posix_file_system() {
  static PosixFileSystem files;
  return files;
}

}  // namespace campanile::journal
