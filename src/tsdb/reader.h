// Reader: what queries see of one bucket. Finds series by measurement and tags, and walks their columns in time order.
//
//   auto reader = TRY(engine.reader(bucket));
//   for (const Series& series : TRY(reader->series("data", predicate))) {
//     auto cursor = TRY(reader->column(series.id, "value", {from_ns, to_ns}, Order::kAscending));
//     while (TRY(cursor->next())) {
//       if (covers(cursor->statistics())) use(cursor->statistics()); else use(TRY(cursor->values()));
//     }
//   }
//
// What was written before the reader was made is seen whole; later writes may be seen or not, but each column's order holds.
// Threads: a Reader from any thread; a cursor belongs to one thread at a time and must go before its reader.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/field_value.h"
#include "model/series_key.h"

namespace re2 {
class RE2;
}

namespace campanile::tsdb {

using SeriesId = uint64_t;

// Both ends belong to the range.
struct TimeRange {
  int64_t from_ns = INT64_MIN;
  int64_t to_ns = INT64_MAX;
};

enum class Order { kAscending, kDescending };

// A condition on tags. A tag that a series lacks compares as the empty string, as InfluxDB has it.
struct TagPredicate {
  enum class Kind { kTrue, kFalse, kEqual, kNotEqual, kMatches, kNotMatches, kAnd, kOr };
  Kind kind = Kind::kTrue;
  std::string key;
  std::string value;                        // kEqual, kNotEqual
  std::shared_ptr<const re2::RE2> pattern;  // kMatches, kNotMatches: found anywhere in the value
  std::vector<TagPredicate> children;       // kAnd, kOr
};

// Whether a series of that name fulfils it.
bool admits(const TagPredicate& predicate, const SeriesName& name);

struct Series {
  SeriesId id;
  // Owned by the engine; lives as long as the reader.
  const SeriesName* name;
};

struct FieldInfo {
  std::string name;
  FieldType type;
};

// What a block's header knows without decoding. Numbers are of the column's type as doubles; min, max and sum are
// meaningful for numeric columns only. Exact for sums of integers up to 2^53.
struct BlockStatistics {
  uint64_t count = 0;
  int64_t min_time_ns = 0;
  int64_t max_time_ns = 0;
  double min = 0;
  double max = 0;
  double sum = 0;
  FieldValue first;  // strings: valid until the cursor moves
  FieldValue last;
  // Where somebody has worked them out (query/tiered_reader.h); nobody has for a chunk.
  std::optional<double> stddev;
  std::optional<double> median;
};

// The decoded values of a block, ascending in time (also under Order::kDescending: the blocks come newest first, not the
// values in them). Exactly one of the spans is filled, by the type. Views live until the cursor moves.
struct ColumnValues {
  FieldType type = FieldType::kFloat;
  std::span<const int64_t> times_ns;
  std::span<const double> floats;
  std::span<const int64_t> integers;
  std::span<const uint64_t> unsigneds;
  std::span<const uint8_t> booleans;
  std::span<const std::string_view> strings;

  size_t size() const { return times_ns.size(); }
  FieldValue at(size_t index) const;
};

// Walks one column. Blocks do not overlap, hold no time twice, and are cut to the range asked for.
class ColumnCursor {
 public:
  virtual ~ColumnCursor() = default;
  // Moves onto the next block; false at the end. Errors: kCorrupt naming the chunk, kIoError.
  virtual Result<bool> next() = 0;
  // REQUIRES: the last next() returned true. Free for a sealed chunk that lies wholly in the range; computed for others.
  virtual const BlockStatistics& statistics() const = 0;
  // Decodes on first use.
  virtual Result<ColumnValues> values() = 0;
};

class Reader {
 public:
  virtual ~Reader() = default;
  virtual std::vector<std::string> measurements() const = 0;  // sorted
  virtual std::vector<FieldInfo> fields(std::string_view measurement) const = 0;  // sorted by name
  virtual std::vector<std::string> tag_keys(std::string_view measurement) const = 0;  // sorted
  virtual std::vector<std::string> tag_values(std::string_view measurement, std::string_view key) const = 0;  // sorted
  // Sorted by series key.
  virtual Result<std::vector<Series>> series(std::string_view measurement, const TagPredicate& predicate) const = 0;
  // Every series of the bucket, or those of one measurement, and whether they have the field.
  virtual bool has_field(SeriesId series, std::string_view field) const = 0;
  // A cursor over nothing where the series lacks the field.
  virtual Result<std::unique_ptr<ColumnCursor>> column(SeriesId series, std::string_view field, TimeRange range, Order order) const = 0;
  // The newest value of a column, without a scan. String values are copied into `text`.
  struct LastValue {
    int64_t time_ns;
    FieldValue value;
    std::string text;
  };
  virtual Result<std::optional<LastValue>> last(SeriesId series, std::string_view field) const = 0;
};

}  // namespace campanile::tsdb
