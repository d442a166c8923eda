// KvView: one moment of a bucket's chunks, and iterators over it that its cursors share, because making one costs more than moving it.
//
//   std::shared_ptr<KvView> view = KvView::take(store, bucket, sealer.committed_sequence());
//   KvView::Lease rows = view->lease();
//   rows->seek(key);
//
// Threads: any; a lease belongs to one thread at a time.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kv/store.h"
#include "tsdb/keys.h"

namespace campanile::tsdb {

class KvView : public std::enable_shared_from_this<KvView> {
 public:
  // An iterator, given back when the lease goes.
  class Lease {
   public:
    Lease(std::shared_ptr<KvView> view, std::unique_ptr<kv::Iterator> rows) : view_(std::move(view)), rows_(std::move(rows)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (rows_) view_->give_back(std::move(rows_));
    }
    kv::Iterator* operator->() const { return rows_.get(); }

   private:
    std::shared_ptr<KvView> view_;
    std::unique_ptr<kv::Iterator> rows_;
  };

  // REQUIRES: every chunk group up to `sequence` is in the store already.
  KvView(const kv::Store& store, BucketId bucket, uint64_t held) : store_(store), bucket_(bucket), sequence(held), snapshot_(store.snapshot()) {}

  Lease lease() {
    std::unique_ptr<kv::Iterator> rows;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        rows = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!rows) rows = store_.iterate(bucket_begin(BucketRows::kChunks, bucket_), bucket_end(BucketRows::kChunks, bucket_), snapshot_.get());
    return Lease(shared_from_this(), std::move(rows));
  }

  Result<std::optional<std::string>> get(std::string_view key) const { return store_.get(key, snapshot_.get()); }

 private:
  void give_back(std::unique_ptr<kv::Iterator> rows) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(rows));
  }

  const kv::Store& store_;
  const BucketId bucket_;

 public:
  const uint64_t sequence;  // what the view is sure to hold

 private:
  std::shared_ptr<const kv::Snapshot> snapshot_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<kv::Iterator>> idle_;  // must go before the snapshot
};

}  // namespace campanile::tsdb
