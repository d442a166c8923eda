// ChunkCorrection: correcting the values of a column in a range of times: each chunk is written anew under its key, its header with it.
//
// A value must be scaled once, whatever happens: each step's batch therefore holds, with the chunks, how far the change has come (a row of
// BucketRows::kProgress) and a state that says that everything before the record is in chunks, so that replay puts none of it beside them once more.
// A repeat goes on behind the chunk that the row names; the row goes with the last step.
#pragma once

#include <string>
#include <string_view>

#include "journal/journal.h"
#include "tsdb/chunk_change.h"
#include "tsdb/records.h"

namespace campanile::tsdb {

class ChunkCorrection final : public ChunkChange {
 public:
  // `lsn` is the record's. REQUIRES: what was written before it is in chunks. A step changes `chunks_max` chunks.
  ChunkCorrection(const kv::Store& store, const SeriesEntry& entry, const ChunksState& state, TimeRange range, const ColumnCorrection& correction, journal::Lsn lsn,
                  uint32_t chunks_max);

  // state() then is what it was: a correction changes values alone.
  Result<bool> step(kv::WriteBatch& batch) override;

 private:
  // Finds out where a former attempt stopped.
  Result<void> begin();
  Result<void> take(kv::WriteBatch& batch);
  Result<void> correct(const Chunk& chunk, kv::WriteBatch& batch);

  const ColumnCorrection& correction_;
  const journal::Lsn lsn_;
  const uint32_t chunks_max_;
  const std::string progress_key_;
  ChunkWalk chunks_;
  bool begun_ = false;
};

// How far a correction of a series has come: up to that chunk's key. docs/format/chunks.md draws the row.
struct CorrectionProgress {
  journal::Lsn lsn = 0;
  std::string key;
};
std::string encode_progress(const CorrectionProgress& progress);
Result<CorrectionProgress> decode_progress(std::string_view bytes);

}  // namespace campanile::tsdb
