#include "query/points_of_rows.h"

#include <chrono>
#include <thread>

#include "query/group.h"

namespace campanile::query {
namespace {

// How soon a store without room is tried again.
constexpr std::chrono::milliseconds kRetry{20};

}  // namespace

Result<void> PointsOfRows::begin_series(std::string_view name, const SeriesTags& tags) {
  name_ = measurement_.empty() ? std::string(name) : measurement_;
  tags_ = tags;
  return {};
}

Result<void> PointsOfRows::rows(const RowBatch& batch) {
  points_.clear();
  for (size_t i = 0; i < batch.size(); ++i) add_point(batch.times_ns[i], batch.row(i));
  return points_.empty() ? Result<void>() : write();
}

void PointsOfRows::add_point(int64_t time_ns, std::span<const Value> row) {
  points_.begin_point(name_);
  for (const auto& [key, value] : tags_) {
    if (!value.empty()) points_.add_tag(key, value);
  }
  bool is_empty = true;
  for (size_t i = 0; i < row.size(); ++i) {
    if (!row[i]) continue;
    points_.add_field(columns_[i], *row[i]);
    is_empty = false;
  }
  if (is_empty) return points_.abandon_point();
  points_.set_time(time_ns);
  points_.end_point();
}

Result<void> PointsOfRows::write() {
  const tsdb::WriteOutcome outcome = TRY(write_when_there_is_room(engine_, bucket_, points_, now_ns_, context_));
  awaited_.include(outcome.awaited);
  written_ += outcome.points_stored;
  if (outcome.errors.empty()) return {};
  const Error& first = outcome.errors.front().error;
  return fail(first.code, "partial write: {} dropped={}", first.message, outcome.errors.size());
}

Result<tsdb::WriteOutcome> write_when_there_is_room(tsdb::Engine& engine, tsdb::BucketId bucket, const PointBatch& points, int64_t now_ns, const Context& context) {
  for (;;) {
    auto outcome = engine.write(bucket, points, now_ns);
    if (outcome || outcome.error().code != ErrorCode::kOverloaded) return outcome;
    TRY(check_cancelled(context));
    std::this_thread::sleep_for(kRetry);
  }
}

}  // namespace campanile::query
