// ChunkCursor: walks one column over what is in memory and what is stored, each time once, the last write of it.
//
//   auto cursor = make_column_cursor(view, name, range, order, state, std::move(memory));
//
// Sources are chunks, by their sequence, and pieces of memory, which are newer than any chunk and among themselves ordered oldest first. A source that
// shares no time with another is handed on as it is, a chunk by its header alone. Where sources overlap they are merged piece by piece: up to
// where the next source begins, so that only those that overlap at one time are decoded at once.
// Threads: one owner.
#pragma once

#include <memory>
#include <vector>

#include "tsdb/chunk_stream.h"

namespace campanile::tsdb {

// REQUIRES: each of `memory` is cut to the range; oldest first; empty ones are left out by the cursor.
std::unique_ptr<ColumnCursor> make_column_cursor(std::shared_ptr<KvView> view, const ColumnName& name, TimeRange range, Order order,
                                                 const ChunksState& state, std::vector<ColumnData> memory);

// A cursor over nothing.
std::unique_ptr<ColumnCursor> make_empty_cursor();

}  // namespace campanile::tsdb
