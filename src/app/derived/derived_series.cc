#include "app/derived/derived_series.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "model/series_key.h"

namespace campanile::app {

using query::ceil_to;
using query::floor_to;

namespace {

constexpr std::chrono::seconds kLookEvery{1};
constexpr int64_t kKeepEveryNs = 30 * kNanosPerSecond;
constexpr int64_t kRestMaxNs = kNanosPerSecond;

uint64_t windows_in(const IntervalSet& set, int64_t every_ns) {
  uint64_t count = 0;
  for (const auto& [from, to] : set) count += (static_cast<uint64_t>(to) - static_cast<uint64_t>(from)) / static_cast<uint64_t>(every_ns);
  return count;
}

}  // namespace

DerivedSeries::DerivedSeries(const Config& config, kv::Store& store, tsdb::Engine& engine, const Clock& clock, Metrics& metrics)
    : config_(config),
      store_(store),
      engine_(engine),
      clock_(clock),
      rows_written_(metrics.counter("campanile_derived_rows_total", "Rows that tiers and trees wrote")),
      failures_(metrics.counter("campanile_derived_failures_total", "Computations of tiers and trees that failed, and are tried again")) {}

Result<std::unique_ptr<DerivedSeries>> DerivedSeries::open(const Config& config, kv::Store& store, tsdb::Engine& engine, const Clock& clock, Metrics& metrics) {
  std::unique_ptr<DerivedSeries> series(new DerivedSeries(config, store, engine, clock, metrics));
  TRY(series->load());
  if (!series->empty()) engine.set_change_watch(*series);
  series->look_for_definitions();
  return series;
}

DerivedSeries::~DerivedSeries() { stop(); }

Result<void> DerivedSeries::load() {
  std::string end(kStateKeysBegin);
  ++end.back();
  const auto rows = store_.iterate(kStateKeysBegin, end);
  for (; rows->valid(); rows->next()) {
    auto state = decode_state(rows->value());
    if (!state) return with_context(std::move(state).error(), fmt::format("row '{}'", excerpt(rows->key())));
    loaded_.emplace(Key{state->database, state->name}, *std::move(state));
  }
  return rows->status();
}

void DerivedSeries::prepare(query::influxql::RunOptions options, FillByJob fill) {
  options_ = std::move(options);
  fill_ = std::move(fill);
  is_prepared_ = true;
  columns_seen_ = UINT64_MAX;
  // Before anybody writes: what is not watched is not heard of.
  look_for_definitions();
  // What is no longer configured is not watched any more: should it be again, it begins anew.
  kv::WriteBatch batch;
  for (const auto& [key, state] : loaded_) batch.erase(state_key(state));
  if (batch.empty()) return;
  if (const auto erased = store_.write(batch, kv::Durability::kSynced); !erased) log::warning("what tiers and trees had done that are no longer configured is not forgotten: {}", erased.error().message);
}

void DerivedSeries::start(query::influxql::RunOptions options, FillByJob fill) {
  prepare(std::move(options), std::move(fill));
  if (!empty() && !thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void DerivedSeries::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  if (const auto kept = keep(kv::Durability::kBuffered); !kept) log::warning("how far tiers and trees have come is not kept: {}; some of it is worked out again", kept.error().message);
}

bool DerivedSeries::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void DerivedSeries::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kLookEvery, [this] { return stopping_; })) {
    lock.unlock();
    run_due();
    lock.lock();
  }
}

void DerivedSeries::run_due() {
  look_for_definitions();
  for (Derived* const derived : all()) {
    if (is_stopping()) return;
    if (!make_target(*derived)) continue;
    advance(*derived);
    refresh(*derived);
  }
  fill_missing();
  if (kept_at_ns_ != INT64_MIN && clock_.steady_ns() - kept_at_ns_ < kKeepEveryNs) return;
  kept_at_ns_ = clock_.steady_ns();
  if (const auto kept = keep(kv::Durability::kBuffered); !kept) log::warning("how far tiers and trees have come is not kept: {}", kept.error().message);
}

std::vector<DerivedSeries::Derived*> DerivedSeries::all() const {
  const std::lock_guard lock(mutex_);
  return order_;
}

// Work that can wait leaves as much time to everything else as it took.
void DerivedSeries::rest(int64_t taken_ns) {
  std::unique_lock lock(mutex_);
  if (thread_.joinable()) wake_.wait_for(lock, std::chrono::nanoseconds(std::clamp<int64_t>(taken_ns, 0, kRestMaxNs)), [this] { return stopping_; });
}

std::span<DerivedSeries::Derived* const> DerivedSeries::watchers_of(tsdb::BucketId bucket, std::string_view measurement) const {
  const auto measurements = watchers_.find(bucket);
  if (measurements == watchers_.end()) return {};
  const auto found = measurements->second.find(measurement);
  return found == measurements->second.end() ? std::span<Derived* const>() : std::span<Derived* const>(found->second);
}

void DerivedSeries::touch(Derived& derived) {
  derived.is_changed = true;
  derived.coverage = nullptr;
}

void DerivedSeries::give_back(Derived& derived, IntervalSet::Interval windows, const std::vector<std::string>& keys, const Result<uint64_t>& rows) {
  touch(derived);
  derived.state.working.subtract(windows.from, windows.to);
  if (rows) {
    derived.state.missing.subtract(windows.from, windows.to);
    derived.rows += *rows;
    return;
  }
  if (keys.empty()) derived.state.stale.add(windows.from, windows.to);
  for (const std::string& key : keys) derived.state.series_stale[key].add(windows.from, windows.to);
}

void DerivedSeries::changed(Change change, tsdb::BucketId bucket, std::string_view measurement, std::string_view key, tsdb::TimeRange range) {
  const std::lock_guard lock(mutex_);
  if (change == Change::kErasedOrCorrected) mark_rows_changed(bucket, measurement, key, range);
  for (Derived* const derived : watchers_of(bucket, measurement)) {
    if (range.from_ns >= derived->state.complete_to_ns) continue;
    if (!derived->what.members.empty()) {
      const auto name = parse_series_key(key);
      if (!name || !std::ranges::binary_search(derived->what.members, name->tag(derived->what.tag))) continue;
    }
    derived->state.mark(derived->what.is_by_series ? key : std::string_view(), range, derived->what.every_ns);
    touch(*derived);
  }
}

// Rows that somebody erased or corrected are worked out again; so are, once more, those that a replacement erased.
void DerivedSeries::mark_rows_changed(tsdb::BucketId bucket, std::string_view measurement, std::string_view key, tsdb::TimeRange range) {
  for (const auto& [of, derived] : derived_) {
    if (derived->target_bucket != bucket || of.second != measurement || range.from_ns >= derived->state.complete_to_ns) continue;
    auto name = parse_series_key(key);
    if (!name) continue;
    name->measurement = derived->what.sources[0];
    derived->state.mark(derived->what.is_by_series ? series_key(*name) : std::string(), range, derived->what.every_ns);
    touch(*derived);
  }
}

Result<void> DerivedSeries::keep_changes() { return keep(kv::Durability::kSynced); }

Result<void> DerivedSeries::keep(kv::Durability durability) {
  kv::WriteBatch batch;
  std::vector<Derived*> kept;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, derived] : derived_) {
      if (!derived->is_changed) continue;
      derived->is_changed = false;
      batch.put(state_key(derived->state), encode_state(derived->state));
      kept.push_back(derived.get());
    }
  }
  if (batch.empty()) return {};
  const auto written = store_.write(batch, durability);
  if (written) return {};
  const std::lock_guard lock(mutex_);
  for (Derived* const derived : kept) derived->is_changed = true;
  return written;
}

std::vector<query::Tier> DerivedSeries::of(tsdb::BucketId bucket, std::string_view measurement) const {
  std::vector<query::Tier> tiers;
  const std::lock_guard lock(mutex_);
  for (Derived* const derived : watchers_of(bucket, measurement)) {
    const Derivation& what = derived->what;
    if (!what.is_tier() || !what.is_by_series || derived->target_bucket == 0 || derived->state.complete_to_ns == INT64_MIN) continue;
    if (!derived->coverage) derived->coverage = derived->state.coverage();
    tiers.push_back({.level = what.level, .every_ns = what.every_ns, .bucket = derived->target_bucket, .measurement = what.name, .column = what.column,
                     .functions = what.functions, .fields = what.fields, .coverage = derived->coverage});
  }
  std::ranges::stable_sort(tiers, {}, &query::Tier::every_ns);
  return tiers;
}

std::optional<std::string> DerivedSeries::policy_of(std::string_view database, std::string_view measurement) const {
  const std::lock_guard lock(mutex_);
  const auto found = derived_.find(Key(database, measurement));
  if (found == derived_.end() || found->second->what.target_policy.empty() || found->second->target_bucket == 0) return std::nullopt;
  return found->second->what.target_policy;
}

std::optional<int64_t> DerivedSeries::interval_of(const std::string& database, const std::string& name) const {
  std::optional<int64_t> longest;
  const std::lock_guard lock(mutex_);
  for (const Derived* const derived : order_) {
    const Derivation& what = derived->what;
    if (what.database == database && (what.name == name || what.set == name)) longest = std::max(longest.value_or(0), what.every_ns);
  }
  return longest;
}

Result<uint64_t> DerivedSeries::recompute(const std::string& database, const std::string& name, tsdb::TimeRange range, const std::function<bool()>& cancelled) {
  uint64_t rows = 0;
  for (Derived* const derived : all()) {
    const std::lock_guard work(derived->work);
    const Derivation& what = derived->what;  // whose statement alone changes, and not while there is work
    if (what.database != database || (what.name != name && what.set != name)) continue;
    // The engine is not asked with the lock held: whoever tells of a change holds the engine's.
    const int64_t oldest_ns = oldest_possible(*derived);
    IntervalSet::Interval windows;
    {
      const std::lock_guard lock(mutex_);
      if (derived->target_bucket == 0) return fail(ErrorCode::kUnavailable, "{} is not there yet; try again later", what.name);
      windows = {std::max(floor_to(range.from_ns, what.every_ns), ceil_to(oldest_ns, what.every_ns)),
                 range.to_ns >= derived->state.complete_to_ns ? derived->state.complete_to_ns : ceil_to(range.to_ns + 1, what.every_ns)};
      if (windows.from >= windows.to) continue;
      derived->state.take(windows);
      touch(*derived);
    }
    const auto written = work_out(*derived, windows, {}, cancelled);
    const std::lock_guard lock(mutex_);
    give_back(*derived, windows, {}, written);
    if (!written) return written;
    rows += *written;
  }
  rows_written_.add(rows);
  return rows;
}

std::vector<DerivedSeries::Status> DerivedSeries::status() const {
  std::vector<Status> out;
  const std::lock_guard lock(mutex_);
  for (const Derived* const derived : order_) {
    const Derivation& what = derived->what;
    const DerivedState& state = derived->state;
    out.push_back({.set = what.set, .database = what.database, .name = what.name, .level = what.level, .sources = what.sources, .every_ns = what.every_ns, .keep_ns = what.keep_ns,
                   .complete_to_ns = state.complete_to_ns, .stale_windows = windows_in(state.stale, what.every_ns) + windows_in(state.working, what.every_ns),
                   .stale_series = state.series_stale.size(), .missing_windows = windows_in(state.missing, what.every_ns), .rows = derived->rows, .error = derived->error});
  }
  return out;
}

}  // namespace campanile::app
