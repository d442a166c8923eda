// The index as decoders of points see it: series found before the points are written (model/known_series.h).
#include <shared_mutex>

#include "tsdb/engine_impl.h"

namespace campanile::tsdb {
namespace {

class SeriesOfBucket final : public KnownSeries {
 public:
  // REQUIRES: the gate, shared.
  SeriesOfBucket(const SeriesIndex& index, std::shared_ptr<Bucket> bucket) : index_(index), bucket_(std::move(bucket)), hold_(index.hold()) {}

  void lock() override { index_.gate.lock_shared(); }
  void unlock() override { index_.gate.unlock_shared(); }
  Found find(std::string_view key) override {
    SeriesEntry* const entry = bucket_->find(key);
    return entry ? Found{entry, entry->measurement->name} : Found{};
  }

 private:
  const SeriesIndex& index_;
  const std::shared_ptr<Bucket> bucket_;
  const RetiredSeries::Hold hold_;  // a series that goes meanwhile keeps its place
};

}  // namespace

std::unique_ptr<KnownSeries> EngineImpl::known_series(BucketId id) const {
  const std::shared_lock lock(index_.gate);
  std::shared_ptr<Bucket> bucket = index_.bucket(id);
  return bucket ? std::make_unique<SeriesOfBucket>(index_, std::move(bucket)) : nullptr;
}

}  // namespace campanile::tsdb
