// RetiredSeries: series that have left the index and that somebody may still have in hand, who found them before. Whoever looks a series up and uses it
// after he has let go of the index's lock holds an Era meanwhile.
//
//   const Hold hold = retired.hold();          // a reader, for as long as it lives
//   retired.add(bucket, entry);                // the entry cannot be found any more
//   auto free = retired.take(256);             // nobody who was there then is there now
//
// Threads: hold() under the index's lock, shared or alone; the rest under it alone; a Hold is let go of on any thread, without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace campanile::tsdb {

class Bucket;
struct SeriesEntry;

class RetiredSeries {
  struct Era {
    std::atomic<uint64_t> holders{0};
    std::vector<std::pair<std::shared_ptr<Bucket>, SeriesEntry*>> series;  // that went during it
  };

 public:
  class Hold {
   public:
    explicit Hold(std::shared_ptr<Era> era) : era_(std::move(era)) { era_->holders.fetch_add(1, std::memory_order_relaxed); }
    ~Hold() {
      if (era_) era_->holders.fetch_sub(1, std::memory_order_release);
    }
    Hold(Hold&& other) noexcept = default;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    Hold& operator=(Hold&&) = delete;

   private:
    std::shared_ptr<Era> era_;
  };

  RetiredSeries() { eras_.push_back(std::make_shared<Era>()); }

  Hold hold() const { return Hold(eras_.back()); }
  void add(std::shared_ptr<Bucket> bucket, SeriesEntry& entry) {
    eras_.back()->series.emplace_back(std::move(bucket), &entry);
    ++size_;
  }
  // At most `count` of those that nobody holds, oldest first. Who holds an era may know what went during it and later ones.
  std::vector<std::pair<std::shared_ptr<Bucket>, SeriesEntry*>> take(size_t count) {
    if (!eras_.back()->series.empty()) eras_.push_back(std::make_shared<Era>());
    std::vector<std::pair<std::shared_ptr<Bucket>, SeriesEntry*>> out;
    while (out.size() < count && eras_.size() > 1 && eras_.front()->holders.load(std::memory_order_acquire) == 0) {
      auto& series = eras_.front()->series;
      while (out.size() < count && !series.empty()) {
        out.push_back(std::move(series.back()));
        series.pop_back();
      }
      if (series.empty()) eras_.pop_front();
    }
    size_ -= out.size();
    return out;
  }
  size_t size() const { return size_; }

 private:
  std::deque<std::shared_ptr<Era>> eras_;  // oldest first; the last is now, and has no successor to be known by
  size_t size_ = 0;
};

}  // namespace campanile::tsdb
