#include "codec/timestamps.h"

#include <numeric>
#include <vector>

#include "base/check.h"
#include "codec/packed_integers.h"

namespace campanile::codec {
namespace {

enum Encoding : uint8_t { kRegular = 1, kRuns = 2, kPacked = 3 };

struct Interval {
  uint64_t length;  // how many times in a row
  uint64_t ns;
};

uint64_t bits(int64_t time_ns) { return static_cast<uint64_t>(time_ns); }

std::vector<Interval> runs_of(std::span<const int64_t> times_ns) {
  std::vector<Interval> runs;
  for (size_t i = 1; i < times_ns.size(); ++i) {
    CHECK(times_ns[i] > times_ns[i - 1]);
    const uint64_t ns = bits(times_ns[i]) - bits(times_ns[i - 1]);
    if (runs.empty() || runs.back().ns != ns) runs.push_back({0, ns});
    ++runs.back().length;
  }
  return runs;
}

std::unexpected<Error> corrupt(std::string_view what) { return fail(ErrorCode::kCorrupt, "time block: {}", what); }

// Sums intervals up in place; answers whether times ascend, which an overflow also breaks.
bool accumulate(int64_t first, uint64_t scale, std::span<int64_t> times_ns) {
  bool ascends = true;
  uint64_t time = bits(first);
  times_ns[0] = first;
  for (int64_t& item : times_ns.subspan(1)) {
    const auto before = static_cast<int64_t>(time);
    time += bits(item) * scale;
    item = static_cast<int64_t>(time);
    ascends &= item > before;
  }
  return ascends;
}

}  // namespace

void encode_timestamps(std::span<const int64_t> times_ns, std::string& out) {
  CHECK(!times_ns.empty());
  const std::vector<Interval> runs = runs_of(times_ns);
  const size_t encoding_at = out.size();
  out += static_cast<char>(kRegular);
  append_signed(out, times_ns[0]);
  if (runs.size() <= 1) {
    append_varint(out, runs.empty() ? 0 : runs[0].ns);
    return;
  }
  uint64_t scale = 0;
  for (const Interval& run : runs) {
    if (scale == 1) break;
    scale = std::gcd(scale, run.ns);
  }
  append_varint(out, scale);
  const size_t body_at = out.size();
  out[encoding_at] = static_cast<char>(kRuns);
  append_varint(out, runs.size());
  for (const Interval& run : runs) {
    append_varint(out, run.length);
    append_varint(out, run.ns / scale);
  }
  // With so few runs the packed form cannot be smaller by anything that matters.
  if (runs.size() * 32 <= times_ns.size()) return;
  std::vector<int64_t> intervals;
  intervals.reserve(times_ns.size() - 1);
  for (const Interval& run : runs) intervals.insert(intervals.end(), run.length, static_cast<int64_t>(run.ns / scale));
  if (estimate_packed_bytes(intervals) >= out.size() - body_at) return;
  out[encoding_at] = static_cast<char>(kPacked);
  out.resize(body_at);
  encode_packed(intervals, out);
}

Result<void> decode_timestamps(ByteReader& in, std::span<int64_t> times_ns) {
  const uint8_t encoding = in.byte();
  const int64_t first = in.signed_varint();
  const uint64_t scale = in.varint();
  if (!in.ok() || times_ns.empty()) return corrupt("too short");
  switch (encoding) {
    case kRegular: {
      const uint64_t last_distance = scale * (times_ns.size() - 1);
      const auto last = static_cast<int64_t>(bits(first) + last_distance);
      const bool overflows = times_ns.size() > 1 && (scale == 0 || last_distance / (times_ns.size() - 1) != scale || last <= first);
      if (overflows) return corrupt("times do not ascend");
      for (size_t i = 0; i < times_ns.size(); ++i) times_ns[i] = static_cast<int64_t>(bits(first) + i * scale);
      return {};
    }
    case kRuns: {
      const uint64_t runs = in.varint();
      size_t at = 1;
      for (uint64_t i = 0; i < runs; ++i) {
        const uint64_t length = in.varint();
        const uint64_t interval = in.varint();
        if (!in.ok() || length == 0 || length > times_ns.size() - at) return corrupt("bad run");
        for (uint64_t k = 0; k < length; ++k) times_ns[at++] = static_cast<int64_t>(interval);
      }
      if (!in.ok() || at != times_ns.size()) return corrupt("runs of another length");
      break;
    }
    case kPacked: TRY(decode_packed(in, times_ns.subspan(1))); break;
    default: return corrupt("unknown encoding");
  }
  if (!accumulate(first, scale, times_ns)) return corrupt("times do not ascend");
  return {};
}

}  // namespace campanile::codec
