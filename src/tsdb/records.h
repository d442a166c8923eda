// Records: the payloads that the engine puts into the journal. docs/format/chunks.md draws the bytes.
//
//   PointsEncoder points(bucket);
//   points.begin_row(series, time_ns, slots);
//   TRY(journal.append(RecordType::kPoints, points.payload()));
//   TRY(decode_points(payload, [&](BucketId bucket, SeriesId series, int64_t time_ns, std::span<const Slot> slots) { ... }));
//
// Threads: pure functions; an encoder has one owner. Errors: kCorrupt; kUnsupported for a later format version.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "tsdb/correction.h"
#include "tsdb/head_block.h"
#include "tsdb/keys.h"

namespace campanile::tsdb {

// Rows of one bucket, each compact relative to the one before: the time as a difference, the columns only where they change.
class PointsEncoder {
 public:
  void begin(BucketId bucket);
  // REQUIRES: begin() was called; slots is not empty.
  void add_row(SeriesId series, int64_t time_ns, std::span<const Slot> slots);
  size_t rows() const { return rows_; }
  std::string_view payload() const { return payload_; }

 private:
  std::string payload_;
  size_t rows_ = 0;
  SeriesId series_ = 0;
  int64_t time_ns_ = 0;
  std::vector<std::pair<ColumnId, FieldType>> shape_;
};

using RowFunction = std::function<void(SeriesId series, int64_t time_ns, std::span<const Slot> slots)>;
// Strings in the slots view the payload.
Result<BucketId> bucket_of_points(std::string_view payload);
Result<void> decode_points(std::string_view payload, const RowFunction& row);

struct ColumnDefinition {
  BucketId bucket;
  std::string_view measurement;
  ColumnId column;
  FieldType type;
  std::string_view field;
};
struct SeriesDefinition {
  BucketId bucket;
  SeriesId series;
  std::string_view key;
};
// The series has no points any more and is not found any more.
struct SeriesRemoval {
  BucketId bucket;
  SeriesId series;
};
using Definition = std::variant<ColumnDefinition, SeriesDefinition, SeriesRemoval>;

// A payload of definitions is its version byte and any number of them.
void append_definition(std::string& payload, const Definition& definition);
Result<void> decode_definitions(std::string_view payload, const std::function<Result<void>(const Definition&)>& apply);

// What happens to a range of times: the points go, or the values of one column are corrected.
struct Erasure {};
struct ColumnCorrection {
  ColumnId column = 0;
  Correction correction;  // made for the column's type
};

// A range of times of some series of one bucket is changed: what was written to it before this record.
struct RangeChange {
  BucketId bucket = 0;
  TimeRange range;
  std::vector<SeriesId> series;  // ascending
  std::variant<Erasure, ColumnCorrection> what;
};

journal::RecordType type_of(const RangeChange& change);
std::string encode_range_change(const RangeChange& change);
// REQUIRES: the record's type is kErase or kCorrect.
Result<RangeChange> decode_range_change(journal::RecordType type, std::string_view payload);

struct DatabaseChange {
  enum class Kind : uint8_t { kCreateDatabase = 1, kDropDatabase = 2, kCreatePolicy = 3, kDropPolicy = 4, kAlterPolicy = 5, kCreateQuery = 6, kDropQuery = 7 } kind;
  std::string database;
  std::string policy;         // or the name of the continuous query; none with kDropDatabase
  BucketId bucket = 0;        // of the policy, where one is made
  int64_t duration_ns = 0;    // where one is made or altered
  bool is_default = false;
  std::string text;           // of the query, where one is made
};

std::string encode_database_change(const DatabaseChange& change);
Result<DatabaseChange> decode_database_change(std::string_view payload);

}  // namespace campanile::tsdb
