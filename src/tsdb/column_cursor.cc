#include "tsdb/column_cursor.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "tsdb/shared_times.h"

namespace campanile::tsdb {
namespace {

class ChunkCursor final : public ColumnCursor {
 public:
  ChunkCursor(std::shared_ptr<KvView> view, const ColumnName& name, TimeRange range, Order order, const ChunksState& state, std::vector<ColumnData> memory)
      : view_(view), name_(name), range_(range), descends_(order == Order::kDescending), chunks_overlap_(state.overlaps), chunks_(std::move(view), name, range, order, state) {
    uint64_t priority = kMemoryPriority;
    for (ColumnData& data : memory) {
      ++priority;
      if (data.empty()) continue;
      Source source{.min_ns = data.times_ns.front(), .max_ns = data.times_ns.back(), .priority = priority};
      source.data = std::make_unique<ColumnData>(std::move(data));
      source.end = source.data->size();
      memory_.push_back(std::move(source));
    }
    // The next one last.
    std::sort(memory_.begin(), memory_.end(), [this](const Source& a, const Source& b) { return comes_before(b, a); });
  }

  Result<bool> next() override {
    current_chunk_ = nullptr;
    for (;;) {
      if (active_.empty()) {
        std::optional<Source> source = TRY(pop());
        if (!source) return false;
        if (!TRY(reaches_next(*source))) {
          if (TRY(show_alone(std::move(*source)))) return true;
          continue;
        }
        TRY(activate(std::move(*source)));
        continue;
      }
      if (TRY(show_merged())) return true;
      // Nothing lies before the next source: it takes part from here on.
      if (auto source = TRY(pop())) TRY(activate(std::move(*source)));
    }
  }

  const BlockStatistics& statistics() const override { return statistics_; }

  Result<ColumnValues> values() override {
    if (current_chunk_) {
      TRY(decode(*current_chunk_, block_));
      current_chunk_ = nullptr;
      shown_begin_ = 0;
      shown_end_ = block_.size();
    }
    return block_.view(shown_begin_, shown_end_);
  }

 private:
  // Sequences of chunks stay far below.
  static constexpr uint64_t kMemoryPriority = 1ull << 63;

  struct Source {
    int64_t min_ns = 0;
    int64_t max_ns = 0;
    uint64_t priority = 0;
    std::unique_ptr<StoredChunk> chunk;  // until it is decoded
    std::unique_ptr<ColumnData> data;
    size_t begin = 0;  // rows that were not shown yet and lie in the range
    size_t end = 0;
  };

  bool comes_before(const Source& a, const Source& b) const { return descends_ ? a.max_ns > b.max_ns : a.min_ns < b.min_ns; }

  // Makes the next chunk, if there is one, known.
  Result<void> fetch() {
    if (next_chunk_ || chunks_done_) return {};
    std::unique_ptr<StoredChunk> stored = TRY(chunks_.next());
    if (!stored) {
      chunks_done_ = true;
      return {};
    }
    const BlockStatistics& statistics = stored->chunk.statistics;
    next_chunk_ = Source{.min_ns = statistics.min_time_ns, .max_ns = statistics.max_time_ns, .priority = stored->chunk.key.sequence};
    next_chunk_->chunk = std::move(stored);
    return {};
  }

  // The source that comes next, left where it is.
  Result<const Source*> peek() {
    TRY(fetch());
    const Source* const chunk = next_chunk_ ? &*next_chunk_ : nullptr;
    const Source* const memory = memory_.empty() ? nullptr : &memory_.back();
    if (!chunk || !memory) return chunk ? chunk : memory;
    return comes_before(*memory, *chunk) ? memory : chunk;
  }

  Result<std::optional<Source>> pop() {
    const Source* const next = TRY(peek());
    std::optional<Source> out;
    if (!next) return out;
    if (next_chunk_ && next == &*next_chunk_) {
      out = std::move(next_chunk_);
      next_chunk_.reset();
    } else {
      out = std::move(memory_.back());
      memory_.pop_back();
    }
    return out;
  }

  Result<bool> reaches_next(const Source& source) {
    const Source* next = nullptr;
    if (source.chunk && !chunks_overlap_) {
      // The chunk after it need not be read, which it may not survive, to know that it begins later.
      next = memory_.empty() ? nullptr : &memory_.back();
    } else {
      next = TRY(peek());
    }
    if (!next) return false;
    return descends_ ? next->max_ns >= source.min_ns : next->min_ns <= source.max_ns;
  }

  Result<void> decode(const StoredChunk& stored, ColumnData& data) {
    return decode_with_times(stored.chunk, [this](std::string_view key) { return view_->get(key); }, data);
  }

  // Shows a source that shares no time with others; false where nothing of it lies in the range.
  Result<bool> show_alone(Source source) {
    if (source.data) {
      block_ = std::move(*source.data);
      return show(source.begin, source.end);
    }
    const bool is_whole = source.min_ns >= range_.from_ns && source.max_ns <= range_.to_ns;
    if (is_whole && source.chunk->chunk.type != FieldType::kString) {
      statistics_ = source.chunk->chunk.statistics;
      current_chunk_ = std::move(source.chunk);
      return true;
    }
    TRY(decode(*source.chunk, block_));
    return show(block_.lower_bound(range_.from_ns), block_.upper_bound(range_.to_ns));
  }

  bool show(size_t begin, size_t end) {
    if (begin >= end) return false;
    shown_begin_ = begin;
    shown_end_ = end;
    statistics_ = block_.statistics(begin, end);
    return true;
  }

  Result<void> activate(Source source) {
    if (!source.data) {
      source.data = std::make_unique<ColumnData>();
      TRY(decode(*source.chunk, *source.data));
      source.chunk = nullptr;
      source.begin = source.data->lower_bound(range_.from_ns);
      source.end = source.data->upper_bound(range_.to_ns);
    }
    if (source.begin >= source.end) return {};
    const auto place = std::upper_bound(active_.begin(), active_.end(), source, [](const Source& a, const Source& b) { return a.priority < b.priority; });
    active_.insert(place, std::move(source));
    return {};
  }

  // Merges what the active sources have before the next source begins; false where that is nothing.
  Result<bool> show_merged() {
    const Source* const next = TRY(peek());
    std::vector<MergeInput> inputs;
    for (Source& source : active_) {
      size_t begin = source.begin;
      size_t end = source.end;
      if (next && descends_) begin = std::max(begin, source.data->upper_bound(next->max_ns));
      if (next && !descends_) end = std::min(end, source.data->lower_bound(next->min_ns));
      if (begin >= end) continue;
      inputs.push_back({source.data.get(), begin, end});
      (descends_ ? source.end : source.begin) = descends_ ? begin : end;
    }
    if (inputs.empty()) return false;
    block_.reset(inputs.front().data->type);
    merge_columns(inputs, block_);
    std::erase_if(active_, [](const Source& source) { return source.begin >= source.end; });
    return show(0, block_.size());
  }

  std::shared_ptr<KvView> view_;
  const ColumnName name_;
  const TimeRange range_;
  const bool descends_;
  const bool chunks_overlap_;
  ChunkStream chunks_;
  bool chunks_done_ = false;
  std::optional<Source> next_chunk_;
  std::vector<Source> memory_;   // the next one last
  std::vector<Source> active_;   // decoded, by priority, the strongest last
  std::unique_ptr<StoredChunk> current_chunk_;  // shown by its header, not decoded yet
  ColumnData block_;
  size_t shown_begin_ = 0;
  size_t shown_end_ = 0;
  BlockStatistics statistics_;
};

class EmptyCursor final : public ColumnCursor {
 public:
  Result<bool> next() override { return false; }
  const BlockStatistics& statistics() const override { return statistics_; }
  Result<ColumnValues> values() override { return ColumnValues{}; }

 private:
  BlockStatistics statistics_;
};

}  // namespace

std::unique_ptr<ColumnCursor> make_column_cursor(std::shared_ptr<KvView> view, const ColumnName& name, TimeRange range, Order order,
                                                 const ChunksState& state, std::vector<ColumnData> memory) {
  return std::make_unique<ChunkCursor>(std::move(view), name, range, order, state, std::move(memory));
}

std::unique_ptr<ColumnCursor> make_empty_cursor() { return std::make_unique<EmptyCursor>(); }

}  // namespace campanile::tsdb
