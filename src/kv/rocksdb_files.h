// The operating system's files for RocksDB, with one difference: a write that fails may be tried again.
//
//   RetryableFiles files(rocksdb::FileSystem::Default());
//
// RocksDB calls only a full disk something that passes. After any other error of a write (a file system that went read-only, a cable, a quota) it
// refuses to go on before it is opened anew. To us they are all the same: what is not in the store is in the journal, and once the cause has gone
// the store's Resume() writes what it holds in memory into new files. So every error of a write is marked as retryable here.
// Threads: as rocksdb::FileSystem has it.
#pragma once

#include <memory>
#include <string>

#include <rocksdb/file_system.h>

namespace campanile::kv {

class RetryableFiles final : public rocksdb::FileSystemWrapper {
 public:
  using rocksdb::FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "RetryableFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options, std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options, std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
};

}  // namespace campanile::kv
