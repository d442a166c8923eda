#include "kv/rocksdb_files.h"

#include <utility>

namespace campanile::kv {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus retryable(IOStatus status) {
  if (!status.ok()) status.SetRetryable(true);
  return status;
}

class WritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using rocksdb::FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return retryable(target()->Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& verification, IODebugContext* debug) override {
    return retryable(target()->Append(data, options, verification, debug));
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override { return retryable(target()->Flush(options, debug)); }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override { return retryable(target()->Sync(options, debug)); }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return retryable(target()->Fsync(options, debug)); }
  IOStatus RangeSync(uint64_t offset, uint64_t bytes, const IOOptions& options, IODebugContext* debug) override {
    return retryable(target()->RangeSync(offset, bytes, options, debug));
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return retryable(target()->Truncate(size, options, debug));
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override { return retryable(target()->Close(options, debug)); }
};

class Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  using rocksdb::FSDirectoryWrapper::FSDirectoryWrapper;

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return retryable(rocksdb::FSDirectoryWrapper::Fsync(options, debug));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug, const rocksdb::DirFsyncOptions& reason) override {
    return retryable(rocksdb::FSDirectoryWrapper::FsyncWithDirOptions(options, debug, reason));
  }
};

}  // namespace

IOStatus RetryableFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  auto status = retryable(target()->NewWritableFile(path, options, file, debug));
  if (status.ok()) *file = std::make_unique<WritableFile>(std::move(*file));
  return status;
}

IOStatus RetryableFiles::NewDirectory(const std::string& path, const IOOptions& options, std::unique_ptr<rocksdb::FSDirectory>* directory,
                                      IODebugContext* debug) {
  auto status = retryable(target()->NewDirectory(path, options, directory, debug));
  if (status.ok()) *directory = std::make_unique<Directory>(std::move(*directory));
  return status;
}

IOStatus RetryableFiles::RenameFile(const std::string& from, const std::string& to, const IOOptions& options, IODebugContext* debug) {
  return retryable(target()->RenameFile(from, to, options, debug));
}

}  // namespace campanile::kv
