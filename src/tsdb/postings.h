// Postings: a set of series numbers that costs sixteen bytes while it has at most two, as most values of a tag that names a device do.
//
//   Postings postings;
//   postings.add(17);
//   postings.add_to(bitmap);      // bitmap |= postings
//
// Threads: the owner's lock. Limit: series numbers below 2^32.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include <roaring/roaring.hh>

namespace campanile::tsdb {

// Debian 12's CRoaring has its class outside of any namespace; later ones do not. The name is used here only.
using Bitmap = ::Roaring;

class Postings {
 public:
  // REQUIRES: series != 0, and it is not there yet.
  void add(uint32_t series) {
    if (bitmap_) {
      bitmap_->add(series);
      return;
    }
    for (uint32_t& place : few_) {
      if (place == 0) {
        place = series;
        return;
      }
    }
    bitmap_ = std::make_unique<Bitmap>();
    for (uint32_t& place : few_) bitmap_->add(std::exchange(place, 0));
    bitmap_->add(series);
  }

  void remove(uint32_t series) {
    if (bitmap_) {
      bitmap_->remove(series);
      if (bitmap_->isEmpty()) bitmap_ = nullptr;
      return;
    }
    for (uint32_t& place : few_) {
      if (place == series) place = 0;
    }
  }
  bool empty() const { return !bitmap_ && few_[0] == 0 && few_[1] == 0; }

  void add_to(Bitmap& out) const {
    if (bitmap_) {
      out |= *bitmap_;
      return;
    }
    for (const uint32_t place : few_) {
      if (place != 0) out.add(place);
    }
  }

 private:
  std::array<uint32_t, 2> few_{};
  std::unique_ptr<Bitmap> bitmap_;
};

static_assert(sizeof(Postings) == 16);

}  // namespace campanile::tsdb
