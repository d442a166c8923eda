// RowCheck: whether a row of the store says what its owner can read: points are unpacked, messages and sessions decoded.
//
//   RowCheck check;
//   TRY(check(key, value));       // for each row, in the order of keys
//
// Threads: one owner. Limits: the packed times of one series are kept, since its columns share them.
// Errors: kCorrupt naming the row, kUnsupported for what a later version wrote. Rows of other kinds are taken as they are.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "journal/journal.h"
#include "tsdb/column_data.h"
#include "tsdb/keys.h"

namespace campanile::app {

class RowCheck {
 public:
  Result<void> operator()(std::string_view key, std::string_view value);
  // Up to where the rows have what the journal had, as far as they were seen.
  journal::Lsn checkpoint_lsn() const { return checkpoint_lsn_; }

 private:
  struct Times {
    std::string key;
    std::string value;
  };
  Result<void> check_chunk(std::string_view key, std::string_view value);

  std::pair<tsdb::BucketId, tsdb::SeriesId> series_{};       // whose times are kept
  std::map<std::pair<int64_t, uint64_t>, Times> times_;      // by first time and sequence
  tsdb::ColumnData unpacked_{FieldType::kFloat};
  journal::Lsn checkpoint_lsn_ = 0;
};

}  // namespace campanile::app
