// When windows are worked out: once they are over, and again when something in them has changed. The newest first, a slice at a time.

#include <algorithm>

#include "app/derived/derived_series.h"
#include "base/log.h"

namespace campanile::app {

using query::ceil_to;
using query::floor_to;

namespace {

constexpr int64_t kSliceMaxNs = 30 * 86'400 * kNanosPerSecond;
constexpr int64_t kShortNs = kNanosPerSecond / 2;  // a slice that took less is followed by one twice as long
constexpr int64_t kLongNs = 2 * kNanosPerSecond;   // by one half as long
constexpr int64_t kTurnNs = 2 * kNanosPerSecond;   // then the next derivation has its turn
constexpr int64_t kFewWindows = 1'000;             // what was there before is worked out at once, without a job
constexpr int64_t kFillEveryNs = 10 * kNanosPerSecond;
constexpr size_t kSeriesAtOnce = 128;

}  // namespace

void DerivedSeries::advance(Derived& derived) {
  const int64_t boundary_ns = floor_to(clock_.now_ns() - kSettleNs, derived.what.every_ns);
  int64_t complete_ns = 0;
  {
    const std::lock_guard lock(mutex_);
    complete_ns = derived.state.complete_to_ns;
  }
  if (complete_ns == INT64_MIN) return begin(derived, boundary_ns);
  if (boundary_ns <= complete_ns) return;
  // From now on the engine tells of what comes before the boundary; what has come already is seen by whoever reads from now on.
  watch(derived, boundary_ns);
  const std::lock_guard work(derived.work);
  if (derived.fresh_from_ns == INT64_MAX) derived.fresh_from_ns = boundary_ns;
  const std::lock_guard lock(mutex_);
  derived.state.stale.add(complete_ns, boundary_ns);
  derived.state.complete_to_ns = boundary_ns;
  touch(derived);
}

// The first time: what is there already is worked out by a job, unless it is little.
void DerivedSeries::begin(Derived& derived, int64_t boundary_ns) {
  watch(derived, boundary_ns);
  const int64_t every_ns = derived.what.every_ns;
  const auto earliest_ns = earliest(derived.source_bucket, derived.what.sources);
  const int64_t from_ns = std::max(floor_to(earliest_ns.value_or(boundary_ns), every_ns), ceil_to(oldest_possible(derived), every_ns));
  const std::lock_guard work(derived.work);
  const std::lock_guard lock(mutex_);
  derived.state.complete_to_ns = boundary_ns;
  touch(derived);
  if (from_ns >= boundary_ns) return;
  const bool is_little = (boundary_ns - from_ns) / every_ns <= kFewWindows;
  (is_little ? derived.state.stale : derived.state.missing).add(from_ns, boundary_ns);
}

void DerivedSeries::fill_missing() {
  const int64_t now_ns = clock_.steady_ns();
  if (filled_at_ns_ != INT64_MIN && now_ns - filled_at_ns_ < kFillEveryNs) return;
  filled_at_ns_ = now_ns;
  std::map<Key, tsdb::TimeRange> wanted;
  {
    const std::lock_guard lock(mutex_);
    for (const Derived* const derived : order_) {
      if (derived->state.missing.empty()) continue;
      const auto [place, is_new] = wanted.try_emplace({derived->what.database, derived->what.set}, tsdb::TimeRange{INT64_MAX, INT64_MIN});
      place->second.from_ns = std::min(place->second.from_ns, derived->state.missing.first().from);
      place->second.to_ns = std::max(place->second.to_ns, derived->state.missing.last().to);
    }
  }
  for (const auto& [key, range] : wanted) fill_(key.first, key.second, range);
}

void DerivedSeries::refresh(Derived& derived) {
  const int64_t begun_ns = clock_.steady_ns();
  while (!is_stopping() && clock_.steady_ns() - begun_ns < kTurnNs) {
    if (!refresh_all(derived) && !refresh_series(derived)) return;
  }
}

bool DerivedSeries::refresh_all(Derived& derived) {
  const std::unique_lock work(derived.work);
  IntervalSet::Interval newest;
  {
    const std::lock_guard lock(mutex_);
    if (derived.state.stale.empty()) return false;
    newest = derived.state.stale.last();
  }
  const auto slice = slice_of(derived, newest);
  {
    const std::lock_guard lock(mutex_);
    touch(derived);
    // What lies before is too old, or nothing is there.
    if (!slice) derived.state.stale.subtract(newest.from, newest.to);
    if (!slice) return true;
    derived.state.take(*slice);
  }
  return do_slice(derived, *slice, {});
}

bool DerivedSeries::refresh_series(Derived& derived) {
  const std::unique_lock work(derived.work);
  IntervalSet::Interval newest{INT64_MIN, INT64_MIN};
  std::vector<std::string> keys;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, set] : derived.state.series_stale) {
      if (set.last().to > newest.to) newest = set.last();
    }
    if (newest.to == INT64_MIN) return false;
    for (const auto& [key, set] : derived.state.series_stale) {
      if (set.last() == newest && keys.size() < kSeriesAtOnce) keys.push_back(key);
    }
  }
  const auto slice = slice_of(derived, newest);
  const IntervalSet::Interval taken = slice.value_or(newest);
  {
    const std::lock_guard lock(mutex_);
    touch(derived);
    for (const std::string& key : keys) {
      const auto own = derived.state.series_stale.find(key);
      if (own == derived.state.series_stale.end()) continue;
      own->second.subtract(taken.from, taken.to);
      if (own->second.empty()) derived.state.series_stale.erase(own);
    }
    if (!slice) return true;
    derived.state.working.add(taken.from, taken.to);
  }
  return do_slice(derived, taken, keys);
}

std::optional<IntervalSet::Interval> DerivedSeries::slice_of(Derived& derived, IntervalSet::Interval interval) const {
  const int64_t every_ns = derived.what.every_ns;
  interval.from = std::max(interval.from, ceil_to(oldest_possible(derived), every_ns));
  const int64_t slice_ns = std::max(every_ns, derived.slice_ns / every_ns * every_ns);
  if (interval.from < interval.to && static_cast<uint64_t>(interval.to) - static_cast<uint64_t>(interval.from) > static_cast<uint64_t>(slice_ns)) {
    // Long intervals may begin long before anything was written.
    auto first_ns = earliest(derived.source_bucket, derived.what.sources);
    const auto first_row_ns = earliest(derived.target_bucket, {derived.what.name});
    if (first_row_ns) first_ns = std::min(*first_row_ns, first_ns.value_or(*first_row_ns));
    interval.from = std::max(interval.from, first_ns ? floor_to(*first_ns, every_ns) : interval.to);
    if (interval.to > interval.from) interval.from = std::max(interval.from, interval.to - std::min(slice_ns, interval.to - interval.from));
  }
  if (interval.from >= interval.to) return std::nullopt;
  return interval;
}

// REQUIRES: derived.work; the slice was taken. False: it could not be worked out.
bool DerivedSeries::do_slice(Derived& derived, IntervalSet::Interval slice, const std::vector<std::string>& keys) {
  const int64_t begun_ns = clock_.steady_ns();
  const auto rows = work_out(derived, slice, keys, [this] { return is_stopping(); });
  const int64_t taken_ns = clock_.steady_ns() - begun_ns;
  if (taken_ns < kShortNs) derived.slice_ns = std::min(kSliceMaxNs, derived.slice_ns * 2);
  if (taken_ns > kLongNs) derived.slice_ns = std::max(derived.what.every_ns, derived.slice_ns / 2);
  bool is_live = false;  // the newest window is waited for
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    give_back(derived, slice, keys, rows);
    is_live = keys.empty() && slice.to == derived.state.complete_to_ns;
    const std::string error = rows ? std::string() : rows.error().message;
    is_news = std::exchange(derived.error, error) != error && !error.empty() && !stopping_;
  }
  if (rows) rows_written_.add(*rows);
  if (!rows) failures_.add();
  if (is_news) log::error("{}: {} cannot be worked out, and is tried again: {}", derived.what.set, derived.what.name, rows.error().message);
  if (!is_live) rest(taken_ns);
  return rows.has_value();
}

std::optional<int64_t> DerivedSeries::earliest(tsdb::BucketId bucket, const std::vector<std::string>& measurements) const {
  std::optional<int64_t> earliest_ns;
  const auto reader = engine_.reader(bucket);
  if (!reader) return earliest_ns;
  for (const std::string& measurement : measurements) {
    const auto series = (*reader)->series(measurement, {});
    if (!series) continue;
    const auto fields = (*reader)->fields(measurement);
    for (const tsdb::Series& each : *series) {
      for (const tsdb::FieldInfo& field : fields) {
        const auto cursor = (*reader)->column(each.id, field.name, {}, tsdb::Order::kAscending);
        if (!cursor) continue;
        const auto more = (*cursor)->next();
        if (more && *more) earliest_ns = std::min(earliest_ns.value_or(INT64_MAX), (*cursor)->statistics().min_time_ns);
      }
    }
  }
  return earliest_ns;
}

int64_t DerivedSeries::oldest_possible(const Derived& derived) const {
  int64_t kept_ns = derived.what.keep_ns;
  const auto policies = engine_.retention_policies(derived.what.database);
  for (const tsdb::RetentionPolicy& policy : policies.value_or(std::vector<tsdb::RetentionPolicy>())) {
    const bool is_source = derived.what.policy.empty() ? policy.is_default : policy.name == derived.what.policy;
    const bool is_target = derived.what.target_policy.empty() ? policy.is_default : policy.name == derived.what.target_policy;
    if ((is_source || is_target) && policy.duration_ns > 0) kept_ns = kept_ns == 0 ? policy.duration_ns : std::min(kept_ns, policy.duration_ns);
  }
  return kept_ns == 0 ? floor_to(INT64_MIN, derived.what.every_ns) : clock_.now_ns() - kept_ns;
}

}  // namespace campanile::app
