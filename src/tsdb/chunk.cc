#include "tsdb/chunk.h"

#include <optional>

#include "base/check.h"
#include "base/vector_clones.h"
#include "codec/booleans.h"
#include "codec/checksum.h"
#include "codec/decimal.h"
#include "codec/floats.h"
#include "codec/integers.h"
#include "codec/strings.h"
#include "codec/timestamps.h"
#include "codec/varint.h"

namespace campanile::tsdb {
namespace {

using codec::ByteReader;

constexpr uint8_t kTypeMask = 0x07;
constexpr uint8_t kTimesType = 0;
constexpr uint8_t kSharedTimes = 0x08;
constexpr uint8_t kRegularTimes = 0x10;
constexpr uint8_t kVersionWithRegularTimes = 2;
constexpr size_t kChecksumBytes = 4;
// A longer interval is not written as one: 36 years.
constexpr uint64_t kIntervalEnd = 1ull << 60;

// The integers' own type decides what their bits mean; the codec sees int64 either way.
std::span<const int64_t> as_signed(std::span<const uint64_t> values) { return {reinterpret_cast<const int64_t*>(values.data()), values.size()}; }
std::span<int64_t> as_signed(std::span<uint64_t> values) { return {reinterpret_cast<int64_t*>(values.data()), values.size()}; }

uint64_t span_ns(int64_t from_ns, int64_t to_ns) { return static_cast<uint64_t>(to_ns) - static_cast<uint64_t>(from_ns); }

// Intervals are mostly whole seconds: a decimal mantissa and, in the low four bits, its power of ten, take a byte or two.
void append_interval(std::string& out, uint64_t ns) {
  uint64_t exponent = 0;
  for (; ns != 0 && ns % 10 == 0 && exponent < 15; ++exponent) ns /= 10;
  codec::append_varint(out, ns << 4 | exponent);
}

// None where it is impossible.
std::optional<uint64_t> read_interval(ByteReader& in) {
  const uint64_t packed = in.varint();
  uint64_t ns = packed >> 4;
  for (uint64_t exponent = packed & 15; exponent > 0; --exponent) {
    if (ns >= kIntervalEnd) return std::nullopt;
    ns *= 10;
  }
  return ns < kIntervalEnd ? std::optional(ns) : std::nullopt;
}

std::optional<uint64_t> regular_interval(std::span<const int64_t> times_ns) {
  if (times_ns.size() == 1) return 0;
  const uint64_t interval = span_ns(times_ns[0], times_ns[1]);
  bool regular = interval < kIntervalEnd;
  for (size_t i = 2; regular && i < times_ns.size(); ++i) regular = span_ns(times_ns[i - 1], times_ns[i]) == interval;
  return regular ? std::optional(interval) : std::nullopt;
}

void append_value(std::string& out, const FieldValue& value) {
  switch (value.type()) {
    case FieldType::kFloat: codec::append_compact_double(out, value.as_float()); break;
    case FieldType::kInteger: codec::append_signed(out, value.as_integer()); break;
    case FieldType::kUnsigned: codec::append_varint(out, value.as_unsigned()); break;
    case FieldType::kBoolean: out += static_cast<char>(value.as_boolean()); break;
    case FieldType::kString: break;
  }
}

FieldValue read_value(ByteReader& in, FieldType type) {
  switch (type) {
    case FieldType::kFloat: return FieldValue::of_float(codec::read_compact_double(in));
    case FieldType::kInteger: return FieldValue::of_integer(in.signed_varint());
    case FieldType::kUnsigned: return FieldValue::of_unsigned(in.varint());
    case FieldType::kBoolean: return FieldValue::of_boolean(in.byte() != 0);
    case FieldType::kString: break;
  }
  return FieldValue::of_string({});
}

void append_statistics(std::string& out, const BlockStatistics& statistics, FieldType type) {
  if (type == FieldType::kString) return;
  append_value(out, statistics.first);
  append_value(out, statistics.last);
  if (statistics.count <= 1) return;  // one value is all five of them
  codec::append_compact_double(out, statistics.min);
  codec::append_compact_double(out, statistics.max);
  codec::append_compact_double(out, statistics.sum);
}

void read_statistics(ByteReader& in, BlockStatistics& statistics, FieldType type) {
  if (type == FieldType::kString) {
    statistics.first = statistics.last = FieldValue::of_string({});
    return;
  }
  statistics.first = read_value(in, type);
  statistics.last = read_value(in, type);
  if (statistics.count <= 1) {
    const double only = type == FieldType::kBoolean ? static_cast<double>(statistics.first.as_boolean()) : statistics.first.as_number();
    statistics.min = statistics.max = statistics.sum = only;
    return;
  }
  statistics.min = codec::read_compact_double(in);
  statistics.max = codec::read_compact_double(in);
  statistics.sum = codec::read_compact_double(in);
}

// The sum of decimals as a decimal: free of the rounding of a thousand additions, and a few bytes in the header instead of nine.
double tidy_sum(const ColumnData& data, size_t begin, size_t end, double sum) {
  if (data.type != FieldType::kFloat) return sum;
  const auto exponent = codec::smallest_exponent(data.floats[begin]);
  for (unsigned try_exponent = exponent.value_or(codec::kExponentMax + 1); try_exponent <= 6; ++try_exponent) {
    __int128 digits = 0;
    size_t at = begin;
    for (; at < end; ++at) {
      const auto more = codec::to_decimal(data.floats[at], try_exponent);
      if (!more) break;
      digits += *more;
    }
    if (at == end && digits > -(1ll << 51) && digits < (1ll << 51)) return codec::from_decimal(static_cast<int64_t>(digits), try_exponent);
  }
  return sum;
}

void append_checksum(std::string& out, std::string_view key) {
  codec::append_fixed(out, codec::checksum32(out, codec::checksum64(key)));
}

std::unexpected<Error> corrupt(const ChunkKey& key, std::string_view what) { return fail(ErrorCode::kCorrupt, "{}: {}", to_string(key), what); }

VECTOR_CLONES void fill_regular(int64_t first_ns, uint64_t interval_ns, std::span<int64_t> times_ns) {
  const auto first = static_cast<uint64_t>(first_ns);
  for (size_t i = 0; i < times_ns.size(); ++i) times_ns[i] = static_cast<int64_t>(first + i * interval_ns);
}

// From the first time to the last.
Result<void> read_extent(ByteReader& in, Chunk& chunk) {
  BlockStatistics& statistics = chunk.statistics;
  uint64_t span = 0;
  if (chunk.times == Times::kRegular) {
    const auto interval = read_interval(in);
    if (!interval || (*interval == 0) != (statistics.count == 1)) return corrupt(chunk.key, "impossible interval");
    chunk.interval_ns = *interval;
    if (__builtin_mul_overflow(*interval, statistics.count - 1, &span)) return corrupt(chunk.key, "ends beyond the end of time");
  } else {
    span = in.varint();
  }
  statistics.max_time_ns = static_cast<int64_t>(static_cast<uint64_t>(statistics.min_time_ns) + span);
  if (statistics.max_time_ns < statistics.min_time_ns) return corrupt(chunk.key, "ends before it begins");
  return {};
}

}  // namespace

std::string encode_chunk(const ChunkKey& key, const ColumnData& data, size_t begin, size_t end, Times times) {
  CHECK(begin < end && end <= data.size() && data.times_ns[begin] == key.min_time_ns && times != Times::kRegular);
  const size_t count = end - begin;
  const auto times_ns = std::span(data.times_ns).subspan(begin, count);
  const auto interval = times == Times::kEmbedded ? regular_interval(times_ns) : std::nullopt;
  std::string out;
  out += static_cast<char>(kChunkVersion);
  out += static_cast<char>(static_cast<uint8_t>(data.type) | (times == Times::kShared ? kSharedTimes : 0) | (interval ? kRegularTimes : 0));
  codec::append_varint(out, count);
  BlockStatistics statistics = data.statistics(begin, end);
  statistics.sum = tidy_sum(data, begin, end, statistics.sum);
  if (interval) {
    append_interval(out, *interval);
  } else {
    codec::append_varint(out, span_ns(statistics.min_time_ns, statistics.max_time_ns));
  }
  append_statistics(out, statistics, data.type);
  if (times == Times::kEmbedded && !interval) {
    std::string block;
    codec::encode_timestamps(times_ns, block);
    codec::append_bytes(out, block);
  }
  switch (data.type) {
    case FieldType::kFloat: codec::encode_floats(std::span(data.floats).subspan(begin, count), out); break;
    case FieldType::kInteger: codec::encode_integers(std::span(data.integers).subspan(begin, count), out); break;
    case FieldType::kUnsigned: codec::encode_integers(as_signed(std::span(data.unsigneds).subspan(begin, count)), out); break;
    case FieldType::kBoolean: codec::encode_booleans(std::span(data.booleans).subspan(begin, count), out); break;
    case FieldType::kString: codec::encode_strings(std::span(data.strings).subspan(begin, count), out); break;
  }
  append_checksum(out, chunk_key(key));
  return out;
}

std::string encode_times_chunk(const ChunkKey& key, std::span<const int64_t> times_ns) {
  CHECK(!times_ns.empty() && times_ns.front() == key.min_time_ns && key.column == kTimesColumn);
  std::string out;
  out += static_cast<char>(kChunkVersion);
  out += static_cast<char>(kTimesType);
  codec::append_varint(out, times_ns.size());
  codec::append_varint(out, span_ns(times_ns.front(), times_ns.back()));
  std::string block;
  codec::encode_timestamps(times_ns, block);
  codec::append_bytes(out, block);
  append_checksum(out, chunk_key(key));
  return out;
}

Result<Chunk> parse_chunk(std::string_view key, std::string_view value) {
  Chunk chunk{.key = TRY(parse_chunk_key(key))};
  if (value.size() < kChecksumBytes + 4) return corrupt(chunk.key, "too short");
  const std::string_view body = value.substr(0, value.size() - kChecksumBytes);
  ByteReader checksum_in(value.substr(body.size()));
  if (checksum_in.fixed<uint32_t>() != codec::checksum32(body, codec::checksum64(key))) {
    return corrupt(chunk.key, "checksum mismatch: the stored bytes are damaged");
  }
  ByteReader in(body);
  const uint8_t version = in.byte();
  if (version == 0 || version > kChunkVersion) {
    return fail(ErrorCode::kUnsupported, "{}: format version {} is not known to this program (it reads up to {})", to_string(chunk.key), version, kChunkVersion);
  }
  const uint8_t flags = in.byte();
  const uint8_t type = flags & kTypeMask;
  const uint8_t known_flags = kTypeMask | kSharedTimes | (version >= kVersionWithRegularTimes ? kRegularTimes : 0);
  if ((flags & ~known_flags) != 0 || (flags & (kSharedTimes | kRegularTimes)) == (kSharedTimes | kRegularTimes) || type > static_cast<uint8_t>(FieldType::kString)) return corrupt(chunk.key, "unknown type");
  chunk.is_times = type == kTimesType;
  if (chunk.is_times != (chunk.key.column == kTimesColumn)) return corrupt(chunk.key, "times under a column of values or the reverse");
  chunk.type = chunk.is_times ? FieldType::kInteger : static_cast<FieldType>(type);
  if ((flags & kSharedTimes) != 0) chunk.times = Times::kShared;
  if ((flags & kRegularTimes) != 0) chunk.times = Times::kRegular;
  BlockStatistics& statistics = chunk.statistics;
  statistics.count = in.varint();
  if (statistics.count == 0 || statistics.count > kChunkValuesMax) return corrupt(chunk.key, "impossible number of values");
  statistics.min_time_ns = chunk.key.min_time_ns;
  TRY(read_extent(in, chunk));
  if (!chunk.is_times) read_statistics(in, statistics, chunk.type);
  if (chunk.times == Times::kEmbedded) chunk.times_block = in.sized_bytes();
  if (!in.ok()) return corrupt(chunk.key, "header too short");
  chunk.values_block = in.rest();
  return chunk;
}

Result<void> decode_chunk_times(const Chunk& chunk, std::vector<int64_t>& times_ns) {
  times_ns.resize(chunk.statistics.count);
  if (chunk.times == Times::kRegular) {
    fill_regular(chunk.statistics.min_time_ns, chunk.interval_ns, times_ns);
    return {};
  }
  ByteReader in(chunk.times_block);
  if (auto decoded = codec::decode_timestamps(in, times_ns); !decoded) return with_context(std::move(decoded).error(), to_string(chunk.key));
  if (!in.at_end() || times_ns.front() != chunk.statistics.min_time_ns || times_ns.back() != chunk.statistics.max_time_ns) {
    return corrupt(chunk.key, "times disagree with the header");
  }
  return {};
}

Result<void> decode_chunk(const Chunk& chunk, const Chunk* shared, ColumnData& data) {
  CHECK(!chunk.is_times);
  data.reset(chunk.type);
  if (chunk.times == Times::kShared) {
    const bool fits = shared != nullptr && shared->is_times && shared->statistics.count == chunk.statistics.count &&
                      shared->statistics.max_time_ns == chunk.statistics.max_time_ns;
    if (!fits) return corrupt(chunk.key, "its chunk of shared times is missing or does not fit");
    TRY(decode_chunk_times(*shared, data.times_ns));
  } else {
    TRY(decode_chunk_times(chunk, data.times_ns));
  }
  data.resize(chunk.statistics.count);
  ByteReader in(chunk.values_block);
  const auto decoded = [&]() -> Result<void> {
    switch (data.type) {
      case FieldType::kFloat: return codec::decode_floats(in, data.floats);
      case FieldType::kInteger: return codec::decode_integers(in, data.integers);
      case FieldType::kUnsigned: return codec::decode_integers(in, as_signed(std::span(data.unsigneds)));
      case FieldType::kBoolean: return codec::decode_booleans(in, data.booleans);
      case FieldType::kString: break;
    }
    auto text = std::make_shared<std::string>();
    TRY(codec::decode_strings(in, data.strings, *text));
    data.texts.push_back(std::move(text));
    return {};
  }();
  if (!decoded) return with_context(Error(decoded.error()), to_string(chunk.key));
  if (!in.at_end()) return corrupt(chunk.key, "bytes left over after the values");
  return {};
}

}  // namespace campanile::tsdb
