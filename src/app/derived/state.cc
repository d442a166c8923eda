#include "app/derived/state.h"

#include <algorithm>

#include "codec/varint.h"

namespace campanile::app {

using query::ceil_to;
using query::floor_to;

namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kAllIntervalsMax = 100'000;

void append_set(std::string& out, const IntervalSet& set) {
  codec::append_varint(out, set.size());
  for (const auto& [from, to] : set) {
    codec::append_signed(out, from);
    codec::append_signed(out, to);
  }
}

IntervalSet read_set(codec::ByteReader& in) {
  IntervalSet set;
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const int64_t from = in.signed_varint();
    set.add(from, in.signed_varint());
  }
  return set;
}

}  // namespace

void DerivedState::mark(std::string_view key, tsdb::TimeRange range, int64_t every_ns) {
  const int64_t from = floor_to(range.from_ns, every_ns);
  const int64_t to = range.to_ns >= complete_to_ns ? complete_to_ns : ceil_to(range.to_ns + 1, every_ns);
  if (from >= to) return;
  const auto own = key.empty() ? series_stale.end() : series_stale.find(key);
  // Beyond the limits all series are marked.
  if (key.empty() || (own == series_stale.end() && series_stale.size() >= kSeriesMax)) {
    stale.add(from, to);
    return stale.coarsen(kAllIntervalsMax);
  }
  IntervalSet& set = own != series_stale.end() ? own->second : series_stale[std::string(key)];
  set.add(from, to);
  set.coarsen(kIntervalsMax);
}

void DerivedState::take(IntervalSet::Interval interval) {
  working.add(interval.from, interval.to);
  stale.subtract(interval.from, interval.to);
  for (auto each = series_stale.begin(); each != series_stale.end();) {
    each->second.subtract(interval.from, interval.to);
    each = each->second.empty() ? series_stale.erase(each) : std::next(each);
  }
}

std::shared_ptr<const query::TierCoverage> DerivedState::coverage() const {
  auto coverage = std::make_shared<query::TierCoverage>();
  coverage->complete_to_ns = complete_to_ns;
  coverage->stale = stale;
  coverage->stale.add(missing);
  coverage->stale.add(working);
  coverage->series_stale = series_stale;
  return coverage;
}

std::string state_key(const DerivedState& state) {
  std::string key(kStateKeysBegin);
  key += state.database;
  key += '\0';
  return key += state.name;
}

std::string encode_state(const DerivedState& state) {
  std::string out;
  out += static_cast<char>(kVersion);
  for (const std::string* text : {&state.database, &state.name, &state.source, &state.meaning}) codec::append_bytes(out, *text);
  codec::append_varint(out, state.target_bucket);
  codec::append_signed(out, state.complete_to_ns);
  append_set(out, state.missing);
  IntervalSet stale = state.stale;
  stale.add(state.working);
  append_set(out, stale);
  codec::append_varint(out, state.series_stale.size());
  for (const auto& [key, set] : state.series_stale) {
    codec::append_bytes(out, key);
    append_set(out, set);
  }
  return out;
}

Result<DerivedState> decode_state(std::string_view row) {
  codec::ByteReader in(row);
  const uint8_t version = in.byte();
  if (in.ok() && version != kVersion) return fail(ErrorCode::kUnsupported, "derivation of format version {}, this program reads {}", version, kVersion);
  DerivedState state;
  for (std::string* text : {&state.database, &state.name, &state.source, &state.meaning}) *text = in.sized_bytes();
  const uint64_t bucket = in.varint();
  if (bucket > UINT32_MAX) return fail(ErrorCode::kCorrupt, "a derivation's row with bucket {}", bucket);
  state.target_bucket = static_cast<tsdb::BucketId>(bucket);
  state.complete_to_ns = in.signed_varint();
  state.missing = read_set(in);
  state.stale = read_set(in);
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::string_view key = in.sized_bytes();
    state.series_stale[std::string(key)] = read_set(in);
  }
  if (!in.ok() || !in.at_end()) return fail(ErrorCode::kCorrupt, "a derivation's row of {} bytes", row.size());
  return state;
}

}  // namespace campanile::app
