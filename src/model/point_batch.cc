#include "model/point_batch.h"

#include <algorithm>
#include <cstring>

namespace campanile {
namespace {

constexpr size_t kBlockBytes = 16 * 1024;

}  // namespace

void PointBatch::clear() {
  points_.clear();
  tags_.clear();
  fields_.clear();
  is_open_ = false;
  // One large batch must not keep its memory for ever: only the first block stays.
  if (blocks_.size() > 1) blocks_.resize(1);
  block_ = 0;
  block_used_ = 0;
}

void PointBatch::begin_point(std::string_view measurement) {
  CHECK(!is_open_);
  is_open_ = true;
  open_ = Point{.measurement = measurement,
                .tags_begin = static_cast<uint32_t>(tags_.size()),
                .fields_begin = static_cast<uint32_t>(fields_.size())};
}

void PointBatch::end_point() {
  CHECK(is_open_);
  is_open_ = false;
  open_.tags_count = static_cast<uint32_t>(tags_.size()) - open_.tags_begin;
  open_.fields_count = static_cast<uint32_t>(fields_.size()) - open_.fields_begin;
  points_.push_back(open_);
}

void PointBatch::abandon_point() {
  CHECK(is_open_);
  is_open_ = false;
  tags_.resize(open_.tags_begin);
  fields_.resize(open_.fields_begin);
}

std::string_view PointBatch::copy(std::string_view bytes) {
  while (block_ < blocks_.size() && blocks_[block_].size - block_used_ < bytes.size()) {
    ++block_;
    block_used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const size_t size = std::max(kBlockBytes, bytes.size());
    blocks_.push_back({std::make_unique<char[]>(size), size});
  }
  char* const target = blocks_[block_].bytes.get() + block_used_;
  if (!bytes.empty()) std::memcpy(target, bytes.data(), bytes.size());
  block_used_ += bytes.size();
  return {target, bytes.size()};
}

}  // namespace campanile
