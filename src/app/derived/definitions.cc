// What there is to be derived: the configuration over the measurements that are there.

#include <algorithm>
#include <set>

#include "app/derived/derived_series.h"
#include "base/log.h"

namespace campanile::app {

using query::floor_to;

namespace {

constexpr int64_t kLookEveryNs = 10 * kNanosPerSecond;

}  // namespace

void DerivedSeries::look_for_definitions() {
  const uint64_t columns = engine_.status().columns_made;
  const int64_t now_ns = clock_.steady_ns();
  if (columns == columns_seen_ && now_ns - looked_at_ns_ < kLookEveryNs) return;
  columns_seen_ = columns;
  looked_at_ns_ = now_ns;
  for (const TierConfig& tier : config_.tiers) define_all_of(tier);
  for (const TreeConfig& tree : config_.trees) {
    for (Derivation& each : derivations_of(tree, database_of(tree.database))) define(std::move(each));
  }
}

void DerivedSeries::define_all_of(const TierConfig& tier) {
  const std::string database = database_of(tier.database);
  const auto bucket = engine_.bucket(database, tier.retention_policy);
  if (!bucket) return;  // not there yet
  const auto reader = engine_.reader(*bucket);
  if (!reader) return;
  std::set<std::string> measurements;
  for (std::string& each : (*reader)->measurements()) measurements.insert(std::move(each));
  // What has no points any more may have left rows behind, and what the journal is still to tell of is watched from the start.
  for (const auto& [key, state] : loaded_) {
    if (key.first == database) measurements.insert(state.source);
  }
  for (const std::string& measurement : measurements) {
    const bool is_wanted = std::ranges::any_of(tier.measurements, [&](const std::string& pattern) { return matches_pattern(pattern, measurement); });
    // What tiers and trees write is not a source of tiers, unless it is named.
    const bool is_named = std::ranges::find(tier.measurements, measurement) != tier.measurements.end();
    if (!is_wanted || (!is_named && derived_.contains({database, measurement}))) continue;
    for (Derivation& each : derivations_of(tier, database, measurement, (*reader)->fields(measurement))) define(std::move(each));
  }
}

void DerivedSeries::define(Derivation what) {
  const auto bucket = engine_.bucket(what.database, what.policy);
  if (!bucket) return;
  const Key key{what.database, what.name};
  if (const auto found = derived_.find(key); found != derived_.end()) {
    Derived& derived = *found->second;
    if (derived.what.set != what.set) {
      if (clashes_.insert(key).second) log::error("{} would write {} in database {}, which {} writes; give one of them another target", what.set, what.name, what.database, derived.what.set);
      return;
    }
    const std::lock_guard work(derived.work);
    const std::lock_guard lock(mutex_);
    if (!what.statement.empty()) derived.what.statement = what.statement;
    if (derived.source_bucket == *bucket) return;
    // The database was dropped and made anew.
    derived.state = {.database = key.first, .name = key.second, .source = what.sources[0], .meaning = what.meaning};
    derived.target_bucket = 0;
    touch(derived);
    return connect(derived, *bucket);
  }
  const Derived& added = add(std::move(what), *bucket);
  if (added.state.complete_to_ns != INT64_MIN) watch(added, added.state.complete_to_ns);
}

DerivedSeries::Derived& DerivedSeries::add(Derivation what, tsdb::BucketId source_bucket) {
  const Key key{what.database, what.name};
  auto derived = std::make_unique<Derived>();
  derived->state = {.database = key.first, .name = key.second, .source = what.sources[0], .meaning = what.meaning};
  derived->slice_ns = what.every_ns * 60;
  const std::lock_guard lock(mutex_);
  if (const auto loaded = loaded_.find(key); loaded != loaded_.end()) {
    if (loaded->second.meaning == what.meaning) derived->state = std::move(loaded->second);
    derived->target_bucket = derived->state.target_bucket;
    // What the journal told of it was not heard.
    if (is_prepared_ && derived->state.complete_to_ns != INT64_MIN) derived->state.stale.add(floor_to(INT64_MIN, what.every_ns), derived->state.complete_to_ns);
    loaded_.erase(loaded);
  }
  if (is_prepared_) log::debug("{}: {} is kept of {} in database {}", what.set, what.name, fmt::join(what.sources, " and "), what.database);
  derived->what = std::move(what);
  connect(*derived, source_bucket);
  order_.push_back(derived.get());
  return *derived_.emplace(key, std::move(derived)).first->second;
}

// REQUIRES: mutex_.
void DerivedSeries::connect(Derived& derived, tsdb::BucketId source_bucket) {
  for (auto& [bucket, measurements] : watchers_) {
    for (auto& [measurement, watchers] : measurements) std::erase(watchers, &derived);
  }
  derived.source_bucket = source_bucket;
  for (const std::string& source : derived.what.sources) watchers_[source_bucket][source].push_back(&derived);
}

// Makes the retention policy where it is ours. False: it cannot be written to yet.
bool DerivedSeries::make_target(Derived& derived) {
  const Derivation& what = derived.what;  // which this thread alone changes
  auto bucket = engine_.bucket(what.database, what.target_policy);
  if (!bucket && what.keep_ns > 0) {
    const auto made = engine_.create_retention_policy(what.database, {.name = what.target_policy, .duration_ns = what.keep_ns, .is_default = false});
    if (made) bucket = engine_.bucket(what.database, what.target_policy);
    if (!made) bucket = std::unexpected(made.error());
  }
  const std::lock_guard lock(mutex_);
  derived.target_bucket = bucket.value_or(0);
  if (!bucket) derived.error = bucket.error().message;
  if (!bucket) return false;
  if (derived.state.target_bucket == *bucket) return true;
  // Another bucket, or the first one: nothing is in it.
  derived.state = {.database = what.database, .name = what.name, .source = what.sources[0], .meaning = what.meaning, .target_bucket = *bucket};
  touch(derived);
  return true;
}

// The engine is not asked with the lock held: whoever tells of a change holds the engine's.
void DerivedSeries::watch(const Derived& derived, int64_t before_ns) {
  for (const std::string& source : derived.what.sources) {
    int64_t latest_ns = before_ns;
    {
      const std::lock_guard lock(mutex_);
      for (const Derived* const each : watchers_of(derived.source_bucket, source)) latest_ns = std::max(latest_ns, each->state.complete_to_ns);
      const auto own = derived_.find({derived.what.database, source});
      if (own != derived_.end()) latest_ns = std::max(latest_ns, own->second->state.complete_to_ns);
    }
    engine_.watch_changes(derived.source_bucket, source, latest_ns);
  }
  // Its rows may be erased. Where others are made of them, that is told as well.
  int64_t latest_ns = before_ns;
  {
    const std::lock_guard lock(mutex_);
    for (const Derived* const each : watchers_of(derived.target_bucket, derived.what.name)) latest_ns = std::max(latest_ns, each->state.complete_to_ns);
  }
  if (derived.target_bucket != 0) engine_.watch_changes(derived.target_bucket, derived.what.name, latest_ns);
}

}  // namespace campanile::app
