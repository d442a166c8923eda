// PointBatch: the points that one message or one request carries, flat in memory, reused from batch to batch.
//
//   PointBatch batch;
//   batch.begin_point("data");
//   batch.add_tag("room", "302");
//   batch.add_field("value", FieldValue::of_float(21.5));
//   batch.set_time(1'700'000'000'000'000'000);
//   batch.end_point();
//   for (const PointBatch::Point& point : batch.points()) store(point.measurement, batch.tags(point), batch.fields(point));
//
// Ownership: names and strings are views. They point into the bytes that were decoded, which must outlive the batch's
// use, or into the batch's own arena where copy() put them. clear() keeps the memory.
// Threads: one owner at a time. Units: times are nanoseconds since 1970.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "model/field_value.h"

namespace campanile {

struct Tag {
  std::string_view key;
  std::string_view value;
  friend bool operator==(const Tag&, const Tag&) = default;
};

struct Field {
  std::string_view name;
  FieldValue value;
};

class PointBatch {
 public:
  struct Point {
    std::string_view measurement;
    // The canonical series key (model/series_key.h) where the decoder already knows it, empty otherwise.
    std::string_view series_key;
    // The series that the store's KnownSeries found for that key (model/known_series.h), or null. The point has no tags then.
    void* series = nullptr;
    int64_t time_ns = 0;
    // Without a time of its own a point gets the time of reception, from whoever stores it.
    bool has_time = false;
    // The line of the request that held the point, from 1; 0 where lines mean nothing.
    uint32_t line = 0;
    uint32_t tags_begin = 0;
    uint32_t tags_count = 0;
    uint32_t fields_begin = 0;
    uint32_t fields_count = 0;
  };

  void clear();
  // Of points that are kept; an open one is not among them.
  bool empty() const { return size() == 0; }
  size_t size() const { return points_.size() - is_open_; }

  void begin_point(std::string_view measurement);
  void add_tag(std::string_view key, std::string_view value) { tags_.push_back({key, value}); }
  void add_field(std::string_view name, FieldValue value) { fields_.push_back({name, value}); }
  void set_time(int64_t time_ns) {
    open().time_ns = time_ns;
    open().has_time = true;
  }
  void set_line(uint32_t line) { open().line = line; }
  void set_series_key(std::string_view key) { open().series_key = key; }
  void set_series(void* series) { open().series = series; }
  // Keeps the open point. REQUIRES: begin_point() was called since the last end_point() or abandon_point().
  void end_point();
  // Forgets the open point, its tags and its fields.
  void abandon_point();

  std::span<const Point> points() const { return std::span(points_).first(size()); }
  std::span<Point> points() { return std::span(points_).first(size()); }
  std::span<const Tag> tags(const Point& point) const { return std::span(tags_).subspan(point.tags_begin, point.tags_count); }
  std::span<const Field> fields(const Point& point) const {
    return std::span(fields_).subspan(point.fields_begin, point.fields_count);
  }
  std::span<Field> fields(const Point& point) { return std::span(fields_).subspan(point.fields_begin, point.fields_count); }
  std::span<Tag> tags(const Point& point) { return std::span(tags_).subspan(point.tags_begin, point.tags_count); }

  // Puts bytes that will not outlive the decoder's call into the batch. The view stays valid until clear().
  std::string_view copy(std::string_view bytes);

 private:
  Point& open() { return points_.back(); }

  std::vector<Point> points_;  // the last one may be open: put together where it stays
  std::vector<Tag> tags_;
  std::vector<Field> fields_;
  bool is_open_ = false;

  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  // Blocks never move, so that views into them stay valid while the arena grows.
  std::vector<Block> blocks_;
  size_t block_ = 0;
  size_t block_used_ = 0;
};

}  // namespace campanile
