#include "app/derived/replacement.h"

#include <algorithm>
#include <set>

#include "query/group.h"
#include "query/points_of_rows.h"

namespace campanile::app {

tsdb::TagPredicate exactly(const std::vector<std::pair<std::string, std::string>>& tags, const std::vector<std::string>& keys) {
  tsdb::TagPredicate all{.kind = tsdb::TagPredicate::Kind::kAnd, .key = {}, .value = {}, .pattern = {}, .children = {}};
  const auto add = [&](const std::string& key, const std::string& value) {
    all.children.push_back({.kind = tsdb::TagPredicate::Kind::kEqual, .key = key, .value = value, .pattern = {}, .children = {}});
  };
  for (const auto& [key, value] : tags) add(key, value);
  for (const std::string& key : keys) {
    if (std::ranges::find(tags, key, &std::pair<std::string, std::string>::first) == tags.end()) add(key, "");
  }
  if (all.children.empty()) all.kind = tsdb::TagPredicate::Kind::kTrue;
  return all;
}

Result<void> Replacement::begin_series(std::string_view, const query::SeriesTags& tags) {
  tags_.push_back(tags);
  std::erase_if(tags_.back(), [](const auto& tag) { return tag.second.empty(); });
  current_ = &times_[series_key({.measurement = place_.measurement, .tags = tags_.back()})];
  current_->resize(columns_.size());
  return {};
}

Result<void> Replacement::rows(const query::RowBatch& batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    points_.begin_point(place_.measurement);
    for (const auto& [key, value] : tags_.back()) points_.add_tag(key, value);
    const uint64_t before = waiting_;
    const auto row = batch.row(i);
    for (size_t column = 0; column < row.size(); ++column) {
      if (row[column]) add_value(column, *row[column], batch.times_ns[i]);
    }
    if (waiting_ == before) {
      points_.abandon_point();
      continue;
    }
    points_.set_time(batch.times_ns[i]);
    points_.end_point();
  }
  if (waiting_ <= kValuesMax) return {};
  if (!place_.is_one_window) return fail(ErrorCode::kTooLarge, "more than {} values at once", kValuesMax);
  return write();
}

void Replacement::add_value(size_t column, const FieldValue& value, int64_t time_ns) {
  const bool is_text = value.type() == FieldType::kString;
  points_.add_field(columns_[column], is_text ? FieldValue::of_string(texts_.emplace_back(value.as_string())) : value);
  if (!place_.is_empty) (*current_)[column].push_back(time_ns);
  ++waiting_;
}

Result<uint64_t> Replacement::finish() {
  if (!place_.is_empty) TRY(erase_what_is_gone());
  TRY(write());
  TRY(engine_.wait_safe(awaited_));
  return written_;
}

Result<void> Replacement::write() {
  if (points_.empty()) return {};
  const tsdb::WriteOutcome outcome = TRY(query::write_when_there_is_room(engine_, place_.bucket, points_, now_ns_, context_));
  awaited_.include(outcome.awaited);
  written_ += outcome.points_stored;
  points_.clear();
  texts_.clear();
  waiting_ = 0;
  if (outcome.errors.empty()) return {};
  const Error& first = outcome.errors.front().error;
  return fail(first.code, "{} rows of measurement \"{}\" were not stored: {}", outcome.errors.size(), place_.measurement, first.message);
}

Result<void> Replacement::erase_what_is_gone() {
  const auto reader = TRY(engine_.reader(place_.bucket));
  const std::vector<std::string> tag_keys = reader->tag_keys(place_.measurement);
  for (const tsdb::Series& series : TRY(reader->series(place_.measurement, place_.whose))) {
    TRY(query::check_cancelled(context_));
    const auto kept = times_.find(series_key(*series.name));
    TRY(erase_of(*reader, series, kept == times_.end() ? nullptr : &kept->second, tag_keys));
  }
  return {};
}

Result<void> Replacement::erase_of(const tsdb::Reader& reader, const tsdb::Series& series, const ColumnTimes* kept, const std::vector<std::string>& tag_keys) {
  std::set<int64_t> gone;
  for (size_t column = 0; column < columns_.size(); ++column) {
    const auto cursor = TRY(reader.column(series.id, columns_[column], place_.range, tsdb::Order::kAscending));
    while (TRY(cursor->next())) {
      const tsdb::ColumnValues values = TRY(cursor->values());
      for (const int64_t time_ns : values.times_ns) {
        if (!kept || !std::ranges::binary_search((*kept)[column], time_ns)) gone.insert(time_ns);
      }
    }
  }
  if (gone.empty()) return {};
  // From the first to the last at once: rows between them that are still so are written again afterwards.
  tsdb::PointSelection points{.measurements = {place_.measurement}, .predicate = exactly(series.name->tags, tag_keys), .range = {*gone.begin(), *gone.rbegin()}};
  TRY(engine_.erase(place_.bucket, points, context_.cancelled));
  return {};
}

}  // namespace campanile::app
