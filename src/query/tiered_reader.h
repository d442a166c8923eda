// TieredReader: a bucket as it is, but with a tier's windows as the blocks of columns where they hold.
//
//   auto reader = TRY(TieredReader::make({.below = raw, .raw = raw, .rows = tier_rows, .tier = tier, .measurement = "rooms",
//                                         .predicate = plan.series, .columns = {{"temperature", {…}}}}));
//
// A block of a window has the statistics that the tier keeps; who wants its values gets them from the points themselves, so that no answer depends
// on whether there is a tier. Only of windows whose points have expired there are statistics alone. Readers stand on one another, the finest tier's lowest: where a tier
// says nothing of a time, the reader below is asked.
// Threads: as tsdb::Reader. Limits: what it remembers of each series is made with the reader.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "query/tiers.h"
#include "tsdb/reader.h"

namespace campanile::query {

class TieredReader final : public tsdb::Reader {
 public:
  // A column that is read by way of the tier: its type, and what of it is wanted.
  struct Column {
    FieldType type = FieldType::kFloat;
    std::vector<Function> functions;
  };
  struct Parts {
    std::shared_ptr<const tsdb::Reader> below;
    std::shared_ptr<const tsdb::Reader> raw;   // of the points themselves
    std::shared_ptr<const tsdb::Reader> rows;  // of the tier's bucket, made after its coverage was looked at
    Tier tier;
    std::string measurement;                   // whose series are read
    tsdb::TagPredicate predicate;
    std::map<std::string, Column, std::less<>> columns;
    size_t depth = 0;                          // of readers below that are tiers; at most 15
  };
  static Result<std::shared_ptr<const TieredReader>> make(Parts parts);

  std::vector<std::string> measurements() const override { return parts_.raw->measurements(); }
  std::vector<tsdb::FieldInfo> fields(std::string_view measurement) const override { return parts_.raw->fields(measurement); }
  std::vector<std::string> tag_keys(std::string_view measurement) const override { return parts_.raw->tag_keys(measurement); }
  std::vector<std::string> tag_values(std::string_view measurement, std::string_view key) const override { return parts_.raw->tag_values(measurement, key); }
  // REQUIRES: the measurement and the predicate that it was made for.
  Result<std::vector<tsdb::Series>> series(std::string_view measurement, const tsdb::TagPredicate& predicate) const override;
  bool has_field(tsdb::SeriesId series, std::string_view field) const override;
  Result<std::unique_ptr<tsdb::ColumnCursor>> column(tsdb::SeriesId series, std::string_view field, tsdb::TimeRange range, tsdb::Order order) const override;
  Result<std::optional<LastValue>> last(tsdb::SeriesId series, std::string_view field) const override { return parts_.raw->last(series, field); }

 private:
  struct Pair {
    tsdb::SeriesId rows = 0;  // the tier's series
    bool is_below = true;     // whether the reader below knows the series
    std::string key;          // of the source's series, where some of the tier's are stale by themselves
  };
  explicit TieredReader(Parts parts) : parts_(std::move(parts)) {}
  Result<void> pair_series();
  void add_pair(const tsdb::Series* below, const tsdb::Series* rows);

  const Parts parts_;
  std::vector<tsdb::Series> series_;
  absl::flat_hash_map<tsdb::SeriesId, Pair> pairs_;
};

}  // namespace campanile::query
