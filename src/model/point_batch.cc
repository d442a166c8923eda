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
  Point& point = points_.emplace_back();
  point.measurement = measurement;
  point.tags_begin = static_cast<uint32_t>(tags_.size());
  point.fields_begin = static_cast<uint32_t>(fields_.size());
}

void PointBatch::end_point() {
  CHECK(is_open_);
  is_open_ = false;
  open().tags_count = static_cast<uint32_t>(tags_.size()) - open().tags_begin;
  open().fields_count = static_cast<uint32_t>(fields_.size()) - open().fields_begin;
}

void PointBatch::abandon_point() {
  CHECK(is_open_);
  is_open_ = false;
  tags_.resize(open().tags_begin);
  fields_.resize(open().fields_begin);
  points_.pop_back();
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
