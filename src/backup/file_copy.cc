#include "backup/file_copy.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/digest.h"

namespace campanile::backup {
namespace {

constexpr size_t kBlockBytes = 1u << 20;

std::unexpected<Error> io_error(std::string_view doing, const std::filesystem::path& path, int error_number) {
  const auto code = error_number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIoError;
  return fail(code, "{} {}: {}", doing, path.string(), std::generic_category().message(error_number));
}

class OpenFile {
 public:
  static Result<OpenFile> open(const std::filesystem::path& path, int flags, std::string_view doing) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (descriptor < 0) return io_error(doing, path, errno);
    return OpenFile(descriptor, path);
  }
  OpenFile(OpenFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  // Up to `bytes_max` bytes from where the last call ended; none at the end.
  Result<std::string_view> read(std::string& buffer, size_t bytes_max) {
    buffer.resize(bytes_max);
    for (;;) {
      const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
      if (got >= 0) return std::string_view(buffer.data(), static_cast<size_t>(got));
      if (errno != EINTR) return io_error("reading", path_, errno);
    }
  }

  Result<void> write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return io_error("writing", path_, written < 0 ? errno : ENOSPC);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  Result<void> sync() {
    if (::fsync(descriptor_) != 0) return io_error("syncing", path_, errno);
    return {};
  }

 private:
  OpenFile(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;
  std::filesystem::path path_;
};

// Reads the source once; what was read goes to `target` too where there is one.
Result<Content> pass(const std::filesystem::path& from, std::optional<uint64_t> bytes, OpenFile* target, Progress& progress) {
  auto source = TRY(OpenFile::open(from, O_RDONLY | O_NOFOLLOW, "opening"));
  Digest digest;
  Content content;
  std::string buffer;
  for (;;) {
    const uint64_t wanted = bytes ? std::min<uint64_t>(*bytes - content.bytes, kBlockBytes) : kBlockBytes;
    if (wanted == 0) break;
    const std::string_view block = TRY(source.read(buffer, wanted));
    if (block.empty()) break;
    digest.add(block);
    if (target != nullptr) TRY(target->write(block));
    content.bytes += block.size();
    TRY(progress.advance(block.size()));
  }
  if (bytes && content.bytes != *bytes) {
    return fail(ErrorCode::kIoError, "reading {}: it ends after {} bytes, {} were expected", from.string(), content.bytes, *bytes);
  }
  content.digest = digest.hex();
  return content;
}

}  // namespace

Result<Content> read_content(const std::filesystem::path& path, std::optional<uint64_t> bytes, Progress& progress) {
  return pass(path, bytes, nullptr, progress);
}

Result<Content> copy_file(const std::filesystem::path& from, std::optional<uint64_t> bytes, const std::filesystem::path& to, Progress& progress) {
  TRY(remove_file(to));
  auto target = TRY(OpenFile::open(to, O_WRONLY | O_CREAT | O_EXCL, "creating"));
  const auto copy = [&]() -> Result<Content> {
    auto content = TRY(pass(from, bytes, &target, progress));
    TRY(target.sync());
    return content;
  };
  auto copied = copy();
  if (!copied) (void)remove_file(to);
  return copied;
}

Result<std::string> read_text(const std::filesystem::path& path, uint64_t bytes_max) {
  auto file = TRY(OpenFile::open(path, O_RDONLY, "opening"));
  std::string text;
  std::string buffer;
  for (;;) {
    const std::string_view block = TRY(file.read(buffer, kBlockBytes));
    if (block.empty()) return text;
    if (text.size() + block.size() > bytes_max) return fail(ErrorCode::kTooLarge, "{} is larger than {} bytes", path.string(), bytes_max);
    text += block;
  }
}

Result<void> write_text(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path unfinished = path.string() + ".new";
  TRY(remove_file(unfinished));
  {
    auto file = TRY(OpenFile::open(unfinished, O_WRONLY | O_CREAT | O_EXCL, "creating"));
    TRY(file.write(text));
    TRY(file.sync());
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0) return io_error("renaming to", path, errno);
  return sync_directory(path.parent_path());
}

Result<void> make_directories(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0) return sync_directory(directory.parent_path());
  if (errno == EEXIST) {
    std::error_code error;
    if (std::filesystem::is_directory(directory, error)) return {};
    return io_error("making", directory, ENOTDIR);
  }
  if (errno != ENOENT || !directory.has_parent_path() || directory.parent_path() == directory) return io_error("making", directory, errno);
  TRY(make_directories(directory.parent_path()));
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return io_error("making", directory, errno);
  return sync_directory(directory.parent_path());
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  auto opened = TRY(OpenFile::open(directory.empty() ? "." : directory, O_RDONLY | O_DIRECTORY, "opening"));
  return opened.sync();
}

Result<void> remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_error("removing", path, errno);
  return {};
}

}  // namespace campanile::backup
